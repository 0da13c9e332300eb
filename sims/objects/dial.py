"""A knob that turns both ways: on top of a box, or the valve of a pipe."""

from dataclasses import dataclass

import numpy as np

from sims.objects.panel import BASE_COLORS
from sims.objects.shapes import Link, Shape, Vector
from sims.sampling import PALETTE, choice, uniform, varied
from sims.splits import Family

DIALS = Family(("dial",), ("valve",), ("lever", "ridge", "hexagon"), ("cross", "oval", "square"))
KNOBS = (*DIALS.kinds, *DIALS.novel_kinds)
# A knob's narrow side, m.
_THIN = 0.016
RANGE = np.deg2rad(110.0)


@dataclass(frozen=True)
class Dial:
    """One knob and what it sits on; the body's frame stands on the table under the knob. Sizes in metres.

    A "dial" is a box. A "valve" is a pipe with flanges along the y axis and a stem standing on it, whose knob is the
    hub of a handwheel.
    """

    category: str
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
        """Category, kind, colours and size class: see :mod:`sims.splits`."""
        return f"{self.category}/{self.kind}/{self.color}/{self.base}/{self.size_class}"

    def knob_position(self) -> np.ndarray:
        """Centre of the knob's top in the body's frame."""
        return np.array([0.0, 0.0, self.base_height + self.knob_height])

    @property
    def grip_width(self) -> float:
        """What the fingers close around, across the knob's long side, m."""
        return knob_width(self.kind, self.radius)

    def links(self) -> list[Link]:
        """The body's links: base and knob. The knob's long side lies along its x axis at angle zero."""
        valve = self.category == "valve"
        knob = Link(
            "knob",
            [*knob_shapes(self.kind, self.radius, self.knob_height), *(_handwheel() if valve else [])],
            self.shade,
            mass=0.08,
            parent="base",
            joint="revolute",
            position=(0, 0, self.base_height),
            limits=(-RANGE, RANGE),
            friction=1.0,
        )
        box = Shape("box", (self.base_width, self.base_width, self.base_height), (0, 0, self.base_height / 2))
        return [Link("base", self._pipe() if valve else [box], BASE_COLORS[self.base], mass=3.0), knob]

    def _pipe(self) -> list[Shape]:
        """The pipe lies on its flanges; collar and stem stand on its middle."""
        length, thick, flange = 1.5 * self.base_width, 0.020, 0.032
        along = (np.pi / 2, 0.0, 0.0)
        collar = thick + flange + 0.008
        return [
            Shape("cylinder", (thick, thick, length), (0, 0, flange), along),
            *(
                Shape("cylinder", (flange, flange, 0.014), (0, s * (length - 0.014) / 2, flange), along)
                for s in (-1, 1)
            ),
            Shape("prism6", (0.026, 0.026, collar - flange), (0, 0, (collar + flange) / 2)),
            Shape("cylinder", (0.009, 0.009, self.base_height - flange), (0, 0, (self.base_height + flange) / 2)),
        ]


def knob_shapes(kind: str, radius: float, height: float) -> list[Shape]:
    """A knob on z = 0 with its long side along x, sizes in m.

    Raises:
        ValueError: there is no such kind of knob.
    """
    middle = (0.0, 0.0, height / 2)
    match kind:
        case "lever":
            return [Shape("box", (2 * radius, _THIN, height), middle)]
        case "ridge":
            disc = Shape("cylinder", (0.65 * radius, 0.65 * radius, 0.3 * height), (0, 0, 0.15 * height))
            return [disc, Shape("box", (2 * radius, _THIN, height), middle)]
        case "hexagon":
            return [Shape("prism6", (radius, radius, height), middle)]
        case "cross":
            return [
                Shape("box", (2 * radius, _THIN, height), middle),
                Shape("box", (_THIN, 2 * radius, height), middle),
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
            raise ValueError(f"unknown kind of knob {kind!r}: expected one of {', '.join(KNOBS)}")


def knob_width(kind: str, radius: float) -> float:
    """What the fingers close around when they grip a knob across its long side, m."""
    widths = {"hexagon": np.sqrt(3) * radius, "cross": 2 * radius, "oval": radius, "square": 1.5 * radius}
    return float(widths.get(kind, _THIN))


def _handwheel() -> list[Shape]:
    """Rim and two spokes just below the knob, where no finger reaches."""
    radius, sides, low = 0.046, 10, -0.007
    chord = 2 * radius * np.tan(np.pi / sides)
    rim = [
        Shape("box", (0.009, chord, 0.009), (radius * np.cos(a), radius * np.sin(a), low), (0, 0, a))
        for a in 2 * np.pi * np.arange(sides) / sides
    ]
    spokes = [Shape("box", (2 * radius, 0.008, 0.006), (0, 0, low), (0, 0, angle)) for angle in (0, np.pi / 2)]
    return [*rim, *spokes]


def draw_dial(generator: np.random.Generator, category: str, kind: str) -> Dial:
    """A dial with a knob of ``kind`` and everything else drawn."""
    wide = bool(generator.integers(2))
    color = choice(generator, tuple(PALETTE))
    return Dial(
        category=category,
        kind=kind,
        color=color,
        shade=varied(PALETTE[color], generator),
        base=choice(generator, tuple(BASE_COLORS)),
        size_class="wide" if wide else "narrow",
        radius=uniform(generator, 0.028, 0.034) if wide else uniform(generator, 0.021, 0.026),
        knob_height=uniform(generator, 0.028, 0.038),
        base_width=uniform(generator, 0.12, 0.18),
        base_height=uniform(generator, 0.09, 0.13) if category == "valve" else uniform(generator, 0.04, 0.12),
    )
