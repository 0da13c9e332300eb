"""Pick the named thing among others and put it into the bin."""

import numpy as np

from sims.objects.blocks import BLOCKS, Bin, draw_bin
from sims.robot import Panda
from sims.sampling import uniform
from sims.skills.carrying import TRAVEL, at_rest, place, yaw_of
from sims.tasks.tabletop import draw_items, set_out
from sims.tasks.task import Outcome, Request, Thing, Waypoint, nearest_half_turn, pose, turn
from sims.world import Part, World

_BIN_REACH = 0.13


class PlaceInBin:
    """Success: the named thing lies at rest in the bin and the hand has let go. Another one in the bin is a failure.

    Four things lie on the table; one shares the target's colour and one its shape, so no single word gives it away.
    """

    name = "PlaceInBin"

    def build(self, world: World, generator: np.random.Generator, split: str) -> None:
        """See :class:`sims.tasks.task.Task`."""
        self.world = world
        items = draw_items(generator, BLOCKS, split)
        self.bin: Bin = draw_bin(generator)
        self.bin_yaw = uniform(generator, -0.4, 0.4)
        side = -1.0 if generator.integers(2) else 1.0
        self.bin_base = np.array([uniform(generator, 0.42, 0.58), side * uniform(generator, 0.24, 0.32), 0.0])
        bin_body = world.add(self.bin.links(), self.bin_base, self.bin_yaw, fixed=True)
        bin_ground = ((float(self.bin_base[0]), float(self.bin_base[1])), _BIN_REACH)
        self.table = set_out(world, generator, items, taken=[bin_ground])
        self.meaning = f"{self.name} {items[0].name}"
        self.parts: tuple[Part, ...] = (self.table.part(0), (bin_body, -1))
        self.meanings: dict[Part, str] = {
            self.table.part(index): f"{self.name} {item.name}" for index, item in enumerate(items)
        }
        bin_thing = Thing((bin_body, -1), "bin", {"color": self.bin.color}, self.bin_base)
        self.things: tuple[Thing, ...] = (*self.table.things(), bin_thing)
        self.requests: tuple[Request, ...] = (Request(self.name, self.table.part(0), anchor=(bin_body, -1)),)

    def expert(self) -> list[Waypoint]:
        """Grips the thing from above, carries it over the bin and lets it fall from just above the floor."""
        item = self.table.items[0]
        over = self.bin_base + (0, 0, item.height / 2 + max(0.02, self.bin.height - item.grip + 0.045))
        hand = nearest_half_turn(self.bin_yaw)
        return [*self.table.pick(0, TRAVEL + 0.04), *place(item, over, hand, TRAVEL + 0.04)]

    def outcome(self, robot: Panda) -> Outcome:
        """See :class:`sims.tasks.task.Task`."""
        if any(self._inside(body) for body in self.table.bodies[1:]):
            return Outcome(failure="put another thing in the bin")
        target = self.table.bodies[0]
        done = self._inside(target) and at_rest(self.world, target) and not robot.touches(target)
        return Outcome(success=done)

    def _inside(self, body: int) -> bool:
        """Whether the middle of a thing is between the walls and its foot below their upper half."""
        x, y, _ = turn(-self.bin_yaw) @ (self.world.position(body) - self.bin_base)
        foot = self.world.bullet.getAABB(body)[0][2]
        within = abs(x) < self.bin.length / 2 and abs(y) < self.bin.width / 2
        return bool(within and foot < self.bin.height / 2)

    def shortest_path(self, start: np.ndarray) -> float:
        """To the thing, then over the rim of the bin."""
        target = self.table.center(0)
        rim = self.bin_base + (0, 0, self.bin.height)
        return float(np.linalg.norm(target - start) + np.linalg.norm(rim - target))

    def part_frame(self) -> np.ndarray:
        """On top of the thing, z up."""
        body = self.table.bodies[0]
        top = self.table.center(0) + (0, 0, self.table.items[0].height / 2)
        return pose(top, turn(yaw_of(self.world, body)))
