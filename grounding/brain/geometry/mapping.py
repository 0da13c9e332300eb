"""Linear maps between word vectors and brain patterns, with everything fitted to training rows."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from grounding.brain.folds import ByWordType
from grounding.brain.rows import Rows
from grounding.errors import InputError

Predict = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Standardisation:
    """Columns minus their mean, divided by their spread in the rows that were fitted; constant columns become 0.

    Attributes:
        mean: (p,) float64.
        scale: (p,) float64, infinite for constant columns.
    """

    mean: np.ndarray
    scale: np.ndarray

    @classmethod
    def of(cls, X: np.ndarray) -> "Standardisation":
        """That of the rows X (n, p)."""
        mean, spread = X.mean(axis=0, dtype=np.float64), X.std(axis=0, dtype=np.float64)
        return cls(mean, np.where(spread > 1e-7 * (np.abs(mean) + 1e-30), spread, np.inf))

    def apply(self, X: np.ndarray) -> np.ndarray:
        """(n, p) float64."""
        return (X - self.mean) / self.scale


@dataclass(frozen=True)
class RidgeMapping:
    """Ridge, with a penalty for each target chosen by word types within the training rows.

    Args:
        alphas: candidates, as of `grounding.brain.ridge.RidgeCV`; None for its own grid.
        folds: number of inner folds.
    """

    alphas: tuple[float, ...] | None = None
    folds: int = 5

    def fit(self, X: np.ndarray, Y: np.ndarray, rows: Rows) -> Predict:
        """From X (n, p) to Y (n, v); ``rows`` are the training rows' words."""
        from grounding.brain.ridge import RidgeCV

        alphas = "auto" if self.alphas is None else np.asarray(self.alphas)
        model = RidgeCV(alphas=alphas, folds=ByWordType(self.folds))
        model.fit(X.astype(np.float32), Y.astype(np.float32), rows=rows)
        return lambda new: np.asarray(model.predict(new.astype(np.float32)), dtype=np.float64)


@dataclass(frozen=True)
class PrincipalMapping:
    """Least squares on the first principal components of the input (Goldstein et al. 2022 take 50).

    Args:
        components: how many.
    """

    components: int = 50

    def fit(self, X: np.ndarray, Y: np.ndarray, rows: Rows) -> Predict:
        """From X (n, p) to Y (n, v); ``rows`` are not looked at.

        Raises:
            InputError: more components than the training rows determine.
        """
        if not 1 <= self.components < min(len(X), X.shape[1] + 1):
            raise InputError(
                f"components: {self.components} found, expected 1 to {min(len(X) - 1, X.shape[1])} for {len(X)} "
                f"training rows of {X.shape[1]} numbers"
            )
        mean_x, mean_y = X.mean(axis=0), Y.mean(axis=0)
        U, singular, Vt = np.linalg.svd(X - mean_x, full_matrices=False)
        U, singular, Vt = U[:, : self.components], singular[: self.components], Vt[: self.components]
        varies = singular > 1e-10 * singular[0]
        weights = (Vt[varies].T / singular[varies]) @ (U[:, varies].T @ (Y - mean_y))
        return lambda new: (new - mean_x) @ weights + mean_y


Mapping = RidgeMapping | PrincipalMapping
