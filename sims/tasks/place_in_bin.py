"""Pick the named thing among others and put it into the bin."""

import itertools

import numpy as np

from sims.objects.blocks import BLOCK_KINDS, NOVEL_BLOCK_KINDS, Bin, Block, draw_bin, draw_block
from sims.robot import Panda
from sims.sampling import uniform
from sims.splits import draw
from sims.tasks.task import Outcome, Waypoint, nearest_half_turn, nearest_quarter_turn, pointing_down, pose, turn
from sims.world import Part, World

_REST_SPEED = 0.02
_FINGER_ROOM = 0.05
_BIN_REACH = 0.10
_MOST_TRIES = 500


class PlaceInBin:
    """Success: the named thing lies at rest in the bin and the hand has let go. Another one in the bin is a failure.

    Four things lie on the table; one shares the target's colour and one its shape, so no single word gives it away.
    (Three of the sixteen things of novel-instance have no such neighbour in their split; any other one stands in.)
    """

    name = "PlaceInBin"

    def build(self, world: World, generator: np.random.Generator, split: str) -> None:
        """See :class:`sims.tasks.task.Task`."""
        self.world = world
        self.blocks = _draw_blocks(generator, split)
        self.bin: Bin = draw_bin(generator)
        self.bin_yaw = uniform(generator, -0.4, 0.4)
        side = -1.0 if generator.integers(2) else 1.0
        self.bin_base = np.array([uniform(generator, 0.42, 0.58), side * uniform(generator, 0.24, 0.32), 0.0])
        bin_body = world.add(self.bin.links(), self.bin_base, self.bin_yaw, fixed=True)
        places = _scatter(generator, [block.reach for block in self.blocks], self.bin_base[:2])
        self.yaws = [uniform(generator, -0.5 * np.pi, 0.5 * np.pi) for _ in self.blocks]
        self.bodies = [
            world.add(block.links(), (*place, block.height / 2 + 0.001), yaw)
            for block, place, yaw in zip(self.blocks, places, self.yaws, strict=True)
        ]
        for body in self.bodies:
            world.bullet.changeDynamics(body, -1, rollingFriction=0.002, spinningFriction=0.002, linearDamping=0.1)
        target = self.blocks[0]
        self.slots = {"size": target.size, "color": target.color, "shape": target.kind}
        self.meaning = f"{self.name} {target.name}"
        self.parts: tuple[Part, ...] = ((self.bodies[0], -1), (bin_body, -1))
        self.meanings: dict[Part, str] = {
            (body, -1): f"{self.name} {block.name}" for body, block in zip(self.bodies, self.blocks, strict=True)
        }

    def expert(self) -> list[Waypoint]:
        """Grips the thing from above, carries it over the bin and lets it fall from just above the rim."""
        target = self.blocks[0]
        center = self.world.position(self.bodies[0])
        grasp = center + (0, 0, target.height / 2 - min(target.height / 2, 0.026))
        nearest = nearest_half_turn if target.length > target.width else nearest_quarter_turn
        rotation = pointing_down(nearest(self.yaws[0]))
        rim = self.bin_base + (0, 0, self.bin.height)
        over = pointing_down(nearest_half_turn(self.bin_yaw))
        return [
            Waypoint(pose(grasp + (0, 0, 0.10), rotation), 1.0),
            Waypoint(pose(grasp, rotation), 0.0, wait=0.35),
            Waypoint(pose(grasp + (0, 0, 0.16), rotation), 0.0),
            Waypoint(pose(rim + (0, 0, 0.10), over), 0.0),
            Waypoint(pose(rim + (0, 0, 0.045), over), 1.0, wait=0.2),
            Waypoint(pose(rim + (0, 0, 0.12), over), 1.0, wait=0.3),
        ]

    def outcome(self, robot: Panda) -> Outcome:
        """See :class:`sims.tasks.task.Task`."""
        if any(self._inside(body) for body in self.bodies[1:]):
            return Outcome(failure="put another thing in the bin")
        target = self.bodies[0]
        done = self._inside(target) and self.world.speed(target) < _REST_SPEED and not robot.touches(target)
        return Outcome(success=done)

    def _inside(self, body: int) -> bool:
        x, y, z = turn(-self.bin_yaw) @ (self.world.position(body) - self.bin_base)
        return bool(abs(x) < self.bin.length / 2 and abs(y) < self.bin.width / 2 and z < self.bin.height)

    def shortest_path(self, start: np.ndarray) -> float:
        """To the thing, then over the rim of the bin."""
        target = self.world.position(self.bodies[0])
        rim = self.bin_base + (0, 0, self.bin.height)
        return float(np.linalg.norm(target - start) + np.linalg.norm(rim - target))


def _draw_blocks(generator: np.random.Generator, split: str) -> list[Block]:
    """The target, one of its colour, one of its shape, and one more; all named differently."""

    def another() -> Block:
        return draw(draw_block, BLOCK_KINDS, NOVEL_BLOCK_KINDS, split, generator)

    blocks = [another()]
    conditions = (
        lambda block: block.color == blocks[0].color and block.kind != blocks[0].kind,
        lambda block: block.kind == blocks[0].kind and block.color != blocks[0].color,
        lambda block: True,
    )
    for condition in conditions:
        for tries in itertools.count():
            block = another()
            # A small split may hold nothing that fits; then any other thing will do.
            fits = condition(block) or tries >= _MOST_TRIES
            if fits and block.name not in {other.name for other in blocks}:
                blocks.append(block)
                break
    return blocks


def _scatter(generator: np.random.Generator, reaches: list[float], bin_center: np.ndarray) -> list[np.ndarray]:
    """Places (x, y) for things that reach so far (m), with room for fingers between them, and clear of the bin."""
    while True:
        places: list[np.ndarray] = []
        for _ in range(60 * len(reaches)):
            place = generator.uniform((0.36, -0.28), (0.62, 0.28))
            reach = reaches[len(places)]
            apart = (
                np.linalg.norm(place - other) > reach + far + _FINGER_ROOM
                for other, far in zip(places, reaches, strict=False)
            )
            if np.linalg.norm(place - bin_center) > _BIN_REACH + reach + _FINGER_ROOM and all(apart):
                places.append(place)
            if len(places) == len(reaches):
                return places
