"""Appliances that have several parts to work: a stove, a washing machine, a radio."""

from dataclasses import dataclass

import numpy as np

from sims.objects.dial import RANGE, knob_shapes, knob_width
from sims.objects.panel import Button, draw_button
from sims.objects.shapes import Link, Shape, Vector
from sims.sampling import PALETTE, choice, uniform, varied
from sims.splits import Family

APPLIANCES = Family(("stove", "washer"), ("radio",), ("classic", "modern"), ("retro", "rugged"))
STYLES = {
    "classic": ("lever", "round", "bar"),
    "modern": ("ridge", "square", "knob"),
    "retro": ("cross", "dome", "ball"),
    "rugged": ("oval", "hexagon", "tee"),
}
"""Kinds of knobs, of caps and of the handle by the kind of an appliance."""
COATS: dict[str, Vector] = {
    "enamel": (0.90, 0.90, 0.87),
    "steel": (0.62, 0.64, 0.67),
    "black": (0.14, 0.14, 0.16),
    "mint": (0.62, 0.78, 0.70),
}
_COUNTS = {"stove": (4, 2), "washer": (2, 3), "radio": (2, 3)}
_DEPTH, _FRONT = 0.26, 0.012
# Rows of knobs and of buttons from the front edge, and the room that one of a row takes (m).
_KNOB_ROW, _BUTTON_ROW = 0.045, 0.120
_KNOB_SPACE, _BUTTON_SPACE = 0.092, 0.072
# How far a handle stands out from the drawer (m).
_REACH = 0.038
# By the kind of handle: its width and how far it rises over its middle (m).
_HANDLES = {"bar": (0.052, 0.0065), "knob": (0.036, 0.018), "ball": (0.036, 0.018), "tee": (0.050, 0.0065)}
_METAL: Vector = (0.70, 0.72, 0.75)


