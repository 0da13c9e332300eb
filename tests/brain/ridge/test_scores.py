import numpy as np
import pytest
import torch
from scipy.stats import pearsonr
from sklearn.metrics import r2_score

from grounding.brain.ridge.scores import correlation, r2
from grounding.errors import InputError


@pytest.fixture
def pair():
    rng = np.random.default_rng(0)
    actual = rng.normal(size=(40, 5)) * np.logspace(-8, 8, 5) + np.linspace(-1, 1, 5)
    return actual, actual + rng.normal(size=(40, 5)) * np.logspace(-8, 8, 5)


def test_same_as_scipy_and_scikit_learn(pair):
    actual, predicted = pair
    expected = [pearsonr(a, p).statistic for a, p in zip(actual.T, predicted.T, strict=True)]
    np.testing.assert_allclose(correlation(actual, predicted), expected, rtol=1e-6)
    np.testing.assert_allclose(r2(actual, predicted), r2_score(actual, predicted, multioutput="raw_values"), rtol=1e-6)


def test_perfect_and_worse_than_the_mean(pair):
    actual, _ = pair
    np.testing.assert_allclose(correlation(actual, 3 * actual - 1), 1)
    np.testing.assert_allclose(correlation(actual, -actual), -1)
    np.testing.assert_allclose(r2(actual, actual), 1)
    np.testing.assert_allclose(r2(actual, np.broadcast_to(actual.mean(0), actual.shape)), 0, atol=1e-12)
    assert (r2(actual, -actual) < 0).all()


def test_constant_targets_have_no_score_and_constant_predictions_no_correlation(pair):
    actual, predicted = (part[:, 2:4].astype(np.float32) for part in pair)
    actual[:, 0], predicted[:, 1] = 0.1, 0.3
    assert np.isnan(correlation(actual, predicted)[0]) and correlation(actual, predicted)[1] == 0
    assert np.isnan(r2(actual, predicted)[0]) and np.isfinite(r2(actual, predicted)[1])


def test_torch_in_torch_out(pair):
    actual, predicted = (torch.from_numpy(part) for part in pair)
    assert torch.equal(correlation(actual, predicted), torch.from_numpy(correlation(*pair)))


def test_other_shapes_are_refused(pair):
    with pytest.raises(InputError, match=r"shapes \(40, 5\) and \(40, 4\) found"):
        r2(pair[0], pair[1][:, :4])
