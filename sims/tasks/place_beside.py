"""Put the named thing beside a box, on the side that is asked for."""

import contextlib

import numpy as np

from sims.objects.blocks import BLOCKS
from sims.objects.box import draw_boxes
from sims.objects.item import ANY_TURN
from sims.robot import Panda
from sims.sampling import Circle, choice, scatter, uniform
from sims.skills.carrying import at_rest, clear_turn, place, yaw_of
from sims.tasks.tabletop import draw_items, set_at
from sims.tasks.task import Outcome, Request, Thing, Waypoint, pose, turn
from sims.world import Part, World

RELATIONS: dict[str, np.ndarray] = {
    "left of": np.array([0.0, 1.0, 0.0]),
    "right of": np.array([0.0, -1.0, 0.0]),
    "in front of": np.array([-1.0, 0.0, 0.0]),
    "behind": np.array([1.0, 0.0, 0.0]),
}
"""Directions in the world, as seen by who stands where the robot does: in front of a thing is on the robot's side."""
_NEAREST, _FARTHEST = 0.04, 0.12
_AIM = 0.075
_ROOM, _SIDE = 0.055, 0.16
_MOST_LAYOUTS = 50
_HIGH = 0.30
_MOVED = 0.05


class PlaceBeside:
    """Success: the named thing stands at rest, let go, 4 to 12 cm from the named box, within 45 degrees of the side.

    Of the three boxes one shares the anchor's colour and one its height. It is a failure to leave the target beside a
    box in any other way, or another thing where the target should be; a thing left elsewhere can still be put right.
    """

    name = "PlaceBeside"

    def build(self, world: World, generator: np.random.Generator, split: str) -> None:
        """See :class:`sims.tasks.task.Task`."""
        self.world = world
        items = draw_items(generator, BLOCKS, split, 3)
        self.boxes = draw_boxes(generator)
        self.relation = choice(generator, tuple(RELATIONS))
        places = self._lay_out(generator, [box.reach for box in self.boxes], [item.reach for item in items])
        self.box_bodies = [
            world.add(box.links(), (*place, box.height / 2 + 0.001), uniform(generator, -0.15, 0.15))
            for box, place in zip(self.boxes, places, strict=False)
        ]
        yaws = [uniform(generator, -0.5 * np.pi, 0.5 * np.pi) for _ in items]
        self.table = set_at(world, items, places[len(self.boxes) :], yaws)
        self._starts = [self.table.center(index) for index in range(len(items))]
        said = f"{self.relation} {self.boxes[0].name}"
        self.meaning = f"{self.name} {items[0].name} {said}"
        anchor: Part = (self.box_bodies[0], -1)
        self.parts: tuple[Part, ...] = (self.table.part(0), anchor)
        self.meanings: dict[Part, str] = {
            self.table.part(index): f"{self.name} {item.name} {said}" for index, item in enumerate(items)
        }
        boxes = (
            Thing((body, -1), "box", {"height": box.tall, "color": box.color}, world.position(body))
            for body, box in zip(self.box_bodies, self.boxes, strict=True)
        )
        self.things: tuple[Thing, ...] = (*self.table.things(), *boxes)
        self.requests: tuple[Request, ...] = (
            Request(self.name, self.table.part(0), anchor, {"relation": self.relation}),
        )

    def _lay_out(
        self, generator: np.random.Generator, boxes: list[float], items: list[float]
    ) -> list[tuple[float, float]]:
        """Places for boxes and items of such radii (m), with room beside the first box where the target is to go."""
        direction = RELATIONS[self.relation][:2]
        low, high = np.array([0.40, -0.22]), np.array([0.62, 0.22])
        away = direction * (self.boxes[0].width / 2 + _AIM + items[0])
        for _ in range(_MOST_LAYOUTS):
            x, y = generator.uniform(low - np.minimum(_SIDE * direction, 0), high - np.maximum(_SIDE * direction, 0))
            goal: Circle = ((float(x + away[0]), float(y + away[1])), items[0] + 0.03)
            # Nothing but the target may come to stand within reach of the first box.
            around: Circle = ((float(x), float(y)), boxes[0] + _FARTHEST - _ROOM)
            with contextlib.suppress(ValueError):
                others = scatter(generator, [*boxes[1:], *items], (0.34, -0.32), (0.66, 0.32), _ROOM, [goal, around])
                return [around[0], *others]
        raise ValueError(f"no layout of boxes of radii {boxes} and things of radii {items}, m: draw others")

    def _goal(self) -> np.ndarray:
        """Where the target's frame is to be."""
        box, item = self.boxes[0], self.table.items[0]
        center = self.world.position(self.box_bodies[0])
        aside = box.width / 2 + _AIM + item.reach * (0.8 if item.length > item.width else 0.7)
        goal = center + RELATIONS[self.relation] * aside
        goal[2] = item.height / 2 + 0.003
        return goal

    def _grounds(self) -> list[Circle]:
        """The ground that the boxes take up now."""
        places = [self.world.position(body) for body in self.box_bodies]
        return [((float(x), float(y)), box.reach) for (x, y, _), box in zip(places, self.boxes, strict=True)]

    def expert(self) -> list[Waypoint]:
        """Grips the thing from above, carries it over the boxes, and turns the hand so that it fits beside them."""
        goal, grounds = self._goal(), self._grounds()
        around = [*grounds, *self.table.circles([0])]
        grip = self.table.hand_turn(0, grounds)
        release = clear_turn([grip, *ANY_TURN], goal, around, preferred=grip)
        return [*self.table.pick(0, _HIGH, grounds), *place(self.table.items[0], goal, release, _HIGH)]

    def outcome(self, robot: Panda) -> Outcome:
        """See :class:`sims.tasks.task.Task`."""
        for index, body in enumerate(self.table.bodies):
            moved = np.linalg.norm(self.table.center(index) - self._starts[index]) > _MOVED
            if not moved or robot.touches(body) or not at_rest(self.world, body):
                continue
            beside = [self._side(body, box) for box in self.box_bodies]
            if beside[0] == self.relation:
                return Outcome(success=True) if index == 0 else Outcome(failure="put another thing there")
            if index == 0 and beside[0]:
                return Outcome(failure="put it on another side")
            if index == 0 and any(beside):
                return Outcome(failure="put it beside another box")
        return Outcome()

    def _side(self, body: int, box: int) -> str:
        """On which side of a box a thing stands, "" if it is too near or too far to stand beside it."""
        points = self.world.bullet.getClosestPoints(body, box, 1.0)
        gap = min((point[8] for point in points), default=1.0)
        if not _NEAREST <= gap <= _FARTHEST:
            return ""
        offset = self.world.position(body) - self.world.position(box)
        return max(RELATIONS, key=lambda relation: float(offset @ RELATIONS[relation]))

    def shortest_path(self, start: np.ndarray) -> float:
        """To the thing, then to where it is to stand."""
        target = self.table.center(0)
        return float(np.linalg.norm(target - start) + np.linalg.norm(self._goal() - target))

    def part_frame(self) -> np.ndarray:
        """On top of the thing, z up."""
        top = self.table.center(0) + (0, 0, self.table.items[0].height / 2)
        return pose(top, turn(yaw_of(self.world, self.table.bodies[0])))
