"""One space or several to predictions of the test rows: the only place that knows the solver."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from grounding.brain.folds import Folds
from grounding.brain.ridge import GroupRidgeCV, RidgeCV
from grounding.brain.ridge.checks import AlphaEdgeWarning

Alphas = str | np.ndarray


@dataclass(frozen=True)
class Fitted:
    """Predictions of test rows, and what the training rows chose.

    Attributes:
        predictions: (n_test, v) float32.
        alpha: (v,) float64, penalty.
        inner: (v,) float64, the mean r² over inner folds with that penalty.
        at_edge: share of the targets with a signal whose penalty is at the edge of the grid.
    """

    predictions: np.ndarray
    alpha: np.ndarray
    inner: np.ndarray
    at_edge: float


def ridge(train: np.ndarray, Y: np.ndarray, test: np.ndarray, alphas: Alphas, inner: Folds) -> Fitted:
    """Ridge with a penalty for each target, chosen by the inner folds.

    Args:
        train: (n_train, p) float32.
        Y: (n_train, v) float32.
        test: (n_test, p) float32.
        alphas: penalties to choose from, or "auto".
        inner: folds of the training rows.
    """
    with warnings.catch_warnings():
        # The share of targets at the edge is part of the result, which warns by itself.
        warnings.simplefilter("ignore", AlphaEdgeWarning)
        model = RidgeCV(alphas, folds=inner).fit(train, Y)
    return Fitted(model.predict(test), model.alpha_, model.cv_scores_, model.edge_)


def banded_ridge(
    train: Sequence[np.ndarray],
    Y: np.ndarray,
    test: Sequence[np.ndarray],
    weights: np.ndarray,
    alphas: Alphas,
    inner: Folds,
) -> Fitted:
    """Ridge on several spaces, each with its own penalty: the best of the drawn band weights for each target.

    Every band is brought to total variance 1 in the training rows, so that equal weights give a narrow band of controls
    and a wide embedding the same say; the penalty of a band is alpha / weight (banded ridge: Nunez-Elizalde, Huth &
    Gallant 2019; random search: Dupré la Tour et al. 2022).

    Args:
        train: one (n_train, p_b) matrix a band.
        Y: (n_train, v) float32.
        test: one (n_test, p_b) matrix a band.
        weights: (draws, bands), not negative; equal weights are always tried as well.
        alphas: penalties to choose from, or "auto".
        inner: folds of the training rows.
    """
    scales = [np.float32(1 / max(np.sqrt(band.var(0, dtype=np.float64).sum()), 1e-12)) for band in train]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AlphaEdgeWarning)
        model = GroupRidgeCV(alphas=alphas, draws=weights, folds=inner).fit(
            [band * scale for band, scale in zip(train, scales, strict=True)], Y
        )
    predictions = model.predict([band * scale for band, scale in zip(test, scales, strict=True)])
    return Fitted(predictions, model.alpha_, model.cv_scores_, model.edge_)


def better(one: Fitted, other: Fitted) -> Fitted:
    """For each target the fit with the higher inner score; the first where they are equal."""
    wins = other.inner > one.inner
    return Fitted(
        np.where(wins, other.predictions, one.predictions),
        np.where(wins, other.alpha, one.alpha),
        np.where(wins, other.inner, one.inner),
        float(np.mean([one.at_edge, other.at_edge])),
    )
