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


Circle = tuple[tuple[float, float], float]
"""A centre (x, y) and a radius, m: ground that something takes up."""

_SCENES_TRIED, _PLACES_TRIED = 200, 60


def scatter(
    generator: np.random.Generator,
    radii: Sequence[float],
    low: tuple[float, float] = (0.36, -0.28),
    high: tuple[float, float] = (0.62, 0.28),
    gap: float = 0.05,
    taken: Sequence[Circle] = (),
) -> list[tuple[float, float]]:
    """Places on the table for things as seen from above, none within ``gap`` of another or of what is there already.

    Args:
        generator: of the scene.
        radii: of a circle around each thing, m.
        low: least x and y of a centre, m.
        high: greatest x and y of a centre, m.
        gap: least distance between two circles, m; the default leaves room for an open finger.
        taken: circles to keep clear of.

    Returns:
        One centre (x, y) a thing, in the order of ``radii``.

    Raises:
        ValueError: they do not fit.
    """
    for _ in range(_SCENES_TRIED):
        placed: list[Circle] = []
        for radius in radii:
            place = _free_place(generator, radius + gap, low, high, (*taken, *placed))
            if place is None:
                break
            placed.append((place, radius))
        if len(placed) == len(radii):
            return [center for center, _ in placed]
    raise ValueError(
        f"{len(radii)} things of radii {[round(radius, 3) for radius in radii]} do not fit between {low} and {high} "
        f"with a gap of {gap} m; take fewer, smaller ones or a larger area"
    )


def _free_place(
    generator: np.random.Generator,
    clearance: float,
    low: tuple[float, float],
    high: tuple[float, float],
    taken: Sequence[Circle],
) -> tuple[float, float] | None:
    for _ in range(_PLACES_TRIED):
        x, y = uniform(generator, low[0], high[0]), uniform(generator, low[1], high[1])
        if all(np.hypot(x - center[0], y - center[1]) >= clearance + radius for center, radius in taken):
            return x, y
    return None
