"""A row of spring-loaded push buttons on a panel, or of hinged keys on a keyboard."""

from dataclasses import dataclass

import numpy as np

from sims.objects.shapes import Link, Shape, Vector
from sims.sampling import PALETTE, choice, uniform, varied
from sims.splits import Family, draw

BUTTONS = Family(("button",), ("key",), ("round", "square"), ("dome", "triangle", "hexagon"))
# From a key's hinge to the middle of its cap; beyond both ends; how thick the lever is (m).
_KEY_ARM, _KEY_END, _KEY_THICK = 0.10, 0.026, 0.012
_SPRING_FORCE = 4.0
BASE_COLORS: dict[str, Vector] = {"black": (0.13, 0.13, 0.15), "gray": (0.48, 0.49, 0.51), "beige": (0.80, 0.75, 0.63)}


@dataclass(frozen=True)
class Button:
    """One button: kind and colour of its cap, sizes in metres."""

    category: str
    kind: str
    color: str
    shade: Vector
    size_class: str
    radius: float
    height: float
    travel: float

    @property
    def key(self) -> str:
        """Category, kind, colour and size class: see :mod:`sims.splits`."""
        return f"{self.category}/{self.kind}/{self.color}/{self.size_class}"

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


def draw_button(generator: np.random.Generator, category: str, kind: str) -> Button:
    """A button with a cap of ``kind`` and everything else drawn."""
    wide = bool(generator.integers(2))
    color = choice(generator, tuple(PALETTE))
    return Button(
        category=category,
        kind=kind,
        color=color,
        shade=varied(PALETTE[color], generator),
        size_class="wide" if wide else "narrow",
        radius=uniform(generator, 0.021, 0.025) if wide else uniform(generator, 0.015, 0.019),
        height=uniform(generator, 0.018, 0.025),
        travel=uniform(generator, 0.010, 0.014),
    )


def draw_buttons(generator: np.random.Generator, split: str, count: int) -> tuple[Button, ...]:
    """Buttons of a split, no two of one colour."""
    buttons: list[Button] = []
    while len(buttons) < count:
        button = draw(draw_button, BUTTONS, split, generator)
        if button.color not in {other.color for other in buttons}:
            buttons.append(button)
    return tuple(buttons)


@dataclass(frozen=True)
class Panel:
    """Buttons along the y axis of a box, or keys in front of one; its frame stands on the table under its centre.

    A key is a lever as wide as there is room for, hinged in the housing behind, with its cap at the near end. Sizes
    in metres.
    """

    buttons: tuple[Button, ...]
    base: str
    width: float
    height: float
    spacing: float

    def button_position(self, index: int) -> np.ndarray:
        """Top of the cap of button ``index`` at rest, in the panel's frame."""
        x, y, z = self._foot(index)
        return np.array([x, y, z + self.buttons[index].height])

    def stroke(self, index: int) -> float:
        """Position of the joint of a button that is all the way down: m, or rad of a key's hinge."""
        button = self.buttons[index]
        return button.travel / _KEY_ARM if button.category == "key" else button.travel

    def spring(self, index: int) -> float:
        """What holds a button up: 4 N at its cap, given in N m of a key's hinge."""
        return _SPRING_FORCE * (_KEY_ARM if self.buttons[index].category == "key" else 1.0)

    def links(self) -> list[Link]:
        """The body's links: base, then the buttons in order."""
        length = self.spacing * len(self.buttons) + 0.04
        if self.buttons[0].category == "key":
            return [self._keyboard(length), *(self._key(index) for index in range(len(self.buttons)))]
        box = Shape("box", (self.width, length, self.height), (0, 0, self.height / 2))
        base = Link("base", [box], BASE_COLORS[self.base], mass=3.0)
        return [base, *(self._button(index) for index in range(len(self.buttons)))]

    def _foot(self, index: int) -> Vector:
        offset = (index - (len(self.buttons) - 1) / 2) * self.spacing
        return (-_KEY_ARM / 2 if self.buttons[index].category == "key" else 0.0), offset, self.height

    def _button(self, index: int) -> Link:
        button = self.buttons[index]
        return Link(
            f"button{index}",
            button.shapes(),
            button.shade,
            mass=0.05,
            parent="base",
            joint="prismatic",
            axis=(0, 0, -1),
            position=self._foot(index),
            limits=(0.0, button.travel),
        )

    def _key(self, index: int) -> Link:
        button = self.buttons[index]
        _, offset, height = self._foot(index)
        length = _KEY_ARM + 2 * _KEY_END
        lever = Shape("box", (length, self.spacing - 0.014, _KEY_THICK), (-_KEY_ARM / 2, 0, -_KEY_THICK / 2))
        cap = [
            Shape(shape.kind, shape.size, (shape.position[0] - _KEY_ARM, *shape.position[1:]), shape.rotation)
            for shape in button.shapes()
        ]
        return Link(
            f"key{index}",
            [lever, *cap],
            button.shade,
            mass=0.05,
            parent="base",
            joint="revolute",
            axis=(0, -1, 0),
            position=(_KEY_ARM / 2, offset, height),
            limits=(0.0, self.stroke(index)),
        )

    def _keyboard(self, length: float) -> Link:
        """A bed under the keys with cheeks at either end, and the housing into which they run."""
        deep = _KEY_ARM + 2 * _KEY_END + 0.01
        bed = self.height - _KEY_THICK - 0.015
        cheek = (deep, 0.015, self.height)
        shapes = [
            Shape("box", (deep, length, bed), (0, 0, bed / 2)),
            *(Shape("box", cheek, (0, side * (length - 0.015) / 2, self.height / 2)) for side in (-1, 1)),
            Shape("box", (0.035, length, self.height + 0.025), (_KEY_ARM / 2 + 0.02, 0, (self.height + 0.025) / 2)),
        ]
        return Link("base", shapes, BASE_COLORS[self.base], mass=3.0)
