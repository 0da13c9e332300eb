"""Pushing things about on the table with closed fingers, flat side against flat side."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sims.objects.item import Item
from sims.sampling import Circle
from sims.skills.carrying import slowly
from sims.tasks.task import Waypoint, nearest_half_turn, pointing_down, pose

_SPEED = 0.07
_FINGER = 0.0105
_BACK_OFF = 0.03
_TIP, _PALM = 0.007, 0.039
_PUSHER, _PALM_REACH = 0.034, 0.112
_LEAST = 0.008


@dataclass(frozen=True, eq=False)
class Stroke:
    """One straight push: the frame of the thing goes from ``start`` to ``end`` (2,), m; ``contact`` (m) behind it."""

    start: np.ndarray
    end: np.ndarray
    contact: float

    @property
    def direction(self) -> np.ndarray:
        """(2,) unit vector."""
        away = self.end - self.start
        return away / np.linalg.norm(away)

    def behind(self, margin: float = 0.0) -> np.ndarray:
        """(2,) where the tool starts to push, ``margin`` (m) short of touching."""
        return self.start - self.direction * (self.contact + _FINGER + margin)


def plans(item: Item, yaw: float, start: np.ndarray, goal: np.ndarray) -> list[list[Stroke]]:
    """Ways to push a thing from ``start`` to ``goal`` (2,), m.

    A round thing is pushed straight; any other along the normals of the two sides between which the goal lies, in
    either order, so that it does not turn.
    """
    way = np.asarray(goal, float) - start
    if not item.sides:
        return [[Stroke(start, start + way, item.width / 2)]]
    away = -np.array([[np.cos(yaw + facing), np.sin(yaw + facing)] for facing, _ in item.sides])
    best: tuple[float, list[tuple[np.ndarray, float]]] | None = None
    for first in range(len(away)):
        for second in range(first):
            basis = np.column_stack([away[first], away[second]])
            if abs(np.linalg.det(basis)) < 1e-6:
                continue
            lengths = np.linalg.solve(basis, way)
            if lengths.min() >= -1e-9 and (best is None or lengths.sum() < best[0]):
                legs = [
                    (away[k] * length, item.sides[k][1]) for k, length in zip((first, second), lengths, strict=True)
                ]
                best = float(lengths.sum()), [leg for leg in legs if np.linalg.norm(leg[0]) > _LEAST]
    assert best is not None, "the normals of the sides of a thing surround it"
    found = []
    for legs in (best[1], best[1][::-1]):
        strokes, at = [], np.asarray(start, float)
        for leg, contact in legs:
            strokes.append(Stroke(at, at + leg, contact))
            at = at + leg
        found.append(strokes)
    return found


def is_clear(item: Item, strokes: Sequence[Stroke], others: Sequence[Circle], taller: Sequence[Circle] = ()) -> bool:
    """Whether pushing so meets none of the others, neither with the thing nor with the fingers.

    Args:
        item: the thing pushed.
        strokes: one of its :func:`plans`.
        others: what stands around it.
        taller: those of them that are taller than it, which must be clear of the palm above it as well.
    """
    for stroke in strokes:
        hand = stroke.behind(_BACK_OFF)
        for center, radius in others:
            if _distance(np.array(center), stroke.start, stroke.end) < radius + item.reach + 0.01:
                return False
            if _distance(np.array(center), hand, stroke.end) < radius + _PUSHER + 0.01:
                return False
        if any(_distance(np.array(center), hand, stroke.end) < radius + _PALM_REACH for center, radius in taller):
            return False
    return True


def push(item: Item, strokes: Sequence[Stroke], travel: float) -> list[Waypoint]:
    """Pushes a thing along, coming down behind it for each stroke; ``travel`` is the height (m) of the way there."""
    low = max(_TIP + 0.005, item.height - _PALM + 0.006)
    waypoints: list[Waypoint] = []
    for stroke in strokes:
        # The fingers are wide across the direction in which they open.
        heading = float(np.arctan2(stroke.direction[1], stroke.direction[0]))
        rotation = pointing_down(nearest_half_turn(heading))
        behind, touching = np.append(stroke.behind(_BACK_OFF), low), np.append(stroke.behind(), low)
        end = touching + np.append(stroke.end - stroke.start, 0.0)
        away = np.append(-stroke.direction * 0.02, 0.0)
        waypoints += [
            Waypoint(pose(behind + (0, 0, travel - low), rotation), 0.0),
            Waypoint(pose(behind, rotation), 0.0),
            *slowly(behind, end, rotation, 0.0, _SPEED),
            Waypoint(pose(end, rotation), 0.0, wait=0.1),
            Waypoint(pose(end + away, rotation), 0.0),
            Waypoint(pose(end + away + (0, 0, travel - low), rotation), 0.0),
        ]
    return waypoints


def _distance(point: np.ndarray, start: np.ndarray, end: np.ndarray) -> float:
    """From a point to a straight line between two others, m."""
    way = end - start
    fraction = np.clip((point - start) @ way / max(float(way @ way), 1e-12), 0, 1)
    return float(np.linalg.norm(point - start - fraction * way))