@dataclass(frozen=True)
class Appliance:
    """Knobs in a row on top at the front, buttons in a row behind them, and a drawer in front. Sizes in metres.

    The body's frame stands on the table under the middle; x points away from the front, y along the rows to the left
    as seen from there. Rows are counted from the left.
    """

    category: str
    kind: str
    coat: str
    size_class: str
    knob_colors: tuple[str, ...]
    shades: tuple[Vector, ...]
    buttons: tuple[Button, ...]
    radius: float
    knob_height: float
    width: float
    height: float
    travel: float

    @property
    def key(self) -> str:
        """Category, kind, coat, size class and colours of the knobs: see :mod:`sims.splits`."""
        return f"{self.category}/{self.kind}/{self.coat}/{self.size_class}/{'-'.join(self.knob_colors)}"

    @property
    def grip_width(self) -> float:
        """What the fingers close around, across a knob's long side, m."""
        return knob_width(STYLES[self.kind][0], self.radius)

    def knob_name(self, index: int) -> str:
        """What sets a knob apart: its colour, or its number from the left where all have the same."""
        return self.knob_colors[index] if len(set(self.knob_colors)) > 1 else str(index + 1)

    def knob_link(self, index: int) -> int:
        """Number of the link that is knob ``index``."""
        return 1 + index

    def button_link(self, index: int) -> int:
        """Number of the link that is button ``index``."""
        return 1 + len(self.knob_colors) + index

    @property
    def drawer_link(self) -> int:
        """Number of the link whose joint is the drawer's; the next one is its handle."""
        return 1 + len(self.knob_colors) + len(self.buttons)

    def knob_top(self, index: int) -> np.ndarray:
        """(3,) middle of a knob's top in the body's frame."""
        along = _along(index, len(self.knob_colors), _KNOB_SPACE)
        return np.array([_KNOB_ROW - _DEPTH / 2, along, self.height + self.knob_height])

    def button_top(self, index: int) -> np.ndarray:
        """(3,) middle of a cap's top at rest, in the body's frame."""
        along = _along(index, len(self.buttons), _BUTTON_SPACE)
        return np.array([_BUTTON_ROW - _DEPTH / 2, along, self.height + self.buttons[index].height])

    def handle_top(self) -> np.ndarray:
        """(3,) middle of the top of the shut drawer's handle, where it is taken, in the body's frame."""
        rise = _HANDLES[STYLES[self.kind][2]][1]
        return np.array([-_DEPTH / 2 - _FRONT - _REACH, self._aside, self._drawer_height + rise])

    @property
    def handle_width(self) -> float:
        """What the fingers close around, across the way of the drawer, m."""
        return _HANDLES[STYLES[self.kind][2]][0]

    @property
    def _aside(self) -> float:
        """A washer's drawer is over the door's left."""
        return 0.05 if self.category == "washer" else 0.0

    @property
    def _drawer_height(self) -> float:
        return self.height - 0.055 if self.category == "washer" else 0.44 * self.height

    def links(self) -> list[Link]:
        """The body's links: base, fittings that do not move, knobs, buttons, drawer, handle."""
        box = Shape("box", (_DEPTH, self.width, self.height), (0, 0, self.height / 2))
        base = Link("base", [box], COATS[self.coat], mass=8.0)
        dark = (0.30, 0.31, 0.33) if self.coat == "black" else (0.09, 0.09, 0.10)
        fittings = Link("fittings", self._fittings(), dark, mass=0.1, parent="base")
        knobs = [self._knob(index) for index in range(len(self.knob_colors))]
        buttons = [self._button(index) for index in range(len(self.buttons))]
        return [base, fittings, *knobs, *buttons, *self._drawer()]

    def _fittings(self) -> list[Shape]:
        """Plates of a stove, the door of a washer, loudspeakers and the dial of a radio."""
        back, top = _DEPTH / 2 - 0.052, self.height + 0.003
        match self.category:
            case "stove":
                return [Shape("cylinder", (0.042, 0.042, 0.006), (back, y * self.width, top)) for y in (-0.27, 0.27)]
            case "washer":
                across = (0.0, np.pi / 2, 0.0)
                low = 0.42 * (self.height - 0.05)
                return [
                    Shape("cylinder", (0.9 * low, 0.9 * low, 0.010), (-_DEPTH / 2 - 0.005, 0, low), across),
                    Shape("box", (0.05, 0.7 * self.width, 0.003), (back, 0, top)),
                ]
            case _:
                speakers = [Shape("prism8", (0.046, 0.046, 0.006), (back, y * self.width, top)) for y in (-0.32, 0.32)]
                return [*speakers, Shape("box", (0.012, 0.3 * self.width, 0.05), (back + 0.03, 0, self.height + 0.025))]

    def _knob(self, index: int) -> Link:
        x, y, z = self.knob_top(index)
        return Link(
            f"knob{index}",
            knob_shapes(STYLES[self.kind][0], self.radius, self.knob_height),
            self.shades[index],
            mass=0.08,
            parent="base",
            joint="revolute",
            position=(float(x), float(y), float(z - self.knob_height)),
            limits=(-RANGE, RANGE),
            friction=1.0,
        )

    def _button(self, index: int) -> Link:
        button = self.buttons[index]
        x, y, z = self.button_top(index)
        return Link(
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

    def _drawer(self) -> list[Link]:
        tall = 0.06 if self.category == "washer" else 0.6 * self.height
        wide = 0.40 * self.width if self.category == "washer" else 0.86 * self.width
        floor = 0.006 - tall / 2
        shapes = [
            Shape("box", (_FRONT, wide, tall), (-_FRONT / 2, 0, 0)),
            Shape("box", (self.travel, wide - 0.02, 0.006), (self.travel / 2, 0, floor)),
            *(
                Shape(
                    "box", (self.travel, 0.006, tall / 2), (self.travel / 2, s * (wide - 0.026) / 2, floor + tall / 4)
                )
                for s in (-1, 1)
            ),
        ]
        shade: Vector = tuple(0.8 * value for value in COATS[self.coat])  # type: ignore[assignment]
        drawer = Link(
            "drawer",
            shapes,
            shade,
            mass=0.5,
            parent="base",
            joint="prismatic",
            axis=(-1, 0, 0),
            position=(-_DEPTH / 2, self._aside, self._drawer_height),
            limits=(0.0, self.travel),
        )
        handle = Link(
            "handle",
            _handle(STYLES[self.kind][2]),
            _METAL if self.coat != "steel" else (0.10, 0.10, 0.11),
            mass=0.05,
            parent="drawer",
            position=(-_FRONT, 0, 0),
            friction=1.0,
        )
        return [drawer, handle]


def _handle(kind: str) -> list[Shape]:
    """A handle that sticks out along -x by its reach, where it is taken."""
    thick, across = 0.013, (0.0, np.pi / 2, 0.0)
    stem = Shape("box", (_REACH, 0.010, 0.010), (-_REACH / 2, 0, 0))
    match kind:
        case "bar":
            legs = [Shape("box", (_REACH, thick, thick), (-_REACH / 2, 0.0195 * s, 0)) for s in (-1, 1)]
            return [Shape("box", (thick, 0.052, thick), (-_REACH, 0, 0)), *legs]
        case "knob":
            return [stem, Shape("cylinder", (0.018, 0.018, 0.020), (-_REACH, 0, 0), across)]
        case "ball":
            return [stem, Shape("sphere", (0.018,) * 3, (-_REACH, 0, 0))]
        case "tee":
            return [stem, Shape("box", (thick, 0.050, thick), (-_REACH, 0, 0))]
        case _:
            raise ValueError(f"unknown kind of handle {kind!r}: expected one of bar, knob, ball, tee")


def _along(index: int, count: int, space: float) -> float:
    return ((count - 1) / 2 - index) * space


def draw_appliance(generator: np.random.Generator, category: str, kind: str) -> Appliance:
    """An appliance in a style with everything else drawn.

    No two buttons share a colour; half of all appliances have knobs of different colours, the others of one, so that
    only where a knob stands tells it from the others.

    Raises:
        ValueError: there is no such category or kind.
    """
    if category not in _COUNTS or kind not in STYLES:
        known = f"{', '.join(_COUNTS)} in one of {', '.join(STYLES)}"
        raise ValueError(f"unknown appliance {category!r} in style {kind!r}: expected one of {known}")
    knobs, buttons = _COUNTS[category]
    colors = [tuple(PALETTE)[index] for index in generator.permutation(len(PALETTE))]
    knob_colors = tuple(colors[:knobs]) if generator.integers(2) else (colors[0],) * knobs
    shades = {color: varied(PALETTE[color], generator) for color in sorted(set(knob_colors))}
    wide = bool(generator.integers(2))
    height = {"stove": (0.17, 0.20), "washer": (0.20, 0.23), "radio": (0.12, 0.14)}[category]
    width = _KNOB_SPACE * 4 + 0.02 if category == "stove" else 0.29 if category == "washer" else 0.34
    return Appliance(
        category=category,
        kind=kind,
        coat=choice(generator, tuple(COATS)),
        size_class="wide" if wide else "narrow",
        knob_colors=knob_colors,
        shades=tuple(shades[color] for color in knob_colors),
        buttons=_draw_buttons(generator, STYLES[kind][1], buttons),
        radius=uniform(generator, 0.0235, 0.0265) if wide else uniform(generator, 0.0205, 0.0230),
        knob_height=uniform(generator, 0.030, 0.038),
        width=width + (0.02 if wide else 0.0),
        height=uniform(generator, *height),
        travel=uniform(generator, 0.09, 0.11),
    )


def _draw_buttons(generator: np.random.Generator, kind: str, count: int) -> tuple[Button, ...]:
    buttons: list[Button] = []
    while len(buttons) < count:
        button = draw_button(generator, "button", kind)
        if button.color not in {other.color for other in buttons}:
            buttons.append(button)
    return tuple(buttons)
