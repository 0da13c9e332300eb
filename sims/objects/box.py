"""Boxes that stand about, told apart by colour and height: landmarks to put other things beside."""

from dataclasses import dataclass

import numpy as np

from sims.objects.shapes import Link, Shape
from sims.sampling import PALETTE, Color, choice, uniform, varied

HEIGHTS = ("short", "tall")


@dataclass(frozen=True)
class Box:
    """Sizes in metres; the frame lies in its middle. Boxes are not split: every scene may have any."""

    color: str
    tall: str
    shade: Color
    width: float
    height: float

    @property
    def name(self) -> str:
        """Height and colour, as people say it."""
        return f"{self.tall} {self.color} box"

    @property
    def reach(self) -> float:
        """Radius (m) of a circle around it, seen from above."""
        return self.width / float(np.sqrt(2))

    def links(self) -> list[Link]:
        """One link: a box with a lid that juts out by a little."""
        lid = 0.008
        shapes = [
            Shape("box", (self.width - 0.006, self.width - 0.006, self.height - lid), (0, 0, -lid / 2)),
            Shape("box", (self.width, self.width, lid), (0, 0, (self.height - lid) / 2)),
        ]
        return [Link("box", shapes, self.shade, mass=0.6, friction=1.0)]


def draw_boxes(generator: np.random.Generator) -> list[Box]:
    """Three boxes; the second has the first one's colour at another height, the third its height in another colour."""
    color, tall = choice(generator, tuple(PALETTE)), choice(generator, HEIGHTS)
    other = choice(generator, tuple(name for name in PALETTE if name != color))
    return [
        _draw_box(generator, color, tall),
        _draw_box(generator, color, HEIGHTS[1 - HEIGHTS.index(tall)]),
        _draw_box(generator, other, tall),
    ]


def _draw_box(generator: np.random.Generator, color: str, tall: str) -> Box:
    height = uniform(generator, 0.115, 0.140) if tall == "tall" else uniform(generator, 0.045, 0.060)
    return Box(color, tall, varied(PALETTE[color], generator), uniform(generator, 0.055, 0.068), height)
