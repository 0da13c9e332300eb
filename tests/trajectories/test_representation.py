import math

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from grounding.errors import InputError
from grounding.trajectories import (
    change_rate,
    densify,
    inverse,
    matrix_from_pose,
    path_length,
    pose_from_matrix,
    representation,
    resample,
    rotation_distance,
    transform,
    validate,
)

DOWN = [1.0, 0.0, 0.0, 0.0]
UPRIGHT = [0.0, 0.0, 0.0, 1.0]


def row(x, y, z, quaternion=UPRIGHT, gripper=1.0):
    return [x, y, z, *quaternion, gripper]


@pytest.fixture
def trajectory(generator):
    positions = np.cumsum(generator.normal(size=(40, 3)) * 0.01, axis=0)
    quaternions = Rotation.random(40, rng=generator).as_quat(canonical=True)
    return validate(np.column_stack([positions, quaternions, generator.integers(0, 2, 40)]))


@pytest.fixture
def frame(generator):
    return matrix_from_pose([*generator.normal(size=3), *Rotation.random(rng=generator).as_quat()])


def test_validate_returns_clean_float32(trajectory):
    rough = trajectory.astype(np.float64)
    rough[:, 3:7] *= -1.004
    rough[0, 7] = 1.0004
    clean = validate(rough)
    assert clean.dtype == np.float32
    assert (clean[:, 6] >= 0).all()
    assert clean[:, 7].max() <= 1
    np.testing.assert_allclose(clean[1:], trajectory[1:], atol=1e-6)
    assert validate([row(0, 0, 0)]).shape == (1, 8)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t[:, :7], r"shape \(40, 7\); expected \(T, 8\)"),
        (lambda t: t[:0], r"shape \(0, 8\)"),
        (lambda t: t[0], r"shape \(8,\)"),
        (lambda t: [["a"] * 8], "not an array of numbers"),
        (
            lambda t: np.where(np.arange(40)[:, None] >= 38, np.nan, t),
            "NaN or infinity in 2 of 40 rows, first in row 38",
        ),
        (lambda t: t * [1, 1, 1, 0, 0, 0, 0, 1], "quaternion of row 0 has length 0.0000"),
        (lambda t: t * [1, 1, 1, 1, 1, 1, 1, 5], "gripper runs from 0.000 to 5.000"),
    ],
)
def test_validate_names_what_is_wrong(trajectory, change, words):
    with pytest.raises(InputError, match=words) as caught:
        validate(change(trajectory), "the demonstration")
    assert str(caught.value).startswith("the demonstration")


def test_poses_and_matrices_come_back(trajectory):
    matrices = matrix_from_pose(trajectory)
    assert matrices.shape == (40, 4, 4)
    np.testing.assert_allclose(matrices[:, :3, 3], trajectory[:, :3])
    np.testing.assert_allclose(pose_from_matrix(matrices), trajectory[:, :7], atol=1e-6)
    np.testing.assert_allclose(matrices @ inverse(matrices), np.broadcast_to(np.eye(4), (40, 4, 4)), atol=1e-12)


def test_a_transform_is_a_product_of_matrices(trajectory, frame):
    moved = transform(trajectory, frame)
    assert moved.dtype == np.float32
    np.testing.assert_allclose(matrix_from_pose(moved), frame @ matrix_from_pose(trajectory), atol=1e-5)
    np.testing.assert_array_equal(moved[:, 7], trajectory[:, 7])


def test_into_a_part_frame_and_back(trajectory, frame):
    back = transform(transform(trajectory, inverse(frame)), frame)
    np.testing.assert_allclose(back[:, :3], trajectory[:, :3], atol=1e-5)
    assert rotation_distance(back[:, 3:7], trajectory[:, 3:7]).max() < 1e-5
    assert path_length(back) == pytest.approx(path_length(trajectory), abs=1e-4)


@pytest.mark.parametrize(
    "matrix", [np.eye(3), 2 * np.eye(4), np.diag([1.0, 1, -1, 1]), np.full((4, 4), np.nan), np.ones((4, 4))]
)
def test_a_matrix_that_is_not_rigid_is_refused(trajectory, matrix):
    with pytest.raises(InputError, match="not a rigid transform"):
        transform(trajectory, matrix)


def test_path_length_counts_positions_only():
    assert path_length([row(0, 0, 0), row(0.3, 0.4, 0), row(0.3, 0.4, 0, DOWN), row(0.3, 0.4, 1)]) == pytest.approx(1.5)
    assert path_length([row(1, 1, 1)]) == 0


def test_resampling_is_even_along_the_path_and_drops_pauses():
    slow = [row(0.01 * n, 0, 0) for n in range(11)]
    pause = [row(0.1, 0, 0)] * 30
    fast = [row(0.1 + 0.1 * n, 0, 0) for n in range(1, 10)]
    even = resample([*slow, *pause, *fast], 21)
    assert even.shape == (21, 8)
    np.testing.assert_allclose(even[:, 0], np.linspace(0, 1, 21), atol=1e-6)


