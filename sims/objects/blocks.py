"""Things to pick up, named by size, colour and shape, and the bin they go into."""

from dataclasses import dataclass

import numpy as np

from sims.objects.shapes import Link, Shape, Vector
from sims.sampling import PALETTE, choice, uniform, varied

BLOCK_KINDS = ("cube", "cylinder", "ball", "brick")
NOVEL_BLOCK_KINDS = ("wedge", "hexagon", "cross")
SIZES = ("small", "large")
BIN_COLORS: dict[str, Vector] = {"gray": (0.35, 0.36, 0.38), "brown": (0.45, 0.33, 0.22), "navy": (0.12, 0.16, 0.28)}


@dataclass(frozen=True)
class Block:
    """A thing to pick up; ``width`` (m) is what the fingers span, ``height`` (m) how tall it stands."""

    kind: str
    color: str
    size: str
    shade: Vector
    width: float
    height: float

    @property
    def key(self) -> str:
        """Kind, colour and size: see :mod:`sims.splits`."""
        return f"block/{self.name}"

    @property
    def name(self) -> str:
        """Size, colour and shape, as people say it."""
        return f"{self.size} {self.color} {self.kind}"

    @property
    def length(self) -> float:
        """Extent (m) across the direction in which the fingers close."""
        return 2.0 * self.width if self.kind == "brick" else self.width

    @property
    def reach(self) -> float:
        """Radius (m) of a circle around the block seen from above."""
        return float(np.hypot(self.length, self.width)) / 2

    def links(self) -> list[Link]:
        """One free link, its frame in the block's centre, its long side (if any) along x."""
        mass = 0.05 if self.size == "small" else 0.1
        return [Link("block", self._shapes(), self.shade, mass=mass, friction=1.0)]

    def _shapes(self) -> list[Shape]:
        width, height = self.width, self.height
        match self.kind:
            case "cube":
                return [Shape("box", (width, width, height))]
            case "cylinder":
                return [Shape("cylinder", (width / 2, width / 2, height))]
            case "ball":
                return [Shape("sphere", (width / 2,) * 3)]
            case "brick":
                return [Shape("box", (self.length, width, height))]
            case "wedge":
                return [Shape("prism3", (0.62 * width, 0.62 * width, height))]
            case "hexagon":
                return [Shape("prism6", (0.55 * width, 0.55 * width, height))]
            case "cross":
                arm = 0.38 * width
                return [Shape("box", (1.15 * width, arm, height)), Shape("box", (arm, 1.15 * width, height))]
            case _:
                raise ValueError(f"unknown kind of block {self.kind!r}")


def draw_block(generator: np.random.Generator, kind: str) -> Block:
    """A block of ``kind`` with everything else drawn."""
    size, color = choice(generator, SIZES), choice(generator, tuple(PALETTE))
    width = uniform(generator, 0.030, 0.036) if size == "small" else uniform(generator, 0.050, 0.058)
    stretch = {"cylinder": 1.25, "brick": 0.9}.get(kind, 1.0)
    height = width * stretch * (1.0 if kind == "ball" else uniform(generator, 0.92, 1.05))
    return Block(kind, color, size, varied(PALETTE[color], generator), width, height)


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
