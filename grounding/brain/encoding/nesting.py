"""Folds inside folds: the outer ones score, the inner ones choose, and both leave the same gap."""

from dataclasses import replace
from typing import Literal

import numpy as np

from grounding.brain.folds import ByWordType, Contiguous, Folding, Folds, Grouped, LeaveOneOut, Shuffled
from grounding.brain.rows import Rows
from grounding.errors import InputError

# Correlation of a response with its own past below which neighbours count as strangers.
FORGOTTEN = 0.1


def outer_folding(folds: Folding | Literal["contiguous"], delays: tuple[int, ...], margin: int) -> Folding:
    """The folding to score with; "contiguous" is five stretches with a gap of the longest delay plus ``margin`` rows.

    Raises:
        InputError: another word, or a gap shorter than the longest delay.
    """
    longest = max(abs(delay) for delay in delays)
    if isinstance(folds, str):
        if folds != "contiguous":
            raise InputError(f"folds: {folds!r}, expected 'contiguous' or a folding such as LeaveOneOut('run')")
        return Contiguous(5, purge=longest + margin)
    if isinstance(folds, Contiguous | ByWordType) and folds.purge < longest:
        raise InputError(
            f"folds: a gap of {folds.purge} rows is shorter than the longest delay, {longest}; "
            f"choose purge={longest} or more, or folds='contiguous'"
        )
    return folds


def inner_folds(outer: Folding, rows: Rows, k: int, purge: int) -> Folds:
    """Folds of the training rows of an outer fold, of the outer's kind where the training rows allow it.

    Args:
        outer: the folding that made the training rows.
        rows: the training rows.
        k: most folds.
        purge: gap in rows where contiguous folds must do, because a single run, story or subject is left.
    """
    if isinstance(outer, Contiguous | ByWordType | Shuffled):
        return replace(outer, k=min(k, outer.k)).split(rows)
    groups = len(set(getattr(rows, outer.by).tolist()))
    if groups < 2:
        return Contiguous(k, purge).split(rows)
    if isinstance(outer, LeaveOneOut) and groups <= k:
        return outer.split(rows)
    return Grouped(min(k, groups), outer.by).split(rows)


def autocorrelation_margin(data: np.ndarray, rows: Rows, limit: int) -> int:
    """Rows after which responses have forgotten themselves: the first lag with a mean autocorrelation below 0.1.

    Only the width of the gap depends on it, never a model, so all rows may be looked at.

    Args:
        data: (n, v) responses; of more than 500 targets, 500 evenly spaced ones are looked at. Those with NaN are not.
        rows: the n rows.
        limit: the largest answer.

    Returns:
        0 to ``limit``; ``limit`` also where the responses had not forgotten themselves by then.
    """
    chosen = np.unique(np.linspace(0, data.shape[1] - 1, min(data.shape[1], 500)).astype(np.int64))
    looked_at = np.asarray(data[:, chosen], dtype=np.float64)
    looked_at = looked_at[:, np.isfinite(looked_at).all(0)]
    if not looked_at.size:
        return 0
    runs = [looked_at[places] for places in rows.runs().values()]
    centred = [run - run.mean(0) for run in runs]
    power = sum((run**2).sum(0) for run in centred)
    for lag in range(1, limit + 1):
        with_past = sum((run[lag:] * run[:-lag]).sum(0) for run in centred if len(run) > lag)
        if np.mean(with_past / np.maximum(power, 1e-30)) < FORGOTTEN:
            return lag - 1
    return limit
