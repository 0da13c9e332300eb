"""Coloured regions painted on the table: seen, but nothing bumps into them."""

from dataclasses import dataclass

import numpy as np

from sims.objects.shapes import Link, Shape
from sims.sampling import PALETTE, Color, choice, uniform, varied
from sims.world import World

SHAPES = ("disc", "square")
_THICK = 0.001


@dataclass(frozen=True)
class Region:
    """``radius`` (m) is of the disc, or half the side of the square."""

    color: str
    shape: str
    shade: Color
    radius: float

    @property
    def name(self) -> str:
        """Colour and shape, as people say it."""
        return f"{self.color} {self.shape}"

    def holds(self, offset: np.ndarray, yaw: float) -> bool:
        """Whether a point at ``offset`` (2,), m, from the centre of the region turned by ``yaw`` (rad) is inside."""
        if self.shape == "disc":
            return bool(np.hypot(*offset) < self.radius)
        along = np.cos(yaw) * offset[0] + np.sin(yaw) * offset[1]
        across = np.cos(yaw) * offset[1] - np.sin(yaw) * offset[0]
        return bool(max(abs(along), abs(across)) < self.radius)

    def paint(self, world: World, place: tuple[float, float], yaw: float) -> int:
        """Adds the region to the world and returns its body."""
        size = 2 * self.radius
        shape = (
            Shape("cylinder", (self.radius, self.radius, _THICK))
            if self.shape == "disc"
            else Shape("box", (size, size, _THICK))
        )
        body = world.add([Link("region", [shape], self.shade)], (*place, _THICK / 2), yaw, fixed=True)
        world.bullet.setCollisionFilterGroupMask(body, -1, 0, 0)
        return body


def draw_regions(generator: np.random.Generator) -> list[Region]:
    """Three regions; the second has the first one's colour, the third its shape. Every scene may have any."""
    color, shape = choice(generator, tuple(PALETTE)), choice(generator, SHAPES)
    other = choice(generator, tuple(name for name in PALETTE if name != color))
    names = [(color, shape), (color, SHAPES[1 - SHAPES.index(shape)]), (other, shape)]
    return [
        Region(name, form, varied(PALETTE[name], generator), uniform(generator, 0.048, 0.058)) for name, form in names
    ]
