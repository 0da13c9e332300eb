"""Sweeps over layers: by lag around word onsets, and by the length of context."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from grounding.brain.folds import Folding
from grounding.brain.recording import Epochs, Features, Kind, Responses
from grounding.brain.sweeps.scoring import as_space, epochs_folding, held_out
from grounding.errors import InputError

Subsets = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class LayerLag:
    """How well each layer predicts each channel at each lag.

    Attributes:
        scores: (layers, C, L) float32, correlation of held-out predictions, the mean over folds.
        by_fold: (folds, layers, C, L) float32.
        layers: their names, in the order of depth.
        channels: C names.
        lags: (L,) float64, seconds after word onset.
        folds: how rows were parted.
        kind: of the recording.
        synthetic: whether a generator made it.
        at_edge: share of penalties at the edge of their grid, over the targets with a signal.
        subsets: (layers, C, L) by subset of words.
        positions: (C, 3) of the channels in metres, or None.
    """

    scores: np.ndarray
    by_fold: np.ndarray
    layers: tuple[str, ...]
    channels: tuple[str, ...]
    lags: np.ndarray
    folds: str
    kind: Kind
    synthetic: bool
    at_edge: float
    subsets: Mapping[str, np.ndarray] = field(default_factory=dict)
    positions: np.ndarray | None = None


@dataclass(frozen=True)
class LayerContext:
    """How well each layer, given each length of context, predicts each target.

    Attributes:
        scores: (layers, contexts, v) float32, correlation of held-out predictions, the mean over folds.
        by_fold: (folds, layers, contexts, v) float32.
        layers: names.
        contexts: names, such as "4 words".
        targets: v names.
        folds: how rows were parted.
        synthetic: whether a generator made the recording.
    """

    scores: np.ndarray
    by_fold: np.ndarray
    layers: tuple[str, ...]
    contexts: tuple[str, ...]
    targets: tuple[str, ...]
    folds: str
    synthetic: bool


def layer_by_lag(
    layers: Sequence[Features],
    epochs: Epochs,
    *,
    components: int | None = 50,
    folding: Folding | None = None,
    alphas: str | np.ndarray = "auto",
    inner: int = 5,
    subsets: Subsets | None = None,
) -> LayerLag:
    """Encoding of every channel at every lag by every layer (Goldstein et al., 2022, 2025).

    All channels and lags are targets of one regression a layer and fold, so the features are factorised once for them
    all. Each has its own penalty.

    Args:
        layers: a row a word of each run, in the order of depth.
        epochs: n words by C channels by L lags.
        components: principal components of each layer, fitted in the training rows; None for all columns.
        folding: of the words; by default five stretches whose gap keeps training epochs from overlapping test epochs.
        alphas: penalties to choose from, or "auto".
        inner: number of inner folds.
        subsets: boolean masks (n,) of words to score apart with the same models, such as `by_surprisal`.

    Raises:
        InputError: no layer, a mask of another length, or features that do not fit the words.

    Example:
        >>> sweep = layer_by_lag(layers, word_epochs(recording, -2.0, 2.0))
        >>> lag_by_layer(sweep, channels=["IFG1", "IFG2"]).correlation
    """
    if not layers:
        raise InputError("layers: none found, expected features of one layer or more")
    for name, mask in (subsets or {}).items():
        if mask.shape != (len(epochs.rows),) or mask.dtype != bool:
            raise InputError(f"subset {name!r}: {mask.dtype} {mask.shape}, expected bool ({len(epochs.rows)},)")
    folding = folding or epochs_folding(epochs)
    n, C, L = epochs.data.shape
    data = epochs.data.reshape(n, C * L)
    found = [
        held_out(
            as_space(layer, components),
            data,
            epochs.rows,
            folding,
            alphas=alphas,
            inner=inner,
            subsets=dict(subsets or {}),
        )
        for layer in layers
    ]
    by_fold = np.stack([one.scores["all"].reshape(-1, C, L) for one in found], axis=1)
    return LayerLag(
        scores=by_fold.mean(0),
        by_fold=by_fold,
        layers=tuple(layer.name for layer in layers),
        channels=epochs.channels,
        lags=epochs.lags,
        folds=folding.split(epochs.rows).description,
        kind=epochs.kind,
        synthetic=epochs.synthetic,
        at_edge=float(np.mean([one.at_edge for one in found])),
        subsets={
            name: np.stack([np.nanmean(one.scores[name], axis=0).reshape(C, L) for one in found])
            for name in subsets or {}
        },
        positions=epochs.positions,
    )


def layer_by_context(
    contexts: Mapping[str, Sequence[Features]],
    responses: Responses,
    *,
    folding: Folding,
    delays: tuple[int, ...] = (0,),
    components: int | None = 50,
    alphas: str | np.ndarray = "auto",
    inner: int = 5,
) -> LayerContext:
    """Encoding of every target by every layer with every length of context (Jain & Huth, 2018).

    Args:
        contexts: the layers' features by the name of the context, the same layers in each.
        responses: (n, v).
        folding: of the rows.
        delays: samples by which features are moved to later rows of their run.
        components: principal components of each layer, fitted in the training rows; None for all columns.
        alphas: penalties to choose from, or "auto".
        inner: number of inner folds.

    Raises:
        InputError: no context, or contexts with different numbers of layers.
    """
    depths = {name: len(layers) for name, layers in contexts.items()}
    if len(set(depths.values())) != 1 or not min(depths.values(), default=0):
        raise InputError(f"contexts: layers {depths}, expected the same number, one or more, for each context")
    found = [
        [
            held_out(
                as_space(layer, components, delays), responses.data, responses.rows, folding, alphas=alphas, inner=inner
            ).scores["all"]
            for layers in contexts.values()
            for layer in [layers[depth]]
        ]
        for depth in range(next(iter(depths.values())))
    ]
    by_fold = np.moveaxis(np.array(found), 2, 0)
    first = next(iter(contexts.values()))
    return LayerContext(
        by_fold.mean(0),
        by_fold,
        tuple(layer.name for layer in first),
        tuple(contexts),
        responses.targets,
        folding.split(responses.rows).description,
        responses.synthetic,
    )


def by_surprisal(surprisal: np.ndarray) -> dict[str, np.ndarray]:
    """Words below and above the median surprisal as masks for `layer_by_lag`.

    Args:
        surprisal: (n,) of the words; NaN, where a model gave none, belongs to neither.
    """
    middle = np.nanmedian(surprisal)
    return {"predictable": surprisal < middle, "unpredictable": surprisal >= middle}


def by_prediction(ranks: np.ndarray, k: int = 1) -> dict[str, np.ndarray]:
    """Words that a language model had among its k likeliest, and the others, as masks (Goldstein et al., 2022).

    Args:
        ranks: (n,) of the words among all words, 1 for the likeliest.
        k: how many guesses count.
    """
    if k < 1:
        raise InputError(f"k: {k} found, expected at least one guess")
    return {f"among the {k} likeliest": ranks <= k, "others": ranks > k}
