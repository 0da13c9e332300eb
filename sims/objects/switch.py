"""A row of switches that stay on or off: toggles with a lever, or rockers that are pressed at either end."""

from dataclasses import dataclass

import numpy as np

from sims.objects.joints import hold_by_friction
from sims.objects.panel import BASE_COLORS
from sims.objects.shapes import Link, Shape, Vector
from sims.sampling import PALETTE, choice, uniform, varied
from sims.splits import Family, draw
from sims.world import Part, World

SWITCHES = Family(("toggle",), ("rocker",), ("round", "flat"), ("ball", "tee"))
# Of a rocker: from its axle to the middle of either end, and from the axle up to its face (m).
_ROCKER_ARM, _ROCKER_RISE = 0.024, 0.016
# Of the axle, N m: too little to hold a switch that is not quite upright.
_FRICTION = {"toggle": 0.0015, "rocker": 0.0002}


@dataclass(frozen=True)
class Switch:
    """One switch. Over its axle lies its weight, so that it falls to either side and stays there. Sizes in metres.

    ``length`` is that of a toggle's lever from the axle; ``tilt`` (rad) is how far it leans when on or off.
    """

    category: str
    kind: str
    color: str
    shade: Vector
    size_class: str
    length: float
    tilt: float

    @property
    def key(self) -> str:
        """Category, kind, colour and size class: see :mod:`sims.splits`."""
        return f"{self.category}/{self.kind}/{self.color}/{self.size_class}"

    def shapes(self) -> list[Shape]:
        """What is flipped, upright, with the axle along y through the origin."""
        return self._rocker() if self.category == "rocker" else self._toggle()

    def _toggle(self) -> list[Shape]:
        length = self.length
        stick = Shape("cylinder", (0.007, 0.007, length), (0, 0, length / 2))
        match self.kind:
            case "round":
                return [stick]
            case "flat":
                return [Shape("box", (0.010, 0.024, length), (0, 0, length / 2))]
            case "ball":
                return [stick, Shape("sphere", (0.011,) * 3, (0, 0, length - 0.011))]
            case "tee":
                return [stick, Shape("box", (0.012, 0.036, 0.012), (0, 0, length - 0.006))]
            case _:
                raise ValueError(f"unknown kind of switch {self.kind!r}")

    def _rocker(self) -> list[Shape]:
        thick, arm = 0.010, _ROCKER_ARM
        middle = _ROCKER_RISE - thick / 2
        wide = 0.8 * self.length
        plate = Shape("box", (2 * arm, wide, thick), (0, 0, middle))
        match self.kind:
            case "round":
                ends = [Shape("cylinder", (wide / 2, wide / 2, thick), (arm * s, 0, middle)) for s in (-1, 1)]
                return [plate, *ends]
            case "flat":
                return [Shape("box", (2 * arm + wide, wide, thick), (0, 0, middle))]
            case _:
                raise ValueError(f"unknown kind of rocker {self.kind!r}")


def draw_switch(generator: np.random.Generator, category: str, kind: str) -> Switch:
    """A switch of ``kind`` with everything else drawn."""
    long = bool(generator.integers(2))
    color = choice(generator, tuple(PALETTE))
    return Switch(
        category=category,
        kind=kind,
        color=color,
        shade=varied(PALETTE[color], generator),
        size_class="long" if long else "short",
        length=uniform(generator, 0.044, 0.050) if long else uniform(generator, 0.036, 0.041),
        tilt=0.22 if category == "rocker" else uniform(generator, 0.40, 0.50),
    )


def draw_switches(generator: np.random.Generator, split: str, count: int) -> tuple[Switch, ...]:
    """Switches of a split, no two of one colour."""
    switches: list[Switch] = []
    while len(switches) < count:
        switch = draw(draw_switch, SWITCHES, split, generator)
        if switch.color not in {other.color for other in switches}:
            switches.append(switch)
    return tuple(switches)


