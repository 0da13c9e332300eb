import numpy as np
import pytest

from sims.camera import FAR, Camera, render, split_code, unproject
from sims.objects.shapes import Link, Shape

CAMERAS = (
    Camera((0.16, 0.50, 0.66), (0.58, 0.0, 0.05)),
    Camera((0.16, -0.50, 0.66), (0.58, 0.0, 0.05), size=64),
    Camera((0.05, -0.85, 0.75), (0.45, 0.0, 0.10), 44.0, 224),
)
BOX, YAW, CENTER = np.array([0.2, 0.3, 0.1]), 0.3, np.array([0.5, 0.1, 0.05])
RADIUS, MIDDLE = 0.06, np.array([0.5, -0.2, 0.16])


@pytest.fixture
def scene(world):
    """A box, turned about the vertical, and a ball in the air."""
    box = world.add([Link("box", [Shape("box", tuple(BOX))], (1, 0, 0))], CENTER, YAW, fixed=True)
    ball = world.add([Link("ball", [Shape("sphere", (RADIUS,) * 3)], (0, 1, 0))], MIDDLE, fixed=True)
    return world, box, ball


@pytest.mark.parametrize("camera", CAMERAS)
def test_points_lie_on_the_surfaces_seen(scene, camera):
    world, box, ball = scene
    view = render(world, camera)
    points, (bodies, links) = unproject(view), split_code(view.ids)
    assert points.dtype == np.float32 and points.shape == (camera.size, camera.size, 3)
    assert set(np.unique(links[bodies >= 0])) == {-1}
    assert np.abs(points[bodies == world.table][:, 2]).max() < 1e-5
    cosine, sine = np.cos(YAW), np.sin(YAW)
    inside = (points[bodies == box] - CENTER) @ np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])
    # Distance to the nearest face of the box: nothing is rounder or smaller than it is.
    assert np.abs(np.abs(inside) - BOX / 2).min(axis=1).max() < 1e-4
    assert (np.abs(inside) < BOX / 2 + 1e-4).all()
    away = np.linalg.norm(points[bodies == ball] - MIDDLE, axis=1)
    # The ball is drawn with flat faces, up to 7 % inside the sphere.
    assert len(away) > 50 and away.max() < RADIUS + 1e-4 and away.min() > 0.93 * RADIUS


@pytest.mark.parametrize("camera", CAMERAS)
def test_depth_is_what_rays_measure(scene, generator, camera):
    world, _, ball = scene
    view = render(world, camera)
    points, (bodies, _) = unproject(view), split_code(view.ids)
    rows, columns = generator.integers(camera.size, size=(2, 500))
    rays = (points[rows, columns] - camera.position) / view.depth[rows, columns, None]
    hits = world.bullet.rayTestBatch([camera.position] * 500, (np.array(camera.position) + 2.9 * rays).tolist())
    struck = np.array([hit[0] for hit in hits])
    depth = np.array([2.9 * hit[2] for hit in hits])
    same = (struck == bodies[rows, columns]) & (struck >= 0) & (struck != ball)
    assert (struck == bodies[rows, columns]).mean() > 0.97
    wrong = np.abs(depth - view.depth[rows, columns])[same]
    # What rays meet has edges rounded by a millimetre.
    assert np.quantile(wrong, 0.98) < 1e-4 and wrong.max() < 0.005


def test_where_nothing_is_depth_is_the_far_plane(world):
    view = render(world, Camera((0.0, 0.0, 0.5), (1.0, 0.0, 2.0), size=32))
    assert (view.ids == -1).all() and view.depth == pytest.approx(FAR, abs=1e-3)
    assert all((found == -1).all() for found in split_code(view.ids))


def test_codes_are_split_into_body_and_link():
    codes = np.array([[-1, 0, 5, 3 + (1 << 24), 7 + (12 << 24)]])
    bodies, links = split_code(codes)
    assert bodies.tolist() == [[-1, 0, 5, 3, 7]] and links.tolist() == [[-1, -1, -1, 0, 11]]


def test_links_are_told_apart(world):
    links = [
        Link("base", [Shape("box", (0.1, 0.1, 0.1), (0, 0, 0.05))], (1, 0, 0)),
        Link("lid", [Shape("box", (0.1, 0.1, 0.02))], (0, 1, 0), parent="base", position=(0, 0, 0.11)),
    ]
    body = world.add(links, (0.5, 0, 0), fixed=True)
    view = render(world, CAMERAS[0])
    bodies, seen = split_code(view.ids)
    for link, color in ((-1, 0), (0, 1)):
        pixels = view.color[(bodies == body) & (seen == link)]
        assert len(pixels) > 100 and (pixels.argmax(axis=1) == color).all()


def test_a_jittered_camera_is_near_its_own_and_drawn_by_the_generator():
    camera = CAMERAS[0]
    first, again, other = (camera.jittered(np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert first == again != other
    moved = np.abs(np.subtract([first.position, first.target], [camera.position, camera.target]))
    assert 0 < moved.max() <= 0.02 and (first.field_of_view, first.size) == (camera.field_of_view, camera.size)
