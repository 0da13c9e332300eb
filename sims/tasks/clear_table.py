"""Put two named things into the bin, one after the other."""

import numpy as np

from sims.objects.blocks import BLOCKS, Bin, draw_bin
from sims.robot import Panda
from sims.sampling import uniform
from sims.tasks.long import LongTask, bin_step, lies_in, top_frame
from sims.tasks.tabletop import Tabletop, draw_items, set_out
from sims.tasks.task import Placement, Thing
from sims.world import Part, World

_BIN_REACH = 0.13
_ASIDE = 0.035
_COUNT = 2


class ClearTable(LongTask):
    """Success: the named things lie in the bin and the hand has let go. Another thing in the bin is a failure."""

    name = "ClearTable"

    def build(self, world: World, generator: np.random.Generator, split: str) -> None:
        """See :class:`sims.tasks.task.Task`."""
        self.world = world
        items = draw_items(generator, BLOCKS, split)
        items = [items[index] for index in generator.permutation(len(items))]
        self.bin: Bin = draw_bin(generator)
        yaw = uniform(generator, -0.4, 0.4)
        side = -1.0 if generator.integers(2) else 1.0
        base = np.array([uniform(generator, 0.42, 0.58), side * uniform(generator, 0.24, 0.32), 0.0])
        self.placement = Placement(base, yaw)
        bin_part = (world.add(self.bin.links(), base, yaw, fixed=True), -1)
        bin_ground = ((float(base[0]), float(base[1])), _BIN_REACH)
        self.table: Tabletop = set_out(world, generator, items, taken=[bin_ground])
        self.things: tuple[Thing, ...] = (
            *self.table.things(),
            Thing(bin_part, "bin", {"color": self.bin.color}, base),
        )
        self.meanings: dict[Part, str] = {
            self.table.part(index): f"{self.name} {item.name}" for index, item in enumerate(items)
        }
        self.begin(
            [
                bin_step(self.table, index, self.bin, self.placement, bin_part, (2 * index - 1) * _ASIDE)
                for index in range(_COUNT)
            ]
        )

    def spoiled(self, robot: Panda) -> str:
        """A thing that is to stay lies in the bin."""
        others = range(_COUNT, len(self.table.items))
        spoiled = any(lies_in(self.table, index, self.bin, self.placement) for index in others)
        return "put another thing in the bin" if spoiled else ""

    def part_frame(self) -> np.ndarray:
        """On top of the first thing, z up."""
        return top_frame(self.table, 0)
