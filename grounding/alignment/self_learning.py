"""A map between two vocabularies from a few known pairs, from words spelled alike, or from nothing.

A map gives a dictionary, and a better dictionary gives a better map (Artetxe, Labaka and Agirre 2017, 2018).
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from grounding.alignment.checks import check_matrix, check_same_width
from grounding.alignment.maps import LinearMap, procrustes
from grounding.alignment.retrieval import as_directions, search
from grounding.errors import InputError

FEWEST = 20
GAIN = 1e-6
BLOCK = 512


@dataclass(frozen=True, eq=False)
class SelfLearning:
    """What `self_learning` arrived at.

    Attributes:
        map: from the source to the target, orthogonal.
        dictionary: int64 (P, 2), the induced pairs (row of X, row of Y) that the map was made from.
        objective: float64 (iterations,), after each iteration the mean cosine of a word to its nearest of the other
            side. It may fall while pairs are still left out at random.
        converged: whether it stopped by itself, not at the largest number of iterations.
    """

    map: LinearMap
    dictionary: np.ndarray
    objective: np.ndarray
    converged: bool


def identical_strings(source: Sequence[str], target: Sequence[str]) -> np.ndarray:
    """The words that both vocabularies spell alike, as pairs of rows, int64 (P, 2): names, numbers, loan words.

    Example:
        >>> identical_strings(["der", "hund", "taxi"], ["the", "taxi"])
        array([[2, 1]])
    """
    rows = {word: row for row, word in enumerate(target)}
    pairs = [(row, rows[word]) for row, word in enumerate(source) if word in rows]
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def self_learning(
    X: np.ndarray,
    Y: np.ndarray,
    dictionary: np.ndarray | None = None,
    *,
    seed: int = 0,
    vocabulary: int = 10_000,
    unsupervised_vocabulary: int = 4_000,
    keep: float = 0.1,
    patience: int = 10,
    neighbours: int = 10,
    iterations: int = 500,
) -> SelfLearning:
    """Align two spaces by turns: a rotation from the dictionary, then the dictionary from the rotated vectors.

    The dictionary has, of every word, the best of the other side by CSLS, in both directions. At first only a share
    `keep` of the candidates, drawn anew for every block of words, may be chosen: this shakes the search out of poor
    solutions (Artetxe et al. 2018). Whenever the objective has not risen for `patience` iterations the share doubles;
    when it is whole and the objective does not rise any more, the search ends.

    Without a dictionary a first one is made of words whose similarities to their own language are distributed alike:
    the sorted rows of the square roots of X X' and of Y Y' are compared (Artetxe et al. 2018). That works between
    like languages and like corpora, and fails otherwise; the objective of a failed search stays low.

    Args:
        X: word vectors (N, D), the most frequent words first; see `normalise`, which both sides should have passed.
        Y: word vectors (M, D), the same way.
        dictionary: int (P, 2), pairs (row of X, row of Y) to begin with, 20 or more; see `identical_strings`. None to
            begin without any.
        seed: of the random choices.
        vocabulary: how many of the first rows of either side take part; all can be mapped afterwards.
        unsupervised_vocabulary: how many of them make the first dictionary when none is given.
        keep: share of candidates at first, above 0, up to 1.
        patience: iterations without a gain before the share doubles.
        neighbours: of CSLS.
        iterations: the most there may be.

    Raises:
        InputError: shapes that do not fit, NaN or infinity, a dictionary of too few pairs or of rows that there are
            not, fewer words than neighbours, or a setting out of range.

    Example:
        >>> X, Y = normalise(german.matrix), normalise(english.matrix)
        >>> found = self_learning(X, Y, identical_strings(german.words.words, english.words.words))
        >>> translations = nearest(found.map.apply(X), Y, k=5, method="csls")
    """
    X, Y = check_matrix(X, "X"), check_matrix(Y, "Y")
    check_same_width(X, Y, "X and Y")
    _check_settings(keep, patience, iterations, neighbours, min(len(X), len(Y), vocabulary), unsupervised_vocabulary)
    first_x, first_y = as_directions(X[:vocabulary], "X"), as_directions(Y[:vocabulary], "Y")
    if dictionary is None:
        pairs = _similar_distributions(first_x[:unsupervised_vocabulary], first_y[:unsupervised_vocabulary], neighbours)
    else:
        pairs = _check_dictionary(dictionary, len(X), len(Y))
    generator = np.random.default_rng(seed)
    trace: list[float] = []
    best, waited = -np.inf, 0
    while len(trace) < iterations:
        rotation = _rotate(X, Y, pairs)
        mapped = as_directions(rotation.apply(first_x), "X, mapped")
        pairs, objective = _induce(mapped, first_y, keep, neighbours, generator)
        trace.append(objective)
        waited = 0 if objective > best + GAIN else waited + 1
        best = max(best, objective)
        if waited < patience:
            continue
        if keep == 1:
            break
        keep, waited = min(1.0, 2 * keep), 0
    return SelfLearning(_rotate(X, Y, pairs), pairs, np.array(trace), converged=waited >= patience)


def _rotate(X: np.ndarray, Y: np.ndarray, pairs: np.ndarray) -> LinearMap:
    with warnings.catch_warnings():
        # A handful of pairs is what this begins with; the part of the rotation they leave open is found later.
        warnings.simplefilter("ignore", UserWarning)
        return procrustes(X[pairs[:, 0]], Y[pairs[:, 1]])


def _induce(
    X: np.ndarray, Y: np.ndarray, keep: float, neighbours: int, generator: np.random.Generator
) -> tuple[np.ndarray, float]:
    """Pairs int64 (P, 2) that are best by CSLS in either direction, and the mean cosine of nearest neighbours."""
    near_x, near_y = search(X, Y, neighbours).scores, search(Y, X, neighbours).scores
    forth = _best_of_some(X, Y, near_y.mean(1), keep, generator)
    back = _best_of_some(Y, X, near_x.mean(1), keep, generator)
    pairs = np.concatenate([np.column_stack([np.arange(len(X)), forth]), np.column_stack([back, np.arange(len(Y))])])
    return pairs, float((near_x[:, 0].mean(dtype=np.float64) + near_y[:, 0].mean(dtype=np.float64)) / 2)


def _best_of_some(
    queries: np.ndarray, keys: np.ndarray, crowding: np.ndarray, keep: float, generator: np.random.Generator
) -> np.ndarray:
    """The best key of each query by CSLS, int64 (Q,), among a random share of keys for every block of queries."""
    best = np.empty(len(queries), dtype=np.int64)
    for start in range(0, len(queries), BLOCK):
        kept = np.flatnonzero(generator.random(len(keys)) < keep) if keep < 1 else np.arange(len(keys))
        if not len(kept):
            kept = generator.integers(len(keys), size=1)
        # r of the query is the same for all its keys and changes nothing.
        scores = 2 * queries[start : start + BLOCK] @ keys[kept].T - crowding[kept]
        best[start : start + BLOCK] = kept[scores.argmax(axis=1)]
    return best


def _similar_distributions(X: np.ndarray, Y: np.ndarray, neighbours: int) -> np.ndarray:
    """A first dictionary int64 (P, 2), from how similar the words of a language are to each other."""
    size = min(len(X), len(Y))
    X, Y = (as_directions(_sorted_similarities(side[:size]), "X and Y") for side in (X, Y))
    pairs, _ = _induce(X, Y, 1.0, min(neighbours, size), np.random.default_rng(0))
    return pairs


def _sorted_similarities(X: np.ndarray) -> np.ndarray:
    """Rows of the square root of X X', each sorted, of unit length, centred: (N, N)."""
    U, singular, _ = np.linalg.svd(X, full_matrices=False)
    similar = np.sort((U * singular) @ U.T, axis=1)
    similar /= np.linalg.norm(similar, axis=1, keepdims=True)
    return similar - similar.mean(axis=0)


