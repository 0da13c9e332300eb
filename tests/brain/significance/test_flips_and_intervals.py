"""Signs, intervals and false discoveries, against scipy, slow forms and coverage of planted values."""

from itertools import product

import numpy as np
import pytest
from scipy import stats

from grounding.brain.significance import (
    benjamini_hochberg,
    benjamini_yekutieli,
    bootstrap_rows,
    difference_permutation,
    flips,
    over_subjects,
    sign_flip,
)
from grounding.brain.synthetic.planting import autoregressive
from grounding.errors import InputError


def test_false_discovery_rates_are_those_of_scipy(generator):
    p = np.r_[generator.uniform(size=40), generator.uniform(high=0.01, size=10), 1.0]
    np.testing.assert_allclose(benjamini_hochberg(p), stats.false_discovery_control(p, method="bh"))
    np.testing.assert_allclose(benjamini_yekutieli(p), stats.false_discovery_control(p, method="by"))
    with pytest.raises(InputError, match="leave out missing ones"):
        benjamini_hochberg(np.array([0.1, np.nan]))


@pytest.mark.parametrize("two_sided", [True, False])
def test_sign_flip_goes_through_all_changes_of_sign(generator, two_sided):
    values = generator.standard_normal((7, 4)) + 0.4
    signs = np.array(list(product([1, -1], repeat=7)))
    means = (signs[:, :, None] * values).mean(1)
    # For one target, the mean and t order the arrangements alike.
    reached = np.abs(means) >= np.abs(values.mean(0)) - 1e-12 if two_sided else means >= values.mean(0) - 1e-12
    found = sign_flip(values, two_sided=two_sided)
    np.testing.assert_allclose(found.p, reached.mean(0))
    np.testing.assert_allclose(found.observed, values.mean(0))
    t = np.abs(stats.ttest_1samp(signs[:, :, None] * values, 0, axis=1).statistic)
    t = t if two_sided else stats.ttest_1samp(signs[:, :, None] * values, 0, axis=1).statistic
    maxima = t.max(1)
    np.testing.assert_allclose(found.family_wise, [(maxima >= one - 1e-9).mean() for one in t[0]])


def test_sign_flip_draws_where_subjects_are_many_and_in_blocks_of_memory(generator, monkeypatch):
    values = generator.standard_normal((30, 5)) + np.array([0, 0, 0, 0, 1.0])
    found = sign_flip(values, permutations=2000, seed=3)
    np.testing.assert_allclose(found.p, stats.ttest_1samp(values, 0).pvalue, atol=0.03)
    assert found.family_wise[4] < 0.01
    monkeypatch.setattr(flips, "MEMORY", 1)
    np.testing.assert_array_equal(sign_flip(values, permutations=2000, seed=3).family_wise, found.family_wise)


def test_too_few_subjects_or_missing_values_are_refused():
    with pytest.raises(InputError, match="5 found, expected at least 6"):
        sign_flip(np.ones((5, 2)))
    with pytest.raises(InputError, match="not finite"):
        sign_flip(np.r_[np.ones(6), np.nan])
    assert sign_flip(np.ones(5), two_sided=False).p == pytest.approx([1 / 32])


@pytest.mark.parametrize("statistic", ["r", "r2"])
def test_difference_of_models_keeps_its_rate_when_both_predict_equally_well(generator, statistic):
    """Both predict; tests that move the responses would call the difference of neither."""
    n, v = 600, 400
    signal = autoregressive(n, v, 0.8, generator)
    actual = signal + autoregressive(n, v, 0.8, generator)
    first, second = (signal + autoregressive(n, v, 0.8, generator) for _ in range(2))
    labels = np.repeat([0, 1], n // 2)
    test = difference_permutation(
        actual, first, second, labels, statistic=statistic, permutations=399, cross_fitted=False
    )
    assert (test.p <= 0.05).sum() <= stats.binom.ppf(0.999, v, 0.05)
    better = signal + 0.1 * autoregressive(n, v, 0.8, generator)
    found = difference_permutation(actual, better, second, labels, statistic=statistic, permutations=399)
    assert (found.p <= 0.05).mean() > 0.6 and (found.observed > 0).mean() > 0.98
    swapped = difference_permutation(actual, second, better, labels, statistic=statistic, permutations=399)
    np.testing.assert_allclose(swapped.observed, -found.observed, atol=1e-12)
    np.testing.assert_allclose(swapped.p, found.p)


def test_observed_difference_is_that_of_scores(generator):
    actual, first, second = generator.standard_normal((3, 90, 4))
    found = difference_permutation(actual, first, second, np.zeros(90, dtype=np.int64), block=5, permutations=19)
    expected = [stats.pearsonr(y, a).statistic - stats.pearsonr(y, b).statistic
                for y, a, b in zip(actual.T, first.T, second.T, strict=True)]  # fmt: skip
    np.testing.assert_allclose(found.observed, expected, atol=1e-10)
    with pytest.raises(InputError, match="expected at least 6"):
        difference_permutation(actual, first, second, np.zeros(90, dtype=np.int64), block=20)


def test_bootstrap_of_rows_covers_the_true_correlation(generator):
    """Autocorrelated pairs with r = 0.5: blocks cover it in about 95 % of 300 targets, single rows in far fewer."""
    n, v, r = 1000, 300, 0.5
    actual, other = autoregressive(n, v, 0.8, generator), autoregressive(n, v, 0.8, generator)
    predicted = r * actual + np.sqrt(1 - r * r) * other
    labels = np.zeros(n, dtype=np.int64)
    covered = {}
    for block in (None, 1):
        interval = bootstrap_rows(actual, predicted, labels, block=block, draws=300)
        covered[block] = ((interval.low <= r) & (r <= interval.high)).mean()
        expected = [stats.pearsonr(*pair).statistic for pair in zip(actual.T, predicted.T, strict=True)]
        np.testing.assert_allclose(interval.estimate, expected, atol=1e-10)
    assert 0.88 <= covered[None] <= 0.99
    assert covered[1] < 0.80


def test_intervals_over_subjects(generator):
    values = generator.standard_normal((12, 3)) + 1
    found = over_subjects(values, level=0.9)
    expected = stats.t.interval(0.9, 11, values.mean(0), stats.sem(values))
    np.testing.assert_allclose([found.low, found.high], expected)
    boot = over_subjects(values, method="bootstrap", level=0.9, seed=1)
    np.testing.assert_allclose([boot.low, boot.high], expected, atol=0.15)
    assert "seed 1" in boot.description
    with pytest.raises(InputError, match="level: 95"):
        over_subjects(values, level=95)
    with pytest.raises(InputError, match="method: 'bca'"):
        over_subjects(values, method="bca")
    with pytest.raises(InputError, match="at least 2"):
        over_subjects(values[:1])
