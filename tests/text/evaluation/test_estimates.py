import numpy as np
import pytest

from grounding.text.evaluation.estimates import Estimate, correlation, share_correct


def test_ranks_of_a_resample_are_those_of_its_items(generator):
    """The bootstrap counts instead of sorting; here each resample is written out and given to scipy."""
    from scipy.stats import spearmanr

    x, y = np.round(generator.standard_normal((2, 25)), 1)
    draws = np.random.default_rng(4).integers(25, size=(300, 25))
    expected = [spearmanr(x[rows], y[rows])[0] for rows in draws]
    found = correlation(x, y, True, resamples=300, seed=4)
    assert found.value == pytest.approx(spearmanr(x, y)[0], abs=1e-12)
    np.testing.assert_allclose((found.low, found.high), np.percentile(expected, (2.5, 97.5)), atol=1e-12)


def test_intervals_hold_the_truth_as_often_as_they_say():
    """Of 200 samples of a known correlation of 0.5, and of a known share of 0.3, about 95 % of intervals hold it."""
    generator = np.random.default_rng(0)
    held = np.zeros(2)
    for seed in range(200):
        common = generator.standard_normal(120)
        x, y = (common + generator.standard_normal(120) for _ in range(2))
        pearson = correlation(x, y, False, 200, seed)
        share = share_correct(generator.random(120) < 0.3, np.arange(120)[None], 200, seed)
        held += [pearson.low <= 0.5 <= pearson.high, share.low <= 0.3 <= share.high]
    assert (held >= 178).all() and (held <= 199).all()


def test_answers_that_share_units_have_wider_intervals(generator):
    """Ten words asked about twenty times each say what ten words say."""
    words = np.repeat(np.arange(10), 20)
    correct = (np.arange(10) % 2).astype(bool)[words]
    few, many = (share_correct(correct, units[None], 1000, 0) for units in (words, np.arange(200)))
    assert few.value == many.value == 0.5
    assert few.high - few.low > 3 * (many.high - many.low)


def test_all_right_or_all_wrong_is_no_certainty():
    units = np.arange(10)[None]
    whole, none = (share_correct(np.full(10, value), units, 100, 0) for value in (True, False))
    # Of ten in a row: 0.025 ** (1 / 10).
    assert (whole.value, whole.high) == (1.0, 1.0) and whole.low == pytest.approx(0.6915, abs=1e-4)
    assert (none.value, none.low) == (0.0, 0.0) and none.high == pytest.approx(0.3085, abs=1e-4)


def test_seeds_decide(generator):
    x, y = generator.standard_normal((2, 40))
    one, same, other = (correlation(x, y, True, 100, seed) for seed in (1, 1, 2))
    assert one == same != other and one.value == other.value
    assert str(Estimate(0.5, 0.25, 0.75)) == "0.500 (0.250 to 0.750)"