@dataclass(frozen=True)
class SwitchBoard:
    """A box with switches along its y axis; its frame stands on the table under its centre. Sizes in metres.

    A switch is on when it leans to +x, where a green strip runs along the board, and off towards the red strip.
    """

    switches: tuple[Switch, ...]
    base: str
    width: float
    height: float
    spacing: float

    def axle(self, index: int) -> np.ndarray:
        """(3,) the axle of switch ``index`` in the board's frame."""
        offset = (index - (len(self.switches) - 1) / 2) * self.spacing
        return np.array([0.0, offset, self.height + 0.008])

    def end(self, index: int, on: bool) -> np.ndarray:
        """(3,) end of a lever that is on or off; of a rocker the middle of the end that is then up. Board's frame."""
        switch = self.switches[index]
        lean = switch.tilt if on else -switch.tilt
        # Of a rocker that leans one way the end at the other side is up.
        x, z = (-np.sign(lean) * _ROCKER_ARM, _ROCKER_RISE) if switch.category == "rocker" else (0.0, switch.length)
        return self.axle(index) + (np.cos(lean) * x + np.sin(lean) * z, 0.0, np.cos(lean) * z - np.sin(lean) * x)

    def rocker_travel(self, index: int) -> float:
        """How far (m) the end of a rocker goes down when it is flipped."""
        return 2 * _ROCKER_ARM * float(np.sin(self.switches[index].tilt))

    def hinge_link(self, index: int) -> int:
        """Number of the link whose joint is the axle of switch ``index``."""
        return 2 + 2 * index

    def lever_link(self, index: int) -> int:
        """Number of the link that is what can be seen of switch ``index``."""
        return 3 + 2 * index

    def set(self, world: World, body: int, index: int, on: bool) -> None:
        """Puts switch ``index`` of a board just added to the world on or off, and lets its axle turn freely."""
        switch, part = self.switches[index], (body, self.hinge_link(index))
        world.bullet.resetJointState(*part, switch.tilt if on else -switch.tilt)
        hold_by_friction(world, part, _FRICTION[switch.category])

    def leaning(self, world: World, body: int, index: int) -> float:
        """How a switch stands: 1 on, -1 off, between them while it is being flipped."""
        part: Part = (body, self.hinge_link(index))
        return world.joint(part) / self.switches[index].tilt

    def links(self) -> list[Link]:
        """The body's links: base, on strip, off strip, then hinge and lever of each switch in order."""
        length = self.spacing * len(self.switches) + 0.03
        box = Shape("box", (self.width, length, self.height), (0, 0, self.height / 2))
        strip = Shape("box", (0.008, length - 0.01, 0.002), (0, 0, 0.001))
        edge = self.width / 2 - 0.010
        links = [
            Link("base", [box], BASE_COLORS[self.base], mass=3.0),
            Link("on", [strip], (0.15, 0.70, 0.25), mass=0.01, parent="base", position=(edge, 0, self.height)),
            Link("off", [strip], (0.75, 0.15, 0.12), mass=0.01, parent="base", position=(-edge, 0, self.height)),
        ]
        for index in range(len(self.switches)):
            links += self._switch(index)
        return links

    def _switch(self, index: int) -> list[Link]:
        switch = self.switches[index]
        x, y, z = self.axle(index)
        axle = Shape("cylinder", (0.010, 0.010, 0.030), (0, 0, 0), (np.pi / 2, 0, 0))
        hinge = Link(
            f"hinge{index}",
            [axle],
            (0.55, 0.56, 0.58),
            mass=0.01,
            parent="base",
            joint="revolute",
            axis=(0, 1, 0),
            position=(float(x), float(y), float(z)),
            limits=(-switch.tilt, switch.tilt),
        )
        # The weight of a link is at its frame.
        rise = _ROCKER_RISE if switch.category == "rocker" else 0.6 * switch.length
        shapes = [
            Shape(shape.kind, shape.size, (shape.position[0], shape.position[1], shape.position[2] - rise))
            for shape in switch.shapes()
        ]
        lever = Link(
            f"lever{index}",
            shapes,
            switch.shade,
            mass=0.06,
            parent=f"hinge{index}",
            position=(0, 0, rise),
            friction=0.3,
        )
        return [hinge, lever]
