"""Pinhole cameras: pictures, depth, segments, and the places in the world that pixels see.

Pixels are counted as OpenCV counts them: column u and row v from the upper left, whole numbers at the middle of a
pixel. A camera's own frame has x to the right, y down and z along the optical axis.
"""

import functools
from dataclasses import dataclass, replace

import numpy as np

from sims.rendering import kernels
from sims.rendering.geometry import LINK_SHIFT, Scene
from sims.rendering.raster import Look, draw
from sims.world import World

MOUNTS = ("world", "hand")
_UPWARDS = {"world": np.eye(3)[[2, 0]], "hand": np.eye(3)[[0, 2]]}


@dataclass(frozen=True)
class Camera:
    """A camera by where it is and what it looks at, in metres.

    Args:
        position: where it is.
        target: a point on its optical axis.
        field_of_view: the vertical one, in degrees.
        width: columns of its pictures.
        height: rows of its pictures.
        mount: "world" gives both points in the world, and the top of the picture is where the vertical points (x, for a
            camera that looks straight down). "hand" gives them in the frame of the tool, with which the camera then
            moves, and the top of the picture is where the tool's x axis points.

    Raises:
        ValueError: a number is not finite or out of range, or position and target are the same.
    """

    position: tuple[float, float, float]
    target: tuple[float, float, float]
    field_of_view: float = 52.0
    width: int = 192
    height: int = 192
    mount: str = "world"

    def __post_init__(self) -> None:
        for name in ("position", "target"):
            value = np.asarray(getattr(self, name), float)
            if value.shape != (3,) or not np.isfinite(value).all():
                raise ValueError(f"{name} of the camera is {getattr(self, name)}: expected three finite numbers, m")
        if np.linalg.norm(np.subtract(self.target, self.position)) < 1e-6:
            raise ValueError(f"position and target of the camera are both {self.position}: move one of them")
        if not 0 < self.field_of_view < 180:
            raise ValueError(f"field_of_view is {self.field_of_view}: expected degrees between 0 and 180")
        for name in ("width", "height"):
            value = getattr(self, name)
            if not isinstance(value, int | np.integer) or not 1 <= value <= 8192:
                raise ValueError(f"{name} of the camera is {value!r}: expected a whole number of pixels, 1 to 8192")
        if self.mount not in MOUNTS:
            raise ValueError(f"mount of the camera is {self.mount!r}: expected one of {', '.join(MOUNTS)}")

    def intrinsics(self) -> np.ndarray:
        """float64 (3, 3): the matrix that takes a point in the camera's frame to its pixel, times its depth."""
        focal = self.height / 2 / np.tan(np.deg2rad(self.field_of_view) / 2)
        return np.array([[focal, 0, (self.width - 1) / 2], [0, focal, (self.height - 1) / 2], [0, 0, 1]])

    def extrinsics(self, hand: np.ndarray | None = None) -> np.ndarray:
        """float64 (4, 4): the camera's pose in the world, world-from-camera.

        Args:
            hand: (4, 4) pose of the tool in the world, which a camera on the hand needs.

        Raises:
            ValueError: the camera is on the hand and ``hand`` is not given.
        """
        pose = self._pose
        if self.mount == "world":
            return pose.copy()
        if hand is None:
            raise ValueError("the camera is mounted on the hand: give the pose of the tool, robot.tool_pose()")
        return hand @ pose

    @functools.cached_property
    def _pose(self) -> np.ndarray:
        """The camera's pose in the frame it is mounted in, (4, 4)."""
        forward = np.subtract(self.target, self.position, dtype=float)
        forward /= np.linalg.norm(forward)
        up, spare = _UPWARDS[self.mount]
        right = np.cross(forward, up)
        if np.linalg.norm(right) < 1e-4:
            right = np.cross(forward, spare)
        right /= np.linalg.norm(right)
        pose = np.eye(4)
        pose[:3] = np.column_stack([right, np.cross(forward, right), forward, self.position])
        return pose

    def jittered(self, generator: np.random.Generator, metres: float = 0.02) -> "Camera":
        """The same camera mounted a little differently: both points moved by up to ``metres`` along each axis.

        A camera on the hand, which is ten times nearer to what it sees, is moved by a tenth of that.
        """
        reach = metres if self.mount == "world" else metres / 10
        position, target = np.array([self.position, self.target]) + generator.uniform(-reach, reach, (2, 3))
        return replace(self, position=tuple(position.tolist()), target=tuple(target.tolist()))


@dataclass(frozen=True)
class View:
    """What one camera saw.

    Args:
        camera: the camera.
        pose: float64 (4, 4), where it was: world-from-camera.
        color: uint8 (H, W, 3).
        depth: float32 (H, W), m along the optical axis; :data:`sims.rendering.raster.FAR` where nothing is, 0 where a
            noisy sensor measured none.
        ids: int32 (H, W), PyBullet's code of the body and link in each pixel, -1 where nothing is: :func:`split_code`.
    """

    camera: Camera
    pose: np.ndarray
    color: np.ndarray
    depth: np.ndarray
    ids: np.ndarray


def render(
    world: World, camera: Camera, hand: np.ndarray | None = None, look: Look | None = None, scene: Scene | None = None
) -> View:
    """What a camera sees of a world now, by our own rasteriser.

    Args:
        world: what to look at.
        camera: from where.
        hand: (4, 4) pose of the tool, for a camera on the hand.
        look: light, background and textures; plain ones if not given.
        scene: the triangles of the world, which take longer to gather than to draw, to be used again; they must have
            been gathered since its bodies were last added, removed or painted.
    """
    scene = scene or Scene(world.bullet)
    pose = camera.extrinsics(hand)
    shape = (camera.height, camera.width)
    return View(camera, pose, *draw(scene.geometry, scene.poses(), camera.intrinsics(), pose, shape, look or Look()))


def render_picture(
    world: World, camera: Camera, hand: np.ndarray | None = None, look: Look | None = None, supersample: int = 2
) -> np.ndarray:
    """uint8 (H, W, 3): a picture to be looked at by people, with shadows and smooth edges; slower than :func:`render`.

    Each pixel is the mean of ``supersample`` squared ones.

    Raises:
        ValueError: ``supersample`` is less than 1.
    """
    if supersample < 1:
        raise ValueError(f"supersample is {supersample}: expected 1 or more")
    scene = Scene(world.bullet)
    fine = replace(camera, width=camera.width * supersample, height=camera.height * supersample)
    shape = (fine.height, fine.width)
    pose, look = camera.extrinsics(hand), look or Look()
    color, _, _ = draw(scene.geometry, scene.poses(), fine.intrinsics(), pose, shape, look, shadows=True)
    blocks = color.reshape(camera.height, supersample, camera.width, supersample, 3)
    return np.rint(blocks.mean(axis=(1, 3))).astype(np.uint8)


def split_code(ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Body and link of PyBullet's segmentation codes; body -1 where nothing is seen."""
    return np.where(ids < 0, -1, ids & ((1 << LINK_SHIFT) - 1)), np.where(ids < 0, -1, (ids >> LINK_SHIFT) - 1)


def unproject(view: View, pixels: np.ndarray | None = None) -> np.ndarray:
    """World positions of pixels, float32, m: of every one (H, W, 3), or (N, 3) of those numbered row by row."""
    lens = kernels.lens(view.camera.intrinsics())
    if pixels is not None:
        return kernels.unprojected(pixels, view.depth, lens, view.pose)
    everywhere = np.arange(view.depth.size)
    return kernels.unprojected(everywhere, view.depth, lens, view.pose).reshape(*view.depth.shape, 3)
