"""PyBullet's own renderers: the reference that ours is held against, and the one for graphics cards."""

from importlib.util import find_spec
from typing import Any

import numpy as np

from sims.rendering.raster import FAR

NEAR = 0.02
_LAMP = (0.4, 0.3, 1.6)


class BulletRenderer:
    """Draws with TinyRenderer, or with OpenGL through EGL if ``hardware``; the latter before any body is made.

    Raises:
        ValueError: the EGL renderer cannot be loaded.
    """

    def __init__(self, bullet: Any, hardware: bool = False) -> None:
        self.bullet, self.hardware = bullet, hardware
        self._plugin = _load_egl(bullet) if hardware else -1

    def draw(
        self, intrinsics: np.ndarray, pose: np.ndarray, shape: tuple[int, int]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """As :func:`sims.rendering.raster.draw`, of the scene as it stands."""
        bullet = self.bullet
        height, width = shape
        _, _, color, depth, ids = bullet.getCameraImage(
            width,
            height,
            (np.diag([1.0, -1.0, -1.0, 1.0]) @ np.linalg.inv(pose)).T.ravel().tolist(),
            self._projection(intrinsics[0, 0], width, height).T.ravel().tolist(),
            lightDirection=_LAMP,
            shadow=0,
            renderer=bullet.ER_BULLET_HARDWARE_OPENGL if self.hardware else bullet.ER_TINY_RENDERER,
            flags=bullet.ER_SEGMENTATION_MASK_OBJECT_AND_LINKINDEX,
        )
        # A PyBullet built without NumPy returns flat tuples.
        color = np.asarray(color, np.uint8).reshape(height, width, 4)[..., :3]
        buffer = np.asarray(depth, np.float64).reshape(height, width)
        metres = FAR * NEAR / (FAR - (FAR - NEAR) * buffer)
        ids = np.asarray(ids, np.int32).reshape(height, width)
        return np.ascontiguousarray(color), metres.astype(np.float32), ids

    def _projection(self, focal: float, width: int, height: int) -> np.ndarray:
        """OpenGL's projection matrix, (4, 4)."""
        # TinyRenderer samples a pixel at its lower left corner; moved by half a pixel that is the middle.
        across, up = (0.0, 0.0) if self.hardware else (1 / width, 1 / height)
        return np.array(
            [
                [2 * focal / width, 0, across, 0],
                [0, 2 * focal / height, up, 0],
                [0, 0, -(FAR + NEAR) / (FAR - NEAR), -2 * FAR * NEAR / (FAR - NEAR)],
                [0, 0, -1, 0],
            ]
        )

    def close(self) -> None:
        """Unloads the EGL renderer; calling it again does nothing."""
        if self._plugin >= 0 and self.bullet.isConnected():
            self.bullet.unloadPlugin(self._plugin)
        self._plugin = -1


def _load_egl(bullet: Any) -> int:
    found = find_spec("eglRenderer")
    if found is None or found.origin is None:
        raise ValueError("renderer 'egl' is not part of this PyBullet: use 'raster'")
    plugin = bullet.loadPlugin(found.origin, "_eglRendererPlugin")
    if plugin < 0:
        raise ValueError("renderer 'egl' cannot be loaded, OpenGL by EGL is missing: use 'raster', or install a driver")
    return plugin
