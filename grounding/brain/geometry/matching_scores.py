"""How well predicted vectors of words that were left out can be told apart.

Each score of a fold with T word types is a matrix (T, T): row s, column t is the score that the predictions for word s
would have if their right answer were word t. The diagonal is what was reached, and any permutation of the columns is
what chance would have given, so that a permutation test computes nothing anew. The words of one fold train the maps of
all others, which `grounding.brain.significance.kept` allows for.
"""

from dataclasses import dataclass

import numpy as np

from grounding.brain.significance.kept import kept_p
from grounding.text.evaluation.estimates import INTERVAL, Estimate, bootstrap

PAIRWISE, AREA, TWO_VS_TWO = "pairwise", "roc auc", "two vs two"


@dataclass(frozen=True, eq=False)
class FoldScores:
    """The scores of one fold.

    Attributes:
        types: T words in alphabetical order.
        single: matrices (T, T) by name: "pairwise", "roc auc", "top K".
        similarity: (T, T) mean cosine of the predictions for each word with each word's actual vector.
        chance: of each single score.
    """

    types: np.ndarray
    single: dict[str, np.ndarray]
    similarity: np.ndarray
    chance: dict[str, float]


def score_fold(predicted: np.ndarray, actual: np.ndarray, words: np.ndarray, top: tuple[int, ...]) -> FoldScores:
    """Compare predictions with the mean actual vector of each word of the fold.

    - pairwise: share of the other words whose vector is less like the prediction than the right one.
    - top K: whether fewer than K other words are at least as like the prediction.
    - roc auc: over all predictions, how well likeness to the word's vector tells predictions for the word from those
      for other words (Goldstein et al. 2024).

    Args:
        predicted: (m, w), for each test row.
        actual: (m, w).
        words: (m,) str, the types.
        top: the values of K.
    """
    types, code, counts = np.unique(words, return_inverse=True, return_counts=True)
    T, m = len(types), len(words)
    rows = np.zeros((T, m))
    rows[code, np.arange(m)] = 1 / counts[code]
    similarity = _unit(predicted) @ _unit(rows @ actual).T
    below, level = _standing(similarity)
    single = {PAIRWISE: rows @ ((below + 0.5 * level) / max(T - 1, 1)), AREA: _areas(similarity, code, counts)}
    chance = {PAIRWISE: 0.5, AREA: 0.5}
    for k in top:
        single[f"top {k}"] = rows @ (T - 1 - below < k).astype(np.float64)
        chance[f"top {k}"] = min(k / T, 1.0)
    return FoldScores(types, single, rows @ similarity, chance)


def _unit(X: np.ndarray) -> np.ndarray:
    return X / np.maximum(np.linalg.norm(X, axis=1, keepdims=True), 1e-150)


def _standing(similarity: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each row and column (m, T): how many other columns of the row are lower, and how many are equal."""
    from scipy.stats import rankdata

    below = rankdata(similarity, method="min", axis=1) - 1
    return below, rankdata(similarity, method="max", axis=1) - 1 - below


def _areas(similarity: np.ndarray, code: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """(T, T): the area under the curve where predictions for word s are the positives of word t's column."""
    from scipy.stats import rankdata

    m, T = similarity.shape
    sums = np.zeros((T, T))
    np.add.at(sums, code, rankdata(similarity, axis=0))
    positives = counts[:, None]
    return (sums - positives * (positives + 1) / 2) / np.maximum(positives * (m - positives), 1)


@dataclass(frozen=True)
class WordScore:
    """One score over all words that were left out.

    Attributes:
        estimate: its value, the mean over words (over pairs of words of a fold for "two vs two"), and its 95 %
            interval over words.
        chance: expected without any knowledge.
        p: one-sided, from words permuted within each fold with the maps as they are; NaN without permutations.
        words: (W,) of each word, in the order of the folds and of the alphabet; None for "two vs two".
    """

    estimate: Estimate
    chance: float
    p: float
    words: np.ndarray | None


def summarise(folds: list[FoldScores], permutations: int, resamples: int, seed: int) -> dict[str, WordScore]:
    """All scores over all folds, by name; see `WordScore`."""
    generator = np.random.default_rng(seed)
    names = list(folds[0].single)
    by_word = {name: np.concatenate([np.diag(fold.single[name]) for fold in folds]) for name in names}
    pairs = [_two_vs_two(fold.similarity) for fold in folds]
    chance = np.empty((permutations, len(names) + 1))
    for row in chance:
        orders = [generator.permutation(len(fold.types)) for fold in folds]
        for place, name in enumerate(names):
            row[place] = _mean([fold.single[name][np.arange(len(o)), o] for fold, o in zip(folds, orders, strict=True)])
        row[-1] = _mean(
            [_above(_two_vs_two(fold.similarity[:, order])) for fold, order in zip(folds, orders, strict=True)]
        )
    found = {}
    for place, name in enumerate(names):
        values = by_word[name]
        expected = float(np.repeat([f.chance[name] for f in folds], [len(f.types) for f in folds]).mean())
        estimate = never_certain(interval_over_words(values, resamples, seed), len(values))
        found[name] = WordScore(estimate, expected, float(kept_p(chance[:, place], estimate.value)), values)
    estimate = _interval_over_pairs(pairs, resamples, seed)
    found[TWO_VS_TWO] = WordScore(estimate, 0.5, float(kept_p(chance[:, -1], estimate.value)), None)
    return found


def interval_over_words(values: np.ndarray, resamples: int, seed: int) -> Estimate:
    """The mean of values (W,), and its 95 % interval when words are drawn anew."""
    return bootstrap(lambda weights: weights @ values / weights.sum(1), len(values), len(values), resamples, seed)


def never_certain(share: Estimate, words: int) -> Estimate:
    """The same, but where all or none were right, which no resample can change, with the bound of so many successes or
    failures in a row (Clopper and Pearson 1934).
    """
    bound = float((1 - INTERVAL[1] / 100) ** (1 / words))
    if share.value == 1:
        return Estimate(1.0, bound, 1.0)
    return Estimate(0.0, 0.0, 1 - bound) if share.value == 0 else share


def _two_vs_two(similarity: np.ndarray) -> np.ndarray:
    """(T, T), symmetric: whether two words are matched the right way round; 0.5 for a tie."""
    own = np.diag(similarity)
    margin = own[:, None] + own - similarity - similarity.T
    return np.where(np.abs(margin) < 1e-12, 0.5, margin > 0)


def _interval_over_pairs(pairs: list[np.ndarray], resamples: int, seed: int) -> Estimate:
    ends = np.cumsum([0, *(len(one) for one in pairs)])
    different = [1.0 - np.eye(len(one)) for one in pairs]

    def share(weights: np.ndarray) -> np.ndarray:
        right, total = np.zeros(len(weights)), np.zeros(len(weights))
        for start, stop, correct, off in zip(ends[:-1], ends[1:], pairs, different, strict=True):
            drawn = weights[:, start:stop]
            right += ((drawn @ (correct * off)) * drawn).sum(1)
            total += ((drawn @ off) * drawn).sum(1)
        with np.errstate(invalid="ignore"):
            return right / total

    return never_certain(bootstrap(share, int(ends[-1]), int(ends[-1]), resamples, seed), int(ends[-1]))


def _above(matrix: np.ndarray) -> np.ndarray:
    return matrix[np.triu_indices(len(matrix), 1)]


def _mean(parts: list[np.ndarray]) -> float:
    return float(np.concatenate(parts).mean())
