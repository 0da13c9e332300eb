"""Pegs with sockets that they fit into, round, square or six-sided: on a board, or candles and their holders."""

from dataclasses import dataclass

import numpy as np

from sims.objects.shapes import Link, Shape, Vector
from sims.sampling import PALETTE, choice, uniform, varied
from sims.splits import Family

PEGS = Family(("peg",), ("candle",), ("round", "square"), ("hexagonal",))
SIZES = ("slim", "thick")
WALL = 0.012
"""Thickness (m) of the wall around a socket."""
_SIDES = {"round": 12, "square": 4, "hexagonal": 6}
_FOOT = 0.010
_FUNNEL, _SLANT = 0.010, float(np.deg2rad(30.0))


@dataclass(frozen=True)
class Peg:
    """An upright peg; its frame lies in its middle. ``width`` (m) is between two opposite sides, or its diameter."""

    category: str
    kind: str
    color: str
    size: str
    shade: Vector
    width: float
    height: float

    @property
    def key(self) -> str:
        """Category, kind, colour and size: see :mod:`sims.splits`."""
        return f"{self.category}/{self.kind}/{self.color}/{self.size}"

    @property
    def name(self) -> str:
        """Colour and noun, as people say it."""
        return f"{self.color} {self.category}"

    def links(self) -> list[Link]:
        """One free link: the peg, and on a candle its wick."""
        shapes = _column(self.kind, self.width, self.height)
        if self.category == "candle":
            shapes.append(Shape("box", (0.003, 0.003, 0.006), (0, 0, self.height / 2 + 0.003)))
        return [Link(self.category, shapes, self.shade, mass=0.15, friction=0.45)]


def draw_peg(generator: np.random.Generator, category: str, kind: str) -> Peg:
    """A peg or candle of ``kind`` with everything else drawn."""
    color, size = choice(generator, tuple(PALETTE)), choice(generator, SIZES)
    width = uniform(generator, 0.020, 0.024) if size == "slim" else uniform(generator, 0.027, 0.032)
    shade = varied(PALETTE[color], generator)
    return Peg(category, kind, color, size, shade, width, uniform(generator, 0.080, 0.090))


def socket(kind: str, opening: float, low: float, high: float, center: tuple[float, float] = (0, 0)) -> list[Shape]:
    """The walls around an upright hole of a kind, from ``low`` to ``high`` (m); ``opening`` (m) as a peg's width.

    At its mouth it widens, as holes that something is to be fitted into do, so that a small error is forgiven.

    Raises:
        ValueError: there is no such kind.
    """
    sides, edge = _sides(kind), high - _FUNNEL * float(np.cos(_SLANT))
    middle, chord = opening / 2 + WALL / 2, (opening + 2 * WALL) * float(np.tan(np.pi / sides))
    # The slanted face begins where the upright one ends; the box lies behind it.
    out = opening / 2 + _FUNNEL / 2 * np.sin(_SLANT) + WALL / 4 * np.cos(_SLANT)
    up = edge + _FUNNEL / 2 * np.cos(_SLANT) - WALL / 4 * np.sin(_SLANT)
    walls: list[Shape] = []
    for angle in np.arange(sides) * 2 * np.pi / sides:
        toward = np.array([np.cos(angle), np.sin(angle)])
        for size, reach, height, slant in (
            ((WALL, chord, edge - low), middle, (low + edge) / 2, 0.0),
            ((WALL / 2, chord, _FUNNEL), out, up, _SLANT),
        ):
            x, y = toward * reach + center
            walls.append(Shape("box", size, (x, y, height), (0, slant, angle)))
    return walls


def turns(kind: str) -> tuple[float, ...]:
    """Turns (rad) that a peg of a kind may have against its socket, which are those at which fingers hold it."""
    count = _sides(kind)
    return tuple(float(index) * 2 * np.pi / count for index in range(count))


def holder(category: str, kind: str, opening: float, depth: float) -> list[Shape]:
    """What one socket stands in: a block of the board, or a candlestick with foot and stem; ``depth`` in m.

    The frame stands on the table under the socket. The floor of the socket is at :func:`floor_height`.
    """
    floor = floor_height(category)
    rim = opening / 2 + WALL
    walls = socket(kind, opening, floor, floor + depth)
    if category == "candle":
        foot = Shape("cylinder", (1.5 * rim, 1.5 * rim, _FOOT), (0, 0, _FOOT / 2))
        stem = Shape("cylinder", (0.010, 0.010, floor - _FOOT), (0, 0, (floor + _FOOT) / 2))
        dish = Shape("cylinder", (rim, rim, 0.006), (0, 0, floor - 0.003))
        return [*walls, foot, stem, dish]
    return [*walls, Shape("box", (0.096, 0.096, floor), (0, 0, floor / 2))]


def floor_height(category: str) -> float:
    """How high (m) above the table the floor of a socket is."""
    return 0.045 if category == "candle" else 0.012


def _column(kind: str, width: float, height: float) -> list[Shape]:
    if kind == "round":
        return [Shape("cylinder", (width / 2, width / 2, height))]
    # Boxes between opposite sides fill a regular polygon exactly, where Bullet pads a mesh by a millimetre.
    pairs = _sides(kind) // 2
    side = width * float(np.tan(np.pi / (2 * pairs)))
    return [Shape("box", (width, side, height), rotation=(0, 0, index * np.pi / pairs)) for index in range(pairs)]


def _sides(kind: str) -> int:
    if kind not in _SIDES:
        raise ValueError(f"unknown kind of peg {kind!r}: expected one of {', '.join(_SIDES)}")
    return _SIDES[kind]
