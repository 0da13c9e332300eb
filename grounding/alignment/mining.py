"""Which rows of two sets belong together, when nobody says (bitext mining)."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from grounding.alignment.retrieval import nearest
from grounding.errors import InputError

STRATEGIES = ("forward", "backward", "intersection", "best")


@dataclass(frozen=True, eq=False)
class MinedPairs:
    """Rows that were found to belong together, the surest first.

    Attributes:
        source: int64 (P,), rows of X.
        target: int64 (P,), rows of Y.
        scores: float32 (P,).
    """

    source: np.ndarray
    target: np.ndarray
    scores: np.ndarray


def mine_pairs(
    X: np.ndarray,
    Y: np.ndarray,
    *,
    threshold: float = -np.inf,
    strategy: str = "best",
    method: str = "margin",
    neighbours: int = 4,
) -> MinedPairs:
    """Pairs of rows that are each other's best, such as translations among the sentences of two languages.

    Strategies (Artetxe and Schwenk 2019): "forward" pairs every row of X with its best of Y; "backward" every row of
    Y with its best of X; "intersection" keeps what both found; "best" takes what either found in descending order of
    the scores, and each row at most once.

    Args:
        X: vectors (N, D), in one space with
        Y: vectors (M, D).
        threshold: pairs that score less are dropped; see `best_threshold` for choosing it.
        strategy: "forward", "backward", "intersection" or "best".
        method: of scoring, as in `nearest`: "cosine", "csls" or "margin".
        neighbours: how many rows make up a neighbourhood, for "csls" and "margin".

    Raises:
        InputError: an unknown strategy, and as `nearest`.

    Example:
        >>> found = mine_pairs(encoder.encode(english), encoder.encode(french), threshold=1.06)
        >>> [(english[i], french[j]) for i, j in zip(found.source, found.target)]
    """
    if strategy not in STRATEGIES:
        raise InputError(f"strategy: {strategy!r} found, expected one of {', '.join(STRATEGIES)}")
    found = []
    if strategy != "backward":
        forth = nearest(X, Y, method=method, neighbours=neighbours)
        found.append(np.column_stack([np.arange(len(X)), forth.indices, forth.scores]))
    if strategy != "forward":
        back = nearest(Y, X, method=method, neighbours=neighbours)
        found.append(np.column_stack([back.indices, np.arange(len(Y)), back.scores]))
    if strategy == "intersection":
        mutual = forth.indices[back.indices[:, 0], 0] == np.arange(len(Y))
        found = [found[1][mutual]]
    pairs = np.concatenate(found)
    pairs = pairs[pairs[:, 2] >= threshold]
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0], -pairs[:, 2]))]
    source, target = pairs[:, 0].astype(np.int64), pairs[:, 1].astype(np.int64)
    if strategy == "best":
        once = _each_row_once(source, target)
        pairs, source, target = pairs[once], source[once], target[once]
    return MinedPairs(source, target, pairs[:, 2].astype(np.float32))


def _each_row_once(source: np.ndarray, target: np.ndarray) -> list[int]:
    """Positions of pairs, in order, of which neither row was in an earlier one."""
    kept, left, right = [], set(), set()
    for position, (i, j) in enumerate(zip(source.tolist(), target.tolist(), strict=True)):
        if i not in left and j not in right:
            kept.append(position)
            left.add(i)
            right.add(j)
    return kept


@dataclass(frozen=True)
class BestThreshold:
    """Where to cut mined pairs, and what is then right: `f1` is the harmonic mean of precision and recall."""

    threshold: float
    precision: float
    recall: float
    f1: float


def best_threshold(found: MinedPairs, truth: Iterable[tuple[int, int]]) -> BestThreshold:
    """The threshold with the highest F1 on pairs that are known, as in the BUCC task (Zweigenbaum et al. 2017).

    It is chosen on the pairs it is measured with: report other pairs at this threshold.

    Args:
        found: what `mine_pairs` found.
        truth: all right pairs, (row of X, row of Y).

    Raises:
        InputError: nothing was found, or nothing is true.
    """
    known = {(int(i), int(j)) for i, j in truth}
    if not known or not len(found.scores):
        raise InputError(f"{len(found.scores)} mined and {len(known)} true pairs found, expected some of both")
    right = [pair in known for pair in zip(found.source.tolist(), found.target.tolist(), strict=True)]
    correct, taken = np.cumsum(right), np.arange(1, len(right) + 1)
    # A threshold cannot part pairs of equal score, so it is only tried after the last of them.
    last = np.append(found.scores[1:] < found.scores[:-1], True)
    f1 = np.where(last, 2 * correct / (taken + len(known)), -1.0)
    best = int(f1.argmax())
    return BestThreshold(
        threshold=float(found.scores[best]),
        precision=float(correct[best] / taken[best]),
        recall=float(correct[best] / len(known)),
        f1=float(f1[best]),
    )
