"""Cups to pour from, bowls to pour into, and the balls that are poured."""

from dataclasses import dataclass

import numpy as np

from sims.objects.shapes import Link, Shape, Vector
from sims.sampling import PALETTE, choice, uniform, varied
from sims.splits import Family

CUPS = Family(("cup",), ("mug",), ("round", "square"), ("hexagonal", "flared"))
BOWLS = Family(("bowl",), ("pot",), ("round", "octagonal"), ("hexagonal", "square"))
BALL_RADIUS = 0.0055
_SIDES = {"round": 12, "flared": 12, "octagonal": 8, "hexagonal": 6, "square": 4}
_WALL = 0.005
_FLOOR = 0.006


def ring(sides: int, foot: float, mouth: float, low: float, high: float) -> list[Shape]:
    """Walls of a hollow vessel: ``sides`` boxes.

    Their outer faces lie ``foot`` from the axis at height ``low`` and ``mouth`` at height ``high`` (m).
    """
    rise, lean = high - low, np.arctan2(mouth - foot, high - low)
    chord = 2 * max(foot, mouth) * np.tan(np.pi / sides)
    middle = (foot + mouth) / 2 - _WALL / 2
    size: Vector = (_WALL, float(chord), float(np.hypot(rise, mouth - foot)))
    shapes = []
    for angle in np.arange(sides) * 2 * np.pi / sides:
        x, y = middle * np.cos(angle), middle * np.sin(angle)
        # Roll, pitch, yaw: tipped outward in its own plane, then turned to its side.
        shapes.append(Shape("box", size, (float(x), float(y), (low + high) / 2), (0.0, float(lean), float(angle))))
    return shapes


def disc(sides: int, apothem: float, low: float, high: float) -> Shape:
    """A floor of ``sides`` edges at ``apothem`` (m) from the axis."""
    radius = float(apothem / np.cos(np.pi / sides))
    return Shape(f"prism{sides}", (radius, radius, high - low), (0.0, 0.0, (low + high) / 2), (0, 0, np.pi / sides))


@dataclass(frozen=True)
class Cup:
    """A cup that fits between the fingers; its frame is halfway up its axis. Sizes in metres, outside."""

    category: str
    kind: str
    color: str
    size: str
    shade: Vector
    foot: float
    mouth: float
    height: float

    @property
    def key(self) -> str:
        """Category, kind, colour and size class: see :mod:`sims.splits`."""
        return f"{self.category}/{self.kind}/{self.color}/{self.size}"

    @property
    def sides(self) -> int:
        """How many walls it has; two facing ones are gripped."""
        return _SIDES[self.kind]

    @property
    def room(self) -> float:
        """Radius (m) of the space inside, at the foot."""
        return self.foot - _WALL

    def links(self) -> list[Link]:
        """One free link of a floor and walls; a mug has an ear on its x side."""
        low, high = -self.height / 2, self.height / 2
        shapes = [
            disc(self.sides, self.foot - _WALL / 2, low, low + _FLOOR),
            *ring(self.sides, self.foot, self.mouth, low, high),
        ]
        if self.category == "mug":
            reach, drop = self.foot + 0.014, 0.022
            shapes += [Shape("box", (0.032, 0.009, 0.008), (reach, 0, side * drop)) for side in (-1, 1)]
            shapes.append(Shape("box", (0.008, 0.009, 2 * drop + 0.008), (reach + 0.012, 0, 0)))
        return [Link(self.category, shapes, self.shade, mass=0.12, friction=1.0)]

    def holds(self, local: np.ndarray) -> bool:
        """Whether a point (3,) of the cup's frame is in its space."""
        return bool(abs(local[2]) < self.height / 2 and np.hypot(local[0], local[1]) < self.mouth)


def draw_cup(generator: np.random.Generator, category: str, kind: str) -> Cup:
    """A cup of ``kind`` and everything else drawn."""
    size = choice(generator, ("small", "large"))
    color = choice(generator, tuple(PALETTE))
    foot = uniform(generator, 0.027, 0.029) if size == "small" else uniform(generator, 0.030, 0.032)
    return Cup(
        category=category,
        kind=kind,
        color=color,
        size=size,
        shade=varied(PALETTE[color], generator),
        foot=foot - 0.003 if kind == "flared" else foot,
        mouth=foot + 0.002 if kind == "flared" else foot,
        height=uniform(generator, 0.085, 0.100),
    )


@dataclass(frozen=True)
class Bowl:
    """An open vessel; its frame stands on the table under its centre. Sizes in metres, outside."""

    category: str
    kind: str
    color: str
    size: str
    shade: Vector
    foot: float
    mouth: float
    height: float

    @property
    def key(self) -> str:
        """Category, kind, colour and size class: see :mod:`sims.splits`."""
        return f"{self.category}/{self.kind}/{self.color}/{self.size}"

    @property
    def sides(self) -> int:
        """How many walls it has."""
        return _SIDES[self.kind]

    @property
    def reach(self) -> float:
        """Radius (m) of a circle around it, seen from above."""
        ears = 0.02 if self.category == "pot" else 0.0
        return float(self.mouth / np.cos(np.pi / self.sides)) + ears

    def links(self) -> list[Link]:
        """One link of a floor and walls; a pot has two ears."""
        shapes = [
            disc(self.sides, self.foot - _WALL / 2, 0, _FLOOR),
            *ring(self.sides, self.foot, self.mouth, 0, self.height),
        ]
        if self.category == "pot":
            at, high = self.mouth + 0.008, self.height - 0.012
            shapes += [Shape("box", (0.022, 0.040, 0.008), (side * at, 0, high)) for side in (-1, 1)]
        return [Link(self.category, shapes, self.shade, mass=0.6, friction=0.9)]

    def holds(self, local: np.ndarray) -> bool:
        """Whether a point (3,) of the bowl's frame is in its space."""
        return bool(
            0 < local[2] < self.height and np.hypot(local[0], local[1]) < self.mouth / np.cos(np.pi / self.sides)
        )


def draw_bowl(generator: np.random.Generator, category: str, kind: str) -> Bowl:
    """A bowl of ``kind`` and everything else drawn; a pot has upright walls."""
    size = choice(generator, ("small", "large"))
    color = choice(generator, tuple(PALETTE))
    mouth = uniform(generator, 0.062, 0.066) if size == "small" else uniform(generator, 0.072, 0.078)
    return Bowl(
        category=category,
        kind=kind,
        color=color,
        size=size,
        shade=varied(PALETTE[color], generator),
        foot=mouth if category == "pot" else 0.68 * mouth,
        mouth=mouth,
        height=uniform(generator, 0.042, 0.052),
    )


def ball_links(shade: Vector) -> list[Link]:
    """One ball of what is poured, 3 g."""
    return [Link("ball", (Shape("sphere", (BALL_RADIUS,) * 3),), shade, mass=0.003, friction=0.4)]


def ball_positions(cup: Cup, count: int) -> np.ndarray:
    """(count, 3) centres in the cup's frame of balls that lie loosely in layers above its floor, m."""
    step = 2.08 * BALL_RADIUS
    reach = cup.room - BALL_RADIUS - 0.0005
    rows = np.arange(-4, 5) * step
    layer = np.array([(x, y) for x in rows for y in rows if np.hypot(x, y) <= reach])
    numbers = np.arange(count)
    heights = -cup.height / 2 + _FLOOR + BALL_RADIUS + 0.0005 + (numbers // len(layer)) * step
    return np.column_stack([layer[numbers % len(layer)], heights])
