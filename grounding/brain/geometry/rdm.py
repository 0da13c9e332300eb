"""Representational dissimilarity matrices: how differently a brain region, or a model, treats each pair of conditions.

A matrix is kept as the vector of its pairs above the diagonal, row by row, as scipy's `squareform` has it: n conditions
have n (n - 1) / 2 pairs. Squared distances are means over channels, so that regions of different size compare.
"""

from typing import Literal, get_args

import numpy as np

from grounding.alignment.checks import check_matrix
from grounding.errors import InputError

Distance = Literal["correlation", "cosine", "euclidean", "squared euclidean", "mahalanobis"]


def rdm(
    patterns: np.ndarray, distance: Distance = "correlation", *, covariance: np.ndarray | None = None
) -> np.ndarray:
    """Dissimilarities of all pairs of conditions (Kriegeskorte, Mur and Bandettini 2008).

    - correlation: 1 - Pearson's r of the two patterns.
    - cosine: 1 - their cosine.
    - squared euclidean: |a - b|^2 / v; euclidean: its root.
    - mahalanobis: (a - b)' C^-1 (a - b) / v, squared, with the noise covariance C (Walther et al. 2016).

    All but the correlation and the cosine grow with noise, also where the patterns do not differ; see `crossnobis`.

    Args:
        patterns: (n, v), a condition a row.
        distance: which.
        covariance: (v, v) of the noise, for mahalanobis; see `noise_covariance`.

    Returns:
        (n (n - 1) / 2,) float64.

    Raises:
        InputError: fewer than two conditions, NaN or infinity, a pattern without variation (correlation) or length
            (cosine), or a covariance that is missing, unwanted, or not positive definite.

    Example:
        >>> animacy = rdm(labels[:, None], "squared euclidean")
    """
    X = check_matrix(patterns, "patterns").astype(np.float64)
    if len(X) < 2:
        raise InputError("patterns: one condition found, expected at least two")
    if (covariance is None) == (distance == "mahalanobis"):
        raise InputError(f"covariance: {'none' if covariance is None else 'one'} found for distance {distance!r}")
    if distance in ("correlation", "cosine"):
        return _angles(X, centred=distance == "correlation")
    if distance not in get_args(Distance):
        raise InputError(f"distance: {distance!r} found, expected one of {', '.join(get_args(Distance))}")
    if covariance is not None:
        X = whiten(X, covariance)
    squared = _squared(X @ X.T) / X.shape[1]
    return np.sqrt(squared) if distance == "euclidean" else squared


def crossnobis(patterns: np.ndarray, *, covariance: np.ndarray | None = None) -> np.ndarray:
    """Cross-validated squared Mahalanobis distances: zero on average where two conditions do not differ.

    The difference of two conditions in one run is multiplied with their difference in the mean of the other runs, over
    all runs: sum_k (a - b)_k' C^-1 (a - b)_-k / (K v). Noise that is independent between runs then adds nothing, and
    values below 0 are to be kept (Walther et al. 2016; Diedrichsen et al. 2021).

    Args:
        patterns: (K, n, v): runs, conditions, channels. Each run is one independent measurement.
        covariance: (v, v) of the noise within runs, or None for the identity: the cross-validated Euclidean distance.

    Returns:
        (n (n - 1) / 2,) float64.

    Raises:
        InputError: fewer than two runs or conditions, NaN or infinity, or a covariance that is not positive definite.
    """
    shape = np.shape(patterns)
    if len(shape) != 3 or shape[0] < 2 or shape[1] < 2:
        raise InputError(f"patterns: shape {shape} found, expected (runs, conditions, channels), two runs or more")
    flat = check_matrix(np.reshape(patterns, (-1, shape[2])), "patterns").astype(np.float64)
    if covariance is not None:
        flat = whiten(flat, covariance)
    P = flat.reshape(shape)
    total = P.sum(0)
    # Each run with the mean of the others, summed over the runs: (total total' - sum_k P_k P_k') / (K - 1).
    kernel = (total @ total.T - np.einsum("kiv,kjv->ij", P, P, optimize=True)) / (len(P) - 1)
    return _squared(kernel, clip=False) / (len(P) * shape[2])


