"""Pictures of a scene from its triangles: the two passes put together."""

from dataclasses import dataclass, field

import numpy as np

from sims.rendering import kernels
from sims.rendering.geometry import Geometry, rotations

FAR = 3.0
"""Depth (m) that is given where nothing is; nothing farther away is seen."""
_SHADOW_SIZE, _SHADOW_AWAY, _SHADOW_REACH = 1024, 4.0, 1.0
_SHADOW_MIDDLE = np.array([0.45, 0.0, 0.15])


@dataclass(frozen=True)
class Look:
    """How a scene is lit and painted, besides the colours of its bodies.

    Args:
        lamp: direction to the lamp, of any length.
        ambient: strength of the light that is the same everywhere.
        sky: strength of the light from above, half of which reaches a wall.
        strength: strength of the lamp's light; the three together make 1 where a surface has its own colour.
        background: colour where nothing is, 0 ... 255.
        surfaces: float64 (L, 6), the texture of each link in the order of the geometry's codes (see
            :func:`sims.rendering.textures.texture`); of no rows where all are plain.
    """

    lamp: tuple[float, float, float] = (0.25, 0.19, 1.0)
    ambient: float = 0.5
    sky: float = 0.14
    strength: float = 0.36
    background: tuple[int, int, int] = (255, 255, 255)
    surfaces: np.ndarray = field(default_factory=lambda: np.zeros((0, 6)))


def draw(
    geometry: Geometry,
    poses: np.ndarray,
    intrinsics: np.ndarray,
    pose: np.ndarray,
    shape: tuple[int, int],
    look: Look,
    shadows: bool = False,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Colour (H, W, 3) uint8, depth (H, W) float32 m and PyBullet's codes (H, W) int32, as in `sims.camera.View`.

    Args:
        geometry: the triangles.
        poses: (L, 7) where the links are, as :meth:`sims.rendering.geometry.Scene.poses` gives them.
        intrinsics: (3, 3) of the camera.
        pose: (4, 4) of the camera, world-from-camera.
        shape: H and W.
        look: light, background and textures.
        shadows: whether things cast shadows.
    """
    turns, places = rotations(poses[:, 3:]), poses[:, :3]
    lens = kernels.lens(intrinsics)
    vertices, seen, inverse = _first_pass(geometry, turns, places, lens, pose, shape, FAR)
    depth, ids = kernels.measured(seen, inverse, geometry.owners, geometry.codes)
    lamp = np.asarray(look.lamp, float) / np.linalg.norm(look.lamp)
    lit = np.zeros((0, 0), np.float32)
    if shadows:
        lit = _lit(geometry, turns, places, lens, pose, depth, seen, lamp)
    surfaces = look.surfaces if len(look.surfaces) else np.zeros((len(poses), 6))
    color = kernels.colored(
        seen,
        vertices,
        geometry.triangles,
        geometry.owners,
        geometry.normals,
        geometry.smooth,
        geometry.colors,
        lamp @ turns,
        np.ascontiguousarray(turns[:, 2]),
        np.array([look.ambient, look.sky, look.strength]),
        _back(turns, places, pose),
        surfaces,
        lens,
        np.array(look.background, np.uint8),
        lit,
    )
    return color, depth, ids


def _first_pass(
    geometry: Geometry,
    turns: np.ndarray,
    places: np.ndarray,
    lens: np.ndarray,
    pose: np.ndarray,
    shape: tuple[int, int],
    far: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vertices in camera coordinates, the triangle seen in each pixel, and one over its depth."""
    frames = np.concatenate([pose[:3, :3].T @ turns, ((places - pose[:3, 3]) @ pose[:3, :3])[..., None]], axis=2)
    vertices = kernels.transform(geometry.vertices, geometry.starts, frames)
    seen, inverse = np.full(shape, -1, np.int32), np.full(shape, 1 / far, np.float32)
    eyes = np.einsum("lji,lj->li", turns, pose[:3, 3] - places)
    kernels.visible(vertices, geometry.triangles, geometry.owners, geometry.planes, eyes, lens, inverse, seen)
    return vertices, seen, inverse


def _back(turns: np.ndarray, places: np.ndarray, pose: np.ndarray) -> np.ndarray:
    """(L, 3, 4) link-from-camera."""
    inverse = turns.transpose(0, 2, 1)
    return np.concatenate([inverse @ pose[:3, :3], inverse @ (pose[:3, 3] - places)[..., None]], axis=2)


def _lit(
    geometry: Geometry,
    turns: np.ndarray,
    places: np.ndarray,
    lens: np.ndarray,
    pose: np.ndarray,
    depth: np.ndarray,
    seen: np.ndarray,
    lamp: np.ndarray,
) -> np.ndarray:
    """Share of the lamp's light in each pixel: what a camera in its place, far away, does not see lies in shadow."""
    across = np.cross(lamp, (0.0, 1.0, 0.0) if abs(lamp[1]) < 0.9 else (1.0, 0.0, 0.0))
    across /= np.linalg.norm(across)
    place = np.eye(4)
    place[:3] = np.column_stack([across, np.cross(-lamp, across), -lamp, _SHADOW_MIDDLE + _SHADOW_AWAY * lamp])
    middle = (_SHADOW_SIZE - 1) / 2
    lamp_lens = np.array([_SHADOW_SIZE / 2 * _SHADOW_AWAY / _SHADOW_REACH, middle, middle])
    shape = (_SHADOW_SIZE, _SHADOW_SIZE)
    _, _, nearest = _first_pass(geometry, turns, places, lamp_lens, place, shape, 2 * _SHADOW_AWAY)
    return kernels.lit_share(depth, seen, pose, np.linalg.inv(place), np.stack([lens, lamp_lens]), nearest)
