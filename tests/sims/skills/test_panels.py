import numpy as np
import pytest

from sims.objects.switch import SwitchBoard, draw_switch
from sims.skills.panels import TIP, flip, flip_switch, open_around, press, slide, turn_knob
from sims.tasks.task import Placement

TOP = np.array([0.5, 0.1, 0.2])


def heights(waypoints):
    return [waypoint.pose[2, 3] for waypoint in waypoints]


def test_a_press_goes_straight_down_by_the_travel_with_the_hand_closed():
    above, pressed, back = press(TOP, 0.012, 0.3)
    assert {waypoint.gripper for waypoint in (above, pressed, back)} == {0.0}
    np.testing.assert_array_equal(above.pose, back.pose)
    np.testing.assert_allclose(pressed.pose[:2, 3], TOP[:2])
    assert TOP[2] - 0.016 < pressed.pose[2, 3] - TIP < TOP[2] - 0.012


@pytest.mark.parametrize("yaw", [-2.0, 0.4, 3.0])
@pytest.mark.parametrize("sweep", [-1.2, 2.0])
def test_turning_a_knob_turns_the_hand_by_as_much_and_lets_go(yaw, sweep):
    above, gripped, turned, eased, opened, away = turn_knob(TOP, yaw, sweep, 0.016)
    difference = turned.pose[:3, :3] @ gripped.pose[:3, :3].T
    assert np.arctan2(difference[1, 0], difference[0, 0]) == pytest.approx(sweep)
    # The fingers open across the knob's long side.
    assert gripped.pose[:3, 1] @ (np.cos(yaw), np.sin(yaw), 0) == pytest.approx(0, abs=1e-9)
    assert (gripped.gripper, turned.gripper) == (0, 0) and 0 < eased.gripper < opened.gripper < 1
    assert above.pose[2, 3] == away.pose[2, 3] > TOP[2]


def test_a_lever_is_pushed_from_behind_its_end_to_beyond_its_axle():
    direction = np.array([0.0, -1.0, 0.0])
    waypoints = flip(TOP, 0.04, direction, 0.45)
    along = [(waypoint.pose[:3, 3] - TOP) @ direction for waypoint in waypoints]
    # From clear of the end of the lever that leans against the push.
    assert along[0] == along[1] < -0.04 * np.sin(0.45) - 0.02
    assert along[2] == along[3] > -0.002
    assert heights(waypoints)[1] == heights(waypoints)[2] < TOP[2] + 0.04


@pytest.mark.parametrize("on", [False, True])
def test_a_rocker_is_pressed_on_the_side_that_is_up(generator, on):
    board = SwitchBoard((draw_switch(generator, "rocker", "flat"),), "black", 0.14, 0.06, 0.08)
    placement = Placement(np.array([0.5, 0.0, 0.0]), 0.0)
    side = flip_switch(board, placement, 0, on)[1].pose[0, 3] - 0.5
    # One that is to be switched on is off, so the end away from the robot is up.
    assert np.sign(side) == (1 if on else -1)


def test_a_slide_carries_the_slider_as_far_as_asked_and_lets_go():
    direction = np.array([np.cos(0.3), np.sin(0.3), 0.0])
    _, gripped, moved, opened, away = slide(TOP, direction, 0.05, 0.025)
    np.testing.assert_allclose(moved.pose[:3, 3] - gripped.pose[:3, 3], 0.05 * direction)
    assert gripped.pose[:3, 1] @ direction == pytest.approx(0, abs=1e-9)
    assert (gripped.gripper, moved.gripper) == (0, 0) and opened.gripper == away.gripper > 0


@pytest.mark.parametrize(("width", "opening"), [(0.0, 0.25), (0.02, 0.5), (0.06, 1.0), (0.2, 1.0)])
def test_fingers_open_a_centimetre_wider_on_either_side(width, opening):
    assert open_around(width) == pytest.approx(opening)
