"""Sweeps find the layer and the lag that were planted, and are what one regression a cell would give."""

import numpy as np
import pytest

from grounding.brain.encoding.nesting import inner_folds
from grounding.brain.encoding.spaces import Space
from grounding.brain.folds import Contiguous
from grounding.brain.recording import Epochs, Features
from grounding.brain.ridge import RidgeCV
from grounding.brain.ridge.scores import correlation
from grounding.brain.rows import Rows
from grounding.brain.sweeps import (
    by_prediction,
    by_surprisal,
    interpolated,
    lag_by_layer,
    layer_by_context,
    layer_by_lag,
    scrambled,
)
from grounding.brain.sweeps.scoring import epochs_folding
from grounding.errors import InputError

LAYERS, WORDS, WIDTH = 5, 160, 8
LAGS = np.round(np.arange(-0.2, 0.8, 0.1), 3)


def two_runs() -> Rows:
    parts = [Rows.of_run(f"run-{n}", np.arange(WORDS) * 0.5, word=[f"w{i}" for i in range(WORDS)]) for n in range(2)]
    return Rows.joined(parts)


def make_layers(seed: int = 0) -> list[Features]:
    """Independent layers, as no real model has them, so that what was planted is unmistakable."""
    generator = np.random.default_rng(seed)
    runs = ("run-0", "run-1")
    return [
        Features(f"layer {n}", {run: generator.normal(size=(WORDS, WIDTH)).astype("f") for run in runs})
        for n in range(LAYERS)
    ]


def make_epochs(layers: list[Features], seed: int = 1, noise: float = 1.0) -> Epochs:
    """Channel "late" follows layer k at lag k + 2 of the grid; channel "noise" follows nothing."""
    generator = np.random.default_rng(seed)
    rows = two_runs()
    data = noise * generator.normal(size=(len(rows), 2, len(LAGS)))
    for depth, layer in enumerate(layers):
        data[:, 0, depth + 2] += layer.matrix(rows) @ generator.normal(size=WIDTH) / np.sqrt(WIDTH)
    return Epochs(data.astype("f"), LAGS, rows, ("late", "noise"), "ecog", synthetic=True)


def test_each_layer_peaks_at_its_lag_and_noise_nowhere():
    layers = make_layers()
    sweep = layer_by_lag(layers, make_epochs(layers), components=None)
    assert sweep.scores.shape == (LAYERS, 2, len(LAGS)) and sweep.synthetic
    assert 0 <= sweep.at_edge < 0.3
    assert sweep.scores[:, 0].argmax(1).tolist() == [2, 3, 4, 5, 6]
    assert (sweep.scores[np.arange(LAYERS), 0, np.arange(LAYERS) + 2] > 0.4).all()
    assert np.abs(sweep.scores[:, 1]).mean() < 0.1
    found = lag_by_layer(sweep, ["late"])
    assert found.correlation == pytest.approx(1.0) and found.p < 0.05
    assert found.lags.tolist() == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4])


def test_layers_that_lost_their_depth_lose_their_order():
    layers = make_layers()
    epochs = make_epochs(layers, noise=0.3)
    mixed = layer_by_lag(scrambled(layers, seed=3), epochs, components=None)
    straight = layer_by_lag(layers, epochs, components=None)
    assert mixed.scores[:, 0].max() < 0.6 < straight.scores[:, 0].max()
    assert lag_by_layer(mixed, ["late"]).p > 0.05


@pytest.mark.filterwarnings("ignore:alphas")
def test_a_sweep_is_one_regression_a_cell():
    layers = make_layers()
    epochs = make_epochs(layers)
    folding = Contiguous(3, purge=4)
    alphas = np.logspace(-6, 6, 13)
    sweep = layer_by_lag(layers[:2], epochs, components=4, folding=folding, alphas=alphas, inner=3)
    for fold, scores in zip(folding.split(epochs.rows), sweep.by_fold, strict=True):
        X = Space(layers[1], components=4).prepared(epochs.rows, fold.train)
        inside = inner_folds(folding, epochs.rows.take(fold.train), 3, 4)
        for channel, lag in ((0, 3), (1, 7)):
            y = epochs.data[:, channel, lag : lag + 1]
            model = RidgeCV(alphas=alphas, folds=inside).fit(X[fold.train], y[fold.train])
            alone = correlation(y[fold.test], model.predict(X[fold.test]))
            assert scores[1, channel, lag] == pytest.approx(alone[0], abs=1e-5)


