import numpy as np
import pytest

from sims.camera import Camera, render, render_picture, split_code, unproject
from sims.objects.shapes import Link, Shape
from sims.rendering.raster import FAR

CAMERAS = (
    Camera((0.16, 0.50, 0.66), (0.58, 0.0, 0.05)),
    Camera((0.16, -0.50, 0.66), (0.58, 0.0, 0.05), width=96, height=64),
    Camera((0.05, -0.85, 0.75), (0.45, 0.0, 0.10), 44.0, 200, 224),
    Camera((0.5, 0.0, 0.9), (0.5, 0.0, 0.0), 60.0, 128, 128),
)
BOX, YAW, CENTER = np.array([0.2, 0.3, 0.1]), 0.3, np.array([0.5, 0.1, 0.05])
RADIUS, MIDDLE = 0.06, np.array([0.5, -0.2, 0.16])
TURN = np.array([[np.cos(YAW), -np.sin(YAW), 0], [np.sin(YAW), np.cos(YAW), 0], [0, 0, 1]])


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
    assert points.dtype == np.float32 and points.shape == (camera.height, camera.width, 3)
    assert set(np.unique(links[bodies >= 0])) == {-1}
    assert np.abs(points[bodies == world.table][:, 2]).max() < 1e-5
    inside = (points[bodies == box] - CENTER) @ TURN
    # Distance to the nearest face of the box: nothing is rounder or smaller than it is.
    assert np.abs(np.abs(inside) - BOX / 2).min(axis=1).max() < 1e-5
    assert (np.abs(inside) < BOX / 2 + 1e-5).all()
    away = np.linalg.norm(points[bodies == ball] - MIDDLE, axis=1)
    # The ball is drawn with flat faces whose corners lie on the sphere.
    assert len(away) > 50 and away.max() < RADIUS + 1e-5 and away.min() > RADIUS - 6e-4


@pytest.mark.parametrize("camera", CAMERAS)
def test_every_pixel_is_what_its_ray_meets_first(scene, camera):
    world, box, ball = scene
    view = render(world, camera)
    pose, lens = camera.extrinsics(), camera.intrinsics()
    columns, rows = np.meshgrid(np.arange(camera.width), np.arange(camera.height))
    pixels = np.stack([columns, rows, np.ones_like(rows)], axis=-1)
    rays = pixels @ np.linalg.inv(lens).T @ pose[:3, :3].T
    depths = np.stack([_to_table(pose, rays), _to_box(pose, rays), _to_ball(pose, rays)])
    expected = np.array([world.table, box, ball])[depths.argmin(axis=0)]
    expected[depths.min(axis=0) == np.inf] = -1
    bodies, _ = split_code(view.ids)
    # The ball's flat faces take from its outline a pixel here and there; the rest is exact to rounding.
    wrong = (bodies != expected) & (bodies != ball) & (expected != ball)
    assert wrong.sum() <= 2 and (bodies != expected).mean() < 0.003
    flat = (bodies == expected) & np.isin(bodies, [world.table, box])
    assert np.abs(view.depth - depths.min(axis=0))[flat].max() < 1e-5
    round_ = (bodies == ball) & (expected == ball)
    assert np.median(np.abs(view.depth - depths[2])[round_]) < 3e-4


def _to_table(pose, rays):
    with np.errstate(divide="ignore"):
        depth = -pose[2, 3] / rays[..., 2]
    places = pose[:2, 3] + rays[..., :2] * depth[..., None]
    inside = (np.abs(places - (0.4, 0)) < (0.55, 0.75)).all(axis=-1)
    return np.where((depth > 0) & inside, depth, np.inf)


def _to_box(pose, rays):
    start, rays = (pose[:3, 3] - CENTER) @ TURN, rays @ TURN
    with np.errstate(divide="ignore"):
        near, far = (-np.sign(rays) * BOX / 2 - start) / rays, (np.sign(rays) * BOX / 2 - start) / rays
    return np.where(near.max(axis=-1) < far.min(axis=-1), near.max(axis=-1), np.inf)


def _to_ball(pose, rays):
    start = pose[:3, 3] - MIDDLE
    a, b, c = (rays**2).sum(axis=-1), rays @ start, start @ start - RADIUS**2
    within = b**2 - a * c
    return np.where(within > 0, (-b - np.sqrt(np.maximum(within, 0))) / a, np.inf)


@pytest.mark.parametrize("camera", CAMERAS)
def test_calibration_takes_points_back_to_their_pixels(scene, camera):
    view = render(scene[0], camera)
    seen = view.ids >= 0
    points = unproject(view)[seen]
    inside = np.linalg.inv(camera.extrinsics()) @ np.column_stack([points, np.ones(len(points))]).T
    columns, rows, depth = camera.intrinsics() @ inside[:3]
    assert depth == pytest.approx(view.depth[seen], abs=1e-5)
    assert np.abs(columns / depth - np.nonzero(seen)[1]).max() < 0.01
    assert np.abs(rows / depth - np.nonzero(seen)[0]).max() < 0.01


