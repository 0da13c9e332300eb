"""Picking things up from above, carrying them, and setting them down."""

from collections.abc import Sequence

import numpy as np

from sims.objects.item import Item
from sims.objects.shapes import is_round
from sims.sampling import Circle
from sims.tasks.task import Waypoint, pointing_down, pose
from sims.world import CONTROL_RATE, World

TRAVEL = 0.20
"""Height (m) of the tool at which things are carried over others, unless told otherwise."""
_STILL = 0.02
_HAND = (0.034, 0.106)
_FINGERS = (0.013, 0.069)


def yaw_of(world: World, body: int) -> float:
    """How far (rad) a free body is turned about the vertical."""
    quaternion = world.bullet.getBasePositionAndOrientation(body)[1]
    matrix = world.bullet.getMatrixFromQuaternion(quaternion)
    return float(np.arctan2(matrix[3], matrix[0]))


def at_rest(world: World, body: int) -> bool:
    """Whether a free body moves slower than 2 cm/s and turns slower than half a radian a second."""
    linear, angular = world.bullet.getBaseVelocity(body)
    return bool(np.linalg.norm(linear) < _STILL and np.linalg.norm(angular) < 0.5)


def settle(world: World, body: int) -> None:
    """Gives a thing a little resistance to moving, and one that could roll to that, so that it comes to rest."""
    world.bullet.changeDynamics(body, -1, linearDamping=0.1)
    if any(map(is_round, world.links[body])):
        world.bullet.changeDynamics(body, -1, rollingFriction=0.002, spinningFriction=0.002)


def resist_twist(world: World, body: int) -> None:
    """Lets a thing resist turning between the fingers, as soft finger pads hold it; hard contacts meet at points."""
    world.bullet.changeDynamics(body, -1, spinningFriction=0.01)


def hand_turn(item: Item, yaw: float, center: Sequence[float] | np.ndarray, others: Sequence[Circle] = ()) -> float:
    """How to turn the hand (rad, world) to grip a thing so that neither hand nor open fingers meet another.

    Args:
        item: the thing.
        yaw: how it is turned, rad.
        center: where it stands, (2,) or (3,), m.
        others: what stands around it.
    """
    return clear_turn([yaw + grip for grip in item.grips], center, others)


def clear_turn(
    turns: Sequence[float],
    center: Sequence[float] | np.ndarray,
    others: Sequence[Circle] = (),
    preferred: float = 0.0,
) -> float:
    """The turn (rad), or half a turn more, that leaves hand and open fingers at ``center`` room among ``others``.

    Of several the one nearest to ``preferred``; where none has room, the roomiest.
    """
    wrapped = [(turn + half + np.pi) % (2 * np.pi) - np.pi for turn in turns for half in (0.0, np.pi)]
    return float(min(wrapped, key=lambda turn: (_crowding(turn, center, others), round(abs(turn - preferred), 6))))


def _crowding(turn: float, center: Sequence[float] | np.ndarray, others: Sequence[Circle]) -> float:
    """How deep (m, in steps of 5 mm) the circles reach into what hand and open fingers take up; 0 where they do not."""
    cosine, sine = np.cos(turn), np.sin(turn)
    deepest = 0.0
    for (x, y), radius in others:
        away = np.array([x - center[0], y - center[1]])
        along, across = abs(cosine * away[0] + sine * away[1]), abs(cosine * away[1] - sine * away[0])
        for half_length, half_width in (_HAND, _FINGERS):
            gap = np.hypot(max(along - half_length, 0.0), max(across - half_width, 0.0)) - radius
            deepest = max(deepest, -gap)
    return float(np.ceil(deepest / 0.005) * 0.005)


def pick(item: Item, center: np.ndarray, turn: float, travel: float = TRAVEL) -> list[Waypoint]:
    """Grips a thing from above and lifts it.

    Args:
        item: the thing.
        center: (3,) where its frame is, world, m.
        turn: of the hand, rad, as :func:`hand_turn` gives it.
        travel: height (m) to which the tool rises with it.
    """
    rotation = pointing_down(turn)
    grasp = tool_position(item, center)
    return [
        Waypoint(pose(_raised(grasp, max(travel, grasp[2] + 0.08)), rotation), 1.0),
        Waypoint(pose(_raised(grasp, grasp[2] + 0.03), rotation), 1.0),
        Waypoint(pose(grasp, rotation), 0.0, wait=0.35),
        Waypoint(pose(_raised(grasp, max(travel, grasp[2] + 0.08)), rotation), 0.0),
    ]


def place(item: Item, center: np.ndarray, turn: float, travel: float = TRAVEL) -> list[Waypoint]:
    """Carries a thing held, sets it down and lets go.

    Args:
        item: the thing.
        center: (3,) where its frame is to be when the fingers open, world, m.
        turn: of the hand, rad.
        travel: height (m) of the tool on the way there and afterwards.
    """
    rotation = pointing_down(turn)
    release = tool_position(item, center)
    high = max(travel, release[2] + 0.06)
    return [
        Waypoint(pose(_raised(release, high), rotation), 0.0),
        Waypoint(pose(_raised(release, release[2] + 0.02), rotation), 0.0, wait=0.1),
        Waypoint(pose(release, rotation), 1.0, wait=0.3),
        Waypoint(pose(_raised(release, high), rotation), 1.0, wait=0.2),
    ]


def slowly(start: np.ndarray, end: np.ndarray, rotation: np.ndarray, gripper: float, speed: float) -> list[Waypoint]:
    """A straight way of the tool from ``start`` to ``end`` (3,), m, at ``speed`` (m/s), slower than an expert's own."""
    # A waypoint takes a control step at least, so that their distance sets the speed.
    count = max(1, int(np.ceil(np.linalg.norm(end - start) / speed * CONTROL_RATE)))
    return [
        Waypoint(pose(start + (end - start) * fraction, rotation), gripper)
        for fraction in np.arange(1, count + 1) / count
    ]


def tool_position(item: Item, center: np.ndarray) -> np.ndarray:
    """(3,) where the tool is when it holds an upright thing whose frame is at ``center`` (3,), m."""
    return np.asarray(center, float) + (0, 0, item.grip - item.height / 2)


def _raised(position: np.ndarray, height: float) -> np.ndarray:
    return np.array([position[0], position[1], height])