def test_words_can_be_scored_apart():
    layers = make_layers()
    epochs = make_epochs(layers)
    rows = epochs.rows
    surprisal = np.random.default_rng(5).normal(size=len(rows))
    surprisal[:3] = np.nan
    subsets = by_surprisal(surprisal)
    assert not (subsets["predictable"] & subsets["unpredictable"]).any()
    assert (subsets["predictable"] | subsets["unpredictable"]).sum() == len(rows) - 3
    # Noise for the unpredictable half only: their score must fall, the others' must not.
    noisy = epochs.data.copy()
    hidden = subsets["unpredictable"]
    noisy[hidden] += 12 * np.random.default_rng(6).normal(size=noisy[hidden].shape)
    sweep = layer_by_lag(
        layers[:1], Epochs(noisy.astype("f"), LAGS, rows, epochs.channels, "ecog"), components=None, subsets=subsets
    )
    assert sweep.subsets["predictable"][0, 0, 2] > 0.3 > 0.2 > sweep.subsets["unpredictable"][0, 0, 2]


def test_predicted_words_are_those_with_a_high_rank():
    masks = by_prediction(np.array([1, 3, 2, 9]), k=2)
    assert masks["among the 2 likeliest"].tolist() == [True, False, True, False]
    with pytest.raises(InputError, match="at least one guess"):
        by_prediction(np.array([1]), k=0)


def test_the_gap_keeps_training_epochs_from_overlapping_test_epochs():
    epochs = make_epochs(make_layers())
    span = LAGS[-1] - LAGS[0]
    for fold in epochs_folding(epochs).split(epochs.rows):
        for run in ("run-0", "run-1"):
            train, test = (epochs.rows.time[p][epochs.rows.run[p] == run] for p in (fold.train, fold.test))
            if len(train) and len(test):
                assert np.abs(train[:, None] - test[None]).min() > span


def test_context_and_layer_are_found_together():
    layers, other = make_layers(), make_layers(seed=9)
    epochs = make_epochs(layers, noise=0.5)
    responses = epochs.mean(0.2, 0.2)  # the third layer's lag
    grid = layer_by_context({"1 word": other, "8 words": layers}, responses, folding=Contiguous(4, purge=2))
    assert grid.scores.shape == (LAYERS, 2, 2)
    assert np.unravel_index(grid.scores[:, :, 0].argmax(), (LAYERS, 2)) == (2, 1)


def test_interpolated_layers_lie_between_first_and_last():
    layers = make_layers()
    line = interpolated(layers)
    assert np.allclose(line[0].runs["run-0"], layers[0].runs["run-0"])
    assert np.allclose(line[2].runs["run-1"], (layers[0].runs["run-1"] + layers[-1].runs["run-1"]) / 2, atol=1e-6)
    assert np.allclose(line[-1].runs["run-0"], layers[-1].runs["run-0"])


def test_scrambling_keeps_every_vector_at_its_word():
    layers = make_layers()
    mixed = scrambled(layers, seed=0)
    before = np.stack([layer.runs["run-0"] for layer in layers]).sum(0)
    assert np.allclose(np.stack([layer.runs["run-0"] for layer in mixed]).sum(0), before, atol=1e-5)
    assert not np.allclose(mixed[0].runs["run-0"], layers[0].runs["run-0"])


def test_what_does_not_fit_is_refused():
    layers = make_layers()
    epochs = make_epochs(layers)
    with pytest.raises(InputError, match="none found"):
        layer_by_lag([], epochs)
    with pytest.raises(InputError, match="expected bool"):
        layer_by_lag(layers, epochs, subsets={"some": np.ones(3, dtype=bool)})
    with pytest.raises(InputError, match="same number"):
        layer_by_context({"a": layers, "b": layers[:1]}, epochs.mean(0, 0.1), folding=Contiguous(3))
    with pytest.raises(InputError, match="'IFG' not in the sweep"):
        lag_by_layer(layer_by_lag(layers[:3], epochs), ["IFG"])
    with pytest.raises(InputError, match="at least 3"):
        lag_by_layer(layer_by_lag(layers[:2], epochs))
