"""A knob with a pointer and coloured marks around it: on a box, or in the middle of a clock's face."""

from dataclasses import dataclass

import numpy as np

from sims.objects.panel import BASE_COLORS
from sims.objects.shapes import Link, Shape, Vector
from sims.sampling import PALETTE, choice, uniform, varied
from sims.splits import Family

MARKED_DIALS = Family(("dial",), ("clock",), ("bar", "disc"), ("drop", "wing"))
RANGE = np.deg2rad(95.0)
_OUTERMOST = np.deg2rad(72.0)
_GRIP = 0.016


@dataclass(frozen=True)
class MarkedDial:
    """Sizes in metres; the frame stands on the table under the knob, whose pointer is along x at angle zero.

    A "dial" is a box with marks painted on its top. A "clock" is a round white face on a foot, with pegs for marks.
    ``marks`` are the colours of the marks from the left (+y) to the right as seen looking along x.
    """

    category: str
    kind: str
    color: str
    shade: Vector
    base: str
    size_class: str
    radius: float
    knob_height: float
    base_height: float
    marks: tuple[str, ...]

    grip_width = _GRIP

    @property
    def key(self) -> str:
        """Category, kind, colours and size class: see :mod:`sims.splits`."""
        return f"{self.category}/{self.kind}/{self.color}/{self.base}/{self.size_class}"

    def knob_position(self) -> np.ndarray:
        """(3,) centre of the knob's top in the body's frame."""
        return np.array([0.0, 0.0, self.base_height + self.knob_height])

    def mark_angle(self, index: int) -> float:
        """Angle (rad) of the knob's joint at which the pointer shows mark ``index``."""
        return float(np.linspace(_OUTERMOST, -_OUTERMOST, len(self.marks))[index])

    def mark_position(self, index: int) -> np.ndarray:
        """(3,) middle of a mark in the body's frame."""
        angle, far = self.mark_angle(index), self.radius + 0.018
        return np.array([far * np.cos(angle), far * np.sin(angle), self.base_height])

    def mark_link(self, index: int) -> int:
        """Number of the link that is mark ``index``."""
        return index + 2

    def links(self) -> list[Link]:
        """The body's links: base, knob, its pointer, then the marks."""
        clock = self.category == "clock"
        knob = Link(
            "knob",
            self._knob(),
            self.shade,
            mass=0.08,
            parent="base",
            joint="revolute",
            position=(0, 0, self.base_height),
            limits=(-RANGE, RANGE),
            friction=1.0,
        )
        needle = Shape("box", (0.75 * self.radius, 0.005, 0.002), (0.70 * self.radius, 0, self.knob_height + 0.001))
        needle_color = (0.1, 0.1, 0.1) if self.color in ("white", "yellow") else (0.97, 0.97, 0.97)
        pointer = Link("pointer", [needle], needle_color, mass=0.005, parent="knob")
        base_color = (0.93, 0.92, 0.88) if clock else BASE_COLORS[self.base]
        base = Link("base", self._clock() if clock else self._box(), base_color, mass=3.0)
        return [base, knob, pointer, *(self._mark(index) for index in range(len(self.marks)))]

    def _box(self) -> list[Shape]:
        side = 2 * self.radius + 0.075
        return [Shape("box", (side, side, self.base_height), (0, 0, self.base_height / 2))]

    def _clock(self) -> list[Shape]:
        """A round face with a rim underneath, on a column with a foot."""
        thick, face = 0.014, self.radius + 0.034
        return [
            Shape("cylinder", (face, face, thick), (0, 0, self.base_height - thick / 2)),
            Shape("cylinder", (0.022, 0.022, self.base_height), (0, 0, self.base_height / 2)),
            Shape("prism8", (0.06, 0.06, 0.012), (0, 0, 0.006)),
        ]

    def _mark(self, index: int) -> Link:
        x, y, z = self.mark_position(index)
        angle = self.mark_angle(index)
        if self.category == "clock":
            shape = Shape("cylinder", (0.006, 0.006, 0.010), (0, 0, 0.005))
        else:
            shape = Shape("box", (0.024, 0.009, 0.003), (0, 0, 0.0015), (0, 0, angle))
        color = PALETTE[self.marks[index]]
        return Link(f"mark{index}", [shape], color, mass=0.01, parent="base", position=(float(x), float(y), float(z)))

    def _knob(self) -> list[Shape]:
        radius, height = self.radius, self.knob_height
        middle = (0.0, 0.0, height / 2)
        ridge = Shape("box", (1.5 * radius, _GRIP, height), (0.25 * radius, 0, height / 2))
        low = 0.3 * height
        match self.kind:
            case "bar":
                return [Shape("box", (2 * radius, _GRIP, height), middle)]
            case "disc":
                return [Shape("cylinder", (0.85 * radius, 0.85 * radius, low), (0, 0, low / 2)), ridge]
            case "drop":
                back = Shape("cylinder", (0.6 * radius, 0.6 * radius, low), (-0.3 * radius, 0, low / 2))
                return [back, Shape("prism3", (0.9 * radius, 0.9 * radius, low), (0.1 * radius, 0, low / 2)), ridge]
            case "wing":
                wing = Shape("box", (0.7 * radius, 1.8 * radius, low), (-0.35 * radius, 0, low / 2))
                return [wing, ridge]
            case _:
                raise ValueError(f"unknown kind of knob {self.kind!r}")


def draw_marked_dial(generator: np.random.Generator, category: str, kind: str) -> MarkedDial:
    """A dial with a knob of ``kind`` and everything else drawn."""
    wide = bool(generator.integers(2))
    color = choice(generator, tuple(PALETTE))
    colors = [tuple(PALETTE)[index] for index in generator.permutation(len(PALETTE))]
    return MarkedDial(
        category=category,
        kind=kind,
        color=color,
        shade=varied(PALETTE[color], generator),
        base=choice(generator, tuple(BASE_COLORS)),
        size_class="wide" if wide else "narrow",
        radius=uniform(generator, 0.033, 0.037) if wide else uniform(generator, 0.028, 0.032),
        knob_height=uniform(generator, 0.030, 0.038),
        base_height=uniform(generator, 0.05, 0.12),
        marks=tuple(name for name in colors if name != "white")[: int(generator.integers(3, 6))],
    )