def test_the_middle_of_the_picture_is_the_target_and_its_top_is_up():
    camera = CAMERAS[0]
    pose = camera.extrinsics()
    assert pose[:3, :3] @ pose[:3, :3].T == pytest.approx(np.eye(3)) and np.linalg.det(pose) == pytest.approx(1)
    target = np.linalg.inv(pose) @ [*camera.target, 1]
    assert target[:2] == pytest.approx([0, 0], abs=1e-12) and target[2] > 0
    assert pose[2, 1] < 0 and pose[2, 0] == pytest.approx(0)
    straight_down = CAMERAS[3].extrinsics()
    assert straight_down[:3, :3] == pytest.approx(np.array([[0, -1, 0], [-1, 0, 0], [0, 0, -1]]))


def test_some_pixels_are_unprojected_as_all_are(scene):
    view = render(scene[0], CAMERAS[1])
    some = np.array([5, 0, 4000, 77])
    assert (unproject(view, some) == unproject(view).reshape(-1, 3)[some]).all()


def test_a_camera_on_the_hand_moves_with_it(scene):
    world, _, ball = scene
    camera = Camera((0.0, 0.0, -0.05), (0.0, 0.0, 0.1), 70.0, 65, 65, mount="hand")
    hand = np.diag([1.0, -1.0, -1.0, 1.0])
    for offset in (0.0, 0.1):
        hand[:3, 3] = MIDDLE + (offset, 0, 0.3)
        view = render(world, camera, hand)
        rows, columns = np.nonzero(split_code(view.ids)[0] == ball)
        # Moved towards the top of its picture, the camera sees the ball lower.
        focal = camera.intrinsics()[0, 0]
        assert columns.mean() == pytest.approx(32, abs=0.6)
        assert rows.mean() == pytest.approx(32 + focal * offset / 0.35, abs=1.0)
    with pytest.raises(ValueError, match=r"mounted on the hand.*tool_pose"):
        camera.extrinsics()


def test_where_nothing_is_depth_is_the_far_plane(world):
    view = render(world, Camera((0.0, 0.0, 0.5), (1.0, 0.0, 2.0), width=32, height=32))
    assert (view.ids == -1).all() and (view.depth == FAR).all() and (view.color == 255).all()
    assert all((found == -1).all() for found in split_code(view.ids))


def test_what_reaches_behind_the_camera_is_seen_to_the_edge(world):
    """Triangles are not clipped, so one that passes the camera must neither vanish nor fold over."""
    camera = Camera((0.4, 0.0, 0.02), (0.9, 0.0, 0.0), 90.0, 64, 64)
    view = render(world, camera)
    assert (view.ids[40:] == world.table).all() and (view.ids[:20] == -1).all()
    assert np.abs(unproject(view)[40:, :, 2]).max() < 1e-6


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


def test_a_picture_for_people_has_shadows_and_smooth_edges(scene):
    world, box, ball = scene
    camera = CAMERAS[0]
    plain, picture = render(world, camera), render_picture(world, camera)
    assert picture.shape == plain.color.shape and picture.dtype == np.uint8
    table = split_code(plain.ids)[0] == world.table
    brown = plain.color[table].mean(axis=0)
    assert (plain.color[table] == plain.color[table][0]).all()
    # In the shadow of the ball and of the box, and hardly anywhere else.
    dark = table & (picture.sum(axis=2) < 0.8 * brown.sum())
    assert 0.005 < dark.mean() < 0.2
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > len(np.unique(plain.color.reshape(-1, 3), axis=0))
    with pytest.raises(ValueError, match=r"supersample is 0"):
        render_picture(world, camera, supersample=0)


def test_a_jittered_camera_is_near_its_own_and_drawn_by_the_generator():
    camera = CAMERAS[1]
    first, again, other = (camera.jittered(np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert first == again != other
    moved = np.abs(np.subtract([first.position, first.target], [camera.position, camera.target]))
    assert 0 < moved.max() <= 0.02
    assert (first.field_of_view, first.width, first.height) == (camera.field_of_view, camera.width, camera.height)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"position": (0, 0, float("nan"))}, r"position of the camera is \(0, 0, nan\): expected three finite"),
        ({"target": (0, 0)}, r"target of the camera is \(0, 0\): expected three"),
        ({"target": (1, 1, 1)}, r"position and target of the camera are both"),
        ({"field_of_view": 0.0}, r"field_of_view is 0.0: expected degrees between 0 and 180"),
        ({"field_of_view": float("nan")}, r"field_of_view is nan"),
        ({"width": 0}, r"width of the camera is 0: expected a whole number"),
        ({"height": 64.5}, r"height of the camera is 64.5: expected a whole number"),
        ({"mount": "head"}, r"mount of the camera is 'head': expected one of world, hand"),
    ],
)
def test_a_wrong_camera_is_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        Camera(**{"position": (1, 1, 1), "target": (0, 0, 0)} | wrong)
