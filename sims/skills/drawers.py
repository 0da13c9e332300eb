"""Moving a drawer by its handle, and what lies in it."""

import numpy as np

from sims import kinematics
from sims.tasks.task import Waypoint, pose

_PITCH = np.deg2rad(60.0)
_BACK = 0.10


def slide_by_handle(handle: np.ndarray, outward: np.ndarray, distance: float) -> list[Waypoint]:
    """Takes a handle from in front and slightly above, moves it straight along, and lets go.

    Args:
        handle: (3,) where it is taken, world, m.
        outward: (3,) unit vector out of the furniture, level.
        distance: how far to move it outward, m; less than zero pushes it in.
    """
    into = -outward * np.cos(_PITCH) - np.array([0, 0, np.sin(_PITCH)])
    side = np.cross(into, [0, 0, 1.0])
    side /= np.linalg.norm(side)
    rotation = np.column_stack([np.cross(side, into), side, into])
    moved = handle + distance * outward
    return [
        Waypoint(pose(handle - _BACK * into, rotation), 1.0),
        Waypoint(pose(handle, rotation), 0.0, wait=0.35),
        Waypoint(pose(moved, rotation), 0.0, wait=0.1),
        Waypoint(pose(moved, rotation), 1.0, wait=0.25),
        Waypoint(pose(moved - _BACK * into, rotation), 1.0),
        # Low and near, the wrist is bent as far as it goes; what comes next must not start from there.
        Waypoint(kinematics.forward(kinematics.HOME)[0], 1.0),
    ]
