"""What sweeping takes: a brush that stands by itself, a dustpan, and crumbs."""

from dataclasses import dataclass

import numpy as np

from sims.objects.shapes import Link, Shape, Vector
from sims.sampling import PALETTE, choice, uniform, varied
from sims.splits import Family

BRUSHES = Family(("brush",), ("squeegee",), ("square", "round"), ("hexagonal", "tee"))
"""Tools to sweep with, by the shape of their handles."""
PAN_COLORS: dict[str, Vector] = {"gray": (0.42, 0.43, 0.46), "black": (0.12, 0.12, 0.14), "navy": (0.12, 0.16, 0.28)}
CRUMB = 0.013
"""Edge of a crumb, m."""
_WALL = 0.006


@dataclass(frozen=True)
class Brush:
    """Its frame stands on the table under its middle; it sweeps along x, its head lies along y. Sizes in metres."""

    category: str
    kind: str
    color: str
    size: str
    shade: Vector
    width: float
    height: float

    @property
    def key(self) -> str:
        """Category, kind, colour and size class: see :mod:`sims.splits`."""
        return f"{self.category}/{self.kind}/{self.color}/{self.size}"

    @property
    def grip(self) -> float:
        """How high above the table the fingers close, m."""
        return self.height - 0.022

    def links(self) -> list[Link]:
        """One free link of head and handle."""
        head = self._squeegee() if self.category == "squeegee" else self._bristles()
        return [Link(self.category, [*head, *self._handle()], self.shade, mass=0.15, friction=1.0)]

    def _bristles(self) -> list[Shape]:
        lower = Shape("box", (0.026, self.width, 0.022), (0, 0, 0.011))
        return [lower, Shape("box", (0.036, self.width + 0.004, 0.014), (0, 0, 0.029))]

    def _squeegee(self) -> list[Shape]:
        """A thin blade below a rod, with a foot at either end to stand on."""
        feet = [Shape("box", (0.050, 0.010, 0.012), (0, side * (self.width / 2 - 0.005), 0.006)) for side in (-1, 1)]
        rod = Shape("cylinder", (0.011, 0.011, self.width), (0, 0, 0.030), (np.pi / 2, 0, 0))
        return [Shape("box", (0.010, self.width, 0.032), (0, 0, 0.016)), rod, *feet]

    def _handle(self) -> list[Shape]:
        low, rise = 0.030, self.height - 0.030
        middle = (0.0, 0.0, low + rise / 2)
        match self.kind:
            case "square":
                return [Shape("box", (0.024, 0.024, rise), middle)]
            case "round":
                return [Shape("cylinder", (0.014, 0.014, rise), middle)]
            case "hexagonal":
                return [Shape("prism6", (0.015, 0.015, rise), middle, (0, 0, np.pi / 6))]
            case "tee":
                bar = Shape("box", (0.022, 0.060, 0.040), (0, 0, self.height - 0.020))
                return [Shape("box", (0.018, 0.018, rise), middle), bar]
            case _:
                raise ValueError(
                    f"unknown kind of handle {self.kind!r}: expected one of "
                    f"{', '.join(BRUSHES.kinds + BRUSHES.novel_kinds)}"
                )


def draw_brush(generator: np.random.Generator, category: str, kind: str) -> Brush:
    """A brush with a handle of ``kind`` and everything else drawn."""
    size, color = choice(generator, ("small", "large")), choice(generator, tuple(PALETTE))
    return Brush(
        category=category,
        kind=kind,
        color=color,
        size=size,
        shade=varied(PALETTE[color], generator),
        width=uniform(generator, 0.105, 0.112) if size == "small" else uniform(generator, 0.118, 0.126),
        height=uniform(generator, 0.095, 0.110),
    )


@dataclass(frozen=True)
class Dustpan:
    """Its frame is on the table in the middle of its mouth, x pointing out of it. Sizes in metres, inside."""

    color: str
    length: float
    width: float
    height: float = 0.028

    def links(self) -> list[Link]:
        """One link: a floor that rises from the table at the mouth, three walls and a grip."""
        rise = 0.006
        slope = np.arctan2(rise, self.length)
        floor = Shape("box", (self.length, self.width, 0.004), (-self.length / 2, 0, rise / 2 - 0.002), (0, slope, 0))
        back = Shape(
            "box",
            (_WALL, self.width + 2 * _WALL, self.height),
            (-self.length - _WALL / 2, 0, self.height / 2),
        )
        sides = [
            Shape(
                "box",
                (self.length, _WALL, self.height),
                (-self.length / 2, side * (self.width + _WALL) / 2, self.height / 2),
            )
            for side in (-1, 1)
        ]
        grip = Shape("box", (0.07, 0.022, 0.014), (-self.length - 0.038, 0, 0.018))
        return [Link("dustpan", [floor, back, *sides, grip], PAN_COLORS[self.color], mass=0.5, friction=0.3)]

    def holds(self, local: np.ndarray) -> bool:
        """Whether a point (3,) of the dustpan's frame is between its walls."""
        return bool(-self.length < local[0] < 0 and abs(local[1]) < self.width / 2 and 0 < local[2] < 2 * self.height)


def draw_dustpan(generator: np.random.Generator) -> Dustpan:
    """A dustpan; dustpans are not split, every scene may have any."""
    return Dustpan(choice(generator, tuple(PAN_COLORS)), uniform(generator, 0.12, 0.14), uniform(generator, 0.17, 0.19))


def crumb_links(shade: Vector) -> list[Link]:
    """One crumb, 3 g."""
    return [Link("crumb", (Shape("box", (CRUMB,) * 3),), shade, mass=0.003, friction=0.5)]


def crumb_places(generator: np.random.Generator, count: int) -> np.ndarray:
    """(count, 2) places of crumbs strewn around the origin, none touching another, m."""
    step = 1.75 * CRUMB
    cells = np.array([(x, y) for x in (-1, 0, 1) for y in (-1, 0, 1)]) * step
    cells = cells[generator.permutation(len(cells))[:count]]
    return cells + generator.uniform(-0.12 * CRUMB, 0.12 * CRUMB, cells.shape)
