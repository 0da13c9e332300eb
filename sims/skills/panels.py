"""Working the controls of a panel: pressing, turning, flipping and sliding, from poses and sizes to waypoints.

All of them come from above with the hand pointing down and end with it back there, nothing held.
"""

import numpy as np

from sims.objects.switch import SwitchBoard
from sims.tasks.task import Placement, Waypoint, nearest_half_turn, pointing_down, pose

# From the tool centre point, where a trajectory lives, to the finger tips, which touch.
TIP = 0.007
ABOVE = 0.09
"""How far (m) over a control the hand waits before it goes down and after it has come up."""
GRIP_DEPTH = 0.011
"""How far (m) below the top of a knob the tool grips it."""
_FINGERS_OPEN = 0.08
# Half the thickness (m) of closed fingers as seen from the side that pushes.
_FINGER = 0.011


def press(top: np.ndarray, travel: float, yaw: float) -> list[Waypoint]:
    """Closes the hand above a button, pushes it straight down and lifts.

    Args:
        top: (3,) top of the cap at rest, world, m.
        travel: how far it goes down, m.
        yaw: turn of the hand, rad.
    """
    rotation = pointing_down(yaw)
    above = pose(top + (0, 0, ABOVE), rotation)
    pressed = top + (0, 0, TIP - travel - 0.003)
    return [
        Waypoint(above, 0.0),
        Waypoint(pose(pressed, rotation), 0.0, wait=0.25),
        Waypoint(above, 0.0),
    ]


def turn_knob(top: np.ndarray, yaw: float, sweep: float, width: float) -> list[Waypoint]:
    """Grips a knob across its narrow side, turns the hand about the vertical and lets go.

    Args:
        top: (3,) middle of the knob's top, world, m.
        yaw: direction (rad, world) of the knob's long side, across which the fingers close.
        sweep: angle to turn it by, rad, counterclockwise seen from above.
        width: of what is gripped, m: the fingers open no further than they need to.
    """
    start = nearest_half_turn(yaw, sweep)
    grasp = top - (0, 0, GRIP_DEPTH)
    before, after = pointing_down(start), pointing_down(start + sweep)
    opening = open_around(width)
    return [
        Waypoint(pose(top + (0, 0, ABOVE), before), opening),
        Waypoint(pose(grasp, before), 0.0, wait=0.35),
        Waypoint(pose(grasp, after), 0.0, wait=0.2),
        # Fingers that spring open from a firm grip would flick the knob on.
        Waypoint(pose(grasp, after), (width + 0.005) / _FINGERS_OPEN, wait=0.15),
        Waypoint(pose(grasp, after), opening, wait=0.25),
        Waypoint(pose(top + (0, 0, ABOVE), after), opening),
    ]


def flip(pivot: np.ndarray, length: float, direction: np.ndarray, tilt: float) -> list[Waypoint]:
    """Pushes a lever over with closed fingers, from the side to which it leans to the other one, and lifts.

    Args:
        pivot: (3,) the axle of the lever, world, m.
        length: from the axle to the lever's end, m.
        direction: (3,) horizontal unit vector in which the end of the lever is to go.
        tilt: by how much (rad) the lever leans from the vertical, on either side.
    """
    rotation = pointing_down(nearest_half_turn(float(np.arctan2(direction[1], direction[0]))))
    # The tips push at two thirds of the lever's length; they keep that height, the lever slides along them.
    height = (0.66 * length * np.cos(tilt) + TIP) * np.array([0, 0, 1.0])
    end = length * np.sin(tilt)
    behind = pivot + height - (end + _FINGER + 0.022) * direction
    beyond = pivot + height + (0.66 * end - _FINGER + 0.006) * direction
    return [
        Waypoint(pose(behind + (0, 0, ABOVE), rotation), 0.0),
        Waypoint(pose(behind, rotation), 0.0),
        Waypoint(pose(beyond, rotation), 0.0, wait=0.1),
        Waypoint(pose(beyond + (0, 0, ABOVE), rotation), 0.0),
    ]


def slide(top: np.ndarray, direction: np.ndarray, distance: float, width: float) -> list[Waypoint]:
    """Grips a slider across its way, moves it along and lets go.

    Args:
        top: (3,) middle of the slider's top, world, m.
        direction: (3,) horizontal unit vector in which it is to go.
        distance: how far, m.
        width: of what is gripped, m.
    """
    rotation = pointing_down(nearest_half_turn(float(np.arctan2(direction[1], direction[0]))))
    grasp = top - (0, 0, GRIP_DEPTH)
    moved = grasp + distance * np.asarray(direction)
    opening = open_around(width)
    up = (0, 0, ABOVE + GRIP_DEPTH)
    return [
        Waypoint(pose(grasp + up, rotation), opening),
        Waypoint(pose(grasp, rotation), 0.0, wait=0.3),
        Waypoint(pose(moved, rotation), 0.0, wait=0.1),
        Waypoint(pose(moved, rotation), opening, wait=0.25),
        Waypoint(pose(moved + up, rotation), opening),
    ]


def open_around(width: float) -> float:
    """The finger opening (0..1) that leaves a centimetre on either side of what is ``width`` (m) wide."""
    return float(min(1.0, (width + 0.02) / _FINGERS_OPEN))


def flip_switch(board: SwitchBoard, placement: Placement, index: int, on: bool) -> list[Waypoint]:
    """Flips a switch that is not yet as it should be: pushes its lever over, or presses the end of a rocker that is up.

    Args:
        board: that has the switch.
        placement: where the board stands.
        index: of the switch.
        on: how it is to stand.
    """
    switch = board.switches[index]
    if switch.category == "rocker":
        end = placement.point(board.end(index, not on))
        return press(end, board.rocker_travel(index), placement.yaw)
    direction = placement.direction(np.array([1.0 if on else -1.0, 0.0, 0.0]))
    return flip(placement.point(board.axle(index)), switch.length, direction, switch.tilt)
