"""Fair comparison of two models: as many dimensions for both, and a paired test.

A wider embedding fits more of anything, so "better" may mean no more than "larger"; the advantage of larger language
models can turn round when all are brought to the same number of dimensions (arXiv 2505.12196).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from grounding.brain.significance import Interval, Significance, over_subjects, sign_flip
from grounding.errors import InputError


@dataclass(frozen=True)
class Projection:
    """A linear map to fewer dimensions, fitted in training rows and then applied to any.

    Attributes:
        mean: (p,) float64, taken off first.
        matrix: (p, d) float64.
    """

    mean: np.ndarray
    matrix: np.ndarray

    def __call__(self, X: np.ndarray) -> np.ndarray:
        """(n, p) to (n, d), in the dtype of X."""
        if X.ndim != 2 or X.shape[1] != len(self.mean):
            raise InputError(f"features: {X.shape}, expected (rows, {len(self.mean)}) as the projection was made for")
        return (X @ self.matrix.astype(X.dtype)) - (self.mean @ self.matrix).astype(X.dtype)


def principal_components(train: np.ndarray, dimension: int) -> Projection:
    """The directions of largest variance in these rows. Give the training rows of one fold, and no other.

    The sign of each direction makes its largest entry positive, so it does not depend on the machine.

    Args:
        train: (n, p) float.
        dimension: d, at most p and less than n.

    Raises:
        InputError: a dimension that does not fit, or values that are not finite.

    Example:
        >>> project = principal_components(X[fold.train], 50)
        >>> train, test = project(X[fold.train]), project(X[fold.test])
    """
    if train.ndim != 2 or not len(train) or not np.isfinite(train.sum(0, dtype=np.float64)).all():
        raise InputError(f"train: {train.shape}, expected (rows, features) with finite values only")
    if not 1 <= dimension <= train.shape[1]:
        raise InputError(f"dimension: {dimension} found, expected 1 to {train.shape[1]}, the width of the features")
    if dimension >= len(train):
        raise InputError(f"dimension: {dimension} of {len(train)} training rows, expected fewer dimensions than rows")
    mean = train.mean(0, dtype=np.float64)
    centred = train - mean
    if len(train) >= train.shape[1]:
        directions = np.linalg.eigh(centred.T @ centred)[1][:, ::-1][:, :dimension]
    else:
        # The eigenvectors of the smaller matrix give those of the larger one.
        values, vectors = np.linalg.eigh(centred @ centred.T)
        scale = np.sqrt(np.maximum(values[::-1][:dimension], np.finfo(np.float64).tiny))
        directions = centred.T @ (vectors[:, ::-1][:, :dimension] / scale)
    largest = np.abs(directions).argmax(0)
    return Projection(mean, directions * np.sign(directions[largest, np.arange(dimension)]))


@dataclass(frozen=True)
class PairedComparison:
    """Two models over the same subjects (or other independent units).

    Attributes:
        difference: (v,) mean of the first minus the second, with a t interval over subjects.
        test: the sign-flip test of the differences, corrected over targets.
    """

    difference: Interval
    test: Significance


def compare_over_subjects(
    first: np.ndarray,
    second: np.ndarray,
    *,
    by: Literal["difference", "z"] = "difference",
    level: float = 0.95,
    permutations: int = 10_000,
    seed: int = 0,
) -> PairedComparison:
    """Paired test whether one model scores higher over subjects.

    Rows must be independent of one another: subjects are; the voxels or electrodes of a subject are not, so average
    them first. For two models in one recording use `significance.difference_permutation`.

    Args:
        first: (S, v) or (S,) scores of one model.
        second: the other model's, of the same shape.
        by: "difference" of the scores as they are, or of Fisher's "z" of correlations.
        level: of the interval.
        permutations: as in `significance.sign_flip`.
        seed: as there.

    Raises:
        InputError: shapes that differ, fewer than 6 subjects, values that are not finite.
    """
    first, second = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if first.shape != second.shape:
        raise InputError(f"scores: {first.shape} and {second.shape}, expected the same subjects and targets twice")
    if by not in ("difference", "z"):
        raise InputError(f"by: {by!r} found, expected 'difference' or 'z'")
    if by == "z":
        first, second = np.arctanh(first), np.arctanh(second)
    difference = first - second
    test = sign_flip(difference, permutations=permutations, seed=seed)
    return PairedComparison(over_subjects(difference, level=level), test)
