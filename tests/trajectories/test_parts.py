"""Frames and clouds of parts whose true pose is known, because the clouds are made from boxes."""

import math

import numpy as np
import pytest

from grounding.errors import InputError
from grounding.trajectories.parts import CLOUD_SIZE, FEWEST_POINTS, SURROUNDINGS, part_cloud, part_frame, visible_parts

UPRIGHT_FACES = ((0, 1), (0, -1), (1, 1), (1, -1))


def turn(yaw: float) -> np.ndarray:
    cosine, sine = math.cos(yaw), math.sin(yaw)
    return np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])


def box(generator, size, centre, yaw, count=1500, faces=(*UPRIGHT_FACES, (2, 1))):
    """Points on some faces of a box, as many a unit of area, with half a millimetre of noise."""
    areas = np.array([np.prod(np.delete(size, axis)) for axis, _ in faces])
    chosen = generator.choice(len(faces), count, p=areas / areas.sum())
    points = generator.uniform(-0.5, 0.5, (count, 3))
    for number, (axis, side) in enumerate(faces):
        points[chosen == number, axis] = side / 2
    points = points * size + generator.normal(scale=5e-4, size=(count, 3))
    return (points @ turn(yaw).T + centre).astype(np.float32)


def scene(*clouds):
    """One cloud and its segments, 1, 2, ... in the order given."""
    return np.concatenate(clouds), np.repeat(np.arange(len(clouds)) + 1, [len(one) for one in clouds]).astype(np.int32)


def yaw_of(frame: np.ndarray) -> float:
    return math.degrees(math.atan2(frame[1, 0], frame[0, 0]))


def assert_pose(frame, origin, yaw, millimetres=2.0, degrees=2.0):
    assert np.linalg.norm(frame[:3, 3] - origin) < millimetres / 1000
    assert abs((yaw_of(frame) - yaw + 180) % 360 - 180) < degrees
    np.testing.assert_allclose(frame[:3, :3] @ frame[:3, :3].T, np.eye(3), atol=1e-9)
    assert np.linalg.det(frame[:3, :3]) == pytest.approx(1)
    np.testing.assert_allclose(frame[:3, 2], [0, 0, 1], atol=1e-9)
    np.testing.assert_array_equal(frame[3], [0, 0, 0, 1])


# A long box looks the same after half a turn, so x is the direction that is nearer to the world's.
@pytest.mark.parametrize(("yaw", "found"), [(0, 0), (25, 25), (80, 80), (130, -50), (200, 20), (-100, 80)])
def test_a_long_box_on_the_table(generator, yaw, found):
    centre = np.array([0.5, -0.1, 0.04])
    other = box(generator, [0.05, 0.05, 0.05], [0.3, 0.2, 0.03], 0.3)
    points, segments = scene(other, box(generator, [0.12, 0.05, 0.08], centre, math.radians(yaw)))
    assert_pose(part_frame(points, segments, 2), centre + [0, 0, 0.04], found)


# A box as long as wide looks the same after a quarter turn.
@pytest.mark.parametrize(("yaw", "found"), [(0, 0), (30, 30), (60, -30), (100, 10), (-50, 40)])
def test_a_square_box_on_the_table(generator, yaw, found):
    points, segments = scene(box(generator, [0.06, 0.06, 0.06], [0.4, 0, 0.03], math.radians(yaw)))
    assert_pose(part_frame(points, segments, 1), [0.4, 0, 0.06], found)


def test_a_side_slightly_longer_than_the_other_does_not_count(generator):
    points, segments = scene(box(generator, [0.066, 0.06, 0.06], [0.4, 0, 0.03], math.radians(80)))
    assert_pose(part_frame(points, segments, 1), [0.4, 0, 0.06], -10)


def test_a_button_on_a_panel_counts_as_standing(generator):
    panel = box(generator, [0.3, 0.2, 0.04], [0.5, 0, 0.02], 0.2, 4000)
    button = box(generator, [0.04, 0.04, 0.02], [0.5, 0.02, 0.05], 0.2, 400)
    points, segments = scene(panel, button)
    assert_pose(part_frame(points, segments, 2), [0.5, 0.02, 0.06], math.degrees(0.2))


@pytest.mark.parametrize("yaw", [0, 20, 90, 155, -170, -60])
def test_a_handle_on_a_wall_faces_outward(generator, yaw):
    """x is the wall's outward normal, whichever way round: a handle has a front."""
    angle = math.radians(yaw)
    normal = turn(angle) @ [1, 0, 0]
    front = box(generator, [0.02, 0.4, 0.3], np.array([0.6, 0, 0.2]), angle, 5000, faces=((0, 1),))
    middle = np.array([0.6, 0, 0.2]) + 0.01 * normal + turn(angle) @ [0.02, 0.05, 0.03]
    handle = box(generator, [0.04, 0.12, 0.02], middle, angle, 600, faces=((0, 1), (1, 1), (1, -1), (2, 1)))
    points, segments = scene(front, handle)
    assert_pose(part_frame(points, segments, 2), middle + 0.02 * normal, yaw)


