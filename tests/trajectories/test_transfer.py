"""Motions carried from one object to another: what was planted must come out."""

import math

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from grounding.errors import InputError
from grounding.trajectories import densify, inverse, matrix_from_pose, rotations, transform
from grounding.trajectories.transfer import APPROACH, DEPART, SPEED, TURN_RATE, stages, transfer

RATE = 20.0
DOWN = (1.0, 0.0, 0.0, 0.0)


def frame_at(x, y, z, yaw=0.0):
    return matrix_from_pose([x, y, z, *Rotation.from_euler("z", yaw).as_quat()])


def waypoints(*rows):
    """Rows of x, y, z and gripper, the hand pointing down."""
    return densify(np.array([[x, y, z, *DOWN, gripper] for x, y, z, gripper in rows]), RATE)


def grasp_at(x, y, z):
    """From above to a part, and up again with it."""
    return [(x, y, z + 0.2, 1), (x, y, z, 1), (x, y, z, 0), (x, y, z + 0.25, 0)]


HOME = np.array([0.4, 0.0, 0.5, *DOWN, 1.0])
OBJECT, BIN = frame_at(0.5, 0.1, 0.1), frame_at(0.5, -0.3, 0.1)


def same_poses(first, second, atol=1e-5):
    np.testing.assert_allclose(first[:, :3], second[:, :3], atol=atol)
    np.testing.assert_allclose(rotations.rotation_distance(first[:, 3:7], second[:, 3:7]), 0, atol=2e-3)
    np.testing.assert_array_equal(first[:, 7], second[:, 7])


@pytest.fixture
def demonstrated():
    return waypoints((0.4, 0, 0.5, 1), *grasp_at(0.5, 0.1, 0.1))


@pytest.fixture
def two_parts():
    release = [(0.5, -0.3, 0.35, 0), (0.5, -0.3, 0.15, 0), (0.5, -0.3, 0.15, 1), (0.5, -0.3, 0.4, 1)]
    return waypoints((0.4, 0, 0.5, 1), *grasp_at(0.5, 0.1, 0.1), *release)


def test_a_stage_begins_with_the_last_approach(demonstrated):
    (stage,) = stages(demonstrated, [OBJECT])
    same_poses(transform(stage, OBJECT), demonstrated[-len(stage) :])
    distance = np.linalg.norm(stage[:, :3], axis=1)
    assert distance[0] >= APPROACH > distance[1]
    assert stage.dtype == np.float32 and stage[:, 7].tolist() == demonstrated[-len(stage) :, 7].tolist()


@pytest.mark.parametrize("yaw", [0, 40, -70])
def test_a_planted_motion_is_recovered(demonstrated, yaw):
    """On an object moved and turned the very same motion takes place, moved and turned alike."""
    parts = stages(demonstrated, [OBJECT])
    placed = frame_at(0.35, -0.25, 0.17, math.radians(yaw))
    motion = transfer(parts, [placed], HOME, RATE)
    same_poses(motion[-len(parts[0]) :], transform(demonstrated, placed @ inverse(OBJECT))[-len(parts[0]) :])


def test_the_way_there_is_straight_and_no_faster_than_allowed(demonstrated):
    parts = stages(demonstrated, [OBJECT])
    motion = transfer(parts, [frame_at(0.6, 0.2, 0.1, 0.8)], HOME, RATE)
    whole = np.concatenate([HOME[None], motion])
    way = whole[: len(whole) - len(parts[0]) + 1]
    assert np.linalg.norm(np.diff(way[:, :3], axis=0), axis=1).max() <= SPEED / RATE + 1e-6
    assert rotations.rotation_distance(way[:-1, 3:7], way[1:, 3:7]).max() <= TURN_RATE / RATE + 1e-3
    line = (way[-1, :3] - way[0, :3]) / np.linalg.norm(way[-1, :3] - way[0, :3])
    beside = way[:, :3] - way[0, :3]
    assert np.linalg.norm(beside - (beside @ line)[:, None] * line, axis=1).max() < 1e-5
    # The hand is as open as the motion begins with from the first step on.
    assert set(way[1:, 7]) == {parts[0][0, 7]}


def test_each_stage_follows_its_own_part(two_parts):
    first, second = stages(two_parts, [OBJECT, BIN])
    assert np.linalg.norm(first[-1, :3]) >= DEPART > np.linalg.norm(first[-2, :3])
    assert np.linalg.norm(second[0, :3]) >= APPROACH > np.linalg.norm(second[1, :3])
    same_poses(transform(second, BIN), two_parts[-len(second) :])

    moved = frame_at(0.35, 0.25, 0.12, 0.5), frame_at(0.6, -0.2, 0.1)
    motion = transfer([first, second], moved, HOME, RATE)
    same_poses(motion[-len(second) :], transform(second, moved[1]))
    begin = next(i for i in range(len(motion)) if np.allclose(motion[i, :3], transform(first, moved[0])[0, :3]))
    same_poses(motion[begin : begin + len(first)], transform(first, moved[0]))
    # Between the two the hand keeps hold of what it took.
    assert (motion[begin + len(first) : -len(second), 7] == 0).all()
    assert (np.linalg.norm(np.diff(motion[:, :3], axis=0), axis=1) < 0.5 / RATE).all()


def test_parts_at_one_place_are_acted_on_in_order():
    """A second stage may begin where the first one ended; nothing is left over."""
    short = waypoints(*grasp_at(0.5, 0.1, 0.1)[1:3])
    first, second = stages(short, [OBJECT, OBJECT])
    assert len(first) == len(short) and len(second) == 1


def test_the_hand_comes_the_nearer_way_round(demonstrated):
    """A gripper turned by half a turn about its own axis grips alike, so it never turns by more than it must."""
    parts = stages(demonstrated, [OBJECT])
    motion = transfer(parts, [frame_at(0.5, 0, 0.1, math.radians(170))], HOME, RATE)
    turned = rotations.rotation_distance(motion[:, 3:7], HOME[None, 3:7])
    assert math.degrees(turned.max()) == pytest.approx(10, abs=0.1)
    planted = transform(parts[0], frame_at(0.5, 0, 0.1, math.radians(170)))
    end = motion[-len(planted) :]
    np.testing.assert_allclose(end[:, :3], planted[:, :3], atol=1e-6)
    around = Rotation.from_quat(planted[:, 3:7]).inv() * Rotation.from_quat(end[:, 3:7])
    np.testing.assert_allclose(around.as_rotvec(degrees=True) % 360, np.tile([0, 0, 180], (len(end), 1)), atol=0.1)
    assert (motion[:, 6] >= 0).all()


@pytest.mark.parametrize("yaw", range(-180, 180, 45))
def test_never_more_than_a_quarter_turn(demonstrated, yaw):
    motion = transfer(stages(demonstrated, [OBJECT]), [frame_at(0.5, 0, 0.1, math.radians(yaw))], HOME, RATE)
    assert math.degrees(rotations.rotation_distance(motion[:, 3:7], HOME[None, 3:7]).max()) <= 90.1


def test_what_does_not_fit_is_named(demonstrated):
    with pytest.raises(InputError, match="no part frames given; expected one for each part"):
        stages(demonstrated, [])
    for parts, frames in (([], []), ([demonstrated], [OBJECT, BIN]), ([demonstrated], [])):
        with pytest.raises(InputError, match=f"{len(parts)} stages for {len(frames)} parts; expected one stage for"):
            transfer(parts, frames, HOME, RATE)
    with pytest.raises(InputError, match="not a rigid transform"):
        transfer([demonstrated], [np.eye(4) * 2], HOME, RATE)
