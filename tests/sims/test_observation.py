import numpy as np
import pytest

from sims.camera import Camera, split_code
from sims.objects.shapes import Link, Shape
from sims.observation import CAMERAS, CLOUD_POINTS, OBSERVATIONS, WRIST, Observer
from sims.rendering.randomisation import Randomisation
from sims.robot import Panda

CENTER = np.array([0.5, 0.0, 0.05])


@pytest.fixture
def scene(world):
    robot = Panda(world)
    links = [
        Link("base", [Shape("box", (0.1, 0.1, 0.1))], (1, 0, 0)),
        Link("lid", [Shape("box", (0.1, 0.1, 0.02))], (0, 0, 1), parent="base", position=(0, 0, 0.06)),
    ]
    return world, robot, world.add(links, CENTER, fixed=True)


def begun(scene, *args, seed=0, **settings):
    observer = Observer(*args, **settings)
    observer.begin(scene[0], scene[1], np.random.default_rng(seed))
    return observer


def test_what_is_seen_fits_the_spaces_and_the_keys(scene):
    observer = begun(scene, OBSERVATIONS)
    seen, spaces = observer.look(), observer.spaces()
    assert seen.keys() == spaces.keys()
    assert all(spaces[name].contains(seen[name]) for name in seen)
    assert seen["image"].shape == (2, 192, 192, 3) and seen["extrinsics"].shape == (2, 4, 4)
    assert Observer(()).spaces() == {} and begun(scene, ()).look() == {}


def test_the_cloud_lies_on_the_surfaces_of_what_its_labels_say(scene):
    world, _, body = scene
    observer = begun(scene, ("points",))
    seen = observer.look()
    points = seen["points"] - CENTER
    for link, color, half, middle in ((-1, 0, 0.05, 0.0), (0, 2, 0.01, 0.06)):
        mine = seen["segments"] == observer.labels[body, link]
        inside = np.abs(points[mine] - (0, 0, middle)) - (0.05, 0.05, half)
        assert mine.sum() > 500 and np.abs(inside.max(axis=1)).max() < 1e-5
        assert (seen["colors"][mine].argmax(axis=1) == color).all()
    assert set(np.unique(seen["segments"])) == set(observer.labels.values())
    assert len(seen["points"]) == CLOUD_POINTS


def test_the_cloud_of_nothing_is_empty(world):
    robot = Panda(world)
    observer = Observer(("points",))
    observer.begin(world, robot, np.random.default_rng(0))
    seen = observer.look()
    assert not seen["points"].any() and not seen["segments"].any() and seen["points"].shape == (CLOUD_POINTS, 3)


def test_labels_hide_table_and_robot(scene):
    world, robot, body = scene
    observer = begun(scene, ("segmentation", "depth"))
    labels = observer.look()["segmentation"]
    assert set(np.unique(labels)) == {0, *observer.labels.values()}
    assert {part[0] for part in observer.labels} == {body}


def test_points_calibration_and_depth_agree(scene):
    observer = begun(scene, ("depth", "segmentation", "calibration"))
    seen = observer.look()
    for depth, labels, lens, pose in zip(
        *(seen[k] for k in ("depth", "segmentation", "intrinsics", "extrinsics")), strict=True
    ):
        rows, columns = np.nonzero(labels == observer.labels[scene[2], 0])
        rays = np.linalg.inv(lens) @ np.stack([columns, rows, np.ones_like(rows)])
        points = (pose @ np.vstack([rays * depth[rows, columns], np.ones(len(rows))]))[:3].T - CENTER - (0, 0, 0.06)
        assert np.abs((np.abs(points) - (0.05, 0.05, 0.01)).max(axis=1)).max() < 1e-5


def test_a_wrist_camera_sees_the_finger_tips_and_moves_with_them(scene):
    world, robot, _ = scene
    cameras = (*CAMERAS, WRIST)
    observer = begun(scene, ("image", "calibration", "depth"), cameras)
    seen = observer.look()
    view = observer._view(observer._cameras[2], robot.tool_pose())
    bodies, links = split_code(view.ids)
    assert ((bodies == robot.body) & np.isin(links, (9, 10))).mean() > 0.02
    before = seen["extrinsics"]
    goal = robot.tool_pose()
    goal[:3, 3] += (0.02, 0.03, 0.0)
    for _ in range(20):
        robot.command(goal, 1.0)
        world.step()
    moved = observer.look()["extrinsics"][:, :3, 3] - before[:, :3, 3]
    assert (moved[:2] == 0).all() and moved[2] == pytest.approx([0.02, 0.03, 0.0], abs=0.004)


def test_tiny_and_raster_see_the_same(scene):
    world, robot, _ = scene
    raster = begun(scene, OBSERVATIONS).look()
    observer = Observer(OBSERVATIONS, renderer="tiny")
    observer.prepare(world)
    observer.begin(world, robot, np.random.default_rng(0))
    tiny = observer.look()
    observer.close()
    assert (raster["segmentation"] == tiny["segmentation"]).mean() > 0.995
    assert np.median(np.abs(raster["depth"] - tiny["depth"])) < 1e-4
    assert (raster["extrinsics"] == tiny["extrinsics"]).all()


def test_pixels_without_depth_are_not_in_the_cloud(scene):
    observer = begun(scene, ("points", "depth"), randomise=Randomisation(depth_noise=2.0))
    seen = observer.look()
    assert (seen["depth"] == 0).any()
    away = np.linalg.norm(seen["points"] - CENTER, axis=1)
    assert away.max() < 0.25
    # Noisy, but not far from the surfaces.
    inside = (np.abs(seen["points"] - CENTER) - (0.05, 0.05, 0.07)).max(axis=1)
    assert 1e-4 < np.abs(inside).mean() < 0.01


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"mounted": ()}, r"no camera: expected at least one camera"),
        ({"mounted": (*CAMERAS, Camera((0, 0, 1), (1, 0, 0), width=64))}, r"64 x 192, 192 x 192: expected .* one size"),
        ({"renderer": "optix"}, r"unknown renderer 'optix': expected one of raster, tiny, egl"),
        ({"renderer": "tiny", "randomise": Randomisation()}, r"renderer 'tiny' cannot be randomised"),
    ],
)
def test_wrong_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        Observer(OBSERVATIONS, **settings)
