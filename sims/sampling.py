"""Small helpers to draw scenes, and the named colours they are drawn in."""

from collections.abc import Sequence

import numpy as np

Color = tuple[float, float, float]

PALETTE: dict[str, Color] = {
    "red": (0.82, 0.10, 0.10),
    "orange": (0.96, 0.52, 0.06),
    "yellow": (0.95, 0.88, 0.15),
    "green": (0.12, 0.60, 0.18),
    "blue": (0.10, 0.25, 0.80),
    "purple": (0.52, 0.15, 0.65),
    "white": (0.95, 0.95, 0.95),
}


def varied(color: Color, generator: np.random.Generator) -> Color:
    """The colour, a little lighter or darker and off hue."""
    mixed = np.asarray(color) * generator.uniform(0.88, 1.05) + generator.uniform(-0.03, 0.03, 3)
    red, green, blue = np.clip(mixed, 0, 1)
    return float(red), float(green), float(blue)


def uniform(generator: np.random.Generator, low: float, high: float) -> float:
    """A Python float drawn evenly from [low, high)."""
    return float(generator.uniform(low, high))


def choice(generator: np.random.Generator, options: Sequence[str]) -> str:
    """One of the options, drawn evenly."""
    return options[int(generator.integers(len(options)))]
