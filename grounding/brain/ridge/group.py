"""`GroupRidgeCV`: ridge regression in which each band of features has a penalty of its own, chosen for each target."""

from collections.abc import Iterable, Mapping
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from grounding.brain.folds import Contiguous, Folding, Folds
from grounding.brain.ridge.alphas import Choice, choose, least_signal, make_grid
from grounding.brain.ridge.arguments import as_features, as_targets, like
from grounding.brain.ridge.band_search import BandSearch, Fit, check_band_weights, draw_band_weights
from grounding.brain.ridge.bands import Bands
from grounding.brain.ridge.checks import ArgumentError, check_whole, resolve_folds
from grounding.brain.ridge.decomposition import feature_mean
from grounding.brain.ridge.estimators import LinearModel
from grounding.brain.ridge.scores import Scoring, check_scoring
from grounding.brain.ridge.search import TOLERANCE
from grounding.brain.ridge.splits import correlation_split, r2_split
from grounding.brain.ridge.stacking import stack_bands
from grounding.brain.ridge.targets import MEMORY, SMALLEST_BLOCK, Plan, Targets


class GroupRidgeCV(LinearModel):
    """Banded ridge regression by random search: which bands of features a target listens to, and how much to shrink.

    For each target it minimises ‖Y − Σ_b X_b B_b‖² + α Σ_b ‖B_b‖² / γ_b, where the band weights γ are on the simplex: a
    band of little weight is shrunk away, without taking part in the penalty of the others. Of all draws of γ and all α
    each target keeps the pair with the best mean score over folds (Dupré la Tour et al., 2022, "Feature-space selection
    with banded ridge regression"). Features are taken as they are; give all bands the same scale (mostly standardised),
    or weights mean little.

    Args:
        groups: (P,) a label for each column of a single X; None where X is a mapping or list of bands.
        alphas: numbers above 0, or "auto" as in `RidgeCV`, in units of the mean eigenvalue at equal weights.
        draws: how many band weights to try, equal weights among them; or (D, B) weights of your own, not negative, of
            which each row is scaled to sum to 1 and equal weights are put in front unless they are there.
        folds: how rows are parted, as in `RidgeCV`.
        scoring: "r2" or "correlation".
        fit_intercept: whether the model has an intercept, which is not penalised.
        extend: whether the grid of alphas is extended at its edges, as in `RidgeCV`.
        seed: of the draws.
        memory: bytes to plan with for passes over targets; more targets than fit are searched in several passes.

    Attributes:
        bands_: names, in the order of weights and coefficients; numbers for a list.
        band_: (P,) int64, the place in ``bands_`` of each feature.
        draws_: (D, B) float64, the weights that were tried.
        draw_: (v,) int64, the chosen row of ``draws_``.
        band_weights_: (B, v) float64, the chosen γ.
        alpha_: (v,) float64, the chosen α; α / γ_b is the plain ridge penalty of band b.
        deltas_: (B, v) float64, log(γ / α), the scale of himalaya; −inf for a band without weight.
        alphas_: (A,) float64, the grid in the end.
        edge_: share of the targets with a signal whose alpha is at the edge of the grid.
        cv_scores_: (v,) float64, mean score over folds of what was chosen; the best of many, so too high for new data.
        folds_: the `Folds`.
        dtype_, float32_error_: as in `RidgeCV`; the error is that of equal weights in the first fold.
        coef_: (P, v), of the features as they are given; (P,) after a fit to one target (n,).
        intercept_, constant_, X_mean_, Y_mean_: as in `Ridge`.

    Example:
        >>> model = GroupRidgeCV(draws=20, folds=Contiguous(5, purge=10))
        >>> model.fit({"word rate": rate, "embedding": vectors}, Y, rows=rows)
        >>> model.split_scores({"word rate": rate_held_out, "embedding": vectors_held_out}, Y_held_out)
    """

    def __init__(
        self,
        groups: Any = None,
        *,
        alphas: Any = "auto",
        draws: Any = 20,
        folds: Folding | Folds | Iterable[Any] = Contiguous(5),
        scoring: Scoring = "r2",
        fit_intercept: bool = True,
        extend: bool = True,
        seed: int = 0,
        memory: int = MEMORY,
    ):
        self.groups = groups
        self.alphas = alphas
        self.draws = draws
        self.folds = folds
        self.scoring = scoring
        self.fit_intercept = fit_intercept
        self.extend = extend
        self.seed = seed
        self.memory = memory

    def fit(self, X: Any, y: Any, rows: Any = None) -> Self:
        """Choose weights and penalties for each target, then fit to all rows.

        Args:
            X: features by band: a mapping of name to (n, p_b), a list of (n, p_b), or one (n, P) with ``groups``;
                numpy or torch.
            y: (n, v) or (n,) targets, numpy, torch or memory-mapped.
            rows: `Rows` of what the rows are, for folds by run, story, subject or word; without it they are one run.

        Raises:
            ArgumentError: bands without features or of different rows, NaN or infinity, weights that are negative or do
                not fit the bands, alphas that are not above 0, folds that cannot be made, a budget too small.

        Warns:
            AlphaEdgeWarning: many targets choose the edge of the grid.
        """
        check_scoring(self.scoring)
        matrix, names, band = stack_bands(X, self.groups)
        features = as_features(self, matrix, reset=True)
        targets = as_targets(y, features)
        folds = resolve_folds(self.folds, targets.n, rows)
        self.bands_, self.band_, self.folds_ = names, band, folds
        self.draws_ = self._weights(len(names))
        mean = feature_mean(features, self.fit_intercept)
        centred = features.double() - mean
        unit = _mean_eigenvalue(centred, self.fit_intercept) / len(names)
        grid = make_grid(self.alphas, unit, self.extend)
        bands = Bands.of(centred, torch.as_tensor(band, device=features.device), self.fit_intercept)
        weights = torch.as_tensor(self.draws_, device=features.device)
        search = BandSearch(bands, list(folds), weights, grid.alphas, self.scoring)
        self.float32_error_ = search.float32_error(targets)
        if self.float32_error_ > TOLERANCE:
            targets = targets.in_float64()
        search = search.to(targets.dtype)
        passes = self._passes(targets, len(grid.alphas))
        found = [search.best(block) for _, block in targets.blocks(passes)]
        table, draws = (torch.cat(parts, 1) for parts in zip(*found, strict=True))
        choice = choose(table, grid, least_signal(self.scoring, folds))
        alpha = torch.as_tensor(choice.alpha, device=targets.device)
        place = torch.as_tensor(np.searchsorted(grid.alphas, choice.alpha), device=targets.device)
        draw = draws.gather(0, place[None])[0]
        fits = [search.fit(block, draw[part], alpha[part]) for part, block in targets.blocks(passes)]
        self._store(choice, draw, fits, mean, matrix, targets)
        return self

    def predict(self, X: Any, split: bool = False) -> Any:
        """Predictions (m, v); with ``split`` (B, m, v), what each band adds to the mean of the training targets."""
        matrix = self._stacked(X)
        if not split:
            return super().predict(matrix)
        features = self._centred(matrix)
        return like(matrix, self._by_band(features, self._columns().to(features)))

    def scores(self, X: Any, Y: Any, scoring: Scoring = "r2") -> Any:
        """One score a target on rows that were not fitted, as `RidgeCV.scores`; X by band, as in fit."""
        return super().scores(self._stacked(X), Y, scoring)

    def split_scores(self, X: Any, Y: Any, scoring: Scoring = "r2") -> Any:
        """The part of each band in each target's score on rows that were not fitted; over bands they sum to `scores`.

        Args:
            X: as in fit, (m, p_b) each.
            Y: (m, v) or (m,) targets.
            scoring: "r2" or "correlation"; see `grounding.brain.ridge.splits`.

        Returns:
            (B, v) float64, numpy or torch as X is; NaN for a target that does not vary over these rows.
        """
        check_scoring(scoring)
        matrix = self._stacked(X)
        features = self._centred(matrix)
        targets = as_targets(Y, features, features.dtype)
        coef, offset = self._columns(), torch.as_tensor(self.Y_mean_).reshape(-1)
        if targets.v != coef.shape[1]:
            raise ArgumentError(f"Y: {targets.v} targets found, expected {coef.shape[1]} as in fit")
        score = torch.empty(len(self.bands_), targets.v, dtype=torch.float64)
        split = r2_split if scoring == "r2" else correlation_split
        for columns, block in targets.blocks(Plan(SMALLEST_BLOCK, 8 * SMALLEST_BLOCK)):
            parts = self._by_band(features, coef[:, columns].to(features))
            score[:, columns] = split((block.double() - offset[columns].to(block.device)), parts).cpu()
        return like(matrix, score.to(features.device))

    def _columns(self) -> Tensor:
        """The coefficients as (P, v), whether there was one target or more."""
        return torch.as_tensor(self.coef_).reshape(len(self.band_), -1)

    def _by_band(self, features: Tensor, coef: Tensor) -> Tensor:
        """(B, m, v)."""
        bands = torch.as_tensor(self.band_, device=features.device)
        return torch.stack([features[:, bands == one] @ coef[bands == one] for one in range(len(self.bands_))])

    def _stacked(self, X: Any) -> Any:
        """The matrix of X with its bands in the order of fit."""
        fitted = getattr(self, "bands_", None)
        if isinstance(X, Mapping) and fitted is not None and set(X) == set(fitted):
            X = {name: X[name] for name in fitted}
        matrix, names, band = stack_bands(X, self.groups)
        if matrix is not X and fitted is not None and (names != fitted or not np.array_equal(band, self.band_)):
            widths = dict(zip(fitted, np.bincount(self.band_).tolist(), strict=True))
            found = dict(zip(names, np.bincount(band).tolist(), strict=True))
            raise ArgumentError(f"X: bands of widths {found} found, expected {widths} as in fit")
        return matrix

    def _weights(self, bands: int) -> np.ndarray:
        if np.ndim(self.draws):
            return check_band_weights(self.draws, bands)
        return draw_band_weights(self.draws, bands, self.seed)

    def _passes(self, targets: Targets, alphas: int) -> Plan:
        """As many targets at once as the budget holds, since each pass decomposes every fold for every draw again."""
        candidates = len(self.draws_) * alphas
        column = targets.dtype.itemsize * (4 * targets.n + 2 * len(self.band_) + 3 * candidates) + 64
        affordable = check_whole(self.memory, "memory", 0) // column
        if affordable < min(SMALLEST_BLOCK, targets.v):
            needed = SMALLEST_BLOCK * column
            raise ArgumentError(f"memory: {self.memory} bytes found, expected at least {needed}; or try fewer draws")
        block = -(-targets.v // -(-targets.v // affordable))
        return Plan(block, block)

    def _store(
        self, choice: Choice, draw: Tensor, fits: list[Fit], mean: Tensor, matrix: Any, targets: Targets
    ) -> None:
        def put(values: Tensor) -> Any:
            kept = like(matrix, values)
            return kept[..., 0] if targets.one else kept

        self.dtype_ = str(targets.dtype).removeprefix("torch.")
        self.draw_ = draw.cpu().numpy()
        self.alpha_, self.alphas_, self.cv_scores_, self.edge_ = choice.alpha, choice.alphas, choice.score, choice.edge
        self.band_weights_ = self.draws_[self.draw_].T
        with np.errstate(divide="ignore"):
            self.deltas_ = np.log(self.band_weights_) - np.log(self.alpha_)
        coef, level = torch.cat([fit.coef for fit in fits], 1), torch.cat([fit.mean for fit in fits])
        self.X_mean_, self.constant_ = like(matrix, mean), like(matrix, torch.cat([fit.constant for fit in fits]))
        self.coef_, self.Y_mean_ = put(coef), put(level)
        self.intercept_ = put((level - mean @ coef.double()).to(coef))


def _mean_eigenvalue(centred: Tensor, intercept: bool) -> float:
    """Of the smaller Gram matrix of (n, P) features."""
    n, p = centred.shape
    return float(centred.square().sum()) / max(min(n - intercept, p), 1)
