"""A low cupboard with one door, hinged on the left or on the right, and room for small things behind it."""

from dataclasses import dataclass

import numpy as np

from sims.objects.cabinet import FRONT_COLORS, HANDLE_COLORS
from sims.objects.shapes import Link, Shape, Vector
from sims.sampling import choice, uniform
from sims.splits import Family

HUTCHES = Family(("cupboard",), ("locker",), ("post", "stub"), ("hexagon", "ball"))
"""By the kind of handle."""
OPENING = np.deg2rad(100.0)
"""How far the door opens, rad."""
_WALL, _DOOR, _EDGE = 0.012, 0.014, 0.030


@dataclass(frozen=True)
class Hutch:
    """Sizes in metres; the frame stands on the table under the middle, x pointing out of the front.

    ``hinge`` is 1 where the door hangs at the side of y > 0, else -1.
    """

    category: str
    kind: str
    front: str
    metal: str
    size_class: str
    hinge: int
    width: float
    depth: float
    height: float
    plinth: float
    reach: float

    @property
    def key(self) -> str:
        """Category, kind of handle, colours and size class: see :mod:`sims.splits`."""
        return f"{self.category}/{self.kind}/{self.front}/{self.metal}/{self.size_class}"

    @property
    def axle(self) -> np.ndarray:
        """(3,) foot of the axis about which the door turns, in the body's frame."""
        return np.array([self.depth / 2, self.hinge * self.width / 2, 0.0])

    def handle_position(self, angle: float) -> np.ndarray:
        """(3,) where to take the handle of a door opened by ``angle`` (rad), in the body's frame."""
        turned = self.hinge * angle
        along = np.array([np.sin(turned), -np.cos(turned), 0.0]) * self.hinge
        out = np.array([np.cos(turned), np.sin(turned), 0.0])
        level = np.array([0.0, 0.0, self.plinth + 0.13])
        return self.axle + (self.width - _EDGE) * along + (_DOOR + self.reach) * out + level

    @property
    def floor(self) -> float:
        """Height of the floor inside, m."""
        return self.plinth

    def holds(self, local: np.ndarray) -> bool:
        """Whether a point (3,) of the body's frame is inside."""
        x, y, z = local
        within = abs(x) < self.depth / 2 and abs(y) < self.width / 2 - _WALL
        return bool(within and self.plinth < z < self.height - _WALL)

    def links(self) -> list[Link]:
        """The body's links: shell, door, handle."""
        color = FRONT_COLORS[self.front]
        shell: Vector = tuple(0.85 * value for value in color)  # type: ignore[assignment]
        x, y, z = self.axle
        door = Link(
            "door",
            self._door(),
            color,
            mass=0.5,
            parent="shell",
            joint="revolute",
            axis=(0, 0, self.hinge),
            position=(float(x), float(y), 0.0),
            limits=(0.0, float(OPENING)),
        )
        across = -self.hinge * (self.width - _EDGE)
        handle = Link(
            "handle",
            self._handle(),
            HANDLE_COLORS[self.metal],
            mass=0.05,
            parent="door",
            position=(_DOOR, across, self.plinth + 0.13),
            friction=1.0,
        )
        return [Link("shell", self._shell(), shell, mass=5.0), door, handle]

    def _shell(self) -> list[Shape]:
        """Sides, top, back and bottom; a locker stands on feet."""
        rise = self.height - self.plinth
        middle = (self.height + self.plinth) / 2
        shapes = [
            *(
                Shape("box", (self.depth, _WALL, rise), (0, side * (self.width - _WALL) / 2, middle))
                for side in (-1, 1)
            ),
            Shape("box", (_WALL, self.width, rise), (-(self.depth - _WALL) / 2, 0, middle)),
            Shape("box", (self.depth, self.width, _WALL), (0, 0, self.height - _WALL / 2)),
        ]
        if self.category == "cupboard":
            return [*shapes, Shape("box", (self.depth, self.width, self.plinth), (0, 0, self.plinth / 2))]
        feet = [
            Shape(
                "box",
                (0.03, 0.03, self.plinth),
                (x * (self.depth / 2 - 0.02), y * (self.width / 2 - 0.02), self.plinth / 2),
            )
            for x in (-1, 1)
            for y in (-1, 1)
        ]
        return [*shapes, *feet, Shape("box", (self.depth, self.width, 0.010), (0, 0, self.plinth - 0.005))]

    def _door(self) -> list[Shape]:
        """The leaf; that of a locker has ribs."""
        rise = self.height - self.plinth - 0.004
        across, middle = -self.hinge * self.width / 2, (self.height + self.plinth) / 2
        leaf = Shape("box", (_DOOR, self.width - 0.004, rise), (_DOOR / 2, across, middle))
        if self.category == "cupboard":
            return [leaf]
        ribs = [
            Shape(
                "box",
                (0.008, 0.5 * self.width, 0.010),
                (_DOOR, across + self.hinge * 0.1 * self.width, self.height - down),
            )
            for down in (0.035, 0.060, 0.085)
        ]
        return [leaf, *ribs]

    def _handle(self) -> list[Shape]:
        reach = self.reach
        stem = Shape("box", (reach, 0.010, 0.010), (reach / 2, 0, 0))
        match self.kind:
            case "post":
                legs = [Shape("box", (reach, 0.012, 0.012), (reach / 2, 0, 0.028 * side)) for side in (-1, 1)]
                return [Shape("cylinder", (0.009, 0.009, 0.070), (reach, 0, 0)), *legs]
            case "stub":
                return [stem, Shape("cylinder", (0.012, 0.012, 0.034), (reach, 0, 0))]
            case "hexagon":
                return [stem, Shape("prism6", (0.014, 0.014, 0.040), (reach, 0, 0))]
            case "ball":
                return [stem, Shape("sphere", (0.016,) * 3, (reach, 0, 0))]
            case _:
                raise ValueError(
                    f"unknown kind of handle {self.kind!r}: expected one of "
                    f"{', '.join(HUTCHES.kinds + HUTCHES.novel_kinds)}"
                )


def draw_hutch(generator: np.random.Generator, category: str, kind: str) -> Hutch:
    """A cupboard with a handle of ``kind`` and everything else drawn."""
    wide = bool(generator.integers(2))
    return Hutch(
        category=category,
        kind=kind,
        front=choice(generator, tuple(FRONT_COLORS)),
        metal=choice(generator, tuple(HANDLE_COLORS)),
        size_class="wide" if wide else "narrow",
        hinge=1 if generator.integers(2) else -1,
        width=uniform(generator, 0.265, 0.28) if wide else uniform(generator, 0.245, 0.26),
        depth=uniform(generator, 0.18, 0.21),
        height=uniform(generator, 0.32, 0.35),
        plinth=uniform(generator, 0.025, 0.040),
        reach=uniform(generator, 0.038, 0.045),
    )
