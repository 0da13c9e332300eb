"""Estimates with 95 % intervals, by the bootstrap (Efron 1979).

A statistic is computed from how often each item is in a resample, so that nothing is sorted or gathered again.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from grounding.errors import InputError

RESAMPLES = 1000
LARGEST = 2**20
"""The most weights in memory at a time."""
INTERVAL = (2.5, 97.5)


@dataclass(frozen=True)
class Estimate:
    """A number with the bounds of its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


def correlation(x: np.ndarray, y: np.ndarray, ranked: bool, resamples: int, seed: int) -> Estimate:
    """Pearson's correlation of x and y (N,), or Spearman's where `ranked`, with the interval over resampled pairs.

    Raises:
        InputError: all values of x or of y are equal, or one is not finite.
    """
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise InputError("correlation: NaN or infinity found among cosines or scores; leave such pairs out")
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        raise InputError(f"correlation: {len(x)} equal values found, expected cosines and scores that differ")

    def of(weights: np.ndarray) -> np.ndarray:
        """Of resamples (R, N), in which item i is weights[r, i] times."""
        a, b = (_ranks(values, weights) if ranked else values[None] for values in (x, y))
        total = weights.sum(1, keepdims=True)
        a, b = (values - (weights * values).sum(1, keepdims=True) / total for values in (a, b))
        spread = (weights * a * a).sum(1) * (weights * b * b).sum(1)
        with np.errstate(invalid="ignore", divide="ignore"):
            return (weights * a * b).sum(1) / np.sqrt(spread)

    return bootstrap(of, len(x), len(x), resamples, seed)


def _ranks(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Ranks (R, N) of values (N,) in each resample, the mean rank among equals, without sorting each."""
    order = np.argsort(values, kind="stable")
    _, first, group = np.unique(values[order], return_index=True, return_inverse=True)
    counts = np.add.reduceat(weights[:, order], first, axis=1)
    ranks = np.empty_like(weights)
    ranks[:, order] = (np.cumsum(counts, axis=1) - (counts - 1) / 2)[:, group]
    return ranks


def share_correct(correct: np.ndarray, units: np.ndarray, resamples: int, seed: int) -> Estimate:
    """The share of bool (N,) that is true; what is resampled are the units that an answer depends on.

    Args:
        correct: (N,).
        units: (U, N), the numbers of the U units of every answer: itself alone, or two word pairs.
        resamples: how many.
        seed: of the draws.

    Returns:
        NaN for no answers.
    """
    if not len(correct):
        return Estimate(np.nan, np.nan, np.nan)
    _, units = np.unique(units, return_inverse=True)
    units = units.reshape(-1, len(correct))
    count = int(units.max()) + 1
    if correct.all() or not correct.any():
        # No resample would differ; the bound is that of so many successes in a row (Clopper and Pearson 1934).
        bound = float((1 - INTERVAL[1] / 100) ** (1 / count))
        return Estimate(1.0, bound, 1.0) if correct.all() else Estimate(0.0, 0.0, 1 - bound)

    def of(weights: np.ndarray) -> np.ndarray:
        together = weights[:, units].prod(axis=1)
        with np.errstate(invalid="ignore"):
            return (together @ correct) / together.sum(1)

    return bootstrap(of, count, max(count, units.size), resamples, seed)


def bootstrap(of: Callable[[np.ndarray], np.ndarray], count: int, numbers: int, resamples: int, seed: int) -> Estimate:
    """The value of a statistic, and its percentiles when all items are drawn anew with replacement.

    Args:
        of: from weights float64 (R, count), how often each item is in each resample, to the statistic (R,).
        count: of items.
        numbers: how many numbers a resample takes in memory.
        resamples: how many.
        seed: of the draws.

    Raises:
        InputError: no resamples, or a negative seed.
    """
    if seed < 0:
        raise InputError(f"seed: {seed} found, expected a number of at least 0")
    if resamples < 1:
        raise InputError(f"resamples: {resamples} found, expected 1 or more, and 1000 for an interval to be trusted")
    generator = np.random.default_rng(seed)
    drawn = []
    size = max(1, LARGEST // numbers)
    for start in range(0, resamples, size):
        rows = min(size, resamples - start)
        chosen = generator.integers(count, size=(rows, count)) + count * np.arange(rows)[:, None]
        weights = np.bincount(chosen.ravel(), minlength=rows * count).reshape(rows, count)
        drawn.append(of(weights.astype(np.float64)))
    low, high = np.nanpercentile(np.concatenate(drawn), INTERVAL)
    return Estimate(float(of(np.ones((1, count)))[0]), float(low), float(high))
