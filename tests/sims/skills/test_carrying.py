import numpy as np
import pytest

from sims.objects.blocks import draw_item
from sims.skills.carrying import clear_turn, hand_turn, pick, place, slowly
from sims.tasks.task import pointing_down


def test_the_hand_turns_away_from_a_neighbour():
    quarters = [0.0, np.pi / 2]
    assert clear_turn(quarters, (0.5, 0.0)) == 0.0
    # The hand reaches far across its turn: a neighbour at its side leaves room only to a hand turned lengthwise.
    assert abs(clear_turn(quarters, (0.5, 0.0), [((0.5, 0.09), 0.03)])) == pytest.approx(np.pi / 2)
    assert clear_turn(quarters, (0.5, 0.0), [((0.59, 0.0), 0.03)]) == 0.0
    assert clear_turn(quarters, (0.5, 0.0), preferred=1.4) == pytest.approx(np.pi / 2)


def test_a_brick_is_gripped_across_its_short_side(generator):
    brick = draw_item(generator, "block", "brick")
    assert hand_turn(brick, 0.4, (0.5, 0)) == pytest.approx(0.4)
    assert hand_turn(brick, 2.9, (0.5, 0)) == pytest.approx(2.9 - np.pi)


def test_slow_ways_take_their_time():
    start, end = np.array([0.4, 0.0, 0.2]), np.array([0.4, 0.1, 0.2])
    way = slowly(start, end, pointing_down(0.0), 0.0, speed=0.1)
    assert len(way) == 20 and np.allclose(way[-1].pose[:3, 3], end)
    steps = np.diff([start, *(waypoint.pose[:3, 3] for waypoint in way)], axis=0)
    assert np.linalg.norm(steps, axis=1) == pytest.approx(np.full(20, 0.005))


def test_what_is_picked_is_let_go_only_where_it_is_placed(generator):
    cube = draw_item(generator, "block", "cube")
    taken = pick(cube, np.array([0.5, 0.1, cube.height / 2]), 0.0, 0.3)
    put = place(cube, np.array([0.4, -0.1, cube.height / 2]), 0.0, 0.3)
    grip, release = taken[-2], next(waypoint for waypoint in put if waypoint.gripper == 1.0)
    assert grip.pose[:3, 3] == pytest.approx((0.5, 0.1, cube.grip)) and grip.gripper == 0.0
    assert release.pose[:3, 3] == pytest.approx((0.4, -0.1, cube.grip))
    assert taken[-1].pose[2, 3] == put[0].pose[2, 3] == 0.3 and taken[-1].gripper == put[0].gripper == 0.0
