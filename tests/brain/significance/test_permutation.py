"""The fast tables against the plain form: move the series, multiply, add."""

import numpy as np
import pytest
from scipy import stats

from grounding.brain.folds import ByWordType, Contiguous, LeaveOneOut, Shuffled
from grounding.brain.rows import Rows
from grounding.brain.significance import (
    block_length,
    block_permutation,
    moves,
    phase_permutation,
    segments,
    shift_permutation,
)
from grounding.brain.significance import permutation as module
from grounding.brain.synthetic.planting import autoregressive
from grounding.errors import InputError

TESTS = [block_permutation, shift_permutation, phase_permutation]


@pytest.fixture
def pair(generator):
    signal = generator.standard_normal((230, 6))
    return signal + generator.standard_normal((230, 6)), signal + 2 * generator.standard_normal((230, 6))


LABELS = np.repeat([0, 1, 2], [101, 80, 49])


def plain_r(actual, predicted, labels):
    """The mean over segments of scipy's r, by their length."""
    total = np.zeros(actual.shape[1])
    for name in np.unique(labels[labels >= 0]):
        rows = labels == name
        total += rows.sum() * np.array(
            [stats.pearsonr(y, p).statistic for y, p in zip(actual[rows].T, predicted[rows].T, strict=True)]
        )
    return total / (labels >= 0).sum()


@pytest.mark.parametrize("test", TESTS)
def test_observed_is_the_mean_correlation_of_segments(pair, test):
    found = test(*pair, LABELS, permutations=19)
    np.testing.assert_allclose(found.observed, plain_r(*pair, LABELS), atol=1e-10)


@pytest.mark.parametrize("test", TESTS)
def test_observed_r2_is_one_minus_error_over_variance(pair, test):
    actual, predicted = pair
    error = ((actual - predicted) ** 2).sum(0)
    total = sum(((actual[LABELS == s] - actual[LABELS == s].mean(0)) ** 2).sum(0) for s in range(3))
    found = test(*pair, LABELS, statistic="r2", permutations=19)
    np.testing.assert_allclose(found.observed, 1 - error / total, atol=1e-10)


