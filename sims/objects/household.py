"""Household things to carry, each built of a few primitive shapes and with its own way to be gripped.

Heights are given from what the thing stands on; the frame of an item lies half its height up.
"""

from collections.abc import Sequence

import numpy as np

from sims.objects.item import ANY_TURN, Item, four_sides
from sims.objects.shapes import Shape, Vector
from sims.sampling import PALETTE, uniform, varied

HOUSEHOLD = ("mug", "bottle", "jar", "can", "car", "banana", "spool", "stool")
STANDING = ("jar", "spool", "stool")
"""Those with a flat top and a flat foot."""
SLIDING = ("jar", "spool", "stool", "car")
"""Those that slide upright when pushed."""
_CORNERED = ("stool", "car")
_SCALES = {"small": (0.72, 0.80), "large": (0.95, 1.03)}
_ACROSS = (np.pi / 2, 0.0, 0.0)


def draw_household(generator: np.random.Generator, noun: str, color: str, size: str) -> Item:
    """The thing called ``noun``, its shade and scale drawn.

    Raises:
        ValueError: there is no such thing.
    """
    scale = uniform(generator, *_SCALES[size])
    grips: tuple[float, ...]
    # Of the thing at scale one: shapes, length, width between the fingers, height, height of the grip, turns.
    match noun:
        case "mug":
            shapes, (length, width, height, grip), grips = _mug(), (0.090, 0.062, 0.080, 0.056), (0.0,)
        case "bottle":
            shapes, (length, width, height, grip), grips = _bottle(), (0.058, 0.028, 0.140, 0.118), ANY_TURN
        case "jar":
            shapes, (length, width, height, grip), grips = _jar(), (0.060, 0.060, 0.070, 0.045), ANY_TURN
        case "can":
            shapes, (length, width, height, grip), grips = _can(), (0.050, 0.050, 0.120, 0.085), ANY_TURN
        case "car":
            shapes, (length, width, height, grip), grips = _car(), (0.105, 0.046, 0.050, 0.036), (0.0,)
        case "banana":
            shapes, (length, width, height, grip), grips = _banana(), (0.150, 0.030, 0.030, 0.015), (0.0,)
        case "spool":
            shapes, (length, width, height, grip), grips = _spool(), (0.060, 0.060, 0.056, 0.046), ANY_TURN
        case "stool":
            shapes, (length, width, height, grip), grips = _stool(), (0.056, 0.056, 0.060, 0.054), (0.0, np.pi / 2)
        case _:
            raise ValueError(f"unknown household thing {noun!r}: expected one of {', '.join(HOUSEHOLD)}")
    return Item(
        category=noun,
        kind=noun,
        color=color,
        size=size,
        shade=varied(PALETTE[color], generator),
        shapes=tuple(_scaled(shape, scale, height / 2) for shape in shapes),
        length=scale * length,
        width=scale * width,
        height=scale * height,
        grip=scale * grip,
        grips=grips,
        flat=noun in STANDING,
        sides=four_sides(scale * length, scale * width) if noun in _CORNERED else (),
    )


def _scaled(shape: Shape, scale: float, middle: float) -> Shape:
    x, y, z = shape.position
    a, b, c = shape.size
    moved: Vector = (scale * x, scale * y, scale * (z - middle))
    return Shape(shape.kind, (scale * a, scale * b, scale * c), moved, shape.rotation)


def _box(length: float, width: float, low: float, high: float, x: float = 0.0, y: float = 0.0) -> Shape:
    return Shape("box", (length, width, high - low), (x, y, (low + high) / 2))


def _disc(radius: float, low: float, high: float) -> Shape:
    return Shape("cylinder", (radius, radius, high - low), (0, 0, (low + high) / 2))


def _mug() -> Sequence[Shape]:
    """A hollow cup of twelve walls with an ear on the x side."""
    radius, thick, height, sides = 0.031, 0.005, 0.080, 12
    middle = radius - thick / 2
    chord = 2 * radius * np.tan(np.pi / sides)
    walls = [
        Shape("box", (thick, chord, height), (middle * np.cos(a), middle * np.sin(a), height / 2), (0, 0, a))
        for a in (np.arange(sides) + 0.0) * 2 * np.pi / sides
    ]
    ear = [_box(0.022, 0.009, 0.018, 0.026, 0.038), _box(0.022, 0.009, 0.054, 0.062, 0.038)]
    return [_disc(radius - thick, 0, 0.006), *walls, *ear, _box(0.008, 0.009, 0.018, 0.062, 0.052)]


def _bottle() -> Sequence[Shape]:
    return [_disc(0.029, 0, 0.078), _disc(0.023, 0.078, 0.086), _disc(0.017, 0.086, 0.094), _disc(0.014, 0.094, 0.140)]


def _jar() -> Sequence[Shape]:
    return [_disc(0.030, 0, 0.050), _disc(0.025, 0.050, 0.054), Shape("prism12", (0.031, 0.031, 0.016), (0, 0, 0.062))]


def _can() -> Sequence[Shape]:
    """A spray can: body, shoulder, cap and nozzle."""
    nozzle = _box(0.010, 0.006, 0.108, 0.116, 0.008)
    return [_disc(0.025, 0, 0.090), _disc(0.020, 0.090, 0.096), _disc(0.014, 0.096, 0.120), nozzle]


def _car() -> Sequence[Shape]:
    wheels = [
        Shape("cylinder", (0.013, 0.013, 0.008), (0.031 * front, 0.019 * side, 0.013), _ACROSS)
        for front in (-1, 1)
        for side in (-1, 1)
    ]
    return [_box(0.105, 0.044, 0.008, 0.030), _box(0.055, 0.046, 0.030, 0.050, -0.006), *wheels]


def _banana() -> Sequence[Shape]:
    """Five pieces along an arc, its middle in the frame, and a stalk."""
    radius, pieces = 0.085, np.deg2rad((-42, -21, 0, 21, 42))
    body = [
        Shape(
            "prism8",
            (0.016 - 0.0045 * abs(angle), 0.016 - 0.0045 * abs(angle), 0.034),
            (radius * np.sin(angle), radius * (np.cos(angle) - 1), 0.015),
            (0, np.pi / 2, -angle),
        )
        for angle in pieces
    ]
    end = np.deg2rad(57)
    stalk = Shape("box", (0.016, 0.007, 0.007), (radius * np.sin(end), radius * (np.cos(end) - 1), 0.015), (0, 0, -end))
    return [*body, stalk]


def _spool() -> Sequence[Shape]:
    return [_disc(0.030, 0, 0.012), _disc(0.015, 0.012, 0.036), _disc(0.030, 0.036, 0.056)]


def _stool() -> Sequence[Shape]:
    """A seat on four legs, with crossed bars at their feet, without which it would slip over what it is put on."""
    legs = [_box(0.010, 0.010, 0, 0.046, 0.022 * x, 0.022 * y) for x in (-1, 1) for y in (-1, 1)]
    feet = [Shape("box", (0.066, 0.010, 0.006), (0, 0, 0.003), (0, 0, turn * np.pi / 4)) for turn in (-1, 1)]
    return [_box(0.056, 0.056, 0.046, 0.060), *legs, *feet]
