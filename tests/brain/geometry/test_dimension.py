"""Dimensions of data whose dimension is known."""

import numpy as np
import pytest

from grounding.brain.geometry import participation_ratio, principal_dimension, two_nearest_neighbours
from grounding.errors import InputError


def embedded(generator: np.random.Generator, points: np.ndarray, p: int) -> np.ndarray:
    return points @ np.linalg.qr(generator.normal(size=(p, points.shape[1])))[0].T + 5


def test_participation_ratio_counts_equal_axes_and_is_its_formula(generator):
    X = embedded(generator, generator.normal(size=(20000, 6)), 30)
    assert participation_ratio(X) == pytest.approx(6, rel=0.01)
    variances = np.linalg.eigvalsh(np.cov(X.T))
    assert participation_ratio(X) == pytest.approx(variances.sum() ** 2 / (variances**2).sum())
    assert participation_ratio(np.arange(5.0)[:, None] * [1, 2]) == pytest.approx(1)


def test_principal_dimension_is_the_fewest_axes(generator):
    axes = np.linalg.qr(np.hstack([np.ones((50, 1)), generator.normal(size=(50, 4))]))[0][:, 1:]
    X = axes * np.sqrt([0.6, 0.3, 0.06, 0.04])
    assert [principal_dimension(X, share) for share in (0.5, 0.6, 0.61, 0.9, 0.95, 0.96, 1.0)] == [1, 1, 2, 2, 3, 3, 4]


@pytest.mark.parametrize("d", [1, 2, 5])
def test_two_nearest_neighbours_finds_the_dimension_of_a_cube(generator, d):
    X = embedded(generator, generator.uniform(size=(2500, d)), 12)
    assert two_nearest_neighbours(X) == pytest.approx(d, rel=0.1)


def test_two_nearest_neighbours_sees_a_curved_sheet_and_ignores_repetitions(generator):
    angle, height = generator.uniform(4, 14, 2000), generator.uniform(0, 20, 2000)
    roll = np.stack([angle * np.cos(angle), angle * np.sin(angle), height], axis=1)
    assert two_nearest_neighbours(roll) == pytest.approx(2, rel=0.1)
    assert principal_dimension(roll, 0.9) == 3
    assert two_nearest_neighbours(np.repeat(roll, 2, axis=0)) == pytest.approx(two_nearest_neighbours(roll))


def test_two_nearest_neighbours_is_the_plain_computation(generator):
    from scipy.spatial.distance import cdist

    X = generator.normal(size=(700, 3)) + 1000
    distances = np.sort(cdist(X, X), axis=1)
    ratios = np.sort(distances[:, 2] / distances[:, 1])[:630]
    x, y = np.log(ratios), -np.log(1 - np.arange(1, 631) / 700)
    assert two_nearest_neighbours(X) == pytest.approx(x @ y / (x @ x), rel=1e-6)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda X: participation_ratio(np.ones((4, 2))), "all rows are equal"),
        (lambda X: participation_ratio(np.full((4, 2), np.nan)), "row 0 has NaN"),
        (lambda X: principal_dimension(X, 1.2), "share: 1.2"),
        (lambda X: two_nearest_neighbours(np.repeat(X[:4], 5, axis=0)), "4 different rows"),
        (lambda X: two_nearest_neighbours(X, discarded=1), "discarded: 1"),
    ],
)
def test_bad_input_is_named(generator, call, message):
    with pytest.raises(InputError, match=message):
        call(generator.normal(size=(20, 3)))
