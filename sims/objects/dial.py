"""A box with one knob on top that turns both ways."""

from dataclasses import dataclass

import numpy as np

from sims.objects.panel import BASE_COLORS
from sims.objects.shapes import Link, Shape, Vector
from sims.sampling import PALETTE, choice, uniform, varied

KNOB_KINDS = ("lever", "ridge", "hexagon")
NOVEL_KNOB_KINDS = ("cross", "oval", "square")
RANGE = np.deg2rad(110.0)


@dataclass(frozen=True)
class Dial:
    """Sizes in metres; the body's frame stands on the table under its centre."""

    kind: str
    color: str
    shade: Vector
    base: str
    size_class: str
    radius: float
    knob_height: float
    base_width: float
    base_height: float

    @property
    def key(self) -> str:
        """Kind, colours and size class: see :mod:`sims.splits`."""
        return f"dial/{self.kind}/{self.color}/{self.base}/{self.size_class}"

    def knob_position(self) -> np.ndarray:
        """Centre of the knob's top in the body's frame."""
        return np.array([0.0, 0.0, self.base_height + self.knob_height])

    def links(self) -> list[Link]:
        """The body's links: base and knob. The knob's long side lies along its x axis at angle zero."""
        box = Shape("box", (self.base_width, self.base_width, self.base_height), (0, 0, self.base_height / 2))
        knob = Link(
            "knob",
            self._shapes(),
            self.shade,
            mass=0.08,
            parent="base",
            joint="revolute",
            position=(0, 0, self.base_height),
            limits=(-RANGE, RANGE),
            friction=1.0,
        )
        return [Link("base", [box], BASE_COLORS[self.base], mass=3.0), knob]

    def _shapes(self) -> list[Shape]:
        radius, height = self.radius, self.knob_height
        middle = (0.0, 0.0, height / 2)
        thin = 0.016
        match self.kind:
            case "lever":
                return [Shape("box", (2 * radius, thin, height), middle)]
            case "ridge":
                disc = Shape("cylinder", (0.65 * radius, 0.65 * radius, 0.3 * height), (0, 0, 0.15 * height))
                return [disc, Shape("box", (2 * radius, thin, height), middle)]
            case "hexagon":
                return [Shape("prism6", (radius, radius, height), middle)]
            case "cross":
                return [
                    Shape("box", (2 * radius, thin, height), middle),
                    Shape("box", (thin, 2 * radius, height), middle),
                ]
            case "oval":
                ends = [
                    Shape("cylinder", (0.5 * radius, 0.5 * radius, height), (0.5 * radius * s, 0, height / 2))
                    for s in (-1, 1)
                ]
                return [Shape("box", (radius, radius, height), middle), *ends]
            case "square":
                return [Shape("box", (1.5 * radius, 1.5 * radius, height), middle)]
            case _:
                raise ValueError(f"unknown kind of knob {self.kind!r}")


def draw_dial(generator: np.random.Generator, kind: str) -> Dial:
    """A dial with a knob of ``kind`` and everything else drawn."""
    wide = bool(generator.integers(2))
    color = choice(generator, tuple(PALETTE))
    return Dial(
        kind=kind,
        color=color,
        shade=varied(PALETTE[color], generator),
        base=choice(generator, tuple(BASE_COLORS)),
        size_class="wide" if wide else "narrow",
        radius=uniform(generator, 0.028, 0.034) if wide else uniform(generator, 0.021, 0.026),
        knob_height=uniform(generator, 0.028, 0.038),
        base_width=uniform(generator, 0.12, 0.18),
        base_height=uniform(generator, 0.04, 0.12),
    )
