"""Intervals of scores: over rows by blocks, and over subjects."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from grounding.brain.significance.permutation import MEMORY, centred, checked_pair
from grounding.brain.significance.segments import block_length
from grounding.errors import InputError


@dataclass(frozen=True)
class Interval:
    """Estimates with bounds.

    Attributes:
        estimate: (v,) float64.
        low: (v,) float64.
        high: (v,) float64.
        level: how sure, such as 0.95.
        description: one line for tables, such as "95 % bootstrap of 10-row blocks, 1,000 draws, seed 0".
    """

    estimate: np.ndarray
    low: np.ndarray
    high: np.ndarray
    level: float
    description: str


def bootstrap_rows(
    actual: np.ndarray,
    predicted: np.ndarray,
    labels: np.ndarray,
    *,
    block: int | None = None,
    level: float = 0.95,
    draws: int = 1000,
    seed: int = 0,
) -> Interval:
    """Percentile interval of r from blocks of rows drawn with replacement (Künsch 1989), within each segment.

    It tells how much r would vary with other stretches of the same recording for models as they were fitted, not with
    other training data or other subjects.

    Args:
        actual: (n, v) responses.
        predicted: (n, v) out-of-fold predictions.
        labels: (n,) int, the segment of each row, from `segments(rows, folds)`.
        block: rows; None for a length from the measured autocorrelation (`block_length`).
        level: above 0 and below 1.
        draws: number of bootstrap samples.
        seed: of the draws.

    Raises:
        InputError: shapes that do not fit, values that are not finite, fewer than 6 blocks, or a level outside 0 to 1.
    """
    _check_level(level)
    places = checked_pair(actual, predicted, labels)
    length = block_length(actual, predicted, labels) if block is None else block
    cut = [np.array_split(part, max(1, len(part) // length)) for part in places]
    blocks = [stretch for part in cut for stretch in part]
    if len(blocks) < 6:
        raise InputError(f"blocks of {length} rows: {len(blocks)} found, expected at least 6; choose a smaller block")
    counts = _drawn([len(part) for part in cut], draws, np.random.default_rng(seed))
    v = actual.shape[1]
    estimate, low, high = np.empty(v), np.empty(v), np.empty(v)
    tail = (1 - level) / 2
    step = max(1, MEMORY // (8 * (4 * len(actual) + 5 * draws)))
    sizes = np.array([len(stretch) for stretch in blocks], dtype=np.float64)
    for start in range(0, v, step):
        some = slice(start, start + step)
        y, p = (centred(x[:, some], places, scale=True) for x in (actual, predicted))
        sums = [np.stack([series[stretch].sum(0) for stretch in blocks]) for series in (y, p, y * y, p * p, y * p)]
        estimate[some] = _correlation([one.sum(0) for one in sums], sizes.sum())
        drawn = _correlation([counts @ one for one in sums], (counts @ sizes)[:, None])
        low[some], high[some] = np.quantile(drawn, [tail, 1 - tail], axis=0)
    name = f"{level:.0%} bootstrap of blocks of {length} rows, {draws:,} draws, seed {seed}"
    return Interval(estimate, low, high, level, name)


def over_subjects(
    values: np.ndarray,
    *,
    method: Literal["t", "bootstrap"] = "t",
    level: float = 0.95,
    draws: int = 10_000,
    seed: int = 0,
) -> Interval:
    """Interval of the mean over subjects, which speaks of the population that they were drawn from.

    Args:
        values: (S, v) or (S,), one row a subject.
        method: "t", Student's interval; or "bootstrap", percentiles of means of subjects drawn with replacement, which
            is too narrow below about 15 subjects.
        level: above 0 and below 1.
        draws: of the bootstrap.
        seed: of the bootstrap.

    Raises:
        InputError: fewer than 2 subjects, values that are not finite, an unknown method or a level outside 0 to 1.

    Example:
        >>> over_subjects(np.array([0.1, 0.2, 0.3])).low.round(3)
        array([-0.048])
    """
    _check_level(level)
    values = np.asarray(values, dtype=np.float64)
    values = values[:, None] if values.ndim == 1 else values
    subjects, mean = len(values), values.mean(0)
    if subjects < 2 or not np.isfinite(values).all():
        raise InputError(f"values: {subjects} subjects, expected at least 2 with finite values only")
    if method == "t":
        from scipy.stats import t

        half = t.ppf((1 + level) / 2, subjects - 1) * values.std(0, ddof=1) / np.sqrt(subjects)
        return Interval(mean, mean - half, mean + half, level, f"{level:.0%} t interval over {subjects} subjects")
    if method != "bootstrap":
        raise InputError(f"method: {method!r} found, expected 't' or 'bootstrap'")
    counts = _drawn([subjects], draws, np.random.default_rng(seed))
    tail = (1 - level) / 2
    low, high = np.quantile(counts @ values / subjects, [tail, 1 - tail], axis=0)
    name = f"{level:.0%} bootstrap over {subjects} subjects, {draws:,} draws, seed {seed}"
    return Interval(mean, low, high, level, name)


def _drawn(groups: list[int], draws: int, generator: np.random.Generator) -> np.ndarray:
    """(draws, sum of groups) float64: how often each is drawn, as many from each group as it has."""
    return np.concatenate(
        [generator.multinomial(size, np.full(size, 1 / size), size=draws) for size in groups], axis=1
    ).astype(np.float64)


def _correlation(sums: list[np.ndarray], n: np.ndarray | float) -> np.ndarray:
    """r from the sums of y, p, yy, pp and yp; 0 where one of the two is constant."""
    y, p, yy, pp, yp = sums
    spread = np.sqrt(np.maximum(yy - y * y / n, 0) * np.maximum(pp - p * p / n, 0))
    return (yp - y * p / n) / np.where(spread > 0, spread, np.inf)


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise InputError(f"level: {level} found, expected above 0 and below 1, such as 0.95")
