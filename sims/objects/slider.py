"""A row of sliders: faders in the slots of a panel, or beads on the wires of an abacus."""

from dataclasses import dataclass

import numpy as np

from sims.objects.panel import BASE_COLORS
from sims.objects.shapes import Link, Shape, Vector
from sims.sampling import PALETTE, choice, uniform, varied
from sims.splits import Family, draw

SLIDERS = Family(("fader",), ("bead",), ("round", "block"), ("hexagon", "fin"))
SLIDER_FRICTION = 1.0
"""N"""
_SLOT: Vector = (0.05, 0.05, 0.06)
_WIRE: Vector = (0.70, 0.72, 0.75)
_BAR = 0.02


@dataclass(frozen=True)
class Slider:
    """What is moved along: kind and colour, sizes in metres; ``radius`` is half its width."""

    category: str
    kind: str
    color: str
    shade: Vector
    size_class: str
    radius: float
    height: float

    @property
    def key(self) -> str:
        """Category, kind, colour and size class: see :mod:`sims.splits`."""
        return f"{self.category}/{self.kind}/{self.color}/{self.size_class}"

    @property
    def grip_width(self) -> float:
        """What the fingers close around, across the way it slides, m."""
        return {"hexagon": float(np.sqrt(3)) * self.radius, "fin": self.radius}.get(self.kind, 2 * self.radius)

    def shapes(self) -> list[Shape]:
        """The slider, standing on z = 0, its way along x."""
        radius, height = self.radius, self.height
        middle = (0.0, 0.0, height / 2)
        match self.kind:
            case "round" if self.category == "bead":
                return [Shape("sphere", (height / 2,) * 3, middle)]
            case "round":
                return [Shape("cylinder", (radius, radius, height), middle)]
            case "block":
                return [Shape("box", (2 * radius, 2 * radius, height), middle)]
            case "hexagon":
                return [Shape("prism6", (radius, radius, height), middle)]
            case "fin":
                foot = Shape("box", (2.6 * radius, 2 * radius, 0.004), (0, 0, 0.002))
                return [foot, Shape("box", (2.6 * radius, radius, height), middle)]
            case _:
                raise ValueError(f"unknown kind of slider {self.kind!r}")


def draw_slider(generator: np.random.Generator, category: str, kind: str) -> Slider:
    """A slider of ``kind`` with everything else drawn."""
    wide = bool(generator.integers(2))
    color = choice(generator, tuple(PALETTE))
    radius = uniform(generator, 0.0135, 0.0150) if wide else uniform(generator, 0.0110, 0.0125)
    return Slider(
        category=category,
        kind=kind,
        color=color,
        shade=varied(PALETTE[color], generator),
        size_class="wide" if wide else "narrow",
        radius=radius,
        height=2.4 * radius if category == "bead" else uniform(generator, 0.027, 0.032),
    )


def draw_sliders(generator: np.random.Generator, split: str, count: int) -> tuple[Slider, ...]:
    """Sliders of a split, no two of one colour."""
    sliders: list[Slider] = []
    while len(sliders) < count:
        slider = draw(draw_slider, SLIDERS, split, generator)
        if slider.color not in {other.color for other in sliders}:
            sliders.append(slider)
    return tuple(sliders)


@dataclass(frozen=True)
class SliderBoard:
    """Sliders side by side along the y axis that move along x; the frame stands on the table under the centre.

    Joint positions run from 0 at the end at -x to ``travel`` at the end at +x. Sizes in metres.
    """

    sliders: tuple[Slider, ...]
    base: str
    height: float
    spacing: float
    travel: float

    def position(self, index: int, joint: float) -> np.ndarray:
        """(3,) middle of the top of a slider whose joint stands at ``joint`` (m), in the board's frame."""
        x, y, z = self._start(index)
        return np.array([x + joint, y, z + self.sliders[index].height])

    def slider_link(self, index: int) -> int:
        """Number of the link that is slider ``index``."""
        return index + 1

    def links(self) -> list[Link]:
        """The body's links: base, slots or wires, then the sliders in order."""
        bead = self.sliders[0].category == "bead"
        base = Link("base", self._frame() if bead else self._panel(), BASE_COLORS[self.base], mass=3.0)
        ways = Link("ways", self._ways(bead), _WIRE if bead else _SLOT, mass=0.05, parent="base")
        sliders = [
            Link(
                f"slider{index}",
                slider.shapes(),
                slider.shade,
                mass=0.05,
                parent="base",
                joint="prismatic",
                axis=(1, 0, 0),
                position=self._start(index),
                limits=(0.0, self.travel),
                friction=1.0,
            )
            for index, slider in enumerate(self.sliders)
        ]
        return [base, ways, *sliders]

    def _start(self, index: int) -> Vector:
        offset = (index - (len(self.sliders) - 1) / 2) * self.spacing
        slider = self.sliders[index]
        # A bead's middle is on its wire, which lies at the board's height.
        low = self.height - slider.height / 2 if slider.category == "bead" else self.height
        return -self.travel / 2, offset, low

    @property
    def _size(self) -> tuple[float, float]:
        return self.travel + 0.06 + (_BAR if self.sliders[0].category == "bead" else 0), self.spacing * len(
            self.sliders
        ) + 0.02

    def _panel(self) -> list[Shape]:
        length, width = self._size
        return [Shape("box", (length, width, self.height), (0, 0, self.height / 2))]

    def _frame(self) -> list[Shape]:
        """Two bars that the wires run between, joined by rails on the table."""
        length, width = self._size
        tall = self.height + 0.012
        bars = [Shape("box", (_BAR, width, tall), (s * (length - _BAR) / 2, 0, tall / 2)) for s in (-1, 1)]
        rails = [Shape("box", (length, _BAR, 0.012), (0, s * (width - _BAR) / 2, 0.006)) for s in (-1, 1)]
        return [*bars, *rails]

    def _ways(self, bead: bool) -> list[Shape]:
        places = [self._start(index)[1] for index in range(len(self.sliders))]
        if bead:
            long = self._size[0] - _BAR
            lying = (0.0, np.pi / 2, 0.0)
            return [Shape("cylinder", (0.003, 0.003, long), (0, y, self.height), lying) for y in places]
        return [Shape("box", (self.travel + 0.02, 0.008, 0.001), (0, y, self.height + 0.0005)) for y in places]
