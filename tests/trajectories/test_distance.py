"""DTW-MT against its definition in plain Python, and what a distance must satisfy."""

import math

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from grounding.errors import InputError
from grounding.trajectories import distance, transform, validate
from grounding.trajectories.distance import dtw_mt, dtw_mt_matrix, interpolate, without_pauses


def row(x, y, z, gripper=1.0, quaternion=(0.0, 0.0, 0.0, 1.0)):
    return [x, y, z, *quaternion, gripper]


def random_trajectory(generator, count):
    positions = np.cumsum(generator.normal(size=(count, 3)) * 0.03, axis=0)
    quaternions = Rotation.random(count, rng=generator).as_quat()
    return validate(np.column_stack([positions, quaternions, generator.choice([0.0, 0.1, 0.5, 0.9, 1.0], count)]))


def state(gripper):
    return "open" if gripper > 0.75 else "hold" if gripper > 0.25 else "closed"


def cost(a, b):
    """The published cost of two rows."""
    moved = math.dist(a[:3], b[:3]) / 0.0075
    turned = (Rotation.from_quat(a[3:7]).inv() * Rotation.from_quat(b[3:7])).magnitude() / math.radians(3.75)
    weight = math.exp(-4 * math.hypot(*a[:3])) * math.exp(-4 * math.hypot(*b[:3]))
    return (moved + turned) * (2.0 if state(a[7]) != state(b[7]) else 1.0) * weight


def definition(a, b, border):
    """The table of alignments, in which an entry is (cost so far, pairs so far)."""
    table = {}
    for i, one in enumerate(a):
        for j, other in enumerate(b):
            if i and j:
                before = min(table[i - 1, j - 1], table[i - 1, j], table[i, j - 1])
            elif i or j:
                earlier = [table[k, 0] for k in range(i)] if i else [table[0, k] for k in range(j)]
                summed = sum(entry[0] for entry in earlier)
                before = (summed if border == "published" else earlier[-1][0], earlier[-1][1])
            else:
                before = (0.0, 0)
            table[i, j] = (before[0] + cost(one, other), before[1] + 1)
    total, length = table[len(a) - 1, len(b) - 1]
    return total / length


@pytest.mark.parametrize("border", ["standard", "published"])
def test_the_kernel_is_the_definition(generator, border):
    trajectories = [random_trajectory(generator, count) for count in (1, 2, 5, 9, 12)]
    found = dtw_mt_matrix(trajectories, trajectories[1:], interpolated=False, border=border)
    wanted = [[definition(a, b, border) for b in trajectories[1:]] for a in trajectories]
    np.testing.assert_allclose(found, wanted, atol=1e-6)
    fine = definition(interpolate(trajectories[1]), interpolate(trajectories[2]), border)
    assert dtw_mt(trajectories[1], trajectories[2], border=border) == pytest.approx(fine, abs=1e-6)


def test_the_published_border_makes_waiting_at_the_start_dear():
    # The origin costs 0; the other two rows cost 1 each (times their weight) when aligned with it.
    still, moving = [row(0, 0, 0)], [row(0, 0, 0.0075), row(0, 0, 0.0075), row(0, 0, 0.0075)]
    one = math.exp(-4 * 0.0075)
    assert dtw_mt(still, moving) == pytest.approx(one, abs=1e-5)
    assert dtw_mt(still, moving, border="published") == pytest.approx((1 + (1 + 1) + 1) * one / 3, abs=1e-5)


def test_each_scale_is_the_published_one():
    here = [row(0, 0, 0)]
    turned = (0.0, 0.0, math.sin(math.radians(3.75) / 2), math.cos(math.radians(3.75) / 2))
    assert dtw_mt(here, [row(0, 0, 0, quaternion=turned)]) == pytest.approx(1, abs=1e-4)
    assert dtw_mt(here, [row(0, 0, 0, gripper=0.0, quaternion=turned)]) == pytest.approx(2, abs=1e-4)
    assert dtw_mt(here, [row(0, 0, 0, gripper=0.5, quaternion=turned)]) == pytest.approx(2, abs=1e-4)
    assert dtw_mt(here, [row(0, 0, 0, gripper=0.9, quaternion=turned)]) == pytest.approx(1, abs=1e-4)
    far = dtw_mt([row(1, 0, 0)], [row(1, 0, 0.0075)])
    assert far == pytest.approx(math.exp(-8), rel=1e-2)