def test_a_wall_far_away_does_not_count(generator):
    wall = box(generator, [0.02, 0.6, 0.4], [0.7, 0, 0.2], 0, 5000, faces=((0, -1),))
    points, segments = scene(wall, box(generator, [0.12, 0.05, 0.08], [0.45, 0, 0.04], math.radians(60)))
    assert_pose(part_frame(points, segments, 2), [0.45, 0, 0.08], 60)


def test_a_few_stray_points_do_not_move_the_frame(generator):
    whole = box(generator, [0.12, 0.05, 0.08], [0.5, 0, 0.04], 0.4)
    stray = np.float32([[0.5, 0, 0.5], [0.9, 0, 0.04], [0.5, 0.6, 0.01]])
    points, segments = scene(np.concatenate([whole, stray]))
    assert_pose(part_frame(points, segments, 1), [0.5, 0, 0.08], math.degrees(0.4), millimetres=3)


def test_a_frame_moves_with_its_part(generator):
    whole = box(generator, [0.12, 0.05, 0.08], [0.5, 0, 0.04], 0.1)
    points, segments = scene(whole)
    before = part_frame(points, segments, 1)
    rotation, shift = turn(0.5), np.array([0.1, 0.2, 0.05])
    after = part_frame((points @ rotation.T + shift).astype(np.float32), segments, 1)
    np.testing.assert_allclose(after[:3, 3], rotation @ before[:3, 3] + shift, atol=2e-3)
    assert abs(yaw_of(after) - yaw_of(before) - math.degrees(0.5)) < 1.5


def test_points_that_cannot_be_used_are_named(generator):
    points, segments = scene(box(generator, [0.1, 0.1, 0.1], [0.5, 0, 0.05], 0))
    spoilt = points.copy()
    spoilt[3, 1] = np.nan
    spoilt[7] = np.inf
    with pytest.raises(InputError, match="2 points with NaN or infinity; expected finite ones; drop them"):
        part_frame(spoilt, segments, 1)
    few = np.where(np.arange(len(points)) < FEWEST_POINTS - 1, 1, 2)
    with pytest.raises(InputError, match=r"segment 1 has 7 points; expected at least 8"):
        part_frame(points, few, 1)
    with pytest.raises(InputError, match=r"segment 9 has 0 points"):
        part_frame(points, segments, 9)
    assert np.isfinite(part_frame(points, np.where(np.arange(len(points)) < FEWEST_POINTS, 1, 2), 1)).all()


def test_a_part_cloud_is_half_part_half_surroundings(generator):
    part = box(generator, [0.1, 0.05, 0.05], [0.5, 0, 0.025], 0.3, 900)
    near = box(generator, [0.05, 0.05, 0.05], [0.6, 0.1, 0.025], 0, 300)
    far = box(generator, [0.05, 0.05, 0.05], [0.9, 0.1, 0.025], 0, 300)
    points, segments = scene(part, near, far)
    colors = np.uint8([[255, 0, 0], [0, 51, 0], [0, 0, 255]])[segments - 1]
    frame = part_frame(points, segments, 1)
    cloud = part_cloud(points, colors, segments, 1, frame)
    assert cloud.shape == (CLOUD_SIZE, 7) and cloud.dtype == np.float32
    own = cloud[:, 6] == 1
    assert own.sum() == CLOUD_SIZE // 2 and set(cloud[:, 6]) == {0.0, 1.0}
    np.testing.assert_allclose(cloud[own, 3:6], np.tile([1, 0, 0], (own.sum(), 1)))
    np.testing.assert_allclose(cloud[~own, 3:6], np.tile([0, 0.2, 0], ((~own).sum(), 1)), atol=1e-6)
    assert np.linalg.norm(cloud[:, :3], axis=1).max() < SURROUNDINGS
    # In the frame of the part its own points lie around the origin, below the top.
    assert np.abs(cloud[own, 0]).max() < 0.055 and np.abs(cloud[own, 1]).max() < 0.03
    assert cloud[own, 2].max() < 0.003 and cloud[own, 2].min() > -0.055
    back = cloud[:, :3].astype(np.float64) @ frame[:3, :3].T + frame[:3, 3]
    apart = np.linalg.norm(back[:, None] - points[None].astype(np.float64), axis=2).min(axis=1)
    assert apart.max() < 1e-6


def test_a_part_cloud_is_drawn_by_its_seed(generator):
    points, segments = scene(box(generator, [0.1, 0.05, 0.05], [0.5, 0, 0.025], 0.3))
    colors = np.zeros((len(points), 3), np.uint8)
    frame = part_frame(points, segments, 1)
    first, again, other = (part_cloud(points, colors, segments, 1, frame, seed) for seed in (4, 4, 5))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_part_alone_and_of_few_points_fills_its_cloud(generator):
    points, segments = scene(box(generator, [0.1, 0.05, 0.05], [0.5, 0, 0.025], 0.3, 20))
    cloud = part_cloud(points, np.zeros((20, 3), np.uint8), segments, 1, part_frame(points, segments, 1))
    assert cloud.shape == (CLOUD_SIZE, 7) and (cloud[:, 6] == 1).all()


def test_visible_parts_have_enough_points():
    segments = np.repeat([0, 5, 2, 9], [50, 8, 7, 30])
    assert visible_parts(segments) == [5, 9]
    assert visible_parts(segments, fewest=1) == [2, 5, 9]
    assert visible_parts(np.zeros(0, np.int32)) == []
