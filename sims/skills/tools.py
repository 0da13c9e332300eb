"""Using things as tools: tipping a cup over a bowl, sweeping with a brush."""

import numpy as np

from sims.tasks.task import Waypoint, nearest_half_turn, pointing_down, pose, turn

LEAN = np.deg2rad(60.0)
"""How far below the horizontal the hand points when it takes a cup, so that it is out of the way of what is poured."""
_TIPS = np.deg2rad((0.0, 30.0, 50.0, 65.0, 80.0, 95.0, 110.0, 125.0))
_CLEAR = 0.02
_BEHIND = 0.065
_SKIM = 0.003


def leaning(yaw: float) -> np.ndarray:
    """(3, 3) tool rotation: hand pointing forward along ``yaw`` (rad) and steeply down, fingers level."""
    into = turn(yaw) @ np.array([np.cos(LEAN), 0.0, -np.sin(LEAN)])
    side = turn(yaw) @ np.array([0.0, -1.0, 0.0])
    return np.column_stack([np.cross(side, into), side, into])


def take_upright(grasp: np.ndarray, yaw: float, travel: float) -> list[Waypoint]:
    """Takes a cup near its rim with a leaning hand and lifts it straight up.

    Args:
        grasp: (3,) where the tool is when the fingers close, world, m.
        yaw: the way the hand leans, rad.
        travel: height (m) to which the tool rises with the cup.
    """
    rotation = leaning(yaw)
    above = np.array([grasp[0], grasp[1], travel])
    return [
        Waypoint(pose(above, rotation), 1.0),
        Waypoint(pose(grasp + (0, 0, 0.04), rotation), 1.0),
        Waypoint(pose(grasp, rotation), 0.0, wait=0.35),
        Waypoint(pose(above, rotation), 0.0),
    ]


def pour(spout: np.ndarray, yaw: float, radius: float, height: float, rim: float, travel: float) -> list[Waypoint]:
    """Tips a cup, held as :func:`take_upright` takes it, with the edge over which it pours always above one place.

    The cup comes down as far as it is tipped, so that its foot clears what stands below.

    Args:
        spout: (3,) where that edge of the rim ends, world, m.
        yaw: the way the cup is tipped, rad.
        radius: of the cup's rim, m.
        height: of the cup, m.
        rim: how far (m) the rim is above the tool.
        travel: height (m) of the tool on the way there.
    """
    upright, axis = leaning(yaw), turn(yaw) @ np.array([0.0, 1.0, 0.0])
    lip = turn(yaw) @ np.array([radius, 0.0, rim])
    start = spout - lip
    waypoints = [Waypoint(pose(np.array([start[0], start[1], travel]), upright), 0.0)]
    for tip in _TIPS:
        tipped = _about(axis, tip)
        edge = spout + (0, 0, max(0.0, height * np.cos(tip) - _CLEAR))
        waypoints.append(Waypoint(pose(edge - tipped @ lip, tipped @ upright), 0.0, wait=0.05))
    waypoints[-1] = Waypoint(waypoints[-1].pose, 0.0, wait=1.0)
    return waypoints


def _about(axis: np.ndarray, angle: float) -> np.ndarray:
    """(3, 3) rotation by ``angle`` (rad) about a unit ``axis`` (3,), by Rodrigues' formula."""
    x, y, z = axis
    skew = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * skew + (1 - np.cos(angle)) * skew @ skew


def sweep(brush: np.ndarray, yaw: float, grip: float, heap: np.ndarray, inside: np.ndarray) -> list[Waypoint]:
    """Takes a brush that stands on the table, sets it down behind a heap and pushes that straight into a dustpan.

    Args:
        brush: (3,) where the brush stands, m.
        yaw: the way it sweeps, rad; half a turn more is as good.
        grip: height of the grip on its handle, m.
        heap: (3,) middle of what is to be swept, on the table, m.
        inside: (3,) where the brush ends in the dustpan, m.
    """
    way = inside - heap
    behind = heap - _BEHIND * way / np.linalg.norm(way)
    # The fingers close along the way that is swept, so that one of them stands behind the handle.
    hand = nearest_half_turn(yaw + np.pi / 2)
    stroke = nearest_half_turn(float(np.arctan2(way[1], way[0])) + np.pi / 2)

    def held(place: np.ndarray, height: float, turned: float, gripper: float = 0.0, wait: float = 0.0) -> Waypoint:
        return Waypoint(pose(np.array([place[0], place[1], height]), pointing_down(turned)), gripper, wait)

    high, low = grip + 0.13, grip + _SKIM
    return [
        held(brush, high, hand, 1.0),
        held(brush, grip + 0.03, hand, 1.0),
        held(brush, grip, hand, wait=0.35),
        held(brush, high, hand),
        held(behind, high, stroke),
        held(behind, low, stroke, wait=0.15),
        held(inside, low + _SKIM, stroke, wait=0.3),
    ]
