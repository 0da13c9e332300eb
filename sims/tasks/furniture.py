"""A cabinet of drawers as part of a larger scene: where its drawers are, and the sub-goals that they give."""

from dataclasses import dataclass

import numpy as np

from sims.objects.cabinet import Cabinet
from sims.objects.item import Item
from sims.robot import Panda
from sims.skills.carrying import at_rest, place
from sims.skills.drawers import slide_by_handle
from sims.tasks.long import Step
from sims.tasks.tabletop import Tabletop
from sims.tasks.task import Placement, Request, Thing, Waypoint, nearest_half_turn, pose, turn
from sims.world import Part, World

POSITIONS = ("bottom", "top")
OPEN, SHUT = 0.7, 0.1
"""Shares of its travel from which a drawer counts as open, and up to which as shut."""
_WALL = 0.014
_DRAWER_FRICTION = 1.5
# Room (m) that a thing takes in a drawer at most, so that it shuts over it.
_LONG, _TALL = 0.075, 0.070


def fits(item: Item) -> bool:
    """Whether a thing can be put into a drawer and the drawer be shut."""
    return max(item.length, item.width) <= _LONG and item.height <= _TALL


@dataclass(frozen=True, eq=False)
class Drawers:
    """The two drawers of a cabinet that stands in a world, the bottom one first."""

    world: World
    cabinet: Cabinet
    placement: Placement
    body: int

    @property
    def outward(self) -> np.ndarray:
        """(3,) the way they open."""
        return self.placement.direction(np.array([1.0, 0, 0]))

    def handle_part(self, index: int) -> Part:
        """The part that is the handle of a drawer, by which words name it."""
        return self.body, 2 * index + 1

    def opened(self, index: int) -> float:
        """By which share of its travel a drawer is open."""
        return self.world.joint((self.body, 2 * index)) / self.cabinet.travel

    def handle(self, index: int) -> np.ndarray:
        """(3,) where to take its handle now, m."""
        shut = self.placement.point(self.cabinet.handle_position(index))
        return shut + self.opened(index) * self.cabinet.travel * self.outward

    def things(self) -> tuple[Thing, ...]:
        """The drawers as words refer to them."""
        return tuple(
            Thing(self.handle_part(index), "drawer", {"position": name}, self.handle(index), whole=(self.body, -1))
            for index, name in enumerate(POSITIONS)
        )

    def holds(self, index: int, point: np.ndarray) -> bool:
        """Whether a point (3,) of the world is inside a drawer, where it stands now."""
        x, y, z = turn(-self.placement.yaw) @ (np.asarray(point) - self.placement.position)
        x -= self.opened(index) * self.cabinet.travel
        half = self.cabinet.depth / 2 - _WALL
        rise = abs(z - self.cabinet.handle_position(index)[2])
        wide = self.cabinet.width / 2 - _WALL
        return bool(abs(x) < half and abs(y) < wide and rise < self.cabinet.drawer_height / 2)

    def opening(self, index: int) -> Step:
        """The sub-goal of having it open."""
        handle = self.handle(index)
        return Step(
            request=Request("OpenDrawer", self.handle_part(index)),
            meaning=f"OpenDrawer {POSITIONS[index]}",
            motion=lambda: self._slide(index, self.cabinet.travel - 0.01),
            met=lambda robot: self.opened(index) >= OPEN,
            way=(handle, handle + OPEN * self.cabinet.travel * self.outward),
        )

    def closing(self, index: int) -> Step:
        """The sub-goal of having it shut."""
        shut = self.placement.point(self.cabinet.handle_position(index))
        return Step(
            request=Request("CloseDrawer", self.handle_part(index)),
            meaning=f"CloseDrawer {POSITIONS[index]}",
            motion=lambda: self._slide(index, -0.005),
            met=lambda robot: self.opened(index) <= SHUT,
            way=(shut + OPEN * self.cabinet.travel * self.outward, shut),
            lasts=True,
        )

    def _slide(self, index: int, to: float) -> list[Waypoint]:
        return slide_by_handle(self.handle(index), self.outward, to - self.opened(index) * self.cabinet.travel)

    def filling(self, index: int, table: Tabletop, which: int) -> Step:
        """The sub-goal of having an item of the table in the drawer."""
        mouth = self.handle(index) + OPEN * self.cabinet.travel * self.outward
        return Step(
            request=Request("PlaceIn", table.part(which), anchor=self.handle_part(index)),
            meaning=f"PlaceIn {table.items[which].name} {POSITIONS[index]} drawer",
            motion=lambda: self._fill(index, table, which),
            met=lambda robot: self.was_left_in(index, table, which, robot),
            way=(table.center(which), mouth),
            lasts=True,
        )

    def was_left_in(self, index: int, table: Tabletop, which: int, robot: Panda) -> bool:
        """Whether an item lies in a drawer and no hand holds it."""
        body = table.bodies[which]
        return self.holds(index, table.center(which)) and not robot.touches(body) and at_rest(self.world, body)

    def _fill(self, index: int, table: Tabletop, which: int) -> list[Waypoint]:
        """Grips the thing from above and lets it fall behind the front of the open drawer."""
        item = table.items[which]
        reach = self.opened(index) * self.cabinet.travel
        local = self.cabinet.handle_position(index)
        rim = local[2] + self.cabinet.drawer_height / 2
        floor = local[2] - self.cabinet.drawer_height / 2 + 0.02
        # The palm stays above the rim.
        tool = max(rim - 0.025, floor + item.grip)
        middle = self.placement.point(np.array([self.cabinet.depth / 2 + (reach - _WALL) / 2, 0.0, 0.0]))
        goal = middle + (0, 0, tool - item.grip + item.height / 2)
        high = rim + item.grip + 0.03
        return [*table.pick(which, high), *place(item, goal, nearest_half_turn(self.placement.yaw), high)]

    def frame(self, index: int) -> np.ndarray:
        """(4, 4) in the middle of a handle, x pointing out of the cabinet and z up."""
        up = np.array([0.0, 0.0, 1.0])
        return pose(self.handle(index), np.column_stack([self.outward, np.cross(up, self.outward), up]))


def stand_cabinet(world: World, cabinet: Cabinet, front: np.ndarray, yaw: float) -> Drawers:
    """Puts a cabinet into a world with the middle of its foot in front at ``front`` (3,), m, facing along ``yaw``."""
    outward = turn(yaw) @ np.array([1.0, 0, 0])
    placement = Placement(front - outward * cabinet.depth / 2, yaw)
    body = world.add(cabinet.links(), placement.position, yaw, fixed=True)
    for index in (0, 1):
        world.bullet.setJointMotorControl2(
            body, 2 * index, world.bullet.VELOCITY_CONTROL, targetVelocity=0, force=_DRAWER_FRICTION
        )
    return Drawers(world, cabinet, placement, body)
