"""Representational similarity analysis: does a model tell the same conditions apart as a brain region does?

Dissimilarity matrices are vectors of pairs (see `rdm`). A score comes with its interval, with a p-value from permuted
conditions, and with the noise ceiling: what a perfect model could reach, given how well subjects agree.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from grounding.brain.geometry.rdm import conditions_of, square
from grounding.errors import InputError
from grounding.text.evaluation.estimates import INTERVAL, Estimate

Comparison = Literal["spearman", "kendall", "pearson", "cosine", "whitened cosine", "whitened correlation"]


def compare(models: np.ndarray, brains: np.ndarray, method: Comparison = "spearman") -> np.ndarray:
    """How alike dissimilarity matrices are, each of the first with each of the second.

    - spearman, pearson, cosine: of the vectors of pairs.
    - kendall: tau-a, which unlike Spearman does not favour models that predict ties (Nili et al. 2014).
    - whitened cosine, whitened correlation: pairs that share a condition have correlated errors; this takes their
      covariance under equal independent noise into account (Diedrichsen et al. 2021). It is the cosine of the
      double-centred second-moment matrices -½ J D J, and so linear CKA where distances are squared Euclidean; the
      correlation subtracts the mean of the pairs first. Meant for squared, best for crossnobis distances.

    Args:
        models: (m, pairs), or (pairs,) for one.
        brains: (k, pairs), or (pairs,). A pair that is not finite in any matrix is left out of all.
        method: which.

    Returns:
        (m, k) float64; NaN where a matrix does not vary.

    Raises:
        InputError: different numbers of conditions, fewer than three pairs in all, or an unknown method.
    """
    A, B = np.atleast_2d(np.asarray(models, np.float64)), np.atleast_2d(np.asarray(brains, np.float64))
    if A.shape[1] != B.shape[1]:
        raise InputError(
            f"RDMs: {conditions_of(A.shape[1])} and {conditions_of(B.shape[1])} conditions found, expected the same"
        )
    conditions_of(A.shape[1])
    if method not in get_args(Comparison):
        raise InputError(f"method: {method!r} found, expected one of {', '.join(get_args(Comparison))}")
    present = np.asarray(np.isfinite(np.vstack([A, B])).all(axis=0))
    if present.sum() < 3:
        raise InputError(f"RDMs: {int(present.sum())} pairs found in all of them, expected at least three")
    if method == "kendall":
        return _kendall(A[:, present], B[:, present])
    A, B = (_prepared(Z, present, method) for Z in (A, B))
    with np.errstate(invalid="ignore", divide="ignore"):
        return A @ B.T / np.linalg.norm(A, axis=1)[:, None] / np.linalg.norm(B, axis=1)


def _prepared(rdms: np.ndarray, present: np.ndarray, method: str) -> np.ndarray:
    """Vectors whose cosine is the comparison."""
    kept = rdms[:, present]
    if method == "spearman":
        from scipy.stats import rankdata

        kept = rankdata(kept, axis=1)
    if method in ("spearman", "pearson", "whitened correlation"):
        kept = kept - kept.mean(axis=1, keepdims=True)
    if not method.startswith("whitened"):
        return kept
    full = np.zeros_like(rdms)
    full[:, present] = kept
    weights = square(present.astype(np.float64))
    np.fill_diagonal(weights, 1)
    return np.stack([_centred(-0.5 * square(one), weights).ravel() for one in full])


def _centred(G: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """G (n, n) without the effects of rows and columns, fitted where the weights are 1: J G J where all are."""
    effects = np.linalg.solve(np.diag(weights.sum(1)) + weights, (weights * G).sum(1))
    return weights * (G - effects[:, None] - effects)


def _kendall(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    from scipy.stats import kendalltau

    # scipy divides by the pairs that are not tied in either; tau-a divides by all.
    untied_a, untied_b = ([_untied(one) for one in Z] for Z in (A, B))
    all_pairs = A.shape[1] * (A.shape[1] - 1) / 2
    tau = np.array([[kendalltau(a, b).statistic for b in B] for a in A])
    return tau * np.sqrt(np.outer(untied_a, untied_b)) / all_pairs


def _untied(values: np.ndarray) -> float:
    counts = np.unique(values, return_counts=True)[1].astype(np.float64)
    return (len(values) * (len(values) - 1) - (counts * (counts - 1)).sum()) / 2


def pooled(rdms: np.ndarray, method: Comparison) -> np.ndarray:
    """The mean matrix (pairs,) over subjects (S, pairs), each brought to the scale that the comparison ignores.

    For the cosine, Pearson's and Spearman's correlation no matrix has a higher mean score over the subjects; for
    Kendall's tau-a mean ranks come close (Nili et al. 2014).
    """
    if method in ("spearman", "kendall"):
        from scipy.stats import rankdata

        return rankdata(rdms, axis=1).mean(0)
    if method in ("pearson", "whitened correlation"):
        rdms = rdms - rdms.mean(axis=1, keepdims=True)
    return (rdms / np.sqrt((rdms**2).mean(axis=1, keepdims=True))).mean(0)


def noise_ceiling(brains: np.ndarray, method: Comparison = "spearman") -> tuple[float, float]:
    """Between which two scores the best possible model would lie (Nili et al. 2014).

    Args:
        brains: (S, pairs), a subject a row, at least two.
        method: of comparison.

    Returns:
        Lower bound: the mean score of the pooled matrix of the other subjects. Upper bound: that of the pooled matrix
        of all, which has seen the subject it is compared with.

    Raises:
        InputError: fewer than two subjects.
    """
    brains = np.atleast_2d(np.asarray(brains, np.float64))
    if len(brains) < 2:
        raise InputError(f"noise ceiling: {len(brains)} subject found, expected at least two")
    upper = compare(pooled(brains, method), brains, method).mean()
    others = [pooled(np.delete(brains, s, axis=0), method) for s in range(len(brains))]
    lower = np.mean([compare(other, brain, method).item() for other, brain in zip(others, brains, strict=True)])
    return float(lower), float(upper)


@dataclass(frozen=True)
class Similarity:
    """How well a model's matrix agrees with the brain's.

    Attributes:
        score: the mean over subjects, with its 95 % interval.
        subjects: (S,) of each.
        p: one-sided, from permuted conditions; never 0.
        p_corrected: the same against the best of all models in each permutation (family-wise).
    """

    score: Estimate
    subjects: np.ndarray
    p: float
    p_corrected: float


@dataclass(frozen=True)
class SimilarityAnalysis:
    """Models against the matrices of one region.

    Attributes:
        models: by name.
        ceiling: lower and upper noise ceiling, or None for one subject.
        method: of comparison.
        resampled: what the intervals drew anew, "conditions" or "subjects".
        conditions: how many.
        permutations: how many.
        seed: of resamples and permutations.
    """

    models: Mapping[str, Similarity]
    ceiling: tuple[float, float] | None
    method: Comparison
    resampled: str
    conditions: int
    permutations: int
    seed: int

    def table(self) -> list[dict[str, object]]:
        """A row for each model."""
        lower, upper = self.ceiling if self.ceiling is not None else (None, None)
        return [
            {
                "model": name,
                "score": one.score.value,
                "low": one.score.low,
                "high": one.score.high,
                "p": one.p,
                "p corrected": one.p_corrected,
                "ceiling low": lower,
                "ceiling high": upper,
            }
            for name, one in self.models.items()
        ]


def similarity_analysis(
    models: Mapping[str, np.ndarray],
    brains: np.ndarray,
    *,
    method: Comparison = "spearman",
    resample: Literal["conditions", "subjects"] = "conditions",
    resamples: int = 1000,
    permutations: int = 1000,
    seed: int = 0,
) -> SimilarityAnalysis:
    """Scores of models with interval, p-value and noise ceiling.

    The interval generalises to other conditions or to other subjects, whichever is resampled; a pair of a condition
    with itself is left out of a resample. The p-value permutes the conditions of the brain's matrices, the same way
    for all subjects, and asks how often chance does as well.

    Args:
        models: a matrix (pairs,) by name.
        brains: (S, pairs), a subject a row, or (pairs,).
        method: of comparison.
        resample: for the intervals.
        resamples: how many.
        permutations: how many; the smallest p is 1 / (permutations + 1).
        seed: of both.

    Raises:
        InputError: no model, matrices that do not fit or with NaN, fewer than four conditions, or fewer than two
            subjects to resample.

    Example:
        >>> similarity_analysis({"word2vec": rdm(vectors)}, rdm(patterns)).models["word2vec"].score
    """
    brains = np.atleast_2d(np.asarray(brains, np.float64))
    n = conditions_of(brains.shape[1])
    if not models or n < 4:
        raise InputError(f"RSA: {len(models)} models and {n} conditions found, expected one and four at least")
    for name, one in models.items():
        if np.shape(one) != brains.shape[1:] or not np.isfinite(one).all():
            raise InputError(f"model {name!r}: {np.shape(one)}, expected {brains.shape[1:]} finite pairs as the brain")
    if not np.isfinite(brains).all():
        raise InputError("brain RDMs: NaN or infinity found; leave out conditions that were not measured")
    if resample == "subjects" and len(brains) < 2:
        raise InputError("resample: 'subjects' found for one subject; use 'conditions'")
    A = np.stack([np.asarray(one, np.float64) for one in models.values()])
    scores = compare(A, brains, method)
    generator = np.random.default_rng(seed)
    if resample == "subjects":
        drawn = scores[:, generator.integers(len(brains), size=(resamples, len(brains)))].mean(2).T
    else:
        drawn = _condition_resamples(A, brains, method, n, resamples, generator)
    low, high = np.nanpercentile(drawn, INTERVAL, axis=0)
    chance = _permuted(A, brains, method, n, permutations, generator)
    observed = scores.mean(1)
    p = (1 + (chance >= observed - 1e-12).sum(0)) / (permutations + 1)
    corrected = (1 + (chance.max(1, keepdims=True) >= observed - 1e-12).sum(0)) / (permutations + 1)
    found = {
        name: Similarity(
            Estimate(float(observed[m]), float(low[m]), float(high[m])), scores[m], float(p[m]), float(corrected[m])
        )
        for m, name in enumerate(models)
    }
    ceiling = noise_ceiling(brains, method) if len(brains) > 1 else None
    return SimilarityAnalysis(found, ceiling, method, resample, n, permutations, seed)


def _reordered(rdms: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Matrices (k, pairs) of the conditions in this order; NaN for the pair of a condition with itself."""
    n = len(order)
    place = square(np.arange(rdms.shape[1]))
    first, second = np.triu_indices(n, 1)
    reordered = rdms[:, place[order[first], order[second]]]
    reordered[:, order[first] == order[second]] = np.nan
    return reordered


