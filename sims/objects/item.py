"""What all things that can be carried have in common."""

from dataclasses import dataclass

import numpy as np

from sims.objects.shapes import Link, Shape, Vector

ANY_TURN = tuple(float(turn) for turn in np.arange(8) * np.pi / 8)
"""Grips of round things: one is as good as another."""
_DENSE, _LIGHT = 0.1, 0.05


@dataclass(frozen=True)
class Item:
    """A thing to carry: one rigid body whose frame lies half its height above what it stands on.

    Args:
        category: "block", or the noun of a household thing such as "mug".
        kind: its shape, such as "cube"; of a household thing its noun again.
        color: name of its colour.
        size: "small" or "large".
        shade: the colour as it is painted.
        shapes: what it is made of.
        length: extent (m) along x, seen from above.
        width: extent (m) along y, across which the fingers close when the hand is not turned against the thing.
        height: how tall it stands, m.
        grip: how far (m) above what it stands on the fingers close.
        grips: turns (rad) of the hand against the thing at which two flat fingers hold it well. Half a turn more is
            the same grip.
        flat: whether its top is flat and wide enough for another thing to stand on.
        sides: of each flat side that can be pushed against, where it faces (rad, seen from above) and how far (m) it is
            from the frame; none of round things, which can be pushed from anywhere.
    """

    category: str
    kind: str
    color: str
    size: str
    shade: Vector
    shapes: tuple[Shape, ...]
    length: float
    width: float
    height: float
    grip: float
    grips: tuple[float, ...] = (0.0,)
    flat: bool = True
    sides: tuple[tuple[float, float], ...] = ()

    @property
    def key(self) -> str:
        """Category, kind, colour and size: see :mod:`sims.splits`."""
        return f"{self.category}/{self.name}"

    @property
    def name(self) -> str:
        """Size, colour and shape, as people say it."""
        return f"{self.size} {self.color} {self.kind}"

    @property
    def attributes(self) -> dict[str, str]:
        """What can be said of it besides its noun; the shape is said of geometric things only."""
        shape = {"shape": self.kind} if self.category == "block" else {}
        return {"size": self.size, "color": self.color, **shape}

    @property
    def reach(self) -> float:
        """Radius (m) of a circle around it, seen from above."""
        return float(np.hypot(self.length, self.width)) / 2

    def links(self) -> list[Link]:
        """One free link."""
        mass = _LIGHT if self.size == "small" else _DENSE
        return [Link(self.category, self.shapes, self.shade, mass=mass, friction=1.0)]


def four_sides(length: float, width: float) -> tuple[tuple[float, float], ...]:
    """The sides of a thing with straight corners, see :class:`Item`."""
    return tuple((quarter * np.pi / 2, (length, width)[quarter % 2] / 2) for quarter in range(4))
