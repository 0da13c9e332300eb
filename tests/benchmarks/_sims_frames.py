"""Frames of the simulated world: our rasteriser beside PyBullet's TinyRenderer and ray casting with open3d's Embree.

Run alone: python -m tests.benchmarks._sims_frames

A frame is colour, depth and segments of one camera; "with cloud" also the world positions of all pixels that see an
object. The same scenes, one of each of four tasks, are drawn by all. TinyRenderer draws them with the Panda as
pybullet_data has it, of 101,735 faces (the stock scene), and as `sims` has it, of 3,440. Open3d casts a ray a pixel
into the triangles of our own scene, built anew for every frame, for things move, and gives no colour, only depth and
the triangle struck. Processor seconds, one thread; the best of several repetitions, taken in turn.
"""

import contextlib
import functools
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import gymnasium
import numpy as np
import open3d
import pybullet_data

import sims  # noqa: F401  (registers the environments)
from sims.camera import Camera, View, render, split_code, unproject
from sims.environment import ManipulationEnv
from sims.rendering.bullet import BulletRenderer
from sims.rendering.geometry import Scene, rotations
from tests.benchmarks._rows import row

TASKS = ("OpenDrawer", "PressButton", "TurnKnob", "PlaceInBin")
REPETITIONS = 5
FRAMES = 4
# Frames a second that were asked for.
REACH = {(128, False): 400.0, (128, True): 300.0, (224, False): 280.0, (224, True): 120.0}

Draw = Callable[[Camera], View]


def rows() -> Iterator[dict[str, object]]:
    """Rows for `launch/bench.sh sims`: measure, ours, peer, peer_name, ratio, unit, reach."""
    with _scenes() as ours, _stock_robot(), _scenes() as stock:
        drawn = {
            "ours": [_raster(env) for env in ours],
            "TinyRenderer, stock Panda visual meshes": [_tiny(env) for env in stock],
            "TinyRenderer, the same meshes": [_tiny(env) for env in ours],
            "open3d RaycastingScene, the same meshes": [_embree(env) for env in ours],
        }
        for (size, cloud), reach in REACH.items():
            rates = _rates({name: functools.partial(_frames, draws, size, cloud) for name, draws in drawn.items()})
            measure = f"colour, depth and segments at {size} x {size}{', with cloud' if cloud else ''}"
            best = rates.pop("ours")
            for name, rate in rates.items():
                yield row(measure, best, rate, name, "frames/s", reach)


@contextlib.contextmanager
def _stock_robot() -> Iterator[None]:
    """Robots made in here have the 101,735 faces that pybullet_data draws them with."""
    file = Path(pybullet_data.getDataPath()) / "franka_panda" / "panda.urdf"
    with mock.patch("sims.robot.panda_file", return_value=file):
        yield


@contextlib.contextmanager
def _scenes() -> Iterator[list[ManipulationEnv]]:
    envs = []
    for task in TASKS:
        made = gymnasium.make(f"grounding/{task}-v0", obs=(), disable_env_checker=True).unwrapped
        assert isinstance(made, ManipulationEnv)
        made.reset(seed=0)
        envs.append(made)
    yield envs
    for env in envs:
        env.close()


def _raster(env: ManipulationEnv) -> Draw:
    scene = Scene(env.world.bullet)
    return lambda camera: render(env.world, camera, scene=scene)


def _tiny(env: ManipulationEnv) -> Draw:
    renderer = BulletRenderer(env.world.bullet)

    def draw(camera: Camera) -> View:
        pose = camera.extrinsics()
        return View(camera, pose, *renderer.draw(camera.intrinsics(), pose, (camera.height, camera.width)))

    return draw


def _embree(env: ManipulationEnv) -> Draw:
    scene = Scene(env.world.bullet)
    geometry = scene.geometry
    link = np.repeat(np.arange(len(geometry.codes)), np.diff(geometry.starts))
    triangles = open3d.core.Tensor(geometry.triangles.astype(np.uint32))

    def draw(camera: Camera) -> View:
        poses = scene.poses()
        turns = rotations(poses[:, 3:])
        vertices = np.einsum("vij,vj->vi", turns[link], geometry.vertices) + poses[link, :3]
        # Without this it takes all cores.
        rays = open3d.t.geometry.RaycastingScene(nthreads=1)
        rays.add_triangles(open3d.core.Tensor(vertices.astype(np.float32)), triangles)
        pose = camera.extrinsics()
        lens = open3d.core.Tensor(camera.intrinsics())
        world_to_camera = open3d.core.Tensor(np.linalg.inv(pose))
        pixels = rays.create_rays_pinhole(lens, world_to_camera, camera.width, camera.height)
        hits = rays.cast_rays(pixels, nthreads=1)
        struck = hits["primitive_ids"].numpy()
        nothing = struck == rays.INVALID_ID
        ids = np.where(nothing, -1, geometry.codes[geometry.owners[np.where(nothing, 0, struck)]])
        # Rays have length 1 along the optical axis, so what they measure is depth.
        return View(camera, pose, np.zeros((*ids.shape, 3), np.uint8), hits["t_hit"].numpy(), ids.astype(np.int32))

    return draw


def _frames(draws: list[Draw], size: int, cloud: bool) -> float:
    camera = Camera((0.16, 0.50, 0.66), (0.58, 0.0, 0.05), width=size, height=size)
    began = time.process_time()
    for draw in draws:
        for _ in range(FRAMES):
            view = draw(camera)
            if cloud:
                bodies, _ = split_code(view.ids)
                # Table and robot are made first.
                assert unproject(view)[bodies > 1].shape[1] == 3
    return len(draws) * FRAMES / (time.process_time() - began)


def _rates(works: dict[str, Callable[[], float]]) -> dict[str, float]:
    best = dict.fromkeys(works, 0.0)
    for turn in range(REPETITIONS + 1):
        for name, work in works.items():
            rate = work()
            if turn:  # the first turn warms caches up
                best[name] = max(best[name], rate)
    return best


if __name__ == "__main__":
    for found in rows():
        print(found)
