"""The held-out score of one set of features for many targets at once."""

import warnings
from dataclasses import dataclass

import numpy as np

from grounding.brain.encoding.nesting import inner_folds
from grounding.brain.encoding.spaces import Space
from grounding.brain.folds import Contiguous, Folding
from grounding.brain.recording import Epochs, Features
from grounding.brain.rows import Rows

Subsets = dict[str, np.ndarray]


@dataclass(frozen=True)
class HeldOut:
    """Scores of held-out rows.

    Attributes:
        scores: (folds, v) float32 under "all" and under the name of each subset; NaN where a fold tests fewer than
            three rows of a subset.
        at_edge: mean share of targets with a signal whose penalty is the smallest or largest of the grid, which was
            extended as far as it may be.
    """

    scores: dict[str, np.ndarray]
    at_edge: float


def held_out(
    space: Space,
    data: np.ndarray,
    rows: Rows,
    folding: Folding,
    *,
    alphas: str | np.ndarray = "auto",
    inner: int = 5,
    subsets: Subsets | None = None,
) -> HeldOut:
    """Correlation of held-out predictions with each target, by fold.

    Features are standardised, reduced and delayed by the training rows alone; the penalty of each target is chosen by
    inner folds of the training rows. The factorisation of the features is made once a fold for all targets.

    Args:
        space: features and how they enter.
        data: (n, v) float32 responses.
        rows: the n rows.
        folding: how to part them; inner folds are of the same kind.
        alphas: penalties to choose from, or "auto".
        inner: number of inner folds.
        subsets: boolean masks (n,) of rows to score apart; the model is the same for all of them.
    """
    from grounding.brain.ridge import RidgeCV
    from grounding.brain.ridge.checks import AlphaEdgeWarning
    from grounding.brain.ridge.scores import correlation

    scores: dict[str, list[np.ndarray]] = {"all": [], **{name: [] for name in subsets or {}}}
    edges = []
    for fold in folding.split(rows):
        X = space.prepared(rows, fold.train)
        chosen = inner_folds(folding, rows.take(fold.train), inner, getattr(folding, "purge", 0))
        with warnings.catch_warnings():
            # Told once, as a share over all fits.
            warnings.simplefilter("ignore", AlphaEdgeWarning)
            model = RidgeCV(alphas=alphas, folds=chosen).fit(X[fold.train], data[fold.train])
        edges.append(model.edge_)
        predicted, actual = model.predict(X[fold.test]), data[fold.test]
        scores["all"].append(correlation(actual, predicted))
        for name, mask in (subsets or {}).items():
            part = mask[fold.test]
            enough = part.sum() >= 3
            scores[name].append(
                correlation(actual[part], predicted[part]) if enough else np.full(data.shape[1], np.nan)
            )
    return HeldOut({name: np.stack(found).astype(np.float32) for name, found in scores.items()}, float(np.mean(edges)))


def epochs_folding(epochs: Epochs, k: int = 5) -> Contiguous:
    """k contiguous folds of words with a gap so wide that no training epoch overlaps a test epoch in time."""
    span = float(epochs.lags[-1] - epochs.lags[0])
    widest = 0
    for places in epochs.rows.runs().values():
        time, index = epochs.rows.time[places], epochs.rows.index[places]
        last = np.searchsorted(time, time + span, side="right") - 1
        widest = max(widest, int((index[last] - index).max()))
    return Contiguous(k, purge=widest)


def as_space(features: Features, components: int | None, delays: tuple[int, ...] = (0,)) -> Space:
    """Features reduced to principal components where they have more columns than that."""
    return Space(features, delays, components if components is not None and features.width > components else None)
