"""Geometric things to carry, named by size, colour and shape, and the bin they go into."""

from dataclasses import dataclass

import numpy as np

from sims.objects.household import HOUSEHOLD, SLIDING, STANDING, draw_household
from sims.objects.item import ANY_TURN, Item, four_sides
from sims.objects.shapes import Link, Shape, Vector
from sims.sampling import PALETTE, choice, uniform, varied
from sims.splits import Family

BLOCKS = Family(("block",), HOUSEHOLD, ("cube", "cylinder", "ball", "brick"), ("wedge", "hexagon", "cross"))
"""Everything that can be picked up."""
STACKABLE = Family(("block",), STANDING, ("cube", "cylinder", "brick"), ("wedge", "hexagon", "cross"))
"""What stands on a flat top and has one."""
PUSHABLE = Family(("block",), SLIDING, ("cube", "cylinder", "brick"), ("wedge", "hexagon", "cross"))
"""What can be pushed about without rolling away or falling over."""
SIZES = ("small", "large")
BIN_COLORS: dict[str, Vector] = {"gray": (0.35, 0.36, 0.38), "brown": (0.45, 0.33, 0.22), "navy": (0.12, 0.16, 0.28)}
_GRIP_DEPTH = 0.026


def draw_item(generator: np.random.Generator, category: str, kind: str) -> Item:
    """A block of ``kind``, or a household thing, which has a shape of its own; everything else is drawn."""
    size, color = choice(generator, SIZES), choice(generator, tuple(PALETTE))
    if category != "block":
        return draw_household(generator, category, color, size)
    width = uniform(generator, 0.030, 0.036) if size == "small" else uniform(generator, 0.050, 0.058)
    stretch = {"cylinder": 1.25, "brick": 0.9}.get(kind, 1.0)
    height = width * stretch * (1.0 if kind == "ball" else uniform(generator, 0.92, 1.05))
    shapes, length, span, grips, sides = _form(kind, width, height)
    return Item(
        category=category,
        kind=kind,
        color=color,
        size=size,
        shade=varied(PALETTE[color], generator),
        shapes=shapes,
        length=length,
        width=span,
        height=height,
        grip=max(height / 2, height - _GRIP_DEPTH),
        grips=grips,
        flat=kind not in ("ball", "wedge"),
        sides=sides,
    )


_Form = tuple[tuple[Shape, ...], float, float, tuple[float, ...], tuple[tuple[float, float], ...]]


def _form(kind: str, width: float, height: float) -> _Form:
    """Shapes, length, width between the fingers, turns at which they hold it, and sides to push against."""
    square, third = (0.0, np.pi / 2), np.pi / 3
    match kind:
        case "cube":
            return (Shape("box", (width, width, height)),), width, width, square, four_sides(width, width)
        case "cylinder":
            return (Shape("cylinder", (width / 2, width / 2, height)),), width, width, ANY_TURN, ()
        case "ball":
            return (Shape("sphere", (width / 2,) * 3),), width, width, ANY_TURN, ()
        case "brick":
            length = 2 * width
            return (Shape("box", (length, width, height)),), length, width, (0.0,), four_sides(length, width)
        case "wedge":
            # One finger on an edge, one on the side across; the frame lies midway between them.
            radius = 0.62 * width
            shape = Shape("prism3", (radius, radius, height), (0, -radius / 4, 0), (0, 0, np.pi / 2))
            near, far = 0.375 * radius, 0.75 * radius
            sides = ((-np.pi / 2, far), (np.pi / 6, near), (5 * np.pi / 6, near))
            return (shape,), radius * np.sqrt(3), 1.5 * radius, (0.0,), sides
        case "hexagon":
            radius = 0.55 * width
            across = radius * np.sqrt(3)
            six_sides = tuple(((index + 0.5) * third, across / 2) for index in range(6))
            return (Shape("prism6", (radius, radius, height)),), 2 * radius, across, (0.0, third, -third), six_sides
        case "cross":
            long, short = 1.15 * width, 0.38 * width
            arms = (Shape("box", (long, short, height)), Shape("box", (short, long, height)))
            return arms, long, long, square, four_sides(long, long)
        case _:
            kinds = ", ".join(BLOCKS.kinds + BLOCKS.novel_kinds)
            raise ValueError(f"unknown kind of block {kind!r}: expected one of {kinds}")


@dataclass(frozen=True)
class Bin:
    """An open box; its frame stands on the table under its centre. Sizes in metres, inside."""

    color: str
    length: float
    width: float
    height: float

    def links(self) -> list[Link]:
        """One link of a floor and four walls."""
        wall = 0.008
        outer = self.length + 2 * wall
        shapes = [Shape("box", (outer, self.width + 2 * wall, wall), (0, 0, wall / 2))]
        for sign in (-1, 1):
            across = (sign * (self.length + wall) / 2, 0.0, self.height / 2)
            along = (0.0, sign * (self.width + wall) / 2, self.height / 2)
            shapes.append(Shape("box", (wall, self.width, self.height), across))
            shapes.append(Shape("box", (outer, wall, self.height), along))
        return [Link("bin", shapes, BIN_COLORS[self.color], mass=2.0)]


def draw_bin(generator: np.random.Generator) -> Bin:
    """A bin; bins are not split, every scene may have any."""
    return Bin(
        choice(generator, tuple(BIN_COLORS)),
        uniform(generator, 0.15, 0.20),
        uniform(generator, 0.13, 0.16),
        uniform(generator, 0.05, 0.08),
    )
