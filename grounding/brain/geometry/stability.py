"""Voxels that respond to words the same way each time they are presented (Mitchell et al. 2008)."""

import numpy as np

from grounding.errors import InputError


def stability(presentations: np.ndarray) -> np.ndarray:
    """For each voxel the mean, over pairs of presentations, of the correlation of its responses to all words.

    Args:
        presentations: (R, n, v): times that each word was shown, words, voxels.

    Returns:
        (v,) float64; -1 for a voxel that is constant in a presentation, so that it is chosen last.

    Raises:
        InputError: fewer than two presentations or three words.
    """
    P = _checked(presentations)
    return _mean_correlation(P.sum(1), _products(P), P.shape[1])


def stable_voxels(presentations: np.ndarray, count: int) -> np.ndarray:
    """The most stable voxels, chosen for each pair of words from all other words.

    Sums over words are updated for the two that are left out; nothing is summed anew.

    Args:
        presentations: (R, n, v).
        count: how many voxels.

    Returns:
        bool (n, n, v), symmetric: the voxels for the pair of words i and j; none on the diagonal.

    Raises:
        InputError: fewer than two presentations or five words, or a count that there is not.
    """
    P = _checked(presentations)
    repetitions, n, v = P.shape
    if n < 5 or not 1 <= count <= v:
        raise InputError(f"voxels: {count} of {v} asked for with {n} words; expected 1 to {v}, and five words or more")
    P = P - P.mean(axis=1, keepdims=True)
    products, masks = _products(P), np.zeros((n, n, v), dtype=bool)
    for i, j in zip(*np.triu_indices(n, 1), strict=True):
        left_out = P[:, [i, j]]
        score = _mean_correlation(-left_out.sum(1), products - _products(left_out), n - 2)
        chosen = np.argsort(-score, kind="stable")[:count]
        masks[i, j, chosen] = masks[j, i, chosen] = True
    return masks


def _checked(presentations: np.ndarray) -> np.ndarray:
    P = np.asarray(presentations, dtype=np.float64)
    if P.ndim != 3 or P.shape[0] < 2 or P.shape[1] < 3:
        raise InputError(
            f"presentations: shape {P.shape} found, expected (presentations, words, voxels), two and three at least"
        )
    if not np.isfinite(P).all():
        raise InputError("presentations: NaN or infinity found; leave such voxels out")
    return P


def _products(P: np.ndarray) -> np.ndarray:
    """(R, R, v): sums over words of products of two presentations."""
    return np.einsum("rnv,qnv->rqv", P, P)


def _mean_correlation(sums: np.ndarray, products: np.ndarray, n: int) -> np.ndarray:
    """(v,) from sums (R, v) and products (R, R, v) over n words."""
    covariance = products - sums[:, None] * sums / n
    variance = np.einsum("rrv->rv", covariance)
    scale = np.einsum("rrv->rv", products) + 1e-300
    constant = (variance <= 1e-12 * scale).any(axis=0)
    spread = np.sqrt(np.maximum(variance, 1e-300))
    first, second = np.triu_indices(len(sums), 1)
    correlation = (covariance[first, second] / (spread[first] * spread[second])).mean(axis=0)
    return np.where(constant, -1.0, correlation)
