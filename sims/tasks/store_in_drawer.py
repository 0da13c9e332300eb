"""Open the top drawer, put the named thing in, and shut it."""

import numpy as np

from sims.objects.blocks import BLOCKS, draw_item
from sims.objects.cabinet import CABINETS, draw_cabinet
from sims.objects.item import Item
from sims.robot import Panda
from sims.sampling import uniform
from sims.splits import draw
from sims.tasks.furniture import POSITIONS, Drawers, fits, stand_cabinet
from sims.tasks.long import LongTask
from sims.tasks.tabletop import Tabletop, set_out
from sims.tasks.task import Thing
from sims.world import Part, World

_TOP = POSITIONS.index("top")
_SPOILED = 0.3
_COUNT = 3


class StoreInDrawer(LongTask):
    """Success: the named thing lies in the top drawer, which is shut.

    Opening the other drawer by 30 %, or leaving another thing in the drawer, is a failure.
    """

    name = "StoreInDrawer"

    def build(self, world: World, generator: np.random.Generator, split: str) -> None:
        """See :class:`sims.tasks.task.Task`."""
        self.world = world
        front = np.array([uniform(generator, 0.69, 0.73), uniform(generator, -0.10, 0.10), 0.0])
        yaw = np.pi + uniform(generator, -0.2, 0.2)
        self.drawers: Drawers = stand_cabinet(world, draw(draw_cabinet, CABINETS, split, generator), front, yaw)
        items = small_items(generator, split, _COUNT)
        self.table: Tabletop = set_out(world, generator, items, low=(0.34, -0.30), high=(0.44, 0.30))
        self.things: tuple[Thing, ...] = (*self.drawers.things(), *self.table.things())
        self.meanings: dict[Part, str] = {
            self.table.part(index): f"{self.name} {item.name}" for index, item in enumerate(items)
        }
        self.begin([self.drawers.opening(_TOP), self.drawers.filling(_TOP, self.table, 0), self.drawers.closing(_TOP)])

    def spoiled(self, robot: Panda) -> str:
        """Another drawer was opened or another thing put away."""
        if self.drawers.opened(1 - _TOP) >= _SPOILED:
            return "opened another drawer"
        if any(self.drawers.was_left_in(_TOP, self.table, which, robot) for which in range(1, _COUNT)):
            return "put another thing in the drawer"
        return ""

    def part_frame(self) -> np.ndarray:
        """In the middle of the handle, x pointing out of the cabinet and z up."""
        return self.drawers.frame(_TOP)


def small_items(generator: np.random.Generator, split: str, count: int) -> list[Item]:
    """Things of different names that fit into a drawer."""
    items: list[Item] = []
    while len(items) < count:
        item = draw(draw_item, BLOCKS, split, generator)
        if fits(item) and item.name not in {other.name for other in items}:
            items.append(item)
    return items
