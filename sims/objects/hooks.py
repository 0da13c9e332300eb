"""Rings and keys to hang up, the slots they stand in, and hooks on posts to hang them on."""

from dataclasses import dataclass

import numpy as np

from sims.objects.shapes import Link, Shape, Vector
from sims.sampling import PALETTE, choice, uniform, varied
from sims.splits import Family

RINGS = Family(("ring",), ("key",), ("round", "square"), ("hexagonal",))
SIZES = ("small", "large")
HEIGHTS = ("short", "tall")
THICK = 0.012
"""Thickness (m) of the bar that a ring is bent of."""
_SIDES = {"round": 12, "square": 4, "hexagonal": 6}
_SHAFT = 0.055
_SLOT_WALL = 0.008


@dataclass(frozen=True)
class Ring:
    """A ring standing upright, or a key on its bit; the frame lies in the middle of the loop, which is normal to y.

    ``radius`` (m) is from there to the middle of each side of the loop.
    """

    category: str
    kind: str
    color: str
    size: str
    shade: Vector
    radius: float

    @property
    def key(self) -> str:
        """Category, kind, colour and size: see :mod:`sims.splits`."""
        return f"{self.category}/{self.kind}/{self.color}/{self.size}"

    @property
    def name(self) -> str:
        """Colour and noun, as people say it."""
        return f"{self.color} {self.category}"

    @property
    def rise(self) -> float:
        """How high (m) the frame is above what the ring or key stands on."""
        return self.radius + THICK / 2 + (_SHAFT if self.category == "key" else 0.0)

    @property
    def foot(self) -> float:
        """Extent (m) along x of what stands in a slot."""
        return 0.012 if self.category == "key" else 2 * self.radius + THICK

    def links(self) -> list[Link]:
        """One free link."""
        shapes = _loop(_sides(self.kind), self.radius)
        if self.category == "key":
            top = -self.radius - THICK / 2
            shapes.append(Shape("box", (0.012, THICK, _SHAFT), (0, 0, top - _SHAFT / 2)))
            shapes += [Shape("box", (0.010, 0.008, 0.006), (0.011, 0, top - down)) for down in (0.006, 0.015)]
        return [Link(self.category, shapes, self.shade, mass=0.05, friction=0.8)]

    def slot(self) -> list[Shape]:
        """The four walls of a slot that it stands upright in, on the table."""
        # A key has a narrow foot: only a deep and tight slot keeps it from leaning.
        height, room = (0.036, 0.001) if self.category == "key" else (0.022, 0.003)
        length, width = self.foot + room, THICK + room
        along, across = length + 2 * _SLOT_WALL, (width + _SLOT_WALL) / 2
        return [
            *[Shape("box", (along, _SLOT_WALL, height), (0, side * across, height / 2)) for side in (-1, 1)],
            *[
                Shape("box", (_SLOT_WALL, width, height), (side * (length + _SLOT_WALL) / 2, 0, height / 2))
                for side in (-1, 1)
            ],
        ]


@dataclass(frozen=True)
class Hook:
    """A post with an arm along x at its top, its end bent up; the frame stands on the table under the post."""

    color: str
    tall: str
    shade: Vector
    height: float

    length = 0.060
    """Of the arm, m."""
    arm_radius = 0.006

    @property
    def name(self) -> str:
        """Height and colour, as people say it."""
        return f"{self.tall} {self.color} hook"

    @property
    def middle(self) -> np.ndarray:
        """(3,) where a ring is to hang, on the axis of the arm, in the hook's frame."""
        return np.array([0.55 * self.length, 0.0, self.height])

    def links(self) -> list[Link]:
        """One link."""
        radius, length, foot = self.arm_radius, self.length, 0.012
        shapes = [
            Shape("box", (0.070, 0.080, foot), (-0.010, 0, foot / 2)),
            Shape("box", (0.014, 0.014, self.height + radius - foot), (-0.007, 0, (self.height + radius + foot) / 2)),
            Shape("cylinder", (radius, radius, length), (length / 2, 0, self.height), (0, np.pi / 2, 0)),
            Shape("box", (0.007, 2 * radius, 0.020), (length, 0, self.height + 0.004)),
        ]
        return [Link("hook", shapes, self.shade, friction=0.8)]


def draw_ring(generator: np.random.Generator, category: str, kind: str) -> Ring:
    """A ring or key of ``kind`` with everything else drawn."""
    color, size = choice(generator, tuple(PALETTE)), choice(generator, SIZES)
    radius = uniform(generator, 0.027, 0.030) if size == "small" else uniform(generator, 0.033, 0.036)
    return Ring(category, kind, color, size, varied(PALETTE[color], generator), radius)


def draw_hooks(generator: np.random.Generator) -> list[Hook]:
    """Three hooks; the second has the first one's colour at another height, the third its height in another colour.

    Every scene may have any.
    """
    color, tall = choice(generator, tuple(PALETTE)), choice(generator, HEIGHTS)
    other = choice(generator, tuple(name for name in PALETTE if name != color))
    names = [(color, tall), (color, HEIGHTS[1 - HEIGHTS.index(tall)]), (other, tall)]
    return [
        Hook(name, high, varied(PALETTE[name], generator), uniform(generator, *_range(high))) for name, high in names
    ]


def _range(tall: str) -> tuple[float, float]:
    return (0.225, 0.250) if tall == "tall" else (0.150, 0.175)


def _loop(sides: int, radius: float) -> list[Shape]:
    """A regular polygon of bars, one of them on top."""
    chord = (2 * radius + THICK) * float(np.tan(np.pi / sides))
    return [
        Shape("box", (chord, THICK, THICK), (radius * np.sin(angle), 0, radius * np.cos(angle)), (0, angle, 0))
        for angle in np.arange(sides) * 2 * np.pi / sides
    ]


def _sides(kind: str) -> int:
    if kind not in _SIDES:
        raise ValueError(f"unknown kind of ring {kind!r}: expected one of {', '.join(_SIDES)}")
    return _SIDES[kind]
