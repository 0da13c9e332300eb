"""Rotations as unit quaternions (x, y, z, w), vectorised over leading axes, computed in float64.

q and -q are the same rotation. Stored quaternions have w >= 0, but near half-turns (a gripper that points down) w is
close to 0 and the sign jumps between neighbouring rows: compare rotations with `rotation_distance`, interpolate with
`slerp`, and feed networks the six numbers of `six_from_quaternion`, none of which see the sign.
"""

import numpy as np
from numpy.typing import ArrayLike

# Below this sine the two quaternions are so close that linear interpolation is exact to float64.
NEARLY_PARALLEL = 1e-8


def normalise(quaternion: ArrayLike) -> np.ndarray:
    """Return the quaternions (..., 4) at unit length and with w >= 0. They must not be zero."""
    array = np.asarray(quaternion, dtype=np.float64)
    unit = array / np.linalg.norm(array, axis=-1, keepdims=True)
    return np.where(unit[..., 3:] < 0, -unit, unit)


def conjugate(quaternion: ArrayLike) -> np.ndarray:
    """Return the inverse rotations, (..., 4)."""
    return np.asarray(quaternion, dtype=np.float64) * np.array([-1.0, -1.0, -1.0, 1.0])


def multiply(first: ArrayLike, second: ArrayLike) -> np.ndarray:
    """Return the Hamilton products first * second, (..., 4): the rotation `second` followed by `first`."""
    first, second = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    a, b = first[..., :3], second[..., :3]
    w, v = first[..., 3:], second[..., 3:]
    vector = w * b + v * a + np.cross(a, b)
    scalar = w * v - np.sum(a * b, axis=-1, keepdims=True)
    return np.concatenate([vector, scalar], axis=-1)


def rotation_distance(first: ArrayLike, second: ArrayLike) -> np.ndarray:
    """Return the angle in radians, 0 to pi, of the rotation between unit quaternions (..., 4).

    Twice the arc tangent of vector and scalar part is exact for small angles, where the arc cosine is not.
    """
    difference = multiply(conjugate(first), second)
    return 2 * np.arctan2(np.linalg.norm(difference[..., :3], axis=-1), np.abs(difference[..., 3]))


def slerp(first: ArrayLike, second: ArrayLike, fraction: ArrayLike) -> np.ndarray:
    """Interpolate along the shorter arc from `first` to `second`, unit (..., 4); `fraction` (...) from 0 to 1.

    Source: Shoemake, "Animating rotation with quaternion curves", SIGGRAPH 1985. Returns unit (..., 4), w >= 0.
    """
    first, second = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    fraction = np.asarray(fraction, dtype=np.float64)[..., None]
    cosine = np.sum(first * second, axis=-1, keepdims=True)
    second = np.where(cosine < 0, -second, second)
    angle = np.arccos(np.clip(np.abs(cosine), 0.0, 1.0))
    sine = np.sin(angle)
    close = sine < NEARLY_PARALLEL
    divisor = np.where(close, 1.0, sine)
    before = np.where(close, 1 - fraction, np.sin((1 - fraction) * angle) / divisor)
    after = np.where(close, fraction, np.sin(fraction * angle) / divisor)
    return normalise(before * first + after * second)


def matrix_from_quaternion(quaternion: ArrayLike) -> np.ndarray:
    """Return the rotation matrices (..., 3, 3) of quaternions (..., 4), which need not have unit length."""
    x, y, z, w = np.moveaxis(normalise(quaternion), -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def quaternion_from_matrix(matrix: ArrayLike) -> np.ndarray:
    """Return the unit quaternions (..., 4), w >= 0, of rotation matrices (..., 3, 3).

    Each matrix gives four multiples of its quaternion (by 4x, 4y, 4z, 4w); the longest is free of cancellation.
    Source: Shepperd, "Quaternion from rotation matrix", Journal of Guidance and Control 1, 1978.
    """
    m = np.asarray(matrix, dtype=np.float64)
    xx, yy, zz = m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]
    xy, xz, yz = m[..., 0, 1] + m[..., 1, 0], m[..., 0, 2] + m[..., 2, 0], m[..., 1, 2] + m[..., 2, 1]
    wx, wy, wz = m[..., 2, 1] - m[..., 1, 2], m[..., 0, 2] - m[..., 2, 0], m[..., 1, 0] - m[..., 0, 1]
    candidates = [
        [1 + xx - yy - zz, xy, xz, wx],
        [xy, 1 - xx + yy - zz, yz, wy],
        [xz, yz, 1 - xx - yy + zz, wz],
        [wx, wy, wz, 1 + xx + yy + zz],
    ]
    stacked = np.stack([np.stack(row, axis=-1) for row in candidates], axis=-2)
    longest = np.argmax(np.linalg.norm(stacked, axis=-1), axis=-1)
    return normalise(np.take_along_axis(stacked, longest[..., None, None], axis=-2)[..., 0, :])


def six_from_quaternion(quaternion: ArrayLike) -> np.ndarray:
    """Return the first two columns of the rotation matrices, (..., 6): continuous, and equal for q and -q.

    Source: Zhou et al., "On the continuity of rotation representations in neural networks", CVPR 2019.
    """
    matrix = matrix_from_quaternion(quaternion)
    return np.concatenate([matrix[..., :, 0], matrix[..., :, 1]], axis=-1)


def quaternion_from_six(six: ArrayLike) -> np.ndarray:
    """Return the unit quaternions (..., 4) of six numbers (..., 6), orthogonalised by Gram and Schmidt."""
    six = np.asarray(six, dtype=np.float64)
    first = six[..., :3] / np.linalg.norm(six[..., :3], axis=-1, keepdims=True)
    second = six[..., 3:] - np.sum(first * six[..., 3:], axis=-1, keepdims=True) * first
    second = second / np.linalg.norm(second, axis=-1, keepdims=True)
    return quaternion_from_matrix(np.stack([first, second, np.cross(first, second)], axis=-1))