def _condition_resamples(
    A: np.ndarray, B: np.ndarray, method: Comparison, n: int, resamples: int, generator: np.random.Generator
) -> np.ndarray:
    """(resamples, models)."""
    drawn = np.full((resamples, len(A)), np.nan)
    for row in drawn:
        order = generator.integers(n, size=n)
        if len(set(order.tolist())) >= 3:
            row[:] = compare(_reordered(A, order), _reordered(B, order), method).mean(1)
    return drawn


def _permuted(
    A: np.ndarray, B: np.ndarray, method: Comparison, n: int, permutations: int, generator: np.random.Generator
) -> np.ndarray:
    """(permutations, models)."""
    # The models' ranks and centred matrices are the same in every permutation; only Kendall's tau has no such form.
    everything = np.ones(A.shape[1], dtype=bool)
    chance = np.empty((permutations, len(A)))
    if method == "kendall":
        for row in chance:
            row[:] = compare(A, _reordered(B, generator.permutation(n)), method).mean(1)
        return chance
    ready_a, ready_b = (_unit(_prepared(Z, everything, method)) for Z in (A, B))
    mean_b = ready_b.mean(0)
    for row in chance:
        order = generator.permutation(n)
        if method.startswith("whitened"):
            row[:] = ready_a @ mean_b.reshape(n, n)[np.ix_(order, order)].ravel()
        else:
            row[:] = ready_a @ _reordered(mean_b[None], order)[0]
    return chance


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
