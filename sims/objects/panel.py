"""A panel with a row of spring-loaded push buttons."""

from dataclasses import dataclass

import numpy as np

from sims.objects.shapes import Link, Shape, Vector
from sims.sampling import PALETTE, choice, uniform, varied

CAP_KINDS = ("round", "square")
NOVEL_CAP_KINDS = ("dome", "triangle", "hexagon")
BASE_COLORS: dict[str, Vector] = {"black": (0.13, 0.13, 0.15), "gray": (0.48, 0.49, 0.51), "beige": (0.80, 0.75, 0.63)}


@dataclass(frozen=True)
class Button:
    """One button: kind and colour of its cap, sizes in metres."""

    kind: str
    color: str
    shade: Vector
    size_class: str
    radius: float
    height: float
    travel: float

    @property
    def key(self) -> str:
        """Kind, colour and size class: see :mod:`sims.splits`."""
        return f"button/{self.kind}/{self.color}/{self.size_class}"

    def shapes(self) -> list[Shape]:
        """The cap, standing on z = 0."""
        radius, height = self.radius, self.height
        middle = (0.0, 0.0, height / 2)
        match self.kind:
            case "round":
                return [Shape("cylinder", (radius, radius, height), middle)]
            case "square":
                return [Shape("box", (1.8 * radius, 1.8 * radius, height), middle)]
            case "dome":
                return [Shape("sphere", (radius,) * 3, (0, 0, height - radius))]
            case "triangle":
                return [Shape("prism3", (1.25 * radius, 1.25 * radius, height), middle)]
            case "hexagon":
                return [Shape("prism6", (radius, radius, height), middle)]
            case _:
                raise ValueError(f"unknown kind of cap {self.kind!r}")


def draw_button(generator: np.random.Generator, kind: str) -> Button:
    """A button with a cap of ``kind`` and everything else drawn."""
    wide = bool(generator.integers(2))
    color = choice(generator, tuple(PALETTE))
    return Button(
        kind=kind,
        color=color,
        shade=varied(PALETTE[color], generator),
        size_class="wide" if wide else "narrow",
        radius=uniform(generator, 0.021, 0.025) if wide else uniform(generator, 0.015, 0.019),
        height=uniform(generator, 0.018, 0.025),
        travel=uniform(generator, 0.010, 0.014),
    )


@dataclass(frozen=True)
class Panel:
    """A box with buttons along its y axis; its frame stands on the table under its centre. Sizes in metres."""

    buttons: tuple[Button, ...]
    base: str
    width: float
    height: float
    spacing: float

    def button_position(self, index: int) -> np.ndarray:
        """Top of the cap of button ``index`` at rest, in the panel's frame."""
        offset = (index - (len(self.buttons) - 1) / 2) * self.spacing
        return np.array([0.0, offset, self.height + self.buttons[index].height])

    def links(self) -> list[Link]:
        """The body's links: base, then the buttons in order."""
        length = self.spacing * len(self.buttons) + 0.04
        box = Shape("box", (self.width, length, self.height), (0, 0, self.height / 2))
        links = [Link("base", [box], BASE_COLORS[self.base], mass=3.0)]
        for index, button in enumerate(self.buttons):
            x, y, z = self.button_position(index) - (0, 0, button.height)
            links.append(
                Link(
                    f"button{index}",
                    button.shapes(),
                    button.shade,
                    mass=0.05,
                    parent="base",
                    joint="prismatic",
                    axis=(0, 0, -1),
                    position=(float(x), float(y), float(z)),
                    limits=(0.0, button.travel),
                )
            )
        return links
