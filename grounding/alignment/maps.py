"""Linear maps from one space to another, learned from pairs of rows: Procrustes, ridge, and canonical correlation.

All are computed in float64 from covariances that are summed over blocks of rows, so that 100,000 x 300 float32 numbers
need little more memory than they occupy.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from grounding.alignment.checks import check_matrix, check_pair, check_same_width
from grounding.errors import InputError

ROWS = 8192
"""Rows that are in memory as float64 at a time."""
LARGEST_CONDITION = 1e7
"""A matrix beyond this ratio of largest to smallest singular value has no inverse worth the name."""
SMALLEST_VARIANCE = 1e-10
"""Directions with less than this share of the largest variance are taken for constant."""


@dataclass(frozen=True, eq=False)
class LinearMap:
    """An affine map from a source space of width D to a target space of width E.

    Attributes:
        matrix: float64 (D, E).
        source_mean: float64 (D,), subtracted before the matrix.
        target_mean: float64 (E,), added after it.

    Example:
        >>> german_in_english = procrustes(german[pairs[:, 0]], english[pairs[:, 1]]).apply(german)
    """

    matrix: np.ndarray
    source_mean: np.ndarray
    target_mean: np.ndarray

    def apply(self, X: np.ndarray) -> np.ndarray:
        """Map rows (N, D) to (N, E), in the precision of X.

        Raises:
            InputError: X has another width, or NaN or infinity.
        """
        X = check_matrix(X, "X")
        if X.shape[1] != len(self.matrix):
            raise InputError(f"X: width {X.shape[1]} found, expected {len(self.matrix)}, the source of the map")
        # One product and one addition: (X - m) A + t = X A + (t - m A).
        offset = self.target_mean - self.source_mean @ self.matrix
        return X @ self.matrix.astype(X.dtype) + offset.astype(X.dtype)

    def inverse(self) -> "LinearMap":
        """The exact map back, from the target to the source.

        Raises:
            InputError: there is none, since the widths differ or the matrix is singular.
        """
        rows, columns = self.matrix.shape
        if rows != columns:
            raise InputError(f"inverse: a map from {rows} to {columns} numbers has none; learn one the other way round")
        if np.linalg.cond(self.matrix) > LARGEST_CONDITION:
            raise InputError("inverse: the matrix is singular, so that its source is not to be told from its target")
        return LinearMap(np.linalg.inv(self.matrix), self.target_mean, self.source_mean)


def normalise(X: np.ndarray) -> np.ndarray:
    """Rows of unit length, centred, and of unit length again: the form in which word vectors are best aligned.

    Orthogonal maps cannot move a mean or change lengths, so both sides should agree in them (Artetxe, Labaka and
    Agirre 2016). Normalise a whole vocabulary at once: the mean is that of the rows given.

    Args:
        X: vectors (N, D), none of them zero.

    Returns:
        (N, D) in the precision of X.

    Raises:
        InputError: not such a matrix, or a row of zeros.
    """
    X = unit_rows(check_matrix(X, "X"), "X")
    return unit_rows(X - X.mean(axis=0, dtype=np.float64).astype(X.dtype), "X, centred")


def unit_rows(X: np.ndarray, name: str) -> np.ndarray:
    """Rows divided by their length. Raises InputError naming a row of zeros."""
    length = np.linalg.norm(X, axis=1, keepdims=True)
    if not length.all():
        raise InputError(f"{name}: row {int(length.argmin())} is zero and has no direction; leave such rows out")
    return X / length


def procrustes(X: np.ndarray, Y: np.ndarray, *, scaling: bool = False, centring: bool = False) -> LinearMap:
    """The rotation (or reflection) that brings X closest to Y in the sense of least squares.

    Minimises |s X R - Y| over orthogonal R: with U S V' the singular value decomposition of X'Y, R = U V' and
    s = trace(S) / |X|^2 (Schönemann 1966; Schönemann and Carroll 1970 with scale and translation).

    Args:
        X: source vectors (N, D).
        Y: target vectors (N, D) of the same things.
        scaling: also find s; otherwise it is 1.
        centring: subtract the mean of X, and add that of Y.

    Warns:
        UserWarning: there are fewer pairs than dimensions, so that part of the rotation is arbitrary.

    Raises:
        InputError: shapes that do not fit, NaN or infinity, or with `scaling` an X without any variation.

    Example:
        >>> rotation = procrustes(german, english)
        >>> rotation.inverse().apply(rotation.apply(german))  # german again
    """
    X, Y = check_pair(X, Y)
    check_same_width(X, Y, "X and Y")
    _warn_if_few(X, X.shape[1], "part of the rotation is arbitrary")
    source_mean, target_mean = (_mean(X), _mean(Y)) if centring else (np.zeros(X.shape[1]), np.zeros(Y.shape[1]))
    matrix, singular = _rotation(_product(X, Y, source_mean, target_mean))
    if scaling:
        size = np.trace(_product(X, X, source_mean, source_mean))
        if size == 0:
            raise InputError("X: all rows are equal, so that there is nothing to scale")
        matrix = matrix * (singular.sum() / size)
    return LinearMap(matrix, source_mean, target_mean)


def ridge(X: np.ndarray, Y: np.ndarray, alpha: float) -> LinearMap:
    """The linear map with intercept that predicts Y from X, with small weights preferred.

    Minimises |X W - Y|^2 + alpha |W|^2 on centred X and Y: W = (X'X + alpha I)^-1 X'Y (Hoerl and Kennard 1970).

    Args:
        X: source vectors (N, D).
        Y: target vectors (N, E).
        alpha: penalty, in units of squared X, 0 or above; see `choose_alpha`.

    Raises:
        InputError: shapes that do not fit, NaN or infinity, a negative alpha, or alpha 0 where X does not determine
            the map.
    """
    X, Y = check_pair(X, Y)
    _check_alphas([alpha])
    moments = _Moments.of(X, Y)
    return LinearMap(moments.weights(alpha), moments.source_mean, moments.target_mean)


@dataclass(frozen=True, eq=False)
class AlphaChoice:
    """The penalty with the least expected error, and the errors of all: float64, one for each of the candidates."""

    alpha: float
    errors: np.ndarray


def choose_alpha(
    X: np.ndarray, Y: np.ndarray, alphas: Sequence[float], *, folds: int | None = None, seed: int = 0
) -> AlphaChoice:
    """The penalty of `ridge` by generalised or by k-fold cross-validation.

    Generalised cross-validation (Golub, Heath and Wahba 1979) is the residual divided by (1 - degrees of freedom / N)^2
    and needs no more than one decomposition. Folds are random rows: of time series, whose neighbouring rows resemble
    each other, both promise too much, and the penalty is better chosen with contiguous blocks.

    Args:
        X: source vectors (N, D).
        Y: target vectors (N, E).
        alphas: candidates, above 0.
        folds: how many parts are left out in turn; None for generalised cross-validation.
        seed: of the division into parts.

    Returns:
        The best candidate, and the mean squared error of each, in units of squared Y.

    Raises:
        InputError: as `ridge`, no candidates or one of 0, or more folds than half of the pairs.

    Example:
        >>> map = ridge(X, Y, choose_alpha(X, Y, 10.0 ** np.arange(-3, 4)).alpha)
    """
    X, Y = check_pair(X, Y)
    _check_alphas(alphas)
    if not len(alphas) or min(alphas) == 0:
        raise InputError(f"alphas: {list(alphas)} found, expected at least one number, all above 0")
    if folds is None:
        moments = _Moments.of(X, Y)
        errors = np.array([moments.generalised_error(alpha) for alpha in alphas])
    else:
        if not 2 <= folds <= len(X) // 2:
            raise InputError(f"folds: {folds} found, expected 2 to {len(X) // 2}, so that each has two pairs or more")
        errors = np.zeros(len(alphas))
        for left_out in np.array_split(np.random.default_rng(seed).permutation(len(X)), folds):
            kept = np.ones(len(X), dtype=bool)
            kept[left_out] = False
            moments = _Moments.of(X[kept], Y[kept])
            errors += [moments.squared_error(alpha, X[left_out], Y[left_out]) for alpha in alphas]
        errors /= Y.size
    return AlphaChoice(float(alphas[int(errors.argmin())]), errors)


@dataclass(frozen=True, eq=False)
class CanonicalMaps:
    """Projections of two spaces onto what they share.

    Attributes:
        source: D to dim; the projections of the pairs given have unit variance and are uncorrelated.
        target: E to dim, the same.
        correlations: float64 (dim,), of the projected pairs given, the highest first; on pairs not given expect less.
    """

    source: LinearMap
    target: LinearMap
    correlations: np.ndarray


def cca(X: np.ndarray, Y: np.ndarray, dim: int, *, regularisation: float = 0.0) -> CanonicalMaps:
    """Canonical correlation analysis: the directions of two spaces in which their pairs agree most (Hotelling 1936).

    Both sides are whitened, and the singular vectors of what is then their covariance are the directions. With
    regularisation r each covariance C becomes (1 - r) C + r v I, with v the mean variance (shrinkage as in Ledoit and
    Wolf 2004, after the ridge of Vinod 1976); projections are then only nearly uncorrelated. Directions without
    variance are ignored.

    Args:
        X: vectors (N, D).
        Y: vectors (N, E) of the same things.
        dim: how many directions, at most as many as the lesser space has.
        regularisation: 0 (none) up to 1 (both covariances taken for round).

    Warns:
        UserWarning: no regularisation, and not more pairs than D + E: correlations of 1 are then found in noise.

    Raises:
        InputError: shapes that do not fit, NaN or infinity, a dim or regularisation out of range.
    """
    X, Y = check_pair(X, Y)
    if not 0 <= regularisation <= 1:
        raise InputError(f"regularisation: {regularisation} found, expected 0 to 1, such as 0.1")
    if regularisation == 0:
        _warn_if_few(X, X.shape[1] + Y.shape[1] + 1, "perfect correlations are found in noise; regularise")
    mean_x, mean_y = _mean(X), _mean(Y)
    of_x, of_y = (_product(Z, Z, mean, mean) / len(Z) for Z, mean in ((X, mean_x), (Y, mean_y)))
    across = _product(X, Y, mean_x, mean_y) / len(X)
    whiten_x, whiten_y = _whitening(of_x, regularisation, "X"), _whitening(of_y, regularisation, "Y")
    most = min(whiten_x.shape[1], whiten_y.shape[1])
    if not 1 <= dim <= most:
        raise InputError(f"dim: {dim} found, expected 1 to {most}, the directions in which both vary")
    U, _, Vt = np.linalg.svd(whiten_x.T @ across @ whiten_y, full_matrices=False)
    A, B = whiten_x @ U[:, :dim], whiten_y @ Vt[:dim].T
    A, B = A / np.sqrt(_quadratic(A, of_x, A)), B / np.sqrt(_quadratic(B, of_y, B))
    zeros = np.zeros(dim)
    return CanonicalMaps(LinearMap(A, mean_x, zeros), LinearMap(B, mean_y, zeros), _quadratic(A, across, B))


# ---- Covariances and what is made of them


@dataclass(frozen=True, eq=False)
class _Moments:
    """All that ridge needs of its pairs, with X'X decomposed once for any number of penalties."""

    pairs: int
    source_mean: np.ndarray
    target_mean: np.ndarray
    axes: np.ndarray
    """Eigenvectors of X'X (D, D)."""
    variances: np.ndarray
    """Eigenvalues (D,)."""
    across: np.ndarray
    """X'Y along the axes (D, E)."""
    size: float
    """|Y|^2"""

    @classmethod
    def of(cls, X: np.ndarray, Y: np.ndarray) -> "_Moments":
        mean_x, mean_y = _mean(X), _mean(Y)
        variances, axes = np.linalg.eigh(_product(X, X, mean_x, mean_x))
        size = sum(float(((Y[i : i + ROWS] - mean_y) ** 2).sum()) for i in range(0, len(Y), ROWS))
        across = axes.T @ _product(X, Y, mean_x, mean_y)
        return cls(len(X), mean_x, mean_y, axes, np.clip(variances, 0, None), across, size)

    def weights(self, alpha: float) -> np.ndarray:
        """(D, E)."""
        if alpha == 0 and self.variances[0] <= SMALLEST_VARIANCE * self.variances[-1]:
            raise InputError(
                f"alpha: 0 found, where {self.pairs} pairs do not determine a map from {len(self.axes)} numbers; "
                "expected more pairs, or a penalty above 0"
            )
        return self.axes @ (self.across / (self.variances + alpha)[:, None])

    def generalised_error(self, alpha: float) -> float:
        shrunk = self.variances + alpha
        explained = ((self.across**2).sum(1) * (self.variances + 2 * alpha) / shrunk**2).sum()
        freedom = (self.variances / shrunk).sum() + 1  # of the intercept
        if freedom >= self.pairs:
            return np.inf
        return (self.size - explained) / self.pairs / (1 - freedom / self.pairs) ** 2 / self.across.shape[1]

    def squared_error(self, alpha: float, X: np.ndarray, Y: np.ndarray) -> float:
        predicted = LinearMap(self.weights(alpha), self.source_mean, self.target_mean).apply(X)
        return float(((Y - predicted) ** 2).sum(dtype=np.float64))


def _mean(X: np.ndarray) -> np.ndarray:
    return X.mean(axis=0, dtype=np.float64)


def _product(X: np.ndarray, Y: np.ndarray, mean_x: np.ndarray, mean_y: np.ndarray) -> np.ndarray:
    """(X - mean_x)' (Y - mean_y) in float64, a block of rows at a time."""
    total = np.zeros((X.shape[1], Y.shape[1]))
    for start in range(0, len(X), ROWS):
        total += (X[start : start + ROWS] - mean_x).T @ (Y[start : start + ROWS] - mean_y)
    return total


def _rotation(product: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The orthogonal matrix nearest to a matrix (D, D), and the singular values."""
    U, singular, Vt = np.linalg.svd(product)
    return U @ Vt, singular


def _whitening(covariance: np.ndarray, regularisation: float, name: str) -> np.ndarray:
    """W (D, R) with W'CW = I, for the R directions that vary."""
    mean = np.trace(covariance) / len(covariance)
    variances, axes = np.linalg.eigh(
        (1 - regularisation) * covariance + regularisation * mean * np.eye(len(covariance))
    )
    varies = variances > SMALLEST_VARIANCE * variances[-1]
    if not varies.any():
        raise InputError(f"{name}: all rows are equal, so that nothing correlates with them")
    return axes[:, varies] / np.sqrt(variances[varies])


def _quadratic(A: np.ndarray, C: np.ndarray, B: np.ndarray) -> np.ndarray:
    """The diagonal of A'CB."""
    return ((C @ B) * A).sum(0)


def _check_alphas(alphas: Sequence[float]) -> None:
    for alpha in alphas:
        if not 0 <= alpha < np.inf:
            raise InputError(f"alpha: {alpha} found, expected a finite number, 0 or above")


def _warn_if_few(X: np.ndarray, needed: int, consequence: str) -> None:
    if len(X) < needed:
        warnings.warn(f"{len(X)} pairs found for {needed} unknowns a direction: {consequence}", stacklevel=3)
