"""Swinging a door by its handle, and putting things behind it with a leaning hand."""

from collections.abc import Callable

import numpy as np

from sims import kinematics
from sims.objects.item import Item
from sims.skills.carrying import tool_position
from sims.skills.tools import leaning
from sims.tasks.task import Waypoint, pose

_BACK, _STEP = 0.10, np.deg2rad(12.0)
_OVER = 0.42
"""Height (m) of the tool at which it passes over the door."""


def swing(
    handle: Callable[[float], np.ndarray], facing: Callable[[float], float], start: float, end: float
) -> list[Waypoint]:
    """Takes the handle of a door that is open by ``start`` (rad), swings it to ``end``, lets go and backs off.

    Args:
        handle: gives where the handle is taken, (3,), world, m, by the angle of the door.
        facing: gives the way the hand leans, rad, by the angle of the door.
        start: how far the door is open, rad.
        end: how far it is to be.
    """
    angles = np.linspace(start, end, max(2, int(np.ceil(abs(end - start) / _STEP)) + 1))
    first, last = leaning(facing(start)), leaning(facing(end))
    return [
        Waypoint(pose(_raised(handle(start) - _BACK * first[:, 2]), first), 1.0),
        Waypoint(pose(handle(start) - _BACK * first[:, 2], first), 1.0),
        Waypoint(pose(handle(start), first), 0.0, wait=0.35),
        *(Waypoint(pose(handle(angle), leaning(facing(angle))), 0.0) for angle in angles[1:]),
        Waypoint(pose(handle(end), last), 1.0, wait=0.3),
        Waypoint(pose(handle(end) - _BACK * last[:, 2], last), 1.0),
        Waypoint(pose(_raised(handle(end) - _BACK * last[:, 2]), last), 1.0),
        Waypoint(kinematics.forward(kinematics.HOME)[0], 1.0),
    ]


def pick_leaning(item: Item, center: np.ndarray, turn: float, travel: float) -> list[Waypoint]:
    """Grips a thing at ``center`` (3,) with a hand that leans along ``turn`` (rad), and lifts it to ``travel`` (m)."""
    rotation, grasp = leaning(turn), tool_position(item, center)
    above = np.array([grasp[0], grasp[1], travel])
    return [
        Waypoint(pose(above, rotation), 1.0),
        Waypoint(pose(grasp + (0, 0, 0.03), rotation), 1.0),
        Waypoint(pose(grasp, rotation), 0.0, wait=0.35),
        Waypoint(pose(above, rotation), 0.0),
    ]


def put_inside(item: Item, center: np.ndarray, yaw: float, outside: float) -> list[Waypoint]:
    """Pushes a thing held by a leaning hand in through an open front, lets go, and draws the hand out.

    Args:
        item: the thing.
        center: (3,) where its frame is to be when the fingers open, world, m.
        yaw: the way in, rad.
        outside: how far (m) before that place the hand waits in front.
    """
    rotation, release = leaning(yaw), tool_position(item, center)
    before = release - outside * np.array([np.cos(yaw), np.sin(yaw), 0.0]) + (0, 0, 0.02)
    return [
        Waypoint(pose(before + (0, 0, 0.18), rotation), 0.0),
        Waypoint(pose(before, rotation), 0.0),
        Waypoint(pose(release + (0, 0, 0.01), rotation), 0.0, wait=0.1),
        Waypoint(pose(release, rotation), 1.0, wait=0.3),
        Waypoint(pose(before, rotation), 1.0),
        Waypoint(pose(before + (0, 0, 0.18), rotation), 1.0),
        Waypoint(kinematics.forward(kinematics.HOME)[0], 1.0),
    ]


def _raised(position: np.ndarray) -> np.ndarray:
    return np.array([position[0], position[1], _OVER])