def test_resampling_counts_rotation_on_the_spot():
    turns = [row(0, 0, 0, Rotation.from_euler("z", angle).as_quat()) for angle in (0, 0.1, 0.2, 0.3, 1.2)]
    angles = Rotation.from_quat(resample(turns, 13)[:, 3:7]).magnitude()
    np.testing.assert_allclose(angles, np.linspace(0, 1.2, 13), atol=1e-6)


def test_resampling_keeps_ends_and_closed_states(trajectory):
    for count in (2, 15, 200):
        result = resample(trajectory, count)
        np.testing.assert_allclose(result[[0, -1], :3], trajectory[[0, -1], :3], atol=1e-6)
        assert result[-1, 7] == trajectory[-1, 7]
        assert set(np.unique(result[:, 7])) <= {0.0, 1.0}
        np.testing.assert_allclose(np.linalg.norm(result[:, 3:7], axis=1), 1, atol=1e-6)


def test_a_release_after_the_last_move_is_kept():
    path = [row(0, 0, 0, gripper=0), row(1, 0, 0, gripper=0), row(1, 0, 0, gripper=1)]
    assert resample(path, 5)[:, 7].tolist() == [0, 0, 0, 0, 1]


def test_resampling_what_never_moves():
    still = [row(1, 2, 3, gripper=1), row(1, 2, 3, gripper=1), row(1, 2, 3, gripper=0), row(1, 2, 3, gripper=0)]
    assert resample(still, 8)[:, 7].tolist() == [1, 1, 1, 1, 0, 0, 0, 0]
    assert resample([row(1, 2, 3)], 4).shape == (4, 8)
    assert resample(still, 1).shape == (1, 8)
    with pytest.raises(InputError, match="count is 0"):
        resample(still, 0)


def test_changing_the_rate_keeps_duration_and_path():
    path = densify([row(0, 0, 0), row(0.5, 0, 0, DOWN)], rate=20, speed=0.25, turn_rate=10)
    assert len(path) == 41
    slow = change_rate(path, 20, 10)
    assert len(slow) == 21
    np.testing.assert_allclose(slow, path[::2], atol=1e-5)
    np.testing.assert_allclose(change_rate(slow, 10, 20)[:, 0], path[:, 0], atol=1e-6)
    assert len(change_rate(path[:2], 20, 1)) == 2
    assert len(change_rate(path[:1], 20, 100)) == 1
    with pytest.raises(InputError, match="rates are 20 and 0"):
        change_rate(path, 20, 0)


def test_densify_bounds_speed_and_turn(generator):
    waypoints = [
        row(*generator.uniform(-0.3, 0.3, 3), Rotation.random(rng=generator).as_quat(canonical=True)) for _ in range(6)
    ]
    dense = densify(waypoints, rate=20, speed=0.3, turn_rate=1.0)
    assert np.linalg.norm(np.diff(dense[:, :3], axis=0), axis=1).max() <= 0.3 / 20 + 1e-6
    assert rotation_distance(dense[:-1, 3:7], dense[1:, 3:7]).max() <= 1.0 / 20 + 1e-5
    straight = np.linalg.norm(np.diff(np.array(waypoints)[:, :3], axis=0), axis=1).sum()
    assert path_length(dense) == pytest.approx(straight, rel=1e-4)
    np.testing.assert_allclose(dense[-1], waypoints[-1], atol=1e-6)


def test_densify_takes_no_more_steps_than_it_must():
    assert len(densify([row(0, 0, 0), row(0.5, 0, 0)], rate=20, speed=0.25)) == 41
    assert len(densify([row(0, 0, 0), row(0, 0, 0, DOWN)], rate=20, turn_rate=math.pi)) == 21


def test_densify_changes_the_gripper_on_arrival_and_dwells():
    dense = densify([row(0, 0, 0), row(0.1, 0, 0, gripper=0), row(0, 0, 0, gripper=0)], rate=20, speed=0.2, dwell=0.25)
    closing = int(np.argmax(dense[:, 7] == 0))
    np.testing.assert_allclose(dense[: closing - 1, 7], 1)
    np.testing.assert_allclose(dense[closing - 1 : closing + 5, 0], 0.1)
    assert dense[closing + 5, 0] < 0.1
    assert (dense[closing:, 7] == 0).all()
    assert len(dense) == 1 + 10 + 5 + 10


def test_densify_holds_an_equal_waypoint_for_one_step():
    assert len(densify([row(0, 0, 0)] * 3, rate=20)) == 3
    assert len(densify([row(0, 0, 0)], rate=20)) == 1


@pytest.mark.parametrize("name", ["rate", "speed", "turn_rate"])
def test_densify_refuses_what_is_not_positive(name):
    with pytest.raises(InputError, match=f"{name} is 0"):
        densify([row(0, 0, 0)], **{"rate": 20, name: 0})


def test_the_metric_is_that_of_dtw_mt():
    assert pytest.approx(0.1146, abs=1e-4) == representation.METRES_PER_RADIAN
