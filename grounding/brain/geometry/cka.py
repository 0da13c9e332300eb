"""Centred kernel alignment: how alike two representations of the same rows are, whatever their axes and scale."""

import numpy as np

from grounding.alignment.checks import check_matrix, check_pair
from grounding.errors import InputError


def linear_cka(X: np.ndarray, Y: np.ndarray, *, debiased: bool = True) -> float:
    """Linear CKA: |X'Y|^2 / (|X'X| |Y'Y|) of centred X and Y (Kornblith et al. 2019).

    It is 1 for representations that differ by a rotation and a scale, and does not see either. The plain form grows
    with the number of columns and is near 1 for any two random matrices with more columns than rows; the debiased form
    puts the unbiased estimate of HSIC (Song et al. 2012) in its place and is 0 on average for unrelated ones, sometimes
    below (Nguyen, Raghu and Kornblith 2021; Murphy, Zylberberg and Fyshe 2024, who show how much this matters for
    brain data).

    Args:
        X: (n, p), features or responses.
        Y: (n, q), the same rows.
        debiased: leave False only to compare with published plain values.

    Returns:
        At most 1. NaN where a debiased norm is not above 0: X or Y is no more alike to itself than noise is.

    Raises:
        InputError: shapes that do not fit, NaN or infinity, all rows equal, or debiased with fewer than four rows.

    Example:
        >>> linear_cka(layer, responses.data)
    """
    X, Y = (_varying(Z, name) for Z, name in zip(check_pair(X, Y), ("X", "Y"), strict=True))
    n = len(X)
    if max(X.shape[1], Y.shape[1]) < n:
        return _from_features(X, Y, debiased)
    return _alignment(X @ X.T, Y @ Y.T, debiased)


def rbf_cka(X: np.ndarray, Y: np.ndarray, *, bandwidth: float = 1.0, debiased: bool = True) -> float:
    """CKA with the kernel exp(-|x - x'|^2 / (2 (bandwidth m)^2)), m the median distance within X or Y.

    With a small bandwidth only near neighbours count; with a large one it comes close to `linear_cka` (Kornblith et al.
    2019, who take 0.2 to 0.8 and more). Arguments, value and errors as there.

    Args:
        X: (n, p).
        Y: (n, q).
        bandwidth: in units of the median distance.
        debiased: as of `linear_cka`.
    """
    if not bandwidth > 0:
        raise InputError(f"bandwidth: {bandwidth} found, expected a number above 0, in units of the median distance")
    X, Y = (_varying(Z, name) for Z, name in zip(check_pair(X, Y), ("X", "Y"), strict=True))
    return _alignment(_rbf(X, bandwidth), _rbf(Y, bandwidth), debiased)


def _varying(X: np.ndarray, name: str) -> np.ndarray:
    X = check_matrix(X, name).astype(np.float64)
    X = X - X.mean(axis=0)
    # Scaled so that squares of squares neither vanish nor overflow; CKA does not see it.
    size = np.abs(X).max()
    if size == 0:
        raise InputError(f"{name}: all rows are equal, so that nothing can be alike to them")
    return X / size


def _rbf(X: np.ndarray, bandwidth: float) -> np.ndarray:
    squares = (X**2).sum(1)
    distances = np.maximum(squares[:, None] + squares - 2 * X @ X.T, 0)
    median = np.median(distances[np.triu_indices(len(X), 1)])
    if median == 0:
        raise InputError("rbf CKA: more than half of the pairs of rows are equal; leave repetitions out")
    return np.exp(-distances / (2 * bandwidth**2 * median))


def _alignment(K: np.ndarray, L: np.ndarray, debiased: bool) -> float:
    hsic = _unbiased if debiased else _plain
    return _ratio(hsic(K, L), hsic(K, K), hsic(L, L))


def _ratio(across: float, first: float, second: float) -> float:
    return across / np.sqrt(first * second) if first > 0 and second > 0 else float("nan")


def _plain(K: np.ndarray, L: np.ndarray) -> float:
    return float((_doubly_centred(K) * _doubly_centred(L)).sum())


def _doubly_centred(K: np.ndarray) -> np.ndarray:
    means = K.mean(0)
    return K - means - means[:, None] + means.mean()


def _unbiased(K: np.ndarray, L: np.ndarray) -> float:
    """HSIC_1 of Song et al. (2012), times n (n - 3): tr(KL) + 1'K1 1'L1 / (n-1)(n-2) - 2 1'KL1 / (n-2), without the
    diagonals.
    """
    n = _enough(len(K))
    K, L = K - np.diag(np.diag(K)), L - np.diag(np.diag(L))
    rows_k, rows_l = K.sum(1), L.sum(1)
    return float((K * L).sum() + rows_k.sum() * rows_l.sum() / ((n - 1) * (n - 2)) - 2 * rows_k @ rows_l / (n - 2))


def _from_features(X: np.ndarray, Y: np.ndarray, debiased: bool) -> float:
    """The same without any matrix of rows by rows."""

    def hsic(A: np.ndarray, B: np.ndarray) -> float:
        total = float(((A.T @ B) ** 2).sum())
        if not debiased:
            return total
        # A and B are centred: a row of their kernels without the diagonal sums to minus what the diagonal holds.
        n = _enough(len(A))
        diagonal_a, diagonal_b = (A**2).sum(1), (B**2).sum(1)
        shared = diagonal_a @ diagonal_b
        return float(total - shared + diagonal_a.sum() * diagonal_b.sum() / ((n - 1) * (n - 2)) - 2 * shared / (n - 2))

    return _ratio(hsic(X, Y), hsic(X, X), hsic(Y, Y))


def _enough(n: int) -> int:
    if n < 4:
        raise InputError(f"debiased CKA: {n} rows found, expected at least four")
    return n
