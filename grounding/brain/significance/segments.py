"""Stretches of rows within which time may be moved about, and how long the blocks of a permutation have to be."""

import numpy as np

from grounding.brain.folds import Folds
from grounding.brain.rows import Rows
from grounding.errors import InputError

LEAST_BLOCK = 10
"""Rows; the blocks of Huth et al. (2016), 10 TR."""

LOST = 0.05
"""The part of the variance of a chance correlation that blocks may lose by parting what is autocorrelated."""

LOOKED_AT = 256
"""Targets, evenly spaced, whose autocorrelation is measured."""


def segments(rows: Rows, folds: Folds | None = None) -> np.ndarray:
    """For each row the number of the unbroken stretch that it belongs to, from 0; -1 where no fold tests it.

    A stretch is a run, or the part of a run that one fold tests: predictions of different folds come from different
    models, with different means and sizes. Where the folds of a run are interleaved, as with `ByWordType` or
    `Shuffled`, its stretch is the whole run.

    Args:
        rows: of the responses.
        folds: that the predictions were made with, or None for runs alone.

    Returns:
        (n,) int64.
    """
    runs = np.empty(len(rows), dtype=np.int64)
    for number, places in enumerate(rows.runs().values()):
        runs[places] = number
    if folds is None:
        return runs
    tested_by = np.full(len(rows), -1, dtype=np.int64)
    for number, fold in enumerate(folds):
        tested_by[fold.test] = number
    labels = np.full(len(rows), -1, dtype=np.int64)
    stretches = 0
    for run in range(runs.max() + 1):
        places = np.flatnonzero((runs == run) & (tested_by >= 0))
        if not len(places):
            continue
        changes = tested_by[places[1:]] != tested_by[places[:-1]]
        interleaved = changes.sum() >= len(np.unique(tested_by[places]))
        labels[places] = stretches + (0 if interleaved else np.r_[0, np.cumsum(changes)])
        stretches = labels[places[-1]] + 1
    return labels


def parts(labels: np.ndarray, n: int) -> list[np.ndarray]:
    """Places of the rows of each segment, in order; those labelled -1 are in none.

    Raises:
        InputError: a label for another number of rows, or none that is 0 or above.
    """
    labels = np.asarray(labels)
    if labels.shape != (n,) or not np.issubdtype(labels.dtype, np.integer):
        raise InputError(f"segments: {labels.dtype} {labels.shape}, expected ({n},) whole numbers, one for each row")
    found = [np.flatnonzero(labels == name) for name in np.unique(labels) if name >= 0]
    if not found:
        raise InputError("segments: every row is left out (-1), expected at least one segment of rows")
    return found


def block_length(actual: np.ndarray, predicted: np.ndarray, labels: np.ndarray) -> int:
    """How many rows a block needs so that moving blocks keeps what autocorrelation does to chance correlations.

    By chance, r varies as the sum over lags k of the product of the two autocorrelations (Bartlett 1935). Moving
    blocks of L rows keeps 1 - |k|/L of the term at lag k; L is the least at which 95 % of the sum is kept, by the
    mean product over targets, at least 10 rows, and at most a quarter of the longest segment.

    Args:
        actual: (n, v) responses.
        predicted: (n, v) out-of-fold predictions.
        labels: (n,) from `segments`.
    """
    chosen = np.unique(np.linspace(0, actual.shape[1] - 1, min(LOOKED_AT, actual.shape[1])).astype(np.int64))
    places = parts(labels, len(actual))
    longest = max(map(len, places))
    product = np.zeros(max(1, longest // 4))
    for part in places:
        of_part = _autocorrelation(actual[part][:, chosen]) * _autocorrelation(predicted[part][:, chosen])
        lags = min(len(product), len(part))
        product[:lags] += of_part[:lags].mean(1) * len(part)
    if product[0] <= 0:
        return min(LEAST_BLOCK, max(1, longest // 4))
    product /= product[0]
    if (small := np.flatnonzero(product < LOST)).size:
        product = product[: small[0]]
    lag = np.arange(1, len(product))
    needed = 2 * (lag * product[1:]).sum() / (1 + 2 * product[1:].sum()) / LOST
    return int(np.clip(np.ceil(needed), LEAST_BLOCK, max(LEAST_BLOCK, longest // 4)))


def _autocorrelation(data: np.ndarray) -> np.ndarray:
    """(n, v) at the lags 0 to n - 1; 0 where a column is constant."""
    centred = data.astype(np.float64) - data.mean(0, dtype=np.float64)
    spectrum = np.fft.rfft(centred, 2 * len(data), axis=0)
    covariance = np.fft.irfft(np.abs(spectrum) ** 2, axis=0)[: len(data)]
    return covariance / np.where(covariance[0] > 0, covariance[0], 1)