def test_blocks_are_moved_as_the_weights_say(generator):
    y, p = generator.standard_normal((2, 47, 3))
    blocks = moves.equal_blocks([np.arange(22), np.arange(22, 47)], [4, 5])
    weights = moves.block_weights(blocks, 30, generator)
    assert weights.shape == (30, 4 * 4 + 5 * 5 + 1)
    found = weights @ moves.block_table(y, p, blocks)
    for row, chosen in zip(found, np.split(weights.indices, 30), strict=True):
        source = np.arange(47)
        for block, base, count in ((blocks[0], 0, 4), (blocks[1], 16, 5)):
            mine = chosen[(chosen >= base) & (chosen < base + count * count)] - base
            source[block[mine // count]] = block[mine % count]
        assert sorted(source) == list(range(47))
        np.testing.assert_allclose(row, (y * p[source]).sum(0), atol=1e-10)


def test_rows_left_over_stay_in_place_and_are_not_widened(generator):
    """47 rows in blocks of 5 leave 2 over; a signal in those alone is in every permutation, and no discovery."""
    actual, predicted = generator.standard_normal((2, 47, 40))
    actual[45:] = predicted[45:] = 5 * generator.standard_normal((2, 40))
    for cross_fitted in (True, False):
        test = block_permutation(
            actual, predicted, np.zeros(47, dtype=np.int64), block=5, permutations=99, cross_fitted=cross_fitted
        )
        assert 0.3 < np.median(test.p) < 0.7


@pytest.mark.parametrize("n", [24, 25])
def test_rotations_are_those_of_roll(generator, n):
    y, p = generator.standard_normal((2, n, 3))
    found = moves.at_rotations(y, p)
    np.testing.assert_allclose(found, [(y * np.roll(p, k, axis=0)).sum(0) for k in range(n)], atol=1e-10)


@pytest.mark.parametrize("n", [24, 25])
def test_phases_keep_the_spectrum_and_stay_real(generator, n):
    y, p = generator.standard_normal((2, n, 3))
    weights = moves.phase_weights(n, 8, generator)
    half = weights.shape[1] // 2
    found = weights @ moves.at_frequencies(y, p)
    for row, weight in zip(found, weights, strict=True):
        turn = weight[:half] + 1j * weight[half:]
        np.testing.assert_allclose(np.abs(turn), 1, atol=1e-12)
        moved = np.fft.irfft(np.fft.rfft(p, axis=0) * turn[:, None], n, axis=0)
        # irfft drops what is not real at the two ends, so power would be lost there.
        np.testing.assert_allclose((moved**2).sum(0), (p**2).sum(0), atol=1e-10)
        np.testing.assert_allclose(row, (y * moved).sum(0), atol=1e-10)


@pytest.mark.parametrize("test", TESTS)
@pytest.mark.parametrize("statistic", ["r", "r2"])
def test_blocks_of_memory_change_nothing(pair, test, statistic, monkeypatch):
    whole = test(*pair, LABELS, statistic=statistic, permutations=59, seed=4)
    monkeypatch.setattr(module, "MEMORY", 1)
    parts = test(*pair, LABELS, statistic=statistic, permutations=59, seed=4)
    np.testing.assert_array_equal(whole.p, parts.p)
    np.testing.assert_allclose(whole.observed, parts.observed, atol=1e-12)
    np.testing.assert_array_equal(whole.family_wise, parts.family_wise)


@pytest.mark.parametrize("test", TESTS)
def test_p_is_never_zero_and_corrections_are_stricter(pair, test):
    found = test(pair[0], pair[0], LABELS, permutations=99)
    np.testing.assert_allclose(found.p, 0.01)
    found = test(*pair, LABELS, permutations=99)
    assert (found.p >= 0.01).all() and (found.family_wise >= found.p).all()
    assert (found.false_discovery_rate >= found.p).all()
    assert (found.false_discovery_rate_any_dependence >= found.false_discovery_rate).all()


@pytest.mark.parametrize("test", TESTS)
def test_same_seed_same_result_and_other_seed_another(pair, test):
    first, again, other = (test(*pair, LABELS, permutations=199, seed=s).p for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert test(*pair, LABELS, permutations=199, seed=1).description.endswith("seed 1")
    weak = np.random.default_rng(5).standard_normal(pair[0].shape)
    assert (test(pair[0], weak, LABELS, seed=1).p != test(pair[0], weak, LABELS, seed=2).p).any()
    assert other.shape == first.shape


@pytest.mark.parametrize("test", TESTS)
def test_constant_target_or_prediction_is_no_discovery(pair, test):
    actual, predicted = (x.astype(np.float32) for x in pair)
    actual[:, 0], predicted[:, 1] = 0.1, 1e6
    found = test(actual, predicted, LABELS, permutations=99)
    assert found.p[:2].tolist() == [1, 1] and found.observed[:2].tolist() == [0, 0]


def test_rows_in_no_segment_are_not_looked_at(pair):
    actual, predicted = (x.copy() for x in pair)
    labels = LABELS.copy()
    labels[:40] = -1
    expected = shift_permutation(actual[40:], predicted[40:], labels[40:], permutations=59)
    actual[:40], predicted[:40] = np.nan, np.nan
    np.testing.assert_array_equal(shift_permutation(actual, predicted, labels, permutations=59).p, expected.p)


def test_segments_are_runs_cut_by_folds():
    rows = Rows.joined([Rows.of_run("a", np.arange(6.0)), Rows.of_run("b", np.arange(4.0))])
    assert segments(rows).tolist() == [0] * 6 + [1] * 4
    assert segments(rows, LeaveOneOut("run").split(rows)).tolist() == [0] * 6 + [1] * 4
    # Five rows a fold: the last row of run a is tested with run b, and stands apart from it.
    assert segments(rows, Contiguous(2).split(rows)).tolist() == [0] * 5 + [1] + [2] * 4
    longer = Rows.joined([Rows.of_run("a", np.arange(30.0)), Rows.of_run("b", np.arange(20.0))])
    assert segments(longer, Shuffled(5, seed=0).split(longer)).tolist() == [0] * 30 + [1] * 20
    words = Rows.of_run("a", np.arange(8.0), word="to be or not to be or not".split())
    assert segments(words, ByWordType(2).split(words)).tolist() == [0] * 8


def test_rows_that_no_fold_tests_are_in_no_segment():
    rows = Rows.of_run("a", np.arange(10.0))
    assert segments(rows, Contiguous(5).split(rows)).min() == 0
    partial = Contiguous(5).split(rows)
    partial = type(partial)(partial.folds[1:3], "two of five")
    assert segments(rows, partial).tolist() == [-1, -1, 0, 0, 1, 1, -1, -1, -1, -1]


def test_blocks_grow_with_measured_autocorrelation(generator):
    labels = np.zeros(2000, dtype=np.int64)
    found = []
    for memory in (0.0, 0.8, 0.95):
        actual, predicted = (autoregressive(2000, 50, memory, generator) for _ in range(2))
        found.append(block_length(actual, predicted, labels))
    # 2 sum(k a^k) / sum(a^|k|) / 0.05 with a the squared memory.
    expected = [2 * a / ((1 - a) * (1 + a)) / 0.05 for a in (0.64, 0.9025)]
    assert found[0] == 10
    np.testing.assert_allclose(found[1:], expected, rtol=0.35)
    white = generator.standard_normal((2000, 50))
    assert block_length(autoregressive(2000, 50, 0.95, generator), white, labels) == 10


@pytest.mark.parametrize("test", TESTS)
def test_bad_input_is_named(pair, test):
    actual, predicted = pair
    broken = actual.copy()
    broken[3, 2] = np.nan
    with pytest.raises(InputError, match="actual: target 2 holds a value that is not finite"):
        test(broken, predicted, LABELS)
    with pytest.raises(InputError, match=r"predicted: \(230, 5\)"):
        test(actual, predicted[:, :5], LABELS)
    with pytest.raises(InputError, match="statistic: 'rho'"):
        test(actual, predicted, LABELS, statistic="rho")
    with pytest.raises(InputError, match="permutations: 18"):
        test(actual, predicted, LABELS, permutations=18)
    with pytest.raises(InputError, match="segments: .* expected"):
        test(actual, predicted, LABELS[:-1])
    with pytest.raises(InputError, match="every row is left out"):
        test(actual, predicted, np.full(230, -1))


def test_too_few_blocks_are_refused(pair):
    with pytest.raises(InputError, match="choose a smaller block"):
        block_permutation(*pair, LABELS, block=60)
    with pytest.raises(InputError, match="block: 0 rows"):
        block_permutation(*pair, LABELS, block=0)
    with pytest.raises(InputError, match="fewer than 20 rotations"):
        shift_permutation(pair[0][:12], pair[1][:12], np.zeros(12, dtype=np.int64))
