"""A cabinet with two drawers and six kinds of handle."""

from dataclasses import dataclass

import numpy as np

from sims.objects.shapes import Link, Shape, Vector
from sims.sampling import choice, uniform
from sims.splits import Family

CABINETS = Family(("cabinet",), ("desk",), ("bar", "post", "knob"), ("arch", "ball", "cross"))
FRONT_COLORS: dict[str, Vector] = {
    "oak": (0.76, 0.60, 0.40),
    "walnut": (0.42, 0.28, 0.18),
    "cream": (0.90, 0.86, 0.74),
    "slate": (0.38, 0.44, 0.50),
    "teal": (0.24, 0.52, 0.52),
}
HANDLE_COLORS: dict[str, Vector] = {
    "steel": (0.70, 0.72, 0.75),
    "black": (0.10, 0.10, 0.11),
    "brass": (0.80, 0.65, 0.25),
}
_WALL = 0.014


@dataclass(frozen=True)
class Cabinet:
    """Sizes in metres; the body's frame stands on the table under its centre, x pointing out of the front."""

    category: str
    kind: str
    front: str
    metal: str
    size_class: str
    width: float
    depth: float
    drawer_height: float
    plinth: float
    reach: float
    handle_width: float
    travel: float

    @property
    def key(self) -> str:
        """Category, kind, colours and size class: see :mod:`sims.splits`."""
        return f"{self.category}/{self.kind}/{self.front}/{self.metal}/{self.size_class}"

    def _drawer_center(self, index: int) -> float:
        return self.plinth + _WALL + (index + 0.5) * self.drawer_height

    def handle_position(self, index: int) -> np.ndarray:
        """Where to take the handle of drawer ``index`` (0 bottom, 1 top), drawers closed, in the body's frame."""
        return np.array([self.depth / 2 + self.reach, 0.0, self._drawer_center(index)])

    def links(self) -> list[Link]:
        """The body's links: shell, bottom drawer, its handle, top drawer, its handle."""
        height = self.plinth + 2 * self.drawer_height + 2 * _WALL
        front_color = FRONT_COLORS[self.front]
        shell_color: Vector = tuple(0.85 * value for value in front_color)  # type: ignore[assignment]
        side = (self.depth, _WALL, height)
        plate = (self.depth, self.width, _WALL)
        shell = [
            Shape("box", side, (0, (self.width - _WALL) / 2, height / 2)),
            Shape("box", side, (0, -(self.width - _WALL) / 2, height / 2)),
            Shape("box", plate, (0, 0, height - _WALL / 2)),
            Shape("box", (_WALL, self.width, height), (-self.depth / 2, 0, height / 2)),
            Shape("box", (self.depth, self.width, self.plinth), (0, 0, self.plinth / 2)),
        ]
        links = [Link("shell", shell, shell_color, mass=5.0)]
        for index in range(2):
            links += self._drawer(index, front_color)
        return links

    def _drawer(self, index: int, color: Vector) -> list[Link]:
        name = f"drawer{index}"
        inner, depth = self.width - 3 * _WALL, self.depth - 3 * _WALL
        tall = self.drawer_height - 0.008
        low = -tall / 2 + 0.01
        shapes = [
            Shape("box", (_WALL, self.width - 0.006, tall), (self.depth / 2 - _WALL / 2, 0, 0)),
            Shape("box", (depth, inner, 0.006), (0, 0, low)),
            Shape("box", (depth, 0.006, tall / 2), (0, inner / 2, low + tall / 4)),
            Shape("box", (depth, 0.006, tall / 2), (0, -inner / 2, low + tall / 4)),
        ]
        drawer = Link(
            name,
            shapes,
            color,
            mass=0.6,
            parent="shell",
            joint="prismatic",
            axis=(1, 0, 0),
            position=(0, 0, self._drawer_center(index)),
            limits=(0.0, self.travel),
        )
        handle = Link(
            f"handle{index}",
            self._handle(),
            HANDLE_COLORS[self.metal],
            mass=0.05,
            parent=name,
            position=(self.depth / 2, 0, 0),
            friction=1.0,
        )
        return [drawer, handle]

    def _handle(self) -> list[Shape]:
        reach, width, thick = self.reach, self.handle_width, 0.013
        stem = Shape("box", (reach, 0.010, 0.010), (reach / 2, 0, 0))
        match self.kind:
            case "bar":
                legs = [Shape("box", (reach, thick, thick), (reach / 2, 0.36 * width * s, 0)) for s in (-1, 1)]
                return [Shape("box", (thick, width, thick), (reach, 0, 0)), *legs]
            case "post":
                legs = [Shape("box", (reach, thick, thick), (reach / 2, 0, 0.36 * width * s)) for s in (-1, 1)]
                return [Shape("box", (thick, thick, width), (reach, 0, 0)), *legs]
            case "knob":
                return [stem, Shape("cylinder", (0.4 * width, 0.4 * width, 0.02), (reach, 0, 0), (0, np.pi / 2, 0))]
            case "arch":
                slant = np.arctan2(0.1 * width, reach)
                length = float(np.hypot(reach, 0.1 * width))
                legs = [
                    Shape("box", (length, thick, thick), (reach / 2, 0.42 * width * s, 0), (0, 0, -slant * s))
                    for s in (-1, 1)
                ]
                return [Shape("box", (thick, 0.84 * width, thick), (reach, 0, 0)), *legs]
            case "ball":
                return [stem, Shape("sphere", (0.4 * width,) * 3, (reach, 0, 0))]
            case "cross":
                return [
                    stem,
                    Shape("box", (thick, width, thick), (reach, 0, 0)),
                    Shape("box", (thick, thick, width), (reach, 0, 0)),
                ]
            case _:
                raise ValueError(f"unknown kind of handle {self.kind!r}")


def draw_cabinet(generator: np.random.Generator, category: str, kind: str) -> Cabinet:
    """A cabinet with handles of ``kind`` and everything else drawn."""
    wide = bool(generator.integers(2))
    return Cabinet(
        category=category,
        kind=kind,
        front=choice(generator, tuple(FRONT_COLORS)),
        metal=choice(generator, tuple(HANDLE_COLORS)),
        size_class="wide" if wide else "narrow",
        width=uniform(generator, 0.27, 0.33) if wide else uniform(generator, 0.20, 0.26),
        depth=uniform(generator, 0.20, 0.25),
        drawer_height=uniform(generator, 0.10, 0.13),
        plinth=uniform(generator, 0.03, 0.07),
        reach=uniform(generator, 0.034, 0.044),
        handle_width=uniform(generator, 0.042, 0.058),
        travel=uniform(generator, 0.13, 0.16),
    )
