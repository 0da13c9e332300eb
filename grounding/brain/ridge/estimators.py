"""`Ridge` and `RidgeCV`: estimators as scikit-learn knows them, over the functions beside them."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from grounding.brain.folds import Contiguous, Folding, Folds
from grounding.brain.ridge.alphas import choose, least_signal, make_grid
from grounding.brain.ridge.arguments import as_features, as_targets, like
from grounding.brain.ridge.checks import ArgumentError, as_tensor, check_alphas, resolve_folds
from grounding.brain.ridge.coefficients import Coefficients
from grounding.brain.ridge.decomposition import Decomposition, decompose
from grounding.brain.ridge.scores import Scoring, check_scoring, score_block
from grounding.brain.ridge.search import score_alphas
from grounding.brain.ridge.targets import MEMORY, let_go, plan, standardise


class LinearModel(MultiOutputMixin, RegressorMixin, BaseEstimator):
    """What both estimators do once there are coefficients."""

    memory: int

    def predict(self, X: Any) -> Any:
        """Predictions (m, v), or (m,) after a fit to one target (n,); numpy or torch as X is."""
        features = self._centred(X)
        coef, offset = (as_tensor(getattr(self, name)).to(features) for name in ("coef_", "Y_mean_"))
        return like(X, features @ coef + offset)

    def scores(self, X: Any, Y: Any, scoring: Scoring = "r2") -> Any:
        """One score a target on rows that were not fitted, without holding all predictions.

        Args:
            X: (m, p) features.
            Y: (m, v) targets, read in blocks; may be memory-mapped.
            scoring: "r2" or "correlation", as in `grounding.brain.ridge.scores`.

        Returns:
            (v,) float64, numpy or torch as X is; NaN for a target that does not vary over these rows.

        Raises:
            ArgumentError: shapes that do not fit the model, NaN or infinity.
        """
        check_scoring(scoring)
        features = self._centred(X)
        targets = as_targets(Y, features, features.dtype)
        coef, offset = (
            self.coef_.reshape(features.shape[1], -1),
            as_tensor(self.Y_mean_).to(features.device).reshape(-1),
        )
        if targets.v != len(offset):
            raise ArgumentError(f"Y: {targets.v} targets found, expected {len(offset)} as in fit")
        score = torch.empty(targets.v, dtype=torch.float64)
        size = plan(self.memory, 64 * targets.n + 8 * features.shape[1], targets.column_bytes, targets.v)
        for columns, block in targets.blocks(size):
            predicted = features @ as_tensor(coef[:, columns]).to(features)
            let_go(coef)
            # The constant is taken from the targets in float64, since float32 loses digits of values far from 0.
            score[columns] = score_block(scoring, block.double() - offset[columns], predicted).cpu()
        return like(X, score.to(features.device))

    def _centred(self, X: Any) -> Tensor:
        check_is_fitted(self, "X_mean_")
        if self.coef_ is None:
            raise ArgumentError("coef: the model was fitted with coef=False and keeps no coefficients to predict with")
        features = as_features(self, X, reset=False)
        # Taken away here and not through the intercept, which would lose digits where features are far from 0.
        return (features.double() - torch.as_tensor(self.X_mean_).to(features.device)).to(features.dtype)

    def _keep(self, coefficients: Coefficients, design: Decomposition, X: Any, one: bool) -> None:
        """Store what was fitted, without the axis of targets where there was one target (n,)."""
        coef = coefficients.finished()
        mean, offset = like(X, design.mean), like(X, coefficients.mean)
        self.X_mean_ = mean
        self.Y_mean_ = offset[0] if one else offset
        self.coef_ = coef if coef is None or not one else coef[:, 0]
        self.constant_ = like(X, coefficients.constant)
        self.intercept_ = None if coef is None else coefficients.intercept(design.mean, X, one)


class Ridge(LinearModel):
    """Ridge regression with given penalties: the B that minimises ‖Y − XB‖² + α‖B‖² for each target.

    Costs one singular value decomposition of X, whatever the penalties (Hoerl & Kennard, 1970).

    Args:
        alpha: the penalty, or (v,) one a target, above 0. On the scale of scikit-learn and himalaya; Huth's
            is its root.
        fit_intercept: whether the model has an intercept, which is not penalised.
        memory: bytes to plan with for blocks of targets, beside X, its decomposition, Y and the coefficients.
        coef: True keeps coefficients in memory; a path of a .npy file writes them there, memory-mapped.

    Attributes:
        coef_: (p, v), or (p,) after a fit to one target (n,).
        intercept_: (v,), or a number.
        alpha_: (v,) float64.
        constant_: (v,) bool, targets that do not vary; their coefficients are 0.
        X_mean_, Y_mean_: (p,) and (v,) float64.

    Example:
        >>> X = np.random.default_rng(0).normal(size=(50, 3))
        >>> Ridge(alpha=1e-6).fit(X, X @ np.ones((3, 2))).coef_.round(3)[0]
        array([1., 1.])
    """

    def __init__(
        self, alpha: Any = 1.0, *, fit_intercept: bool = True, memory: int = MEMORY, coef: bool | str | Path = True
    ):
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.memory = memory
        self.coef = coef

    def fit(self, X: Any, y: Any) -> Self:
        """Fit (n, p) features to (n, v) or (n,) targets, numpy or torch; float32 only if both are.

        Raises:
            ArgumentError: shapes that do not belong together, NaN or infinity, penalties that are not above 0.
        """
        features = as_features(self, X, reset=True)
        targets = as_targets(y, features)
        alpha = _per_target(self.alpha, targets.v)
        design = decompose(features.to(targets.dtype), self.fit_intercept)
        basis = design.basis.to(targets.dtype)
        column_bytes = 24 * targets.n + 32 * len(design.right) + 64
        size = plan(self.memory, column_bytes, targets.column_bytes, targets.v)
        with Coefficients.empty(self.coef, design, targets, X) as coefficients:
            for columns, block in targets.blocks(size):
                standard = standardise(block, self.fit_intercept)
                coefficients.hold(columns, standard, basis.T @ standard.values)
                coefficients.solve(columns, design, alpha[columns])
            self.alpha_ = alpha
            self._keep(coefficients, design, X, targets.one)
        return self


class RidgeCV(LinearModel):
    """Ridge regression whose penalty is chosen for each target by cross-validation over honest folds.

    The score of a penalty is its mean over folds; features and targets are centred in the training rows of each. After
    the choice the model is fitted to all rows.

    Args:
        alphas: numbers above 0, or "auto": 28 from 1e-4 to 1e5 times the mean eigenvalue of XᵀX (or XXᵀ, whichever is
            smaller), so that features need no certain scale. On the scale of scikit-learn and himalaya.
        folds: how rows are parted. Contiguous unless asked otherwise and never shuffled in silence; a `Folding`, a
            `Folds`, or pairs (train, test) of index arrays, which need not cover all rows and may leave gaps.
        scoring: "r2" or "correlation".
        fit_intercept: whether the model has an intercept, which is not penalised.
        extend: whether the grid is extended, up to four decades a side, while more than 5 % of the targets with a
            signal (r² above 0, correlation above 2 / √n of n tested rows) choose its edge.
        memory: bytes to plan with for factorisations of folds and blocks of targets, beside X, Y and coefficients.
        coef: True keeps coefficients in memory; a path of a .npy file writes them there, memory-mapped; False does not
            compute them, for when only the scores are wanted.

    Attributes:
        alpha_: (v,) float64, the chosen penalties.
        alphas_: (A,) float64, the grid in the end.
        cv_scores_: (v,) float64, mean score over folds with the chosen penalty; NaN for a target that never varies. It
            was chosen to be the highest, so it is no estimate for new data; `scores` on held-out rows is.
        edge_: share of the targets with a signal whose penalty is at the edge of ``alphas_``.
        folds_: the `Folds`; ``folds_.shuffled`` marks results that are inflated by neighbouring rows.
        coef_, intercept_, constant_, X_mean_, Y_mean_: as in `Ridge`.
        dtype_: "float32" or "float64", in which targets were computed on.
        float32_error_: largest difference of a score from float64, on a sample of targets; 0 in float64. Above 1e-4
            the fit is done again in float64.

    Example:
        >>> model = RidgeCV(folds=LeaveOneOut("run")).fit(features.matrix(rows), responses.data, rows=rows)
        >>> model.scores(X_held_out, Y_held_out, scoring="correlation")
    """

    def __init__(
        self,
        alphas: Any = "auto",
        *,
        folds: Folding | Folds | Iterable[Any] = Contiguous(5),
        scoring: Scoring = "r2",
        fit_intercept: bool = True,
        extend: bool = True,
        memory: int = MEMORY,
        coef: bool | str | Path = True,
    ):
        self.alphas = alphas
        self.folds = folds
        self.scoring = scoring
        self.fit_intercept = fit_intercept
        self.extend = extend
        self.memory = memory
        self.coef = coef

    def fit(self, X: Any, y: Any, rows: Any = None) -> Self:
        """Choose penalties and fit.

        Args:
            X: (n, p) features, numpy or torch. More features than rows are fine: the penalty holds them.
            y: (n, v) or (n,) targets, numpy, torch or memory-mapped; read by columns. float32 only if X is too.
            rows: `Rows` of what the rows are, for folds by run, story, subject or word; without it they are one run.

        Raises:
            ArgumentError: shapes that do not belong together, NaN or infinity (columns named), penalties that are not
                above 0, folds that cannot be made, a budget too small.

        Warns:
            AlphaEdgeWarning: many targets choose the edge of the grid.
        """
        check_scoring(self.scoring)
        features = as_features(self, X, reset=True)
        targets = as_targets(y, features)
        folds = resolve_folds(self.folds, targets.n, rows)
        design = decompose(features.to(targets.dtype), self.fit_intercept)
        grid = make_grid(self.alphas, design.mean_eigenvalue, self.extend)
        with Coefficients.empty(self.coef, design, targets, X) as coefficients:
            found = score_alphas(design, targets, list(folds), grid.alphas, self.scoring, self.memory, coefficients)
            choice = choose(found.table, grid, least_signal(self.scoring, folds))
            if self.coef is not False:
                block = plan(self.memory, 32 * len(design.right) + 64, 1, targets.v).block
                for start in range(0, targets.v, block):
                    columns = slice(start, min(start + block, targets.v))
                    coefficients.solve(columns, design, choice.alpha[columns])
            self._keep(coefficients, design, X, targets.one)
        self.alpha_, self.alphas_, self.cv_scores_, self.edge_ = choice.alpha, choice.alphas, choice.score, choice.edge
        self.folds_, self.dtype_, self.float32_error_ = folds, found.dtype, found.float32_error
        return self


def _per_target(alpha: Any, v: int) -> np.ndarray:
    values = check_alphas(alpha, "alpha")
    if len(values) not in (1, v):
        raise ArgumentError(f"alpha: {len(values)} found, expected one number or {v}, one a target")
    return np.broadcast_to(values, (v,)).copy()
