"""Put the named thing on top of another one."""

import numpy as np

from sims.objects.blocks import STACKABLE
from sims.objects.item import ANY_TURN, Item
from sims.robot import Panda
from sims.skills.carrying import TRAVEL, at_rest, clear_turn, place, yaw_of
from sims.tasks.tabletop import draw_items, set_out
from sims.tasks.task import Outcome, Request, Thing, Waypoint, pose, turn
from sims.world import Part, World

_HIGH = TRAVEL + 0.04
_SEAM, _SLACK = 0.008, 0.002


class Stack:
    """Success: the named thing lies at rest on the named base, and the hand has let go.

    Four things lie on the table; one shares the target's colour and one its shape. It is a failure to leave the target
    on another base, or another thing on any base.
    """

    name = "Stack"

    def build(self, world: World, generator: np.random.Generator, split: str) -> None:
        """See :class:`sims.tasks.task.Task`."""
        self.world = world
        items = draw_items(generator, STACKABLE, split)
        while not _bases(items):
            items = draw_items(generator, STACKABLE, split)
        bases = _bases(items)
        self.base = bases[int(generator.integers(len(bases)))]
        # Room for the whole hand beside the base, over which it lets go.
        self.table = set_out(world, generator, items, gap=0.06)
        self.meaning = f"{self.name} {items[0].name} on {items[self.base].name}"
        self.parts: tuple[Part, ...] = (self.table.part(0), self.table.part(self.base))
        self.meanings: dict[Part, str] = {
            self.table.part(index): f"{self.name} {item.name} on {items[self.base].name}"
            for index, item in enumerate(items)
            if index != self.base
        }
        self.things: tuple[Thing, ...] = self.table.things()
        self.requests: tuple[Request, ...] = (Request(self.name, self.table.part(0), self.table.part(self.base)),)

    def expert(self) -> list[Waypoint]:
        """Grips the thing from above, and sets it down in the middle of the base."""
        item, base = self.table.items[0], self.table.items[self.base]
        grip = self.table.hand_turn(0)
        center = self.table.center(self.base)
        goal = center + (0, 0, (base.height + item.height) / 2 + _SLACK)
        release = clear_turn([grip, *ANY_TURN], center, self.table.circles([0, self.base]), preferred=grip)
        return [*self.table.pick(0, _HIGH), *place(item, goal, release, _HIGH)]

    def outcome(self, robot: Panda) -> Outcome:
        """See :class:`sims.tasks.task.Task`."""
        for top, body in enumerate(self.table.bodies):
            base = self._base_under(top)
            if base is None or robot.touches(body) or not at_rest(self.world, body):
                continue
            if top != 0:
                return Outcome(failure="stacked another thing")
            if base != self.base:
                return Outcome(failure="stacked it on another thing")
            return Outcome(success=at_rest(self.world, self.table.bodies[base]))
        return Outcome()

    def _base_under(self, top: int) -> int | None:
        """The thing on whose top another one lies."""
        bullet, bodies = self.world.bullet, self.table.bodies
        foot = bullet.getAABB(bodies[top])[0][2]
        for base in range(len(bodies)):
            if base == top or not bullet.getContactPoints(bodies[top], bodies[base]):
                continue
            aside = np.linalg.norm((self.table.center(top) - self.table.center(base))[:2])
            level = abs(foot - bullet.getAABB(bodies[base])[1][2]) < _SEAM
            if level and aside < self.table.items[base].reach:
                return base
        return None

    def shortest_path(self, start: np.ndarray) -> float:
        """To the thing, then to where it is to lie."""
        target = self.table.center(0)
        goal = self.table.center(self.base) + (0, 0, self.table.items[self.base].height)
        return float(np.linalg.norm(target - start) + np.linalg.norm(goal - target))

    def part_frame(self) -> np.ndarray:
        """On top of the thing, z up."""
        top = self.table.center(0) + (0, 0, self.table.items[0].height / 2)
        return pose(top, turn(yaw_of(self.world, self.table.bodies[0])))


def _bases(items: list[Item]) -> list[int]:
    """Those wide enough for the first to stand on."""
    return [index for index, item in enumerate(items) if index and item.flat and item.width >= 0.8 * items[0].width]
