"""What the cameras of an environment see of a scene."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from gymnasium import spaces

from sims import camera as cameras
from sims.camera import Camera, View
from sims.rendering import kernels
from sims.rendering.bullet import BulletRenderer
from sims.rendering.geometry import LINK_SHIFT, Scene
from sims.rendering.randomisation import Randomisation
from sims.rendering.raster import FAR, Look
from sims.rendering.sensor import noisy_depth
from sims.world import Part, World

CLOUD_POINTS = 8192
OBSERVATIONS = ("image", "depth", "segmentation", "points", "calibration")
RENDERERS = ("raster", "tiny", "egl")
CAMERAS = (
    Camera((0.16, 0.50, 0.66), (0.58, 0.0, 0.05)),
    Camera((0.16, -0.50, 0.66), (0.58, 0.0, 0.05)),
)
WRIST = Camera((0.075, 0.0, -0.06), (0.0, 0.0, 0.05), 75.0, mount="hand")
"""A camera on the hand that sees the finger tips and what is under them."""


class Robot(Protocol):
    """What an observer needs to know of a robot: its body's number, and its tool's pose (4, 4) in the world."""

    body: int

    def tool_pose(self) -> np.ndarray:
        """Where the tool is now."""
        ...


class Observer:
    """Looks at a world with several cameras; see :class:`sims.environment.ManipulationEnv` for what it returns.

    Args:
        obs: what is wanted, some of :data:`OBSERVATIONS`.
        mounted: the cameras, all with pictures of one size.
        renderer: "raster" is ours; "tiny" and "egl" are PyBullet's own, on the processor and on a graphics card, which
            know of light and textures only what PyBullet does.
        randomise: what to draw anew in every episode; without it cameras are moved by up to 2 cm and nothing else.

    Raises:
        ValueError: there is no camera, their sizes differ, or the renderer is not one of these.
    """

    def __init__(
        self,
        obs: Sequence[str],
        mounted: Sequence[Camera] = CAMERAS,
        renderer: str = "raster",
        randomise: Randomisation | None = None,
    ) -> None:
        self.obs, self.mounted = tuple(obs), tuple(mounted)
        sizes = {(camera.width, camera.height) for camera in self.mounted}
        if len(sizes) != 1:
            found = ", ".join(f"{width} x {height}" for width, height in sorted(sizes)) or "no camera"
            raise ValueError(f"cameras have pictures of {found}: expected at least one camera, all of one size")
        if renderer not in RENDERERS:
            raise ValueError(f"unknown renderer {renderer!r}: expected one of {', '.join(RENDERERS)}")
        if randomise is not None and renderer != "raster":
            raise ValueError(f"renderer {renderer!r} cannot be randomised: use 'raster', or randomise=None")
        self.renderer, self.randomise = renderer, randomise
        self._bullet: BulletRenderer | None = None

    def prepare(self, world: World) -> None:
        """Readies a world for being looked at; must be called before its first body is made.

        Raises:
            ValueError: the renderer is "egl" and cannot be loaded.
        """
        if self.obs and self.renderer != "raster":
            self._bullet = BulletRenderer(world.bullet, hardware=self.renderer == "egl")

    def begin(self, world: World, robot: Robot, generator: np.random.Generator) -> None:
        """Looks from now on at this scene; what is random about looking is drawn from ``generator``."""
        self.world, self.robot = world, robot
        self.labels = _shuffled_labels(world.parts(exclude=[robot.body]), generator)
        if self.randomise is None:
            self._cameras = [camera.jittered(generator) for camera in self.mounted]
        else:
            self._cameras = [self.randomise.camera(camera, generator) for camera in self.mounted]
        self.sampler = np.random.default_rng(generator.integers(2**62))
        if not self.obs:
            return
        self._table = _label_table(self.labels)
        if self._bullet is None:
            self._scene = Scene(world.bullet)
            links = len(self._scene.geometry.codes)
            self._look = Look() if self.randomise is None else self.randomise.look(links, generator)

    def look(self) -> dict[str, np.ndarray]:
        """What the cameras see now, by the keys asked for."""
        if not self.obs:
            return {}
        hand = self.robot.tool_pose() if any(camera.mount == "hand" for camera in self._cameras) else None
        views = [self._view(camera, hand) for camera in self._cameras]
        segments = np.stack([kernels.labelled(view.ids, self._table) for view in views])
        seen: dict[str, np.ndarray] = {}
        if "image" in self.obs:
            seen["image"] = np.stack([view.color for view in views])
        if "depth" in self.obs:
            seen["depth"] = np.stack([view.depth for view in views])
        if "segmentation" in self.obs:
            seen["segmentation"] = segments
        if "points" in self.obs:
            seen |= self._cloud(views, segments)
        if "calibration" in self.obs:
            seen["intrinsics"] = np.stack([view.camera.intrinsics() for view in views]).astype(np.float32)
            seen["extrinsics"] = np.stack([view.pose for view in views]).astype(np.float32)
        return seen

    def close(self) -> None:
        """Lets go of what :meth:`prepare` loaded; must be called before the world is closed."""
        if self._bullet is not None:
            self._bullet.close()
            self._bullet = None

    def _view(self, camera: Camera, hand: np.ndarray | None) -> View:
        if self._bullet is not None:
            pose, shape = camera.extrinsics(hand), (camera.height, camera.width)
            return View(camera, pose, *self._bullet.draw(camera.intrinsics(), pose, shape))
        view = cameras.render(self.world, camera, hand, self._look, self._scene)
        if self.randomise is None or not self.randomise.depth_noise:
            return view
        focal = camera.intrinsics()[0, 0]
        depth = noisy_depth(view.depth, focal, self.sampler, self.randomise.depth_noise, FAR)
        return View(camera, view.pose, view.color, depth, view.ids)

    def _cloud(self, views: list[View], segments: np.ndarray) -> dict[str, np.ndarray]:
        measured = np.stack([view.depth for view in views]) > 0
        kept = np.flatnonzero((segments > 0) & measured)
        if len(kept) == 0:
            empty = np.zeros((CLOUD_POINTS, 3), np.float32)
            return {"points": empty, "colors": empty.astype(np.uint8), "segments": np.zeros(CLOUD_POINTS, np.int32)}
        # Too few are repeated whole before any is drawn, so that no seen point is lost needlessly.
        copies = CLOUD_POINTS // len(kept) if len(kept) < CLOUD_POINTS else 0
        drawn = self.sampler.choice(kept, CLOUD_POINTS - copies * len(kept), replace=False)
        chosen = np.concatenate([np.tile(kept, copies), drawn])
        points, colors = np.empty((CLOUD_POINTS, 3), np.float32), np.empty((CLOUD_POINTS, 3), np.uint8)
        whose, pixels = np.divmod(chosen, views[0].depth.size)
        for index, view in enumerate(views):
            mine = whose == index
            points[mine] = cameras.unproject(view, pixels[mine])
            colors[mine] = view.color.reshape(-1, 3)[pixels[mine]]
        return {"points": points, "colors": colors, "segments": segments.ravel()[chosen]}

    def spaces(self) -> dict[str, spaces.Space]:
        """The spaces of what :meth:`look` returns."""
        count = len(self.mounted)
        shape = (count, self.mounted[0].height, self.mounted[0].width)
        found: dict[str, spaces.Space] = {}
        if "image" in self.obs:
            found["image"] = spaces.Box(0, 255, (*shape, 3), np.uint8)
        if "depth" in self.obs:
            found["depth"] = spaces.Box(0, 2 * FAR, shape, np.float32)
        if "segmentation" in self.obs:
            found["segmentation"] = spaces.Box(0, 1000, shape, np.int32)
        if "points" in self.obs:
            found["points"] = spaces.Box(-10, 10, (CLOUD_POINTS, 3), np.float32)
            found["colors"] = spaces.Box(0, 255, (CLOUD_POINTS, 3), np.uint8)
            found["segments"] = spaces.Box(0, 1000, (CLOUD_POINTS,), np.int32)
        if "calibration" in self.obs:
            found["intrinsics"] = spaces.Box(0, 1e6, (count, 3, 3), np.float32)
            found["extrinsics"] = spaces.Box(-10, 10, (count, 4, 4), np.float32)
        return found


def _shuffled_labels(parts: list[Part], generator: np.random.Generator) -> dict[Part, int]:
    order = generator.permutation(len(parts)) + 1
    return {part: int(label) for part, label in zip(parts, order, strict=True)}


def _label_table(labels: dict[Part, int]) -> np.ndarray:
    """int32 (bodies, links + 1): the label of each link of each body, the root first; 0 for those without one.

    Everything that can be seen has a place in it: a body number is at most 2^10, and 2^(31 - shift) links a body is all
    that a code can tell apart.
    """
    table = np.zeros((1 << 10, 1 << (31 - LINK_SHIFT)), np.int32)
    for (body, link), label in labels.items():
        table[body, link + 1] = label
    return table
