import numpy as np
import pytest

from sims.camera import render
from sims.objects.shapes import Link, Shape
from sims.observation import CAMERAS
from sims.rendering.bullet import BulletRenderer
from sims.robot import Panda
from sims.world import World


@pytest.fixture
def by_egl():
    """A world with the EGL renderer, loaded before there is anything to see."""
    world = World()
    try:
        renderer = BulletRenderer(world.bullet, hardware=True)
    except ValueError as error:
        world.close()
        pytest.skip(str(error))
    yield world, renderer
    renderer.close()
    world.close()


def test_egl_agrees_with_ours_and_survives_another_scene(by_egl):
    world, renderer = by_egl
    camera = CAMERAS[0]
    for color in ((1, 0, 0), (0, 0, 1)):
        world.clear()
        Panda(world)
        body = world.add([Link("box", [Shape("box", (0.1, 0.2, 0.1))], color)], (0.5, 0, 0.05), fixed=True)
        view = render(world, camera)
        seen, depth, ids = renderer.draw(camera.intrinsics(), camera.extrinsics(), (camera.height, camera.width))
        same = view.ids == ids
        assert same.mean() > 0.99 and np.quantile(np.abs(view.depth - depth)[same], 0.99) < 0.002
        assert (seen[ids == body].mean(axis=0).argmax(), (ids == body).sum() > 100) == (color.index(1), True)
    renderer.close()
    renderer.close()