def noise_covariance(residuals: np.ndarray, *, degrees_of_freedom: int | None = None) -> np.ndarray:
    """The covariance of noise over channels, its correlations shrunk towards 0 just as much as they are uncertain.

    S* = diagonal of S + (1 - l) the rest, with l the sum of the estimated variances of the correlations divided by the
    sum of their squares (Schäfer and Strimmer 2005). Unlike the plain covariance it can be inverted with more channels
    than residuals.

    Args:
        residuals: (m, v): what a general linear model left over, or repetitions minus the mean of their condition.
            Only of training rows, where what it whitens is tested on others.
        degrees_of_freedom: of the residuals; m - 1 unless given. Repetitions minus C condition means have m - C.

    Returns:
        (v, v) float64, positive definite.

    Raises:
        InputError: fewer than three residuals, NaN or infinity, or a channel that is constant.
    """
    X = check_matrix(residuals, "residuals").astype(np.float64)
    if len(X) < 3:
        raise InputError(f"residuals: {len(X)} rows found, expected at least three")
    X = X - X.mean(0)
    m = len(X)
    freedom = m - 1 if degrees_of_freedom is None else degrees_of_freedom
    if freedom < 1:
        raise InputError(f"degrees of freedom: {freedom} found, expected at least 1")
    spread = np.sqrt((X**2).sum(0) / freedom)
    if not spread.all():
        raise InputError(f"residuals: channel {int(spread.argmin())} is constant; leave it out of patterns too")
    Z = X / spread
    covariance = X.T @ X / freedom
    correlation, square = Z.T @ Z / (m - 1), (Z**2).T @ (Z**2) / (m - 1)
    uncertain = m / freedom**2 * (square - correlation**2)
    off = ~np.eye(X.shape[1], dtype=bool)
    size = (correlation[off] ** 2).sum()
    shrinkage = float(np.clip(uncertain[off].sum() / size, 0, 1)) if size else 1.0
    return np.where(off, 1 - shrinkage, 1.0) * covariance


def repetition_residuals(patterns: np.ndarray) -> np.ndarray:
    """Of runs by conditions by channels (K, n, v), each minus its condition's mean over runs: (K n, v), for
    `noise_covariance` with ``degrees_of_freedom=(K - 1) * n``.
    """
    P = np.asarray(patterns, dtype=np.float64)
    return (P - P.mean(0)).reshape(-1, P.shape[-1])


def whiten(patterns: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Patterns (n, v) multiplied so that noise of this covariance (v, v) becomes the identity.

    Raises:
        InputError: a covariance of another shape, or not positive definite.
    """
    covariance = np.asarray(covariance, dtype=np.float64)
    v = patterns.shape[1]
    if covariance.shape != (v, v):
        raise InputError(f"covariance: shape {covariance.shape} found, expected {(v, v)}, the channels of the patterns")
    try:
        lower = np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError:
        raise InputError("covariance: not positive definite; use noise_covariance, which shrinks it") from None
    return np.linalg.solve(lower, patterns.T).T


def conditions_of(pairs: int) -> int:
    """How many conditions have so many pairs. Raises InputError where no number has."""
    n = (1 + int(np.sqrt(1 + 8 * pairs))) // 2
    if pairs < 1 or n * (n - 1) // 2 != pairs:
        raise InputError(f"RDM: {pairs} pairs found, which no number of conditions has; expected n (n - 1) / 2")
    return n


def square(pairs: np.ndarray) -> np.ndarray:
    """The symmetric matrix (n, n) with zeros on the diagonal, from the pairs."""
    n = conditions_of(len(pairs))
    upper = np.zeros((n, n), dtype=pairs.dtype)
    upper[np.triu_indices(n, 1)] = pairs
    return upper + upper.T


def pairs_of(matrix: np.ndarray) -> np.ndarray:
    """The pairs (n (n - 1) / 2,) float64 of a symmetric matrix (n, n), such as one that was published.

    Raises:
        InputError: not square, not symmetric, or NaN beside the diagonal.
    """
    matrix = np.asarray(matrix, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or len(matrix) < 2:
        raise InputError(f"RDM: shape {matrix.shape} found, expected (n, n)")
    above = np.triu_indices(len(matrix), 1)
    found = matrix[above]
    if not np.isfinite(found).all():
        raise InputError("RDM: NaN or infinity beside the diagonal; leave out conditions that were not measured")
    if not np.allclose(found, matrix.T[above], rtol=1e-5, atol=1e-8):
        raise InputError("RDM: not symmetric, expected the same dissimilarity both ways")
    return found


def _angles(X: np.ndarray, centred: bool) -> np.ndarray:
    if centred:
        X = X - X.mean(axis=1, keepdims=True)
    length = np.linalg.norm(X, axis=1)
    if (length <= 1e-12 * max(length.max(), 1e-300)).any():
        what = "is the same in all channels" if centred else "is zero in all channels"
        raise InputError(f"patterns: condition {int(length.argmin())} {what} and has no direction; leave it out")
    X = X / length[:, None]
    return 1 - (X @ X.T)[np.triu_indices(len(X), 1)]


def _squared(kernel: np.ndarray, clip: bool = True) -> np.ndarray:
    """Squared distances of pairs from inner products (n, n); rounding must not take plain ones below 0."""
    size = np.diag(kernel)
    distances = (size[:, None] + size - kernel - kernel.T)[np.triu_indices(len(kernel), 1)]
    return np.maximum(distances, 0) if clip else distances
