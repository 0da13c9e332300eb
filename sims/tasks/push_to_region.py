"""Push the named block into a coloured region, without lifting it."""

from collections.abc import Sequence

import numpy as np

from sims.objects.blocks import PUSHABLE
from sims.objects.item import Item
from sims.objects.region import draw_regions
from sims.robot import Panda
from sims.sampling import Circle, scatter, uniform
from sims.skills import pushing
from sims.skills.carrying import at_rest, yaw_of
from sims.skills.pushing import Stroke
from sims.tasks.tabletop import draw_items, set_at
from sims.tasks.task import Outcome, Request, Thing, Waypoint, pose, turn
from sims.world import Part, World

_LIFTED, _MOVED = 0.02, 0.03
_HIGH = 0.16
_FRICTION = 0.8
_DRAWN_BACK = 0.03
_REGION_AREA = ((0.42, -0.24), (0.62, 0.24))
_ITEM_AREA = ((0.38, -0.28), (0.64, 0.28))
_TOOL_AREA = ((0.31, -0.36), (0.72, 0.36))
_MOST_LAYOUTS = 1000


class PushToRegion:
    """Success: the middle of the named thing is in the named region, at rest.

    Failures: any thing lifted by 2 cm; another thing left in that region, or the target left in another one. Regions
    share colour or shape, and so do things.
    """

    name = "PushToRegion"

    def build(self, world: World, generator: np.random.Generator, split: str) -> None:
        """See :class:`sims.tasks.task.Task`."""
        self.world = world
        items = draw_items(generator, PUSHABLE, split, 3)
        self.regions = draw_regions(generator)
        self.region_places = scatter(generator, [region.radius for region in self.regions], *_REGION_AREA, gap=0.03)
        self.region_yaws = [uniform(generator, -0.5, 0.5) for _ in self.regions]
        painted = zip(self.regions, self.region_places, self.region_yaws, strict=True)
        self.region_bodies = [region.paint(world, place, yaw) for region, place, yaw in painted]
        self.table = set_at(world, items, *self._lay_out(generator, items))
        for body in self.table.bodies:
            world.bullet.changeDynamics(body, -1, lateralFriction=_FRICTION)
        self._starts = [self.table.center(index) for index in range(len(items))]
        region: Part = (self.region_bodies[0], -1)
        self.meaning = f"{self.name} {items[0].name} into {self.regions[0].name}"
        self.parts: tuple[Part, ...] = (self.table.part(0), region)
        self.meanings: dict[Part, str] = {
            self.table.part(index): f"{self.name} {item.name} into {self.regions[0].name}"
            for index, item in enumerate(items)
        }
        regions = (
            Thing((body, -1), "region", {"color": one.color, "shape": one.shape}, np.array([*place, 0.0]))
            for body, one, place in zip(self.region_bodies, self.regions, self.region_places, strict=True)
        )
        self.things: tuple[Thing, ...] = (*self.table.things(), *regions)
        self.requests: tuple[Request, ...] = (Request(self.name, self.table.part(0), region),)

    def _lay_out(
        self, generator: np.random.Generator, items: list[Item]
    ) -> tuple[list[tuple[float, float]], list[float]]:
        """Places and turns of the items such that the target can be pushed into its region past the others."""
        goal: Circle = (self.region_places[0], self.regions[0].radius + 0.02)
        for _ in range(_MOST_LAYOUTS):
            places = scatter(generator, [item.reach for item in items], *_ITEM_AREA, taken=[goal])
            yaws = [uniform(generator, -0.5 * np.pi, 0.5 * np.pi) for _ in items]
            grounds = [(place, item.reach) for place, item in zip(places, items, strict=True)]
            if self._clear_plan(items, np.array(places[0]), yaws[0], grounds) is not None:
                return places, yaws
        raise ValueError(f"no layout of {', '.join(item.name for item in items)} lets the first be pushed: draw others")

    def _clear_plan(
        self, items: Sequence[Item], start: np.ndarray, yaw: float, grounds: Sequence[Circle]
    ) -> list[Stroke] | None:
        """A way to push the target into its region that meets nothing and that the arm can follow."""
        low, high = _TOOL_AREA
        taller = [ground for ground, item in zip(grounds[1:], items[1:], strict=True) if item.height > items[0].height]
        for strokes in pushing.plans(items[0], yaw, start, np.array(self.region_places[0])):
            within = all(
                (low <= stroke.behind(0.03)).all() and (stroke.behind(0.03) <= high).all() for stroke in strokes
            )
            # Between two strokes it stands still for a moment, which in another region would be a failure.
            stops = [np.linalg.norm(strokes[0].end - place) for place in self.region_places[1:]]
            passes = len(strokes) == 1 or all(
                stop > region.radius * np.sqrt(2) + 0.015 for stop, region in zip(stops, self.regions[1:], strict=True)
            )
            if within and passes and pushing.is_clear(items[0], strokes, grounds[1:], taller):
                return strokes
        return None

    def expert(self) -> list[Waypoint]:
        """Comes down behind the thing and pushes it straight, or along two of its sides in turn."""
        items, yaw = self.table.items, yaw_of(self.world, self.table.bodies[0])
        start = self.table.center(0)[:2]
        strokes = self._clear_plan(items, start, yaw, self.table.circles())
        if strokes is None:
            strokes = pushing.plans(items[0], yaw, start, np.array(self.region_places[0]))[0]
        return pushing.push(items[0], strokes, _HIGH)

    def outcome(self, robot: Panda) -> Outcome:
        """See :class:`sims.tasks.task.Task`."""
        for index, body in enumerate(self.table.bodies):
            moved = self.table.center(index) - self._starts[index]
            if moved[2] > _LIFTED:
                return Outcome(failure="lifted a thing")
            if np.linalg.norm(moved) < _MOVED or not at_rest(self.world, body):
                continue
            inside = [self._holds(region, body) for region in range(len(self.regions))]
            if index == 0 and inside[0]:
                return Outcome(success=True)
            # Under way it may stop for a moment; it is left once the hand has drawn back.
            if self.world.bullet.getClosestPoints(robot.body, body, _DRAWN_BACK):
                continue
            if index == 0 and any(inside):
                return Outcome(failure="left it in another region")
            if inside[0]:
                return Outcome(failure="pushed another thing there")
        return Outcome()

    def _holds(self, region: int, body: int) -> bool:
        offset = self.world.position(body)[:2] - self.region_places[region]
        return self.regions[region].holds(offset, self.region_yaws[region])

    def shortest_path(self, start: np.ndarray) -> float:
        """To the thing, then along with it until it is inside."""
        target, region = self.table.center(0), np.array(self.region_places[0])
        inside = max(0.0, float(np.linalg.norm(region - target[:2])) - self.regions[0].radius)
        return float(np.linalg.norm(target - start)) + inside

    def part_frame(self) -> np.ndarray:
        """On top of the thing, x pointing to the region, z up."""
        top = self.table.center(0) + (0, 0, self.table.items[0].height / 2)
        way = np.array(self.region_places[0]) - top[:2]
        return pose(top, turn(float(np.arctan2(way[1], way[0]))))
