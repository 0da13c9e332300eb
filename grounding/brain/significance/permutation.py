r"""Permutation tests of cross-validated predictions that were kept, so that no model is fitted again.

What is shuffled, and what stays. Time is moved within segments only (`grounding.brain.significance.segments`): blocks
of rows (`block_permutation`), a rotation (`shift_permutation`), or the phases of the spectrum (`phase_permutation`).
All targets are moved alike, so what they share stays shared and the maximum statistic is honest.

All three are linear. With both series standardised in every segment, r is a mean of products; a moved series has the r
of a fixed table of cross products (blocks by blocks, lags, frequencies) times a row of weights that is the same for
all targets. The table is made once, and 1,000 permutations are one matrix product.

The null distribution is widened by :math:`\sqrt2` unless the rows that are tested trained no model;
`grounding.brain.significance.kept` says why.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from grounding.brain.significance.correction import benjamini_hochberg, benjamini_yekutieli
from grounding.brain.significance.kept import WIDENING
from grounding.brain.significance.moves import (
    at_frequencies,
    at_rotations,
    block_table,
    block_weights,
    equal_blocks,
    one_in_each,
    phase_weights,
)
from grounding.brain.significance.segments import block_length, parts
from grounding.errors import InputError

Statistic = Literal["r", "r2"]
Table = Callable[[np.ndarray, np.ndarray], np.ndarray]

MEMORY = 2**28
"""Bytes that the tables of one block of targets may take."""


@dataclass(frozen=True)
class Significance:
    """How often chance does as well.

    Attributes:
        observed: (v,) float64, the statistic of each target.
        p: (v,) float64, uncorrected, (b + 1) / (m + 1) for b of m permutations at least as large, so never 0.
        family_wise: (v,) float64, corrected by the maximum statistic over targets (Westfall & Young 1993; Nichols &
            Holmes 2002): that any target of pure noise gets below 0.05 has probability 0.05, however they depend.
        description: one line for tables, such as "1,000 permutations of blocks of 10 rows, seed 0".
    """

    observed: np.ndarray
    p: np.ndarray
    family_wise: np.ndarray
    description: str

    @property
    def false_discovery_rate(self) -> np.ndarray:
        """(v,) adjusted by Benjamini & Hochberg (1995); needs many permutations where there are many targets."""
        return benjamini_hochberg(self.p)

    @property
    def false_discovery_rate_any_dependence(self) -> np.ndarray:
        """(v,) adjusted by Benjamini & Yekutieli (2001)."""
        return benjamini_yekutieli(self.p)


def block_permutation(
    actual: np.ndarray,
    predicted: np.ndarray,
    labels: np.ndarray,
    *,
    statistic: Statistic = "r",
    block: int | None = None,
    permutations: int = 1000,
    cross_fitted: bool = True,
    seed: int = 0,
) -> Significance:
    """Permute blocks of neighbouring rows within segments, as Huth et al. (2016) do with blocks of 10 TR.

    A segment of n rows is cut into n // block blocks of equal length; the few rows that are left over stay in place.

    Args:
        actual: (n, v) responses, any floating dtype.
        predicted: (n, v) out-of-fold predictions; rows labelled -1 are not looked at.
        labels: (n,) int, the segment of each row, from `segments(rows, folds)`.
        statistic: "r", the mean over segments of Pearson's r, by their length; or "r2", 1 - squared error / variance
            around the segment's mean.
        block: rows; None for a length from the measured autocorrelation (`block_length`).
        permutations: m; the least p-value is 1 / (m + 1).
        cross_fitted: whether rows that one fold tests trained other folds' models (see the module).
        seed: of the permutations.

    Raises:
        InputError: shapes that do not fit, values that are not finite, a block below 1 row, or segments too short for
            enough different permutations.

    Example:
        >>> block_permutation(responses.data, predicted, segments(responses.rows, folds)).p
    """
    places = _checked(actual, predicted, labels, statistic, permutations)
    length = block_length(actual, predicted, labels) if block is None else block
    if length < 1:
        raise InputError(f"block: {block} rows, expected at least 1")
    counts = [len(part) // length for part in places]
    if sum(float(np.log(np.arange(1, count + 1)).sum()) for count in counts if count) < np.log(20):
        raise InputError(
            f"blocks of {length} rows: segments of {min(map(len, places))} to {max(map(len, places))} rows allow fewer "
            "than 20 permutations; choose a smaller block, or use phase_permutation"
        )
    blocks = equal_blocks(places, counts)
    generator = np.random.default_rng(seed)
    weights = block_weights(blocks, permutations, generator, still=1 / WIDENING if cross_fitted else 1.0)
    return _tested(
        actual, predicted, places, weights, lambda y, p: block_table(y, p, blocks), sum(b.size for b in blocks),
        statistic, cross_fitted, f"{permutations:,} permutations of blocks of {length} rows, seed {seed}",
    )  # fmt: skip


def shift_permutation(
    actual: np.ndarray,
    predicted: np.ndarray,
    labels: np.ndarray,
    *,
    statistic: Statistic = "r",
    permutations: int = 1000,
    cross_fitted: bool = True,
    seed: int = 0,
) -> Significance:
    """Rotate the predictions of each segment by a random number of rows, the end following onto the start.

    Keeps the autocorrelation of any series whole, but for one seam a segment; needs segments much longer than it.
    Arguments, result and errors as of `block_permutation`.
    """
    places = _checked(actual, predicted, labels, statistic, permutations)
    if np.prod([float(len(part)) for part in places]) < 20:
        raise InputError(
            f"segments of {min(map(len, places))} to {max(map(len, places))} rows allow fewer than 20 rotations; "
            "record more, or join fewer rows into each fold"
        )
    generator = np.random.default_rng(seed)
    starts = np.cumsum([0, *(len(part) for part in places)])
    chosen = np.stack([start + generator.integers(len(part), size=permutations)
                       for start, part in zip(starts, places, strict=False)], axis=1)  # fmt: skip
    weights = one_in_each(chosen, int(starts[-1]))

    def table(y: np.ndarray, p: np.ndarray) -> np.ndarray:
        return np.concatenate([at_rotations(y[part], p[part]) for part in places])

    name = f"{permutations:,} rotations within segments, seed {seed}"
    return _tested(actual, predicted, places, weights, table, int(starts[-1]), statistic, cross_fitted, name)


def phase_permutation(
    actual: np.ndarray,
    predicted: np.ndarray,
    labels: np.ndarray,
    *,
    statistic: Statistic = "r",
    permutations: int = 1000,
    cross_fitted: bool = True,
    seed: int = 0,
) -> Significance:
    """Give the predictions of each segment random phases, the same for all targets, and keep their spectrum.

    Theiler et al. (1992), Prichard & Theiler (1994): mean, variance, autocorrelation and covariances between targets
    stay. The mean has no phase, and at the highest frequency of an even number of rows a phase is a sign.
    Arguments, result and errors as of `block_permutation`.
    """
    places = _checked(actual, predicted, labels, statistic, permutations)
    generator = np.random.default_rng(seed)
    weights = np.concatenate([phase_weights(len(part), permutations, generator) for part in places], axis=1)

    def table(y: np.ndarray, p: np.ndarray) -> np.ndarray:
        return np.concatenate([at_frequencies(y[part], p[part]) for part in places])

    name = f"{permutations:,} randomisations of phase within segments, seed {seed}"
    return _tested(actual, predicted, places, weights, table, weights.shape[1], statistic, cross_fitted, name)


def _tested(
    actual: np.ndarray,
    predicted: np.ndarray,
    places: list[np.ndarray],
    weights: Any,
    table: Table,
    width: int,
    statistic: Statistic,
    cross_fitted: bool,
    description: str,
) -> Significance:
    """Weights (m, q), dense or sparse, times a table (q, targets) for blocks of targets that fit into memory."""
    m, v, n = weights.shape[0], actual.shape[1], len(actual)
    step = int(max(1, MEMORY // (8 * (2 * width + 2 * m + 6 * n))))
    widening = WIDENING if cross_fitted else 1.0
    observed, p, maxima = np.empty(v), np.empty(v), np.full(m, -np.inf)
    for start in range(0, v, step):
        block = slice(start, start + step)
        y = centred(actual[:, block], places, scale=statistic == "r")
        q = centred(predicted[:, block], places, scale=statistic == "r")
        slope, offset = _as_statistic(actual[:, block], predicted[:, block], y, places, statistic)
        here = (y * q).sum(0)
        null = np.asarray(weights @ table(y, q)) * widening
        # Equal arrangements differ by rounding; they count as equal.
        tolerance = 1e-9 * np.sqrt((y * y).sum(0) * (q * q).sum(0)) + 1e-12
        p[block] = _p_values((null >= here - tolerance).sum(0), m)
        observed[block] = offset + slope * here
        maxima = np.maximum(maxima, (offset + slope * null).max(1))
    return Significance(observed, p, _p_values(count_at_least(np.sort(maxima), observed), m), description)


def centred(data: np.ndarray, places: list[np.ndarray], *, scale: bool) -> np.ndarray:
    """(n, v) float64 with mean 0, and variance 1 if `scale`, in each segment; 0 where constant or in no segment."""
    result = np.zeros(data.shape)
    for part in places:
        stretch = data[part].astype(np.float64)
        largest = np.abs(stretch).max(0)
        stretch -= stretch.mean(0)
        deviation = np.sqrt((stretch * stretch).mean(0))
        varies = deviation > 1e-6 * largest
        result[part] = np.where(varies, stretch / np.where(varies & scale, deviation, 1), 0)
    return result


def _as_statistic(
    actual: np.ndarray, predicted: np.ndarray, y: np.ndarray, places: list[np.ndarray], statistic: Statistic
) -> tuple[np.ndarray | float, np.ndarray | float]:
    """Slope and offset of the statistic as a function of the sum of products of the centred series.

    Only the products change when time is moved: r2 = 1 - (sum of squares - 2 products + ...) / variance.
    """
    used = np.concatenate(places)
    if statistic == "r":
        return 1 / len(used), 0.0
    total = (y * y).sum(0)
    total = np.where(total > 0, total, np.inf)
    offset = np.zeros(y.shape[1])
    for part in places:
        behind = predicted[part].astype(np.float64) - actual[part].mean(0, dtype=np.float64)
        offset -= (behind * behind).sum(0)
    return 2 / total, offset / total


def count_at_least(ascending: np.ndarray, values: np.ndarray) -> np.ndarray:
    """How many of the ascending numbers are at least each value, equal up to rounding counted."""
    return len(ascending) - np.searchsorted(ascending, values - 1e-9 * np.maximum(1, np.abs(values)), side="left")


def _p_values(reached: np.ndarray, m: int) -> np.ndarray:
    return (reached + 1) / (m + 1)


def _checked(
    actual: np.ndarray, predicted: np.ndarray, labels: np.ndarray, statistic: str, permutations: int
) -> list[np.ndarray]:
    if statistic not in ("r", "r2"):
        raise InputError(f"statistic: {statistic!r} found, expected 'r' or 'r2'")
    if permutations < 19:
        raise InputError(f"permutations: {permutations} found, expected at least 19, below which no p reaches 0.05")
    return checked_pair(actual, predicted, labels)


def checked_pair(actual: np.ndarray, predicted: np.ndarray, labels: np.ndarray) -> list[np.ndarray]:
    """The segments of responses and predictions of the same shape, finite wherever a segment has them.

    Raises:
        InputError: otherwise, naming the first column at fault.
    """
    if actual.ndim != 2 or actual.shape != predicted.shape:
        raise InputError(f"predicted: {predicted.shape}, expected (rows, targets) as actual has, {actual.shape}")
    places = parts(labels, len(actual))
    used = np.concatenate(places)
    for name, data in (("actual", actual), ("predicted", predicted)):
        for part in places:
            if len(bad := np.flatnonzero(~np.isfinite(data[part].sum(0, dtype=np.float64)))):
                raise InputError(
                    f"{name}: target {bad[0]} holds a value that is not finite in {len(used)} rows that are tested; "
                    "leave it out, or label its rows -1"
                )
    return places
