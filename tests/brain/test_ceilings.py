"""Planted ceilings are found again, and the conventions agree with one another."""

import numpy as np
import pytest

from grounding.brain.ceilings import (
    ceiling_of_mean,
    explainable_variance,
    inter_subject,
    normalised_correlation,
    part_of_ceiling,
    signal_power,
    split_half,
)
from grounding.errors import InputError

SHARE = np.array([0.0, 0.1, 0.3, 0.8])


@pytest.fixture
def repeats(generator):
    """(5, 2000, 4 * 20): four planted parts of signal, 20 targets each."""
    signal = generator.standard_normal((2000, 80))
    noise = generator.standard_normal((5, 2000, 80))
    share = np.repeat(SHARE, 20)
    return 3 * (np.sqrt(share) * signal + np.sqrt(1 - share) * noise) + 7


def by_share(values):
    return values.reshape(4, 20).mean(1)


def test_explainable_variance_finds_the_planted_part(repeats):
    np.testing.assert_allclose(by_share(explainable_variance(repeats)), SHARE, atol=0.015)
    plain = by_share(explainable_variance(repeats, bias_correction=False))
    np.testing.assert_allclose(plain, SHARE + (1 - SHARE) / 5, atol=0.015)


def test_explainable_variance_is_signal_over_total_power(repeats):
    total = repeats.var(1, ddof=1).mean(0)
    np.testing.assert_allclose(explainable_variance(repeats), signal_power(repeats) / total, atol=1e-12)
    np.testing.assert_allclose(by_share(signal_power(repeats)), 9 * SHARE, atol=0.2)


def test_slow_form_of_explainable_variance(repeats):
    one = repeats[:, :, 45]
    part = one.mean(0).var(ddof=1) / np.mean([x.var(ddof=1) for x in one])
    assert explainable_variance(repeats)[45] == pytest.approx(part - (1 - part) / 4)


def test_ceiling_is_what_a_perfect_prediction_reaches(generator):
    signal = generator.standard_normal((4000, 30))
    repeats = np.sqrt(0.2) * signal + np.sqrt(0.8) * generator.standard_normal((6, 4000, 30))
    for count in (1, 6):
        mean = repeats[:count].mean(0)
        reached = [np.corrcoef(a, b)[0, 1] for a, b in zip(signal.T, mean.T, strict=True)]
        assert np.mean(reached) == pytest.approx(ceiling_of_mean(np.array(0.2), count), abs=0.01)
    assert np.sqrt(split_half(repeats, splits=20)).mean() == pytest.approx(ceiling_of_mean(np.array(0.2), 6), abs=0.01)
    # With an odd number of repeats one is left out of each split, and the formula still speaks of all.
    odd = np.sqrt(split_half(repeats[:5], splits=20)).mean()
    assert odd == pytest.approx(ceiling_of_mean(np.array(0.2), 5), abs=0.01)


def test_normalised_correlation_takes_the_noise_out(generator):
    signal = generator.standard_normal((4000, 40))
    repeats = np.sqrt(0.1) * signal + np.sqrt(0.9) * generator.standard_normal((3, 4000, 40))
    model = 0.6 * signal + 0.8 * generator.standard_normal((4000, 40))
    assert normalised_correlation(repeats, model).mean() == pytest.approx(0.6, abs=0.03)
    assert normalised_correlation(repeats, signal).mean() == pytest.approx(1.0, abs=0.03)
    assert np.isnan(normalised_correlation(repeats, np.ones_like(model))).all()


def test_inter_subject_bounds_hold_the_ceiling(generator):
    share, subjects = 0.3, 8
    signal = generator.standard_normal((3000, 25))
    responses = np.sqrt(share) * signal + np.sqrt(1 - share) * generator.standard_normal((subjects, 3000, 25))
    found = inter_subject(responses)
    assert found.shared.mean() == pytest.approx(np.sqrt(share), abs=0.01)
    others = np.sqrt(share * share * (subjects - 1) / (1 + share * (subjects - 2)))
    assert found.lower.mean() == pytest.approx(others, abs=0.01)
    assert (found.lower < found.shared).all() and (found.shared < found.upper).all()


def test_inter_subject_slow_form(generator):
    responses = generator.standard_normal((4, 60, 3)) + generator.standard_normal((60, 3))
    labels = np.repeat([0, 1], 30)
    found = inter_subject(responses, labels)
    z = responses.reshape(4, 2, 30, 3)
    z = ((z - z.mean(2, keepdims=True)) / z.std(2, keepdims=True)).reshape(4, 60, 3)
    for s in range(4):
        others = np.delete(z, s, axis=0).mean(0)
        expected = [np.corrcoef(a, b)[0, 1] for a, b in zip(z[s].T, others.T, strict=True)]
        np.testing.assert_allclose(found.each[s], expected, atol=1e-10)
    expected = [np.mean([np.corrcoef(z[s, :, v], z[:, :, v].mean(0))[0, 1] for s in range(4)]) for v in range(3)]
    np.testing.assert_allclose(found.upper, expected, atol=1e-10)


def test_a_segment_that_is_constant_in_one_subject_is_no_agreement(generator):
    responses = generator.standard_normal((3, 60, 2)) + generator.standard_normal((60, 2))
    responses[0, :30] = 4.0
    labels = np.repeat([0, 1], 30)
    z = responses.reshape(3, 2, 30, 2)
    spread = z.std(2, keepdims=True)
    z = ((z - z.mean(2, keepdims=True)) / np.where(spread > 0, spread, 1)).reshape(3, 60, 2)
    z /= np.sqrt((z**2).mean(1, keepdims=True))
    expected = [np.corrcoef(z[0, :, v], z[1:, :, v].mean(0))[0, 1] for v in range(2)]
    np.testing.assert_allclose(inter_subject(responses, labels).each[0], expected, atol=1e-10)


def test_part_of_ceiling_is_missing_where_the_ceiling_is_noise():
    np.testing.assert_array_equal(part_of_ceiling(np.array([0.2, 0.3, 0.1]), np.array([0.4, 0.05, np.nan])),
                                  [0.5, np.nan, np.nan])  # fmt: skip
    assert part_of_ceiling(np.array([0.6]), np.array([0.5]))[0] == pytest.approx(1.2)


def test_bad_input_is_named(repeats):
    with pytest.raises(InputError, match="at least 2 repeats"):
        explainable_variance(repeats[:1])
    with pytest.raises(InputError, match="at least 3 subjects"):
        inter_subject(repeats[:2])
    broken = repeats.copy()
    broken[2, 5, 7] = np.inf
    with pytest.raises(InputError, match="target 7 holds a value that is not finite"):
        split_half(broken)
    broken[2, :, 7] = 1.0
    with pytest.raises(InputError, match="target 7 is constant in subject 2"):
        inter_subject(broken)
    assert np.isnan(explainable_variance(np.ones((3, 10, 1)))).all()
    with pytest.raises(InputError, match="predicted: "):
        normalised_correlation(repeats, repeats[0, :, :3])
    with pytest.raises(InputError, match="repeats: 0"):
        ceiling_of_mean(SHARE, 0)
