import hashlib
import subprocess
import sys

import numpy as np
import pytest

from sims.camera import Camera, render, unproject
from sims.objects.shapes import Link, Shape
from sims.observation import CAMERAS, WRIST
from sims.rendering.bullet import BulletRenderer
from sims.rendering.raster import Look

TASKS = ("OpenDrawer", "PressButton", "TurnKnob", "PlaceInBin", "Stack")
FROM_ABOVE = Camera((0.5, 0.0, 1.0), (0.5, 0.0, 0.0), 60.0)


def away_from_edges(ids, depth, metres=0.02):
    """Pixels with the same id and hardly another depth for two pixels around, but for a slope that goes on evenly."""
    same = np.ones(ids.shape, bool)
    bend = np.zeros(depth.shape)
    for axis in (0, 1):
        for shift in (1, 2):
            ahead, behind = np.roll(depth, shift, axis), np.roll(depth, -shift, axis)
            same &= (np.roll(ids, shift, axis) == ids) & (np.roll(ids, -shift, axis) == ids)
            bend = np.maximum(bend, np.abs(ahead + behind - 2 * depth))
    same &= bend < metres
    same[:2], same[-2:], same[:, :2], same[:, -2:] = False, False, False, False
    return same


@pytest.mark.parametrize("task", TASKS)
def test_pictures_agree_with_pybullets_renderer(make, task):
    env = make(task, obs=())
    env.reset(seed=3)
    for action in env.expert_trajectory()[:12]:
        env.step(action)
    reference = BulletRenderer(env.world.bullet)
    hand = env.robot.tool_pose()
    for camera in (CAMERAS[0], FROM_ABOVE, WRIST):
        view = render(env.world, camera, hand)
        shape = (camera.height, camera.width)
        color, depth, ids = reference.draw(camera.intrinsics(), camera.extrinsics(hand), shape)
        sure = away_from_edges(ids, depth)
        assert sure.mean() > 0.5
        assert (view.ids == ids)[sure].mean() >= 0.99
        both = sure & (view.ids == ids) & (ids >= 0)
        # TinyRenderer's round things have fewer faces than ours.
        assert np.quantile(np.abs(view.depth - depth)[both], 0.99) < 0.002
        assert np.median(np.abs(view.depth - depth)[both]) < 1e-4
        assert np.abs(view.color[both].astype(int) - color[both]).mean() < 20


def test_flat_shading_follows_the_lamp(world):
    body = world.add([Link("box", [Shape("box", (0.2, 0.2, 0.2))], (0.8, 0.4, 0.2))], (0.5, 0, 0.1), fixed=True)
    camera = Camera((0.1, 0.0, 0.5), (0.5, 0.0, 0.1), width=64, height=64)
    look = Look(lamp=(0.0, 0.0, 1.0), ambient=0.3, sky=0.2, strength=0.5)
    view = render(world, camera, look=look)
    colors = np.unique(view.color[view.ids == body], axis=0)
    # The top is fully lit; the front gets half of the sky and nothing of the lamp.
    assert colors.tolist() == [[82, 41, 20], [204, 102, 51]]


def test_too_much_light_leaves_the_hue(world):
    body = world.add([Link("box", [Shape("box", (0.2, 0.2, 0.2))], (0.8, 0.4, 0.2))], (0.5, 0, 0.1), fixed=True)
    look = Look(lamp=(0.0, 0.0, 1.0), ambient=1.0, sky=1.0, strength=1.0)
    view = render(world, FROM_ABOVE, look=look)
    assert np.unique(view.color[view.ids == body], axis=0).tolist() == [[255, 128, 64]]


def test_round_things_are_shaded_by_the_normals_of_the_sphere(world):
    middle = np.array([0.5, 0, 0.2])
    body = world.add([Link("ball", [Shape("sphere", (0.1,) * 3)], (1, 1, 1))], middle, fixed=True)
    look = Look(lamp=(0.0, 1.0, 1.0), ambient=0.3, sky=0.2, strength=0.5)
    view = render(world, FROM_ABOVE, look=look)
    mine = view.ids == body
    normals = (unproject(view)[mine] - middle) / 0.1
    facing = np.maximum(normals @ (0, 2**-0.5, 2**-0.5), 0)
    expected = 255 * (0.3 + 0.1 * (1 + normals[:, 2]) + 0.5 * facing)
    assert mine.sum() > 1000 and np.abs(view.color[mine][:, 0] - expected).max() < 5


def test_pictures_are_the_same_bytes_in_another_process(make):
    program = (
        "import gymnasium, sims, hashlib\n"
        "env = gymnasium.make('grounding/TurnKnob-v0', obs=('image', 'depth', 'points'), disable_env_checker=True)\n"
        "seen, _ = env.reset(seed=5)\n"
        "print(hashlib.sha256(b''.join(seen[k].tobytes() for k in ('image', 'depth', 'points', 'colors'))).hexdigest())"
    )
    elsewhere = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    env = make("TurnKnob", obs=("image", "depth", "points"))
    for _ in range(2):
        seen, _ = env.reset(seed=5)
        found = b"".join(seen[name].tobytes() for name in ("image", "depth", "points", "colors"))
        assert hashlib.sha256(found).hexdigest() == elsewhere.stdout.split()[-1]
