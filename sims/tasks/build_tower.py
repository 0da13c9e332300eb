"""Build a tower of three named blocks, from the bottom up."""

import numpy as np

from sims.objects.blocks import STACKABLE, draw_item
from sims.objects.item import ANY_TURN, Item
from sims.robot import Panda
from sims.skills.carrying import TRAVEL, at_rest, clear_turn, place
from sims.splits import draw
from sims.tasks.long import LongTask, Step, top_frame
from sims.tasks.tabletop import Tabletop, set_out
from sims.tasks.task import Request, Thing, Waypoint
from sims.world import Part, World

_COUNT = 4
_SEAM, _SLACK = 0.008, 0.002
_MARGIN = 1.15


class BuildTower(LongTask):
    """Success: the second named thing lies on the first and the third on the second, at rest, and the hand has let go.

    It is a failure to leave a thing on another one than asked.
    """

    name = "BuildTower"

    def build(self, world: World, generator: np.random.Generator, split: str) -> None:
        """See :class:`sims.tasks.task.Task`."""
        self.world = world
        items = _draw_tower(generator, split)
        self.table: Tabletop = set_out(world, generator, items, gap=0.06)
        self.things: tuple[Thing, ...] = self.table.things()
        self.meanings: dict[Part, str] = {
            self.table.part(index): f"{self.name} {item.name}" for index, item in enumerate(items)
        }
        self.begin([self._step(1, 0), self._step(2, 1)])

    def _step(self, top: int, base: int) -> Step:
        items = self.table.items
        start = self.table.center(top)
        below = sum(item.height for item in items[:top])
        return Step(
            request=Request("Stack", self.table.part(top), anchor=self.table.part(base)),
            meaning=f"Stack {items[top].name} on {items[base].name}",
            motion=lambda: self._stack(top, base),
            met=lambda robot: self._on(top, robot) == base,
            way=(start, self.table.center(0) + (0, 0, below)),
            lasts=True,
        )

    def _stack(self, top: int, base: int) -> list[Waypoint]:
        """Grips the thing from above, and sets it down in the middle of the one below."""
        items = self.table.items
        grip = self.table.hand_turn(top)
        center = self.table.center(base)
        goal = center + (0, 0, (items[base].height + items[top].height) / 2 + _SLACK)
        around = self.table.circles([top, *range(base + 1)])
        release = clear_turn([grip, *ANY_TURN], center, around, preferred=grip)
        high = max(TRAVEL + 0.04, goal[2] + 0.12)
        return [*self.table.pick(top, high), *place(items[top], goal, release, high)]

    def _on(self, top: int, robot: Panda) -> int | None:
        """The thing on which another one was left lying."""
        bullet, bodies = self.world.bullet, self.table.bodies
        if robot.touches(bodies[top]) or not at_rest(self.world, bodies[top]):
            return None
        foot = bullet.getAABB(bodies[top])[0][2]
        for base, body in enumerate(bodies):
            if base == top or not bullet.getContactPoints(bodies[top], body):
                continue
            aside = np.linalg.norm((self.table.center(top) - self.table.center(base))[:2])
            if abs(foot - bullet.getAABB(body)[1][2]) < _SEAM and aside < self.table.items[base].reach:
                return base
        return None

    def spoiled(self, robot: Panda) -> str:
        """A thing was left on another one than asked."""
        for top in range(len(self.table.items)):
            base = self._on(top, robot)
            if base is not None and (base, top) not in ((0, 1), (1, 2)):
                return "stacked on another thing"
        return ""

    def part_frame(self) -> np.ndarray:
        """On top of the second thing, z up."""
        return top_frame(self.table, 1)


def _draw_tower(generator: np.random.Generator, split: str) -> list[Item]:
    """Things of different names: first those of the tower, none much wider than the one below it, then another."""
    while True:
        items = [draw(draw_item, STACKABLE, split, generator) for _ in range(_COUNT)]
        stands = all(
            below.flat and above.flat and above.width <= _MARGIN * below.width
            for below, above in zip(items[:2], items[1:3], strict=True)
        )
        if stands and len({item.name for item in items}) == _COUNT:
            return items
