"""What a task is: a scene to build, an instruction's meaning, an expert and a physical test of success."""

from dataclasses import dataclass
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
    """How an episode stands: done well, failed for good (with the reason), or neither yet."""

    success: bool = False
    failure: str = ""


class Task(Protocol):
    """One family of tasks. ``build`` fills in the rest; everything but the picture is hidden from a policy."""

    name: str
    meaning: str
    slots: dict[str, str]
    parts: tuple[Part, ...]
    meanings: dict[Part, str]

    def build(self, world: World, generator: np.random.Generator, split: str) -> None:
        """Draws a scene of ``split`` and adds its bodies to the world."""

    def expert(self) -> list[Waypoint]:
        """A motion that does the task, from what the simulator knows."""

    def outcome(self, robot: Panda) -> Outcome:
        """Success or failure by physical state."""

    def shortest_path(self, start: np.ndarray) -> float:
        """Least way (m) that a tool starting at ``start`` (3,) must travel to succeed."""


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
