"""What tasks of several requests in a row share: sub-goals that are met in order, in one scene."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from sims.objects.blocks import Bin
from sims.robot import Panda
from sims.skills.carrying import TRAVEL, at_rest, place, yaw_of
from sims.tasks.tabletop import Tabletop
from sims.tasks.task import Outcome, Placement, Request, Thing, Waypoint, nearest_half_turn, pose, turn
from sims.world import Part, World

_HIGH = TRAVEL + 0.04


@dataclass(frozen=True, eq=False)
class Step:
    """One sub-goal of a long task.

    Args:
        request: what it asks for.
        meaning: canonical text of it, such as "OpenDrawer top".
        motion: gives the expert's motion, from how the scene stands when it is called.
        met: whether it is met now, by physical state.
        way: (K, 3) places that the tool must come by, from the scene's start, m.
        lasts: whether it must still hold when the task is done; a drawer that is opened to be closed need not.
    """

    request: Request
    meaning: str
    motion: Callable[[], list[Waypoint]]
    met: Callable[[Panda], bool]
    way: Sequence[np.ndarray]
    lasts: bool = False


class LongTask:
    """A task whose sub-goals are to be met one after the other.

    A sub-goal counts from the moment in which it is met after all before it, and stays met. The task is done when all
    are and those that last still hold.
    """

    name: str
    world: World
    things: tuple[Thing, ...]
    meanings: dict[Part, str]

    def begin(self, steps: Sequence[Step]) -> None:
        """Called at the end of ``build``, with the sub-goals in order."""
        self.steps = tuple(steps)
        self.met = 0
        self.requests: tuple[Request, ...] = tuple(step.request for step in steps)
        self.meaning = "; ".join(step.meaning for step in steps)
        self.parts: tuple[Part, ...] = tuple(dict.fromkeys(request.target for request in self.requests))

    def expert(self) -> list[Waypoint]:
        """The motion for the first sub-goal that is not met, or that is met no longer and ought to be."""
        return self._next().motion()

    def _next(self) -> Step:
        for step in self.steps[: self.met]:
            if step.lasts and not step.met(self._robot):
                return step
        return self.steps[min(self.met, len(self.steps) - 1)]

    def outcome(self, robot: Panda) -> Outcome:
        """See :class:`sims.tasks.task.Task`."""
        self._robot = robot
        while self.met < len(self.steps) and self.steps[self.met].met(robot):
            self.met += 1
        done = tuple(index < self.met for index in range(len(self.steps)))
        failure = self.spoiled(robot)
        success = not failure and all(done) and all(step.met(robot) for step in self.steps if step.lasts)
        return Outcome(success=success, failure=failure, subgoals=done)

    def spoiled(self, robot: Panda) -> str:
        """Why the task can no longer be done well; "" while it can. Tasks say here what the wrong thing is."""
        return ""

    def shortest_path(self, start: np.ndarray) -> float:
        """Straight from each place that the tool must come by to the next."""
        places = [start, *(np.asarray(place) for step in self.steps for place in step.way)]
        return float(sum(np.linalg.norm(there - here) for here, there in zip(places, places[1:], strict=False)))


def bin_step(table: Tabletop, index: int, container: Bin, placement: Placement, part: Part, aside: float = 0.0) -> Step:
    """The sub-goal of having an item in a bin, let go and at rest.

    Args:
        table: holds the item.
        index: which one it is.
        container: the bin.
        placement: where the bin stands.
        part: the part that the bin is.
        aside: how far (m) from the bin's middle, along it, the expert drops the item.
    """

    def motion() -> list[Waypoint]:
        item = table.items[index]
        rise = item.height / 2 + max(0.02, container.height - item.grip + 0.045)
        over = placement.point(np.array([aside, 0.0, rise]))
        return [*table.pick(index, _HIGH), *place(item, over, nearest_half_turn(placement.yaw), _HIGH)]

    def met(robot: Panda) -> bool:
        body = table.bodies[index]
        lies = lies_in(table, index, container, placement)
        return lies and not robot.touches(body) and at_rest(table.world, body)

    return Step(
        request=Request("PlaceInBin", table.part(index), anchor=part),
        meaning=f"PlaceInBin {table.items[index].name}",
        motion=motion,
        met=met,
        way=(table.center(index), placement.point(np.array([0.0, 0.0, container.height]))),
        lasts=True,
    )


def lies_in(table: Tabletop, index: int, container: Bin, placement: Placement) -> bool:
    """Whether the middle of an item is between the walls of a bin and its foot below their upper edge."""
    x, y, _ = turn(-placement.yaw) @ (table.center(index) - placement.position)
    foot = table.world.bullet.getAABB(table.bodies[index])[0][2]
    within = abs(x) < container.length / 2 and abs(y) < container.width / 2
    return bool(within and foot < container.height)


def top_frame(table: Tabletop, index: int) -> np.ndarray:
    """(4, 4) on top of an item, z up."""
    top = table.center(index) + (0, 0, table.items[index].height / 2)
    return pose(top, turn(yaw_of(table.world, table.bodies[index])))