def _check_settings(
    keep: float, patience: int, iterations: int, neighbours: int, words: int, unsupervised_vocabulary: int
) -> None:
    if not 0 < keep <= 1:
        raise InputError(f"keep: {keep} found, expected a share above 0, up to 1")
    least_one = {
        "patience": patience,
        "iterations": iterations,
        "unsupervised_vocabulary": unsupervised_vocabulary,
    }
    for name, value in least_one.items():
        if value < 1:
            raise InputError(f"{name}: {value} found, expected 1 or more")
    if not 1 <= neighbours <= words:
        raise InputError(f"neighbours: {neighbours} found, expected 1 to {words}, the words that take part")


def _check_dictionary(dictionary: np.ndarray, source: int, target: int) -> np.ndarray:
    pairs = np.asarray(dictionary)
    if pairs.ndim != 2 or pairs.shape[1] != 2 or pairs.dtype.kind not in "iu":
        raise InputError(f"dictionary: {pairs.dtype} {pairs.shape} found, expected whole numbers (pairs, 2)")
    if len(pairs) < FEWEST:
        raise InputError(
            f"dictionary: {len(pairs)} pairs found, expected {FEWEST} or more; add some, or give None to begin without"
        )
    if pairs.min() < 0 or (pairs.max(axis=0) >= (source, target)).any():
        raise InputError(
            f"dictionary: rows {pairs.min(axis=0).tolist()} to {pairs.max(axis=0).tolist()} found, expected 0 up to "
            f"{source - 1} of X and {target - 1} of Y"
        )
    return pairs.astype(np.int64)