def test_a_distance_is_symmetric_zero_to_itself_and_blind_to_the_sign_of_quaternions(generator):
    trajectories = [random_trajectory(generator, count) for count in (3, 6, 7)]
    matrix = dtw_mt_matrix(trajectories)
    np.testing.assert_array_equal(matrix, matrix.T)
    assert (np.diag(matrix) == 0).all() and (matrix[np.triu_indices(3, 1)] > 0).all()
    np.testing.assert_allclose(matrix, dtw_mt_matrix(trajectories, trajectories), atol=1e-9)
    flipped = [one * np.float32([1, 1, 1, -1, -1, -1, -1, 1]) for one in trajectories]
    np.testing.assert_allclose(dtw_mt_matrix(flipped, trajectories), matrix, atol=1e-4)


def test_a_turn_of_both_about_the_part_changes_nothing(generator):
    a, b = random_trajectory(generator, 5), random_trajectory(generator, 8)
    turn = np.eye(4)
    turn[:3, :3] = Rotation.random(rng=generator).as_matrix()
    assert dtw_mt(transform(a, turn), transform(b, turn)) == pytest.approx(dtw_mt(a, b), rel=1e-4)


def test_speed_does_not_count_once_rows_are_filled_in():
    slow = [row(0, 0, z) for z in np.linspace(0, 0.1, 11)]
    fast = [row(0, 0, 0), row(0, 0, 0.1)]
    assert dtw_mt(slow, fast) == pytest.approx(0, abs=1e-4)
    assert dtw_mt(slow, fast, interpolated=False) > 1


def test_filling_in_keeps_all_rows_and_leaves_no_gap(generator):
    path = random_trajectory(generator, 6)
    fine = interpolate(path)
    assert np.linalg.norm(np.diff(fine[:, :3], axis=0), axis=1).max() <= 0.01 + 1e-9
    assert distance.rotations.rotation_distance(fine[:-1, 3:7], fine[1:, 3:7]).max() <= math.radians(5) + 1e-6
    places = [int(np.abs(fine[:, :3] - one[:3]).sum(axis=1).argmin()) for one in path]
    assert places == sorted(places) and places[0] == 0 and places[-1] == len(fine) - 1
    np.testing.assert_allclose(fine[places], path, atol=1e-5)
    np.testing.assert_array_equal(fine[: places[1], 7], path[0, 7])
    assert len(interpolate([row(0, 0, 0), row(0.1, 0, 0)])) == 11
    assert len(interpolate([row(0, 0, 0)])) == 1


def test_pauses_are_dropped_but_no_change_of_the_gripper():
    here, there = row(0, 0, 0), row(0, 0, 0.05)
    path = [here, here, row(0, 0, 0, gripper=0.0), row(0, 0, 0, gripper=0.0), there, there]
    np.testing.assert_allclose(without_pauses(path), [here, path[2], there], atol=1e-6)
    creeping = [row(0, 0, z) for z in np.arange(0, 0.02, 0.0004)]
    assert 10 < len(without_pauses(creeping)) < 25


def test_what_cannot_be_compared_is_refused():
    good = [row(0, 0, 0)]
    with pytest.raises(InputError, match="border: 'loose' found, expected one of standard, published"):
        dtw_mt(good, good, border="loose")
    with pytest.raises(InputError, match=r"trajectory column 1: shape \(1, 7\); expected \(T, 8\)"):
        dtw_mt_matrix([good], [good, [row(0, 0, 0)[:7]]])
    with pytest.raises(InputError, match="trajectory row 0: NaN"):
        dtw_mt([row(0, math.nan, 0)], good)
    with pytest.raises(InputError, match="step and turn are 0 and"):
        interpolate(good, step=0)
    assert dtw_mt_matrix([]).shape == (0, 0)
