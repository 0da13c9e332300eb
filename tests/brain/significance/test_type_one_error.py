"""Pure noise is called significant no more often than stated, by the whole pipeline: ridge, folds, p-value."""

from dataclasses import dataclass

import numpy as np
import pytest
from scipy import stats

from grounding.brain.folds import Contiguous
from grounding.brain.ridge import RidgeCV
from grounding.brain.rows import Rows
from grounding.brain.significance import block_permutation, phase_permutation, segments, shift_permutation
from grounding.brain.synthetic.planting import autoregressive

N, WIDTH, TARGETS, DESIGNS, MEMORY = 800, 20, 150, 4, 0.8
PURGE = 20


@dataclass(frozen=True)
class Predicted:
    actual: np.ndarray
    predicted: np.ndarray
    labels: np.ndarray


def predictions(seed: int, planted: float = 0.0) -> Predicted:
    """Out-of-fold predictions of autoregressive responses from autoregressive features, alphas chosen in training."""
    generator = np.random.default_rng(seed)
    X = autoregressive(N, WIDTH, MEMORY, generator).astype(np.float32)
    Y = autoregressive(N, TARGETS, MEMORY, generator)
    signal = X @ generator.standard_normal((WIDTH, TARGETS)) / np.sqrt(WIDTH)
    Y = (np.sqrt(1 - planted) * Y + np.sqrt(planted) * signal).astype(np.float32)
    rows = Rows.of_run("run-1", np.arange(N) * 2.0)
    folds = Contiguous(5, purge=PURGE).split(rows)
    predicted = np.empty_like(Y)
    for fold in folds:
        model = RidgeCV(alphas=np.logspace(0, 4, 5), folds=Contiguous(5, purge=PURGE), extend=False)
        model.fit(X[fold.train], Y[fold.train], rows=rows.take(fold.train))
        predicted[fold.test] = model.predict(X[fold.test])
    return Predicted(Y, predicted, segments(rows, folds))


@pytest.fixture(scope="module")
def noise() -> list[Predicted]:
    with np.errstate(all="ignore"):
        return [predictions(seed) for seed in range(DESIGNS)]


def false_positives(noise: list[Predicted], test, **settings) -> int:
    """Of DESIGNS * TARGETS targets of noise, those with p <= 0.05."""
    tests = [test(one.actual, one.predicted, one.labels, permutations=499, seed=9, **settings) for one in noise]
    return sum(int((one.p <= 0.05).sum()) for one in tests)


ALL = DESIGNS * TARGETS
MOST = int(stats.binom.ppf(0.999, ALL, 0.05))


@pytest.mark.parametrize("test", [block_permutation, shift_permutation, phase_permutation])
def test_false_positives_are_at_most_five_percent(noise, test):
    assert ALL >= 400
    assert 0 < false_positives(noise, test) <= MOST


def test_single_rows_and_textbook_p_values_fail_on_the_same_predictions(noise):
    assert false_positives(noise[:1], block_permutation, block=1) > 0.15 * TARGETS
    scores = [block_permutation(one.actual, one.predicted, one.labels, permutations=19).observed for one in noise]
    r = np.concatenate(scores)
    textbook = stats.t.sf(r * np.sqrt((N - 2) / (1 - r * r)), N - 2)
    assert (textbook <= 0.05).sum() > 0.20 * ALL


def test_without_the_widening_of_cross_validation_too_many_are_called_significant(noise):
    assert false_positives(noise, block_permutation, cross_fitted=False) > 0.08 * ALL


def test_a_held_out_stretch_needs_no_widening():
    """Predictions from elsewhere: independent of the responses, and as autocorrelated."""
    generator = np.random.default_rng(5)
    actual, predicted = autoregressive(N, 800, MEMORY, generator), autoregressive(N, 800, MEMORY, generator)
    labels = np.zeros(N, dtype=np.int64)
    test = block_permutation(actual, predicted, labels, permutations=499, cross_fitted=False)
    assert stats.binom.ppf(0.001, 800, 0.05) <= (test.p <= 0.05).sum() <= stats.binom.ppf(0.999, 800, 0.05)
    widened = block_permutation(actual, predicted, labels, permutations=499)
    assert (widened.p <= 0.05).sum() < (test.p <= 0.05).sum()


def test_planted_signal_is_found():
    """r2 of 0.35 in 800 autocorrelated rows, worth some 180: nearly all, half corrected by the maximum."""
    one = predictions(11, planted=0.35)
    for test in (block_permutation, shift_permutation, phase_permutation):
        found = test(one.actual, one.predicted, one.labels, permutations=499, seed=1)
        assert (found.p <= 0.05).mean() > 0.95
        assert (found.false_discovery_rate <= 0.05).mean() > 0.95
        assert (found.family_wise <= 0.05).mean() > 0.4


def test_any_false_positive_among_many_targets_is_rare_by_the_maximum_statistic():
    """200 families of 15 dependent targets of noise: at most 5 % have any, and single p-values have it in most."""
    generator = np.random.default_rng(3)
    families, any_corrected, any_single = 200, 0, 0
    labels = np.repeat([0, 1], 50)
    mixing = np.eye(15) + 0.3
    for seed in range(families):
        actual = generator.standard_normal((100, 15)) @ mixing
        predicted = generator.standard_normal((100, 15)) @ mixing
        test = shift_permutation(actual, predicted, labels, permutations=199, cross_fitted=False, seed=seed)
        any_corrected += bool((test.family_wise <= 0.05).any())
        any_single += bool((test.p <= 0.05).any())
    assert any_corrected <= stats.binom.ppf(0.999, families, 0.05)
    assert any_single > 0.2 * families
