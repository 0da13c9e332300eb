"""Open the door of a cupboard, put the named thing in, and shut it."""

import numpy as np

from sims.objects.hutch import HUTCHES, OPENING, Hutch, draw_hutch
from sims.objects.joints import hold_by_friction
from sims.robot import Panda
from sims.sampling import scatter, uniform
from sims.skills.carrying import at_rest, yaw_of
from sims.skills.doors import pick_leaning, put_inside, swing
from sims.splits import draw
from sims.tasks.long import LongTask, Step
from sims.tasks.store_in_drawer import small_items
from sims.tasks.tabletop import Tabletop, set_at
from sims.tasks.task import Placement, Request, Thing, Waypoint, nearest_half_turn, pose, turn
from sims.world import Part, World

OPEN, SHUT = 0.7, 0.1
"""Shares of its way from which a door counts as open, and up to which as shut."""
_COUNT = 2
_DOOR_FRICTION = 0.15
_EXPERT_OPENS = np.deg2rad(94.0)
_INSIDE, _OUTSIDE = 0.058, 0.13
_HIGH = 0.22


class PutInCupboard(LongTask):
    """Success: the named thing lies in the cupboard, whose door is shut. Another thing in it is a failure."""

    name = "PutInCupboard"

    def build(self, world: World, generator: np.random.Generator, split: str) -> None:
        """See :class:`sims.tasks.task.Task`."""
        self.world = world
        self.hutch: Hutch = draw(draw_hutch, HUTCHES, split, generator)
        front = np.array([uniform(generator, 0.67, 0.70), uniform(generator, -0.05, 0.05), 0.0])
        yaw = np.pi + uniform(generator, -0.12, 0.12)
        outward = turn(yaw) @ np.array([1.0, 0, 0])
        self.placement = Placement(front - outward * self.hutch.depth / 2, yaw)
        self.body = world.add(self.hutch.links(), self.placement.position, yaw, fixed=True)
        hold_by_friction(world, self.door, _DOOR_FRICTION)
        items = small_items(generator, split, _COUNT)
        side = -float(np.sign(self.placement.direction(np.array([0.0, self.hutch.hinge, 0.0]))[1]))
        low, high = sorted((side * 0.34, -side * 0.06))
        # Nothing stands where the door swings.
        axle = self.placement.point(self.hutch.axle)
        swept = ((float(axle[0]), float(axle[1])), self.hutch.width)
        places = scatter(generator, [item.reach for item in items], (0.38, low), (0.48, high), 0.04, [swept])
        yaws = [uniform(generator, -0.5, 0.5) for _ in items]
        self.table: Tabletop = set_at(world, items, places, yaws)
        handle: Part = (self.body, 1)
        whole: Part = (self.body, -1)
        self.things: tuple[Thing, ...] = (
            Thing(handle, "door", {}, self._handle(0.0), whole),
            Thing(whole, self.hutch.category, {}, self.placement.position),
            *self.table.things(),
        )
        self.meanings: dict[Part, str] = {
            self.table.part(index): f"{self.name} {item.name}" for index, item in enumerate(items)
        }
        self.begin(self._steps(handle, whole))

    @property
    def door(self) -> Part:
        """The part that turns."""
        return self.body, 0

    def opened(self) -> float:
        """By which share of its way the door is open."""
        return self.world.joint(self.door) / OPENING

    def _steps(self, handle: Part, whole: Part) -> list[Step]:
        shut, wide = self._handle(0.0), self._handle(OPEN * OPENING)
        return [
            Step(
                Request("OpenDoor", handle),
                "OpenDoor",
                lambda: self._swing(_EXPERT_OPENS),
                lambda robot: self.opened() >= OPEN,
                (shut, wide),
            ),
            Step(
                Request("PlaceIn", self.table.part(0), anchor=whole),
                f"PlaceIn {self.table.items[0].name} {self.hutch.category}",
                self._put,
                lambda robot: self._left_inside(0, robot),
                (self.table.center(0), self._inside()),
                lasts=True,
            ),
            Step(
                Request("CloseDoor", handle),
                "CloseDoor",
                lambda: self._swing(-0.02),
                lambda robot: self.opened() <= SHUT,
                (wide, shut),
                lasts=True,
            ),
        ]

    def _handle(self, angle: float) -> np.ndarray:
        return self.placement.point(self.hutch.handle_position(angle))

    def _inside(self) -> np.ndarray:
        """Where a thing is put: just behind the front."""
        return self.placement.point(np.array([self.hutch.depth / 2 - _INSIDE, 0.0, self.hutch.floor]))

    def _swing(self, to: float) -> list[Waypoint]:
        """Swings the door with a hand that follows it halfway round."""
        into = nearest_turn(self.placement.yaw + np.pi)

        def facing(angle: float) -> float:
            return into + 0.5 * self.hutch.hinge * angle

        return swing(self._handle, facing, self.world.joint(self.door), to)

    def _put(self) -> list[Waypoint]:
        item = self.table.items[0]
        yaw = yaw_of(self.world, self.table.bodies[0])
        grips = [nearest_half_turn(yaw + grip) for grip in item.grips]
        grip = min(grips, key=abs)
        goal = self._inside() + (0, 0, item.height / 2 + 0.004)
        into = nearest_turn(self.placement.yaw + np.pi)
        return [*pick_leaning(item, self.table.center(0), grip, _HIGH), *put_inside(item, goal, into, _OUTSIDE)]

    def _left_inside(self, index: int, robot: Panda) -> bool:
        body = self.table.bodies[index]
        local = turn(-self.placement.yaw) @ (self.table.center(index) - self.placement.position)
        return self.hutch.holds(local) and not robot.touches(body) and at_rest(self.world, body)

    def spoiled(self, robot: Panda) -> str:
        """Another thing was put away."""
        others = range(1, _COUNT)
        return "put another thing in the cupboard" if any(self._left_inside(i, robot) for i in others) else ""

    def part_frame(self) -> np.ndarray:
        """In the middle of the handle, x pointing out of the door and z up."""
        angle = self.world.joint(self.door)
        return pose(self._handle(angle), turn(self.placement.yaw + self.hutch.hinge * angle))


def nearest_turn(yaw: float) -> float:
    """``yaw`` in [-pi, pi)."""
    return float((yaw + np.pi) % (2 * np.pi) - np.pi)
