"""What a task is: a scene to build, what is asked in it, an expert and a physical test of success."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from sims.robot import Panda
from sims.world import Part, World


@dataclass(frozen=True)
class Waypoint:
    """A tool pose (4, 4) to move to in a straight line, then a finger opening to take, then a wait in seconds."""

    pose: np.ndarray
    gripper: float
    wait: float = 0.0


@dataclass(frozen=True)
class Outcome:
    """How an episode stands: done well, failed for good (with the reason), or neither yet.

    ``subgoals`` says of each request in order whether it has been met; a task of one request may leave it empty.
    """

    success: bool = False
    failure: str = ""
    subgoals: tuple[bool, ...] = ()


@dataclass(frozen=True, eq=False)
class Thing:
    """Something of a scene that words can refer to.

    Args:
        part: the (body, link) that is the thing.
        noun: what it is called, a noun of the lexicon such as "drawer", "button" or "block".
        attributes: what sets it apart by itself, such as {"color": "red", "size": "small", "shape": "cube"}; only what
            can be seen. Where it stands among others ("left of", "second from the left") is not stored: that follows
            from positions.
        position: (3,) its centre at the start, world, m.
        whole: the part of the thing that it belongs to, such as the stove of a knob; None for what stands alone.
    """

    part: Part
    noun: str
    attributes: Mapping[str, str]
    position: np.ndarray
    whole: Part | None = None


@dataclass(frozen=True)
class Request:
    """One thing to do, in terms of the scene: what every wording of it has to say.

    Args:
        task: the name of the single task that this is, whose wordings say it, such as "PlaceBeside".
        target: part of the thing that is acted on.
        anchor: part of a second thing that is spoken of: the bin, the box to put it beside. None where there is none.
        values: what else is said, such as {"direction": "clockwise"} or {"relation": "left of"}.
    """

    task: str
    target: Part
    anchor: Part | None = None
    values: Mapping[str, str] = field(default_factory=dict)


class Task(Protocol):
    """One family of tasks. ``build`` fills in the rest; everything but the picture is hidden from a policy.

    Attributes:
        name: as in :data:`sims.TASK_NAMES`.
        things: all that can be spoken of.
        requests: what is asked; one for a single task, the sub-goals in order for a long one.
        meaning: canonical text of what is asked, such as "OpenDrawer top": equal for what ought to be done alike.
        meanings: the meaning of the instruction that would have named each part.
        parts: the parts acted on, in the order in which they are.
    """

    name: str
    things: tuple[Thing, ...]
    requests: tuple[Request, ...]
    meaning: str
    meanings: Mapping[Part, str]
    parts: tuple[Part, ...]

    def build(self, world: World, generator: np.random.Generator, split: str) -> None:
        """Draws a scene of ``split`` and adds its bodies to the world."""

    def expert(self) -> list[Waypoint]:
        """A motion that does the task (of a long one: what is to be done next), from what the simulator knows."""

    def outcome(self, robot: Panda) -> Outcome:
        """Success or failure by physical state."""

    def shortest_path(self, start: np.ndarray) -> float:
        """Least way (m) that a tool starting at ``start`` (3,) must travel to succeed."""

    def part_frame(self) -> np.ndarray:
        """(4, 4) world frame of the part acted on first, where it stands now: origin where the hand takes it."""


@dataclass(frozen=True)
class Placement:
    """Where a body stands on the table: its frame's origin (3,), m, and its turn about the vertical, rad."""

    position: np.ndarray
    yaw: float

    def point(self, local: np.ndarray) -> np.ndarray:
        """World position (3,) of a point of the body's frame."""
        return self.position + turn(self.yaw) @ np.asarray(local)

    def direction(self, local: np.ndarray) -> np.ndarray:
        """World direction (3,) of a direction of the body's frame."""
        return turn(self.yaw) @ np.asarray(local)


def turn(yaw: float) -> np.ndarray:
    """(3, 3) rotation by ``yaw`` (rad) about the vertical."""
    cosine, sine = np.cos(yaw), np.sin(yaw)
    return np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])


def pose(position: np.ndarray, rotation: np.ndarray) -> np.ndarray:
    """(4, 4) pose from a position (3,) and a rotation (3, 3)."""
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = rotation, position
    return matrix


def pointing_down(yaw: float) -> np.ndarray:
    """(3, 3) tool rotation: hand pointing down, fingers opening across the direction ``yaw`` (rad)."""
    return turn(yaw) @ np.diag([1.0, -1.0, -1.0])


def nearest_half_turn(yaw: float, sweep: float = 0.0) -> float:
    """``yaw`` or ``yaw`` + half a turn (the same grasp), whichever keeps the hand nearer to straight over ``sweep``."""
    candidates = [(yaw + np.pi * k + np.pi) % (2 * np.pi) - np.pi for k in (0, 1)]
    return float(min(candidates, key=lambda angle: max(abs(angle), abs(angle + sweep))))


def nearest_quarter_turn(yaw: float) -> float:
    """``yaw`` plus so many quarter turns that the hand is nearest to straight: for things as long as wide."""
    return float((yaw + np.pi / 4) % (np.pi / 2) - np.pi / 4)
