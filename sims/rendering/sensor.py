"""The errors of a depth camera that works by triangulation, such as the first Kinect."""

import numba
import numpy as np

DISPARITY_STEP = 2.85e-3
"""Smallest difference (1/m) between two inverse depths that a Kinect tells apart: 2.85 mm at one metre (Khoshelham &
Elberink, Accuracy and resolution of Kinect depth data for indoor mapping applications, 2012)."""
DISPARITY_NOISE = 0.5 * DISPARITY_STEP
"""Standard deviation (1/m) of an inverse depth: 1.4 mm at one metre, growing with the square of depth (ibid.)."""
LATERAL_NOISE = 0.8
"""Standard deviation (pixels) across the picture (Nguyen, Izadi & Lovell, Modeling Kinect sensor noise for improved 3D
reconstruction and tracking, 2012), of a camera with this focal length in pixels:"""
KINECT_FOCAL = 585.0
GRAZING = (72.0, 86.0)
"""Angles (degrees) between the ray and the surface's normal from which on, and beyond which, nothing is measured."""


def noisy_depth(
    depth: np.ndarray, focal: float, generator: np.random.Generator, strength: float = 1.0, far: float = np.inf
) -> np.ndarray:
    """What such a sensor would have measured, float32 (H, W), m; 0 where it measures nothing.

    Noise and steps are those of inverse depth, so they grow with the square of depth. A pixel takes its depth from
    near by, which frays edges; surfaces seen at a grazing angle, as edges are, have holes.

    Args:
        depth: float32 (H, W), true depth along the optical axis, m.
        focal: focal length in pixels.
        generator: where the noise comes from.
        strength: 1 for a Kinect, 2 for twice its noise and steps.
        far: depths from here on are of nothing, and stay.
    """
    axial = generator.standard_normal(depth.shape, np.float32)
    lateral = generator.standard_normal((2, *depth.shape), np.float32)
    lateral *= strength * LATERAL_NOISE * focal / KINECT_FOCAL
    luck = generator.random(depth.shape, np.float32)
    steepest = np.tan(np.deg2rad(GRAZING))
    noise = strength * np.array([DISPARITY_NOISE, DISPARITY_STEP])
    return _measure(depth, focal, axial, lateral, luck, noise, steepest, far)


@numba.njit(cache=True, nogil=True)
def _measure(depth, focal, axial, lateral, luck, noise, steepest, far):
    height, width = depth.shape
    measured = np.zeros((height, width), np.float32)
    for row in range(height):
        for column in range(width):
            r = min(max(row + int(np.rint(lateral[0, row, column])), 0), height - 1)
            c = min(max(column + int(np.rint(lateral[1, row, column])), 0), width - 1)
            z = depth[r, c]
            if z >= far:
                measured[row, column] = z
                continue
            # The steeper of the two slopes: a jump on either side is an edge.
            right = abs(depth[r, min(c + 1, width - 1)] - z)
            left = abs(z - depth[r, max(c - 1, 0)])
            down = abs(depth[min(r + 1, height - 1), c] - z)
            up = abs(z - depth[max(r - 1, 0), c])
            across, along = max(right, left), max(down, up)
            # Tangent of the angle: change of depth over the width of a pixel at that depth.
            tangent = np.sqrt(across * across + along * along) * focal / z
            if steepest[0] + luck[row, column] * (steepest[1] - steepest[0]) < tangent:
                continue
            inverse = 1.0 / z + noise[0] * axial[row, column]
            if noise[1] > 0:
                inverse = np.rint(inverse / noise[1]) * noise[1]
            if inverse > 1.0 / far:
                measured[row, column] = 1.0 / inverse
            else:
                measured[row, column] = far
    return measured
