"""Pinhole cameras: pictures, depth, segments, and the coloured point cloud they fuse to."""

from dataclasses import dataclass

import numpy as np

from sims.world import World

NEAR, FAR = 0.05, 3.0


@dataclass(frozen=True)
class Camera:
    """A square camera by where it stands and what it looks at (m, world), with its field of view in degrees.

    It may not look straight up or down: the top of the picture is where the vertical points.
    """

    position: tuple[float, float, float]
    target: tuple[float, float, float]
    field_of_view: float = 52.0
    size: int = 192

    def jittered(self, generator: np.random.Generator, metres: float = 0.02) -> "Camera":
        """The same camera mounted a little differently: both points moved by up to ``metres`` along each axis."""
        moved = np.array([self.position, self.target]) + generator.uniform(-metres, metres, (2, 3))
        return Camera(tuple(moved[0]), tuple(moved[1]), self.field_of_view, self.size)


@dataclass(frozen=True)
class View:
    """What one camera saw: colour (H, W, 3) uint8, depth (H, W) float32 m along the optical axis, ids (H, W) int32.

    ``ids`` holds PyBullet's code of the body and link seen in each pixel, -1 where nothing is.
    """

    camera: Camera
    color: np.ndarray
    depth: np.ndarray
    ids: np.ndarray


def render(world: World, camera: Camera) -> View:
    """One picture with PyBullet's software renderer."""
    bullet = world.bullet
    size = camera.size
    view = bullet.computeViewMatrix(camera.position, camera.target, (0, 0, 1))
    projection = bullet.computeProjectionMatrixFOV(camera.field_of_view, 1.0, NEAR, FAR)
    _, _, color, depth, ids = bullet.getCameraImage(
        size,
        size,
        view,
        projection,
        lightDirection=(0.4, 0.3, 1.6),
        shadow=0,
        renderer=bullet.ER_TINY_RENDERER,
        flags=bullet.ER_SEGMENTATION_MASK_OBJECT_AND_LINKINDEX,
    )
    # A PyBullet built without NumPy returns flat tuples.
    color = np.asarray(color, np.uint8).reshape(size, size, 4)[..., :3]
    buffer = np.asarray(depth, np.float64).reshape(size, size)
    metres = FAR * NEAR / (FAR - (FAR - NEAR) * buffer)
    ids = np.asarray(ids, np.int32).reshape(size, size)
    return View(camera, np.ascontiguousarray(color), metres.astype(np.float32), ids)


def split_code(ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Body and link of PyBullet's segmentation codes; body -1 where nothing is seen."""
    return np.where(ids < 0, -1, ids & ((1 << 24) - 1)), np.where(ids < 0, -1, (ids >> 24) - 1)


def unproject(view: View) -> np.ndarray:
    """World position of every pixel: (H, W, 3) float32, m."""
    camera = view.camera
    forward = np.subtract(camera.target, camera.position)
    forward = forward / np.linalg.norm(forward)
    right = np.cross(forward, (0, 0, 1))
    right /= np.linalg.norm(right)
    up = np.cross(right, forward)
    half = np.tan(np.deg2rad(camera.field_of_view) / 2)
    # TinyRenderer samples a pixel at its lower left corner, not in its middle.
    across = (np.arange(camera.size) / camera.size * 2 - 1) * half
    down = ((np.arange(camera.size) + 1) / camera.size * 2 - 1) * half
    rays = forward + across[None, :, None] * right - down[:, None, None] * up
    return (np.asarray(camera.position) + rays * view.depth[..., None]).astype(np.float32)
