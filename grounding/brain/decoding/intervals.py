"""Intervals of means over tested rows, of which several belong to one subject and several to one item."""

import numpy as np

from grounding.brain.rows import Rows
from grounding.space.retrieval import bootstrap_intervals


def intervals(
    values: np.ndarray, rows: Rows, items: np.ndarray | None, resamples: int, seed: int
) -> tuple[np.ndarray, str]:
    """95 % bootstrap intervals (M, 2) of the means of values (n, M) within 0..1, and what was resampled.

    With several subjects and items, both are drawn anew at once (pigeonhole bootstrap, Owen, 2007): the interval holds
    for other people and other items, and is rather too wide than too narrow. With one subject, its items are drawn; if
    rows have no items, subjects are, or runs where there is but one subject.

    Args:
        values: of the rows.
        rows: n of them.
        items: (n,) str, which word or picture a row is, or None.
        resamples: how many.
        seed: of the draws.
    """
    subjects = np.unique(rows.subject, return_inverse=True)[1]
    if items is None:
        several = subjects.max() > 0
        clusters = subjects if several else np.unique(rows.run, return_inverse=True)[1]
        return bootstrap_intervals(values, clusters, resamples, seed), "subjects" if several else "runs"
    item = np.unique(items, return_inverse=True)[1]
    if subjects.max() == 0:
        return bootstrap_intervals(values, item, resamples, seed), "items"
    sums = np.zeros((subjects.max() + 1, item.max() + 1, values.shape[1] + 1))
    np.add.at(sums, (subjects, item), np.column_stack([values, np.ones(len(values))]))
    generator = np.random.default_rng(seed)
    drawn = np.empty((resamples, sums.shape[2]))
    for number in range(resamples):
        times = [np.bincount(generator.integers(size, size=size), minlength=size) for size in sums.shape[:2]]
        drawn[number] = np.tensordot(times[1], np.tensordot(times[0], sums, 1), 1)
    # A draw may miss all rows where few pairs of subject and item were tested.
    drawn = drawn[drawn[:, -1] > 0]
    bounds = np.percentile(drawn[:, :-1] / drawn[:, -1:], (2.5, 97.5), axis=0).T
    return bounds, "subjects and items"
