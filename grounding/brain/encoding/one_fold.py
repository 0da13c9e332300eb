"""All models of one outer fold: fitted in its training rows, tested in its test rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from grounding.brain.encoding.autocorrelation import WIDTHS, autocorrelation_features
from grounding.brain.encoding.fitting import Alphas, Fitted, banded_ridge, better, ridge
from grounding.brain.encoding.names import AUTOCORRELATION, CONTROLS, EMBEDDING, FULL, OTHERS, RANDOM, UNTRAINED
from grounding.brain.encoding.spaces import Space
from grounding.brain.folds import Fold, Folds
from grounding.brain.ridge.scores import correlation, r2
from grounding.brain.rows import Rows

# The embedding's share of the band weights in the full model, beside none (the others alone) and all.
SHARES = (0.2, 0.8)


@dataclass(frozen=True)
class Competitors:
    """The embedding and what it competes with.

    Attributes:
        embedding: its space.
        controls: spaces of one model, side by side.
        random: one model a seed.
        untrained: one model a copy.
    """

    embedding: Space
    controls: tuple[Space, ...]
    random: tuple[Space, ...]
    untrained: tuple[Space, ...]


@dataclass(frozen=True)
class FoldFit:
    """What one outer fold found.

    Attributes:
        r: by model, (v,) correlation of test rows and predictions.
        r2: by model, (v,).
        actual: (n_test, v) float32, in units of the training rows' standard deviation.
        predictions: by model, (n_test, v) float32, of the embedding, the others and the full model.
        alpha: (v,) penalty of the embedding model.
        at_edge: share of the targets with a signal whose penalty is at the grid's edge.
        width: rows, of the autocorrelation model.
    """

    r: dict[str, np.ndarray]
    r2: dict[str, np.ndarray]
    actual: np.ndarray
    predictions: dict[str, np.ndarray]
    alpha: np.ndarray
    at_edge: float
    width: float


@dataclass(frozen=True)
class FoldFitter:
    """One outer fold with what its models share.

    Attributes:
        rows: of all responses.
        data: (n, v) float32, all responses without NaN.
        fold: of these rows.
        inner: folds of the fold's training rows.
        alphas: penalties to choose from, or "auto".
        draws: band weights that the joint models try.
        seed: of the band weights.
    """

    rows: Rows
    data: np.ndarray
    fold: Fold
    inner: Folds
    alphas: Alphas
    draws: int
    seed: int

    def fit(self, models: Competitors) -> FoldFit:
        """Every model of the audit."""
        train, actual = self._targets()
        bands = {EMBEDDING: self._prepared((models.embedding,))}
        fits = {EMBEDDING: [self._ridge(bands[EMBEDDING], train)]}
        if models.controls:
            bands[CONTROLS] = self._prepared(models.controls)
            fits[CONTROLS] = [self._ridge(bands[CONTROLS], train)]
        for name, copies in ((RANDOM, models.random), (UNTRAINED, models.untrained)):
            prepared = [self._prepared((copy,)) for copy in copies]
            if prepared:
                bands[name] = prepared[0]
                fits[name] = [self._ridge(one, train) for one in prepared]
        width, bands[AUTOCORRELATION], fit = self._autocorrelation(train)
        fits[AUTOCORRELATION] = [fit]
        fits[OTHERS], fits[FULL] = ([one] for one in self._joint(bands, fits, train))
        return FoldFit(
            r={name: _mean(correlation, actual, some) for name, some in fits.items()},
            r2={name: _mean(r2, actual, some) for name, some in fits.items()},
            actual=actual,
            predictions={name: fits[name][0].predictions for name in (EMBEDDING, OTHERS, FULL)},
            alpha=fits[EMBEDDING][0].alpha,
            at_edge=fits[EMBEDDING][0].at_edge,
            width=width,
        )

    def _targets(self) -> tuple[np.ndarray, np.ndarray]:
        """Training and test responses, standardised by the training rows."""
        train = self.data[self.fold.train].astype(np.float32)
        mean, spread = train.mean(0, dtype=np.float64), train.std(0, dtype=np.float64)
        return ((train - mean) / spread).astype(np.float32), ((self.data[self.fold.test] - mean) / spread).astype(
            np.float32
        )

    def _prepared(self, spaces: Sequence[Space]) -> np.ndarray:
        return np.hstack([space.prepared(self.rows, self.fold.train) for space in spaces])

    def _ridge(self, band: np.ndarray, train: np.ndarray) -> Fitted:
        return ridge(band[self.fold.train], train, band[self.fold.test], self.alphas, self.inner)

    def _autocorrelation(self, train: np.ndarray) -> tuple[float, np.ndarray, Fitted]:
        """The width with the best inner score, its features and its model."""
        tried = []
        for width in WIDTHS:
            band = self._prepared((Space(autocorrelation_features(self.rows, width), standardise=False),))
            tried.append((width, band, self._ridge(band, train)))
        return max(tried, key=lambda one: float(one[2].inner.mean()))

    def _joint(
        self, bands: dict[str, np.ndarray], fits: dict[str, list[Fitted]], train: np.ndarray
    ) -> tuple[Fitted, Fitted]:
        """All others, and all others with the embedding; the full model may leave the embedding out."""
        names = [name for name in bands if name != EMBEDDING]
        weights = band_weights(len(names), self.draws, self.seed)
        others = self._banded([bands[name] for name in names], train, weights)
        with_embedding = np.concatenate(
            [np.column_stack([weights * (1 - share), np.full(len(weights), share)]) for share in SHARES]
        )
        joint = self._banded([bands[name] for name in [*names, EMBEDDING]], train, with_embedding)
        return others, better(better(others, joint), fits[EMBEDDING][0])

    def _banded(self, bands: list[np.ndarray], train: np.ndarray, weights: np.ndarray) -> Fitted:
        fold = self.fold
        return banded_ridge(
            [band[fold.train] for band in bands],
            train,
            [band[fold.test] for band in bands],
            weights,
            self.alphas,
            self.inner,
        )


def band_weights(bands: int, draws: int, seed: int) -> np.ndarray:
    """(draws or more, bands): equal weights, each band alone, then draws from Dirichlet distributions, sparse and not.

    Equal weights and single bands are always there, so that no draw of luck is needed for a joint model to be as good
    as the best of its parts; with one band there is one way.

    Args:
        bands: number of spaces.
        draws: number of weights, where that is more than 1 + bands.
        seed: of the draws.
    """
    if bands == 1:
        return np.ones((1, 1))
    generator = np.random.default_rng(seed)
    rest = max(0, draws - bands - 1)
    drawn = [generator.dirichlet(np.full(bands, (1.0, 0.3)[number % 2])) for number in range(rest)]
    return np.vstack([np.full(bands, 1 / bands), np.eye(bands), *drawn])


def _mean(score: Callable[[np.ndarray, np.ndarray], np.ndarray], actual: np.ndarray, fits: list[Fitted]) -> np.ndarray:
    return np.mean([score(actual, fit.predictions) for fit in fits], axis=0)
