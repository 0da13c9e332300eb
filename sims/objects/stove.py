"""A stove with a row of knobs and buttons in front, or a console that has the same controls."""

from dataclasses import dataclass

import numpy as np

from sims.objects.dial import KNOBS, RANGE, knob_shapes, knob_width
from sims.objects.panel import BASE_COLORS, BUTTONS, Button, draw_button
from sims.objects.shapes import Link, Shape, Vector
from sims.sampling import PALETTE, choice, uniform, varied
from sims.splits import Family, draw

STOVES = Family(("stove",), ("console",), KNOBS[:3], KNOBS[3:])
"""By the kind of their knobs."""
# The last of them keeps the fingers around a knob off the buttons beside it.
_KNOB_SPACE, _BUTTON_SPACE, _EDGE, _GAP = 0.092, 0.066, 0.020, 0.030
_ROW = -0.085
_DEPTH = 0.26


@dataclass(frozen=True)
class Stove:
    """Knobs, then buttons, side by side from left to right; sizes in metres.

    The body's frame stands on the table under the middle, x pointing away from the controls and y to their left.
    """

    category: str
    kind: str
    base: str
    size_class: str
    knob_colors: tuple[str, ...]
    shades: tuple[Vector, ...]
    buttons: tuple[Button, ...]
    radius: float
    knob_height: float
    height: float

    @property
    def key(self) -> str:
        """Category, kind of knob, colour and size class: see :mod:`sims.splits`."""
        return f"{self.category}/{self.kind}/{self.base}/{self.size_class}/{'-'.join(self.knob_colors)}"

    @property
    def length(self) -> float:
        """How long the row is, m."""
        return _KNOB_SPACE * len(self.knob_colors) + _BUTTON_SPACE * len(self.buttons) + 2 * _EDGE + _GAP

    @property
    def grip_width(self) -> float:
        """What the fingers close around, across a knob's long side, m."""
        return knob_width(self.kind, self.radius)

    def knob_link(self, index: int) -> int:
        """Number of the link that is knob ``index``."""
        return index + 1

    def button_link(self, index: int) -> int:
        """Number of the link that is button ``index``."""
        return index + 1 + len(self.knob_colors)

    def knob_top(self, index: int) -> np.ndarray:
        """(3,) middle of a knob's top in the body's frame."""
        along = self.length / 2 - _EDGE - (index + 0.5) * _KNOB_SPACE
        return np.array([_ROW, along, self.height + self.knob_height])

    def button_top(self, index: int) -> np.ndarray:
        """(3,) middle of a cap's top in the body's frame, at rest."""
        along = -self.length / 2 + _EDGE + (len(self.buttons) - index - 0.5) * _BUTTON_SPACE
        return np.array([_ROW, along, self.height + self.buttons[index].height])

    def links(self) -> list[Link]:
        """The body's links: base, what lies on it, then knobs and buttons in order."""
        base = Link(
            "base",
            [Shape("box", (_DEPTH, self.length, self.height), (0, 0, self.height / 2))],
            BASE_COLORS[self.base],
            mass=5.0,
        )
        color = (0.07, 0.07, 0.08) if self.base != "black" else (0.35, 0.36, 0.38)
        links = [base, Link("plates", self._plates(), color, mass=0.1, parent="base")]
        for index, shade in enumerate(self.shades):
            x, y, z = self.knob_top(index)
            links.append(
                Link(
                    f"knob{index}",
                    knob_shapes(self.kind, self.radius, self.knob_height),
                    shade,
                    mass=0.08,
                    parent="base",
                    joint="revolute",
                    position=(float(x), float(y), float(z - self.knob_height)),
                    limits=(-RANGE, RANGE),
                    friction=1.0,
                )
            )
        for index, button in enumerate(self.buttons):
            x, y, z = self.button_top(index)
            links.append(
                Link(
                    f"button{index}",
                    button.shapes(),
                    button.shade,
                    mass=0.05,
                    parent="base",
                    joint="prismatic",
                    axis=(0, 0, -1),
                    position=(float(x), float(y), float(z - button.height)),
                    limits=(0.0, button.travel),
                )
            )
        return links

    def _plates(self) -> list[Shape]:
        """Two round plates of a stove, or the slots and the screen of a console."""
        if self.category == "stove":
            return [
                Shape("cylinder", (0.068, 0.068, 0.006), (0.045, side * self.length / 4, self.height + 0.003))
                for side in (-1, 1)
            ]
        screen = Shape("box", (0.012, 0.6 * self.length, 0.07), (0.11, 0, self.height + 0.035))
        slots = [
            Shape("box", (0.10, 0.012, 0.002), (0.03, along * self.length, self.height + 0.001))
            for along in (-0.3, -0.15, 0.0, 0.15, 0.3)
        ]
        return [screen, *slots]


def draw_stove(generator: np.random.Generator, category: str, kind: str) -> Stove:
    """A stove with three knobs of ``kind`` and two buttons, none of a colour that another of its sort has."""
    wide = bool(generator.integers(2))
    colors = tuple(str(color) for color in generator.choice(tuple(PALETTE), 3, replace=False))
    return Stove(
        category=category,
        kind=kind,
        base=choice(generator, tuple(BASE_COLORS)),
        size_class="wide" if wide else "narrow",
        knob_colors=colors,
        shades=tuple(varied(PALETTE[color], generator) for color in colors),
        buttons=_draw_buttons(generator, 2),
        radius=uniform(generator, 0.027, 0.031) if wide else uniform(generator, 0.022, 0.026),
        knob_height=uniform(generator, 0.028, 0.036),
        height=uniform(generator, 0.05, 0.08),
    )


def _draw_buttons(generator: np.random.Generator, count: int) -> tuple[Button, ...]:
    buttons: list[Button] = []
    while len(buttons) < count:
        button = draw(draw_button, BUTTONS, "train", generator)
        if button.color not in {other.color for other in buttons}:
            buttons.append(button)
    return tuple(buttons)
