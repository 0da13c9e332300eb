"""How many dimensions a representation or a recording really uses."""

import numpy as np

from grounding.alignment.checks import check_matrix
from grounding.errors import InputError


def participation_ratio(X: np.ndarray) -> float:
    """(sum of variances)^2 / sum of squared variances along principal axes: n equal ones count n (Gao et al. 2017).

    Args:
        X: (n, p).

    Returns:
        Between 1 and p; with fewer rows than columns, less than the truth.

    Raises:
        InputError: NaN or infinity, or all rows equal.
    """
    variances = _variances(X)
    return float(variances.sum() ** 2 / (variances**2).sum())


def principal_dimension(X: np.ndarray, share: float = 0.9) -> int:
    """The fewest principal axes that hold this share of the variance, such as 0.9 or 0.95.

    Args:
        X: (n, p).
        share: above 0, up to 1.

    Raises:
        InputError: NaN or infinity, all rows equal, or a share out of range.
    """
    if not 0 < share <= 1:
        raise InputError(f"share: {share} found, expected above 0 and up to 1, such as 0.9")
    variances = _variances(X)
    held = np.cumsum(variances) / variances.sum()
    return int(np.searchsorted(held, share - 1e-12)) + 1


def two_nearest_neighbours(X: np.ndarray, *, discarded: float = 0.1) -> float:
    """Intrinsic dimension by TwoNN: from how much further the second neighbour is than the first (Facco et al. 2017).

    On a manifold of dimension d the ratio m of the two distances has P(m > x) = x^-d, wherever the points lie densely
    enough; d is the slope of -log(1 - rank / n) against log m through the origin, without the largest ratios, which
    follow the law least. It sees curved manifolds, which variances do not, and underestimates above about ten.

    Args:
        X: (n, p); rows that are equal to another count once.
        discarded: the share of the largest ratios that is left out.

    Raises:
        InputError: NaN or infinity, a share out of range, or fewer than ten different rows.
    """
    if not 0 <= discarded < 1:
        raise InputError(f"discarded: {discarded} found, expected 0 up to below 1")
    X = np.unique(check_matrix(X, "X").astype(np.float64), axis=0)
    if len(X) < 10:
        raise InputError(f"TwoNN: {len(X)} different rows found, expected at least ten, and better hundreds")
    nearest = _two_nearest(X - X.mean(0))
    ratios = np.sort(np.log(nearest[:, 1] / nearest[:, 0]))
    kept = int(len(X) * (1 - discarded))
    heights = -np.log1p(-np.arange(1, kept + 1) / (len(X) + (discarded == 0)))
    ratios = ratios[:kept]
    return float(ratios @ heights / (ratios @ ratios))


def _two_nearest(X: np.ndarray, block: int = 512) -> np.ndarray:
    """Distances (n, 2) of each row to its two nearest others."""
    squares = (X**2).sum(1)
    found = np.empty((len(X), 2))
    for start in range(0, len(X), block):
        mine = X[start : start + block]
        distances = squares[start : start + block, None] + squares - 2 * mine @ X.T
        distances[np.arange(len(mine)), start + np.arange(len(mine))] = np.inf
        near = np.argpartition(distances, 2, axis=1)[:, :2]
        # Again by subtraction: of close neighbours far from the mean the products keep few digits.
        found[start : start + block] = np.sort(np.linalg.norm(mine[:, None] - X[near], axis=2), axis=1)
    return found


def _variances(X: np.ndarray) -> np.ndarray:
    X = check_matrix(X, "X").astype(np.float64)
    singular = np.linalg.svd(X - X.mean(0), compute_uv=False)
    if not singular.any():
        raise InputError("X: all rows are equal, so that it has no dimension")
    return singular**2
