"""Items lying about on the table: what tasks of carrying and pushing begin with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from sims.objects.blocks import draw_item
from sims.objects.item import Item
from sims.sampling import Circle, scatter, uniform
from sims.skills.carrying import hand_turn, pick, settle, yaw_of
from sims.splits import Family, draw
from sims.tasks.task import Thing, Waypoint
from sims.world import Part, World

_MOST_TRIES = 500


@dataclass(frozen=True, eq=False)
class Tabletop:
    """Items that stand free on the table, and the bodies that they are in the world, in the same order."""

    world: World
    items: tuple[Item, ...]
    bodies: tuple[int, ...]

    def part(self, index: int) -> Part:
        """The (body, link) of an item."""
        return self.bodies[index], -1

    def center(self, index: int) -> np.ndarray:
        """(3,) where an item's frame is now, m."""
        return self.world.position(self.bodies[index])

    def circles(self, leave_out: Sequence[int] = ()) -> list[Circle]:
        """The ground that the items take up now, but for some."""
        places = [self.center(index) for index in range(len(self.items))]
        return [
            ((float(place[0]), float(place[1])), item.reach)
            for index, (place, item) in enumerate(zip(places, self.items, strict=True))
            if index not in leave_out
        ]

    def hand_turn(self, index: int, taken: Sequence[Circle] = ()) -> float:
        """How to turn the hand (rad) to grip an item between the others and what else takes up ground."""
        yaw = yaw_of(self.world, self.bodies[index])
        return hand_turn(self.items[index], yaw, self.center(index), [*self.circles([index]), *taken])

    def pick(self, index: int, travel: float, taken: Sequence[Circle] = ()) -> list[Waypoint]:
        """Grips an item from above and lifts it to ``travel`` (m, of the tool)."""
        return pick(self.items[index], self.center(index), self.hand_turn(index, taken), travel)

    def things(self) -> tuple[Thing, ...]:
        """The items as words refer to them."""
        return tuple(
            Thing(self.part(index), item.category, item.attributes, self.center(index))
            for index, item in enumerate(self.items)
        )


def set_out(
    world: World,
    generator: np.random.Generator,
    items: Sequence[Item],
    low: tuple[float, float] = (0.36, -0.28),
    high: tuple[float, float] = (0.62, 0.28),
    gap: float = 0.05,
    taken: Sequence[Circle] = (),
) -> Tabletop:
    """Stands items on the table, turned at random; for the area and its room see :func:`sims.sampling.scatter`."""
    places = scatter(generator, [item.reach for item in items], low, high, gap, taken)
    return set_at(world, items, places, [uniform(generator, -0.5 * np.pi, 0.5 * np.pi) for _ in items])


def set_at(
    world: World, items: Sequence[Item], places: Sequence[tuple[float, float]], yaws: Sequence[float]
) -> Tabletop:
    """Stands each item at a place (x, y), m, turned by a yaw (rad)."""
    bodies = [
        world.add(item.links(), (*place, item.height / 2 + 0.001), yaw)
        for item, place, yaw in zip(items, places, yaws, strict=True)
    ]
    for body in bodies:
        settle(world, body)
    return Tabletop(world, tuple(items), tuple(bodies))


def draw_items(generator: np.random.Generator, family: Family, split: str, count: int = 4) -> list[Item]:
    """Items of a split, all named differently, among which no single word gives the first one away.

    The second shares the first one's colour but not its shape, the third its shape but not its colour. A small split
    may hold nothing that fits; then any other item stands in.
    """
    items = [draw(draw_item, family, split, generator)]
    conditions: list[Callable[[Item], bool]] = [
        lambda item: item.color == items[0].color and item.kind != items[0].kind,
        lambda item: item.kind == items[0].kind and item.color != items[0].color,
        *[lambda item: True] * (count - 3),
    ]
    for condition in conditions[: count - 1]:
        tries = 0
        while True:
            item = draw(draw_item, family, split, generator)
            tries += 1
            if item.name not in {other.name for other in items} and (condition(item) or tries > _MOST_TRIES):
                items.append(item)
                break
    return items
