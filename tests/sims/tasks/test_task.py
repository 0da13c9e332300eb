import numpy as np
import pytest

from sims.tasks.task import nearest_half_turn, nearest_quarter_turn, pointing_down, pose, turn


def test_turning_is_about_the_vertical():
    np.testing.assert_allclose(turn(np.pi / 2) @ [1, 0, 5], [0, 1, 5], atol=1e-12)
    matrix = pose(np.array([1, 2, 3]), turn(0.3))
    np.testing.assert_array_equal(matrix[:, 3], [1, 2, 3, 1])
    np.testing.assert_array_equal(matrix[:3, :3], turn(0.3))


@pytest.mark.parametrize("yaw", [-1.0, 0.0, 0.7])
def test_a_hand_pointing_down_does(yaw):
    rotation = pointing_down(yaw)
    np.testing.assert_allclose(rotation[:, 2], [0, 0, -1], atol=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1)
    # The fingers open (along y) across the direction of the yaw.
    assert rotation[:, 1] @ turn(yaw)[:, 0] == pytest.approx(0)


@pytest.mark.parametrize("yaw", np.linspace(-7, 7, 29))
def test_the_nearest_turn_is_the_same_grasp(yaw):
    half, quarter = nearest_half_turn(yaw), nearest_quarter_turn(yaw)
    assert abs(half) <= np.pi / 2 + 1e-9 and abs(quarter) <= np.pi / 4 + 1e-9
    assert np.sin(half - yaw) == pytest.approx(0, abs=1e-9)
    assert np.sin(2 * (quarter - yaw)) == pytest.approx(0, abs=1e-9)


def test_a_sweep_is_begun_from_the_side_with_more_room():
    # From 1.2 rad a turn by +1.3 would end at 2.5; from 1.2 - pi it ends at -0.64.
    assert nearest_half_turn(1.2, 1.3) == pytest.approx(1.2 - np.pi)
    assert nearest_half_turn(1.2, -1.3) == pytest.approx(1.2)
