"""Tests that change signs: of a difference between two models, and of values of several subjects."""

import numpy as np

from grounding.brain.significance.kept import WIDENING
from grounding.brain.significance.permutation import MEMORY, Significance, Statistic, centred, checked_pair
from grounding.brain.significance.segments import block_length
from grounding.errors import InputError

EXACT_UP_TO = 14
"""Subjects; up to here all 2^S changes of sign are gone through, and nothing is random."""


def sign_flip(values: np.ndarray, *, two_sided: bool = True, permutations: int = 10_000, seed: int = 0) -> Significance:
    """Whether the mean over subjects differs from 0, when each subject's sign could as well be the other one.

    Fisher (1935). Compares Student's t, so that in the maximum over targets each weighs alike whatever its noise
    (Nichols & Holmes 2002). A subject's signs change together in all targets. For a paired comparison of two models
    give the differences.

    Args:
        values: (S, v) or (S,), one row a subject, such as r or a difference of r.
        two_sided: whether a mean below 0 counts too; the statistic is then |t|.
        permutations: drawn where there are more than 14 subjects; up to 14 all 2^S are used.
        seed: of the draws.

    Returns:
        `Significance` whose ``observed`` is the mean over subjects.

    Raises:
        InputError: fewer than 5 subjects (6 if two-sided), with whom no p reaches 0.05, or values that are not finite.

    Example:
        >>> sign_flip(np.array([0.1, 0.2, 0.15, 0.05, 0.3, 0.1])).p
        array([0.03125])
    """
    values = np.asarray(values, dtype=np.float64)
    values = values[:, None] if values.ndim == 1 else values
    subjects, least = len(values), 6 if two_sided else 5
    if subjects < least:
        raise InputError(f"subjects: {subjects} found, expected at least {least}, below which no p reaches 0.05")
    if not np.isfinite(values).all():
        raise InputError("values: one is not finite; leave that subject or target out")
    if subjects <= EXACT_UP_TO:
        # Without the arrangement that was observed, which is the 1 in (b + 1) / (m + 1).
        signs = 1.0 - 2.0 * ((np.arange(1, 2**subjects)[:, None] >> np.arange(subjects)) & 1)
        name = f"all {2**subjects:,} changes of sign of {subjects} subjects"
    else:
        signs = np.random.default_rng(seed).choice([-1.0, 1.0], (permutations, subjects))
        name = f"{permutations:,} changes of sign of {subjects} subjects, seed {seed}"
    return _flipped(values, signs, two_sided, values.mean(0), name)


def difference_permutation(
    actual: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    labels: np.ndarray,
    *,
    statistic: Statistic = "r",
    block: int | None = None,
    two_sided: bool = True,
    permutations: int = 1000,
    cross_fitted: bool = True,
    seed: int = 0,
) -> Significance:
    """Whether the first model predicts better than the second: their names are swapped in random blocks of rows.

    Moving the responses, as the tests of one model do, would ask whether both predict nothing. Here the null is that
    they predict equally well: what a block of neighbouring rows adds to the difference then has either sign.

    Args:
        actual: (n, v) responses.
        first: (n, v) out-of-fold predictions of one model.
        second: (n, v) those of the other.
        labels: (n,) int, the segment of each row, from `segments(rows, folds)`.
        statistic: difference of "r" or of "r2".
        block: rows; None for a length from the measured autocorrelation (`block_length`).
        two_sided: whether a better second model counts too.
        permutations: m; the least p-value is 1 / (m + 1).
        cross_fitted: as in `block_permutation`.
        seed: of the swaps.

    Returns:
        `Significance` whose ``observed`` is the first model's statistic minus the second's.

    Raises:
        InputError: shapes that do not fit, values that are not finite, or fewer than 6 blocks.
    """
    places = checked_pair(actual, first, labels)
    checked_pair(actual, second, labels)
    length = max(block_length(actual, one, labels) for one in (first, second)) if block is None else block
    blocks = [stretch for part in places for stretch in np.array_split(part, max(1, len(part) // length))]
    if len(blocks) < 6:
        raise InputError(f"blocks of {length} rows: {len(blocks)} found, expected at least 6; choose a smaller block")
    used, v = np.concatenate(places), actual.shape[1]
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], (permutations, len(blocks)))
    signs = signs * (WIDENING if cross_fitted else 1.0)
    added = np.empty((len(blocks), v))
    step = max(1, MEMORY // (64 * len(actual)))
    for start in range(0, v, step):
        some = slice(start, start + step)
        y, a, b = (x[:, some] for x in (actual, first, second))
        gain, weight = _gains(y, a, b, places, statistic, len(used))
        added[:, some] = np.stack([gain[stretch].sum(0) for stretch in blocks]) * weight
    name = f"{permutations:,} swaps of two models in blocks of {length} rows, seed {seed}"
    return _flipped(added, signs, two_sided, added.sum(0), name, studentised=False)


def _gains(
    y: np.ndarray, a: np.ndarray, b: np.ndarray, places: list[np.ndarray], statistic: Statistic, n: int
) -> tuple[np.ndarray, np.ndarray | float]:
    """What each row adds to the difference of the statistic, (n, v), before the weight that is returned beside it."""
    if statistic == "r":
        y, a, b = (centred(x, places, scale=True) for x in (y, a, b))
        # The influence of a row on r (Devlin et al. 1975): what it adds to the size of a prediction takes from r. Over
        # all rows the second term is 0, since both predictions are standardised.
        common = (y * (a + b)).sum(0) / (2 * n)
        return y * (a - b) - common / 2 * (a * a - b * b), 1 / n
    total = (centred(y, places, scale=False) ** 2).sum(0)
    y, a, b = (np.asarray(x, dtype=np.float64) for x in (y, a, b))
    return (y - b) ** 2 - (y - a) ** 2, 1 / np.where(total > 0, total, np.inf)


def _flipped(
    values: np.ndarray, signs: np.ndarray, two_sided: bool, observed: np.ndarray, name: str, *, studentised: bool = True
) -> Significance:
    """Signs (m, k) times values (k, v), compared with the values as they are."""
    m, (k, v) = len(signs), values.shape
    p, compared, maxima = np.empty(v), np.empty(v), np.full(m, -np.inf)
    step = max(1, MEMORY // (24 * m))
    for start in range(0, v, step):
        some = values[:, start : start + step]
        null, here = signs @ some, some.sum(0)
        if studentised:
            square = (some * some).sum(0)
            null, here = _student(null, square, k), _student(here, square, k)
        if two_sided:
            null, here = np.abs(null), np.abs(here)
        # Equal arrangements differ by rounding; they count as equal.
        p[start : start + step] = ((null >= _just_below(here)).sum(0) + 1) / (m + 1)
        compared[start : start + step] = here
        maxima = np.maximum(maxima, null.max(1))
    ordered = np.sort(maxima)
    reached = m - np.searchsorted(ordered, _just_below(compared), side="left")
    return Significance(observed, p, (reached + 1) / (m + 1), name)


def _student(total: np.ndarray, square: np.ndarray, k: int) -> np.ndarray:
    """t of k values from their sum and their sum of squares, which no change of sign alters; 0 for k zeros."""
    spread = np.maximum(square - total * total / k, 1e-12 * square)
    return total / np.where(spread > 0, np.sqrt(spread * k / (k - 1)), np.inf)


def _just_below(values: np.ndarray) -> np.ndarray:
    return values - 1e-9 * np.abs(values)
