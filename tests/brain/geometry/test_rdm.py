"""Dissimilarities against scipy, rsatoolbox and their definitions."""

import numpy as np
import pytest
from scipy.spatial.distance import pdist, squareform

from grounding.brain.geometry import crossnobis, noise_covariance, pairs_of, rdm, repetition_residuals, square
from grounding.errors import InputError


@pytest.fixture
def patterns(generator: np.random.Generator) -> np.ndarray:
    return generator.normal(2, 1, (9, 14))


@pytest.mark.parametrize(
    "ours, scipys, scale",
    [
        ("correlation", "correlation", 1),
        ("cosine", "cosine", 1),
        ("euclidean", "euclidean", np.sqrt(14)),
        ("squared euclidean", "sqeuclidean", 14),
    ],
)
def test_distances_are_scipys(patterns, ours, scipys, scale):
    np.testing.assert_allclose(rdm(patterns, ours), pdist(patterns, scipys) / scale, atol=1e-12)


def test_mahalanobis_is_rsatoolboxs(patterns, generator):
    from rsatoolbox.data import Dataset
    from rsatoolbox.rdm import calc_rdm

    covariance = noise_covariance(generator.normal(size=(20, 14)))
    theirs = calc_rdm(Dataset(patterns), method="mahalanobis", noise=np.linalg.inv(covariance))
    np.testing.assert_allclose(rdm(patterns, "mahalanobis", covariance=covariance), theirs.dissimilarities[0])
    np.testing.assert_allclose(
        rdm(patterns, "mahalanobis", covariance=np.eye(14)), rdm(patterns, "squared euclidean"), atol=1e-12
    )


def test_crossnobis_is_rsatoolboxs(generator):
    from rsatoolbox.data import Dataset
    from rsatoolbox.rdm import calc_rdm

    runs = generator.normal(size=(4, 6, 14))
    covariance = noise_covariance(repetition_residuals(runs), degrees_of_freedom=3 * 6)
    labels = {"condition": np.tile(np.arange(6), 4), "run": np.repeat(np.arange(4), 6)}
    dataset = Dataset(runs.reshape(24, 14), obs_descriptors=labels)
    theirs = calc_rdm(
        dataset, method="crossnobis", descriptor="condition", cv_descriptor="run", noise=np.linalg.inv(covariance)
    )
    np.testing.assert_allclose(crossnobis(runs, covariance=covariance), theirs.dissimilarities[0], atol=1e-12)


def test_crossnobis_is_zero_on_average_where_nothing_differs_and_plain_distances_are_not(generator):
    noise = generator.normal(size=(5, 40, 60))
    crossed = crossnobis(noise)
    assert abs(crossed.mean()) < 4 * crossed.std() / np.sqrt(39)
    assert rdm(noise.mean(0), "squared euclidean").mean() > 0.3
    planted = generator.normal(size=(40, 60))
    expected = rdm(planted, "squared euclidean")
    assert crossnobis(planted + noise).mean() == pytest.approx(expected.mean(), rel=0.05)


def test_noise_covariance_is_rsatoolboxs_and_can_be_inverted_with_few_residuals(generator):
    from rsatoolbox.data.noise import cov_from_residuals

    residuals = generator.normal(size=(12, 30)) * generator.uniform(0.5, 3, 30)
    ours = noise_covariance(residuals)
    np.testing.assert_allclose(ours, cov_from_residuals(residuals, method="shrinkage_diag"), atol=1e-12)
    assert np.linalg.eigvalsh(ours)[0] > 0
    np.testing.assert_allclose(
        noise_covariance(residuals, degrees_of_freedom=9),
        cov_from_residuals(residuals, dof=9, method="shrinkage_diag"),
        atol=1e-12,
    )


def test_square_and_pairs_are_inverse(patterns):
    pairs = rdm(patterns)
    np.testing.assert_array_equal(square(pairs), squareform(pairs))
    np.testing.assert_array_equal(pairs_of(square(pairs)), pairs)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda P: rdm(P[:1]), "one condition found"),
        (lambda P: rdm(np.where(np.arange(14) == 3, np.nan, P)), "row 0 has NaN"),
        (lambda P: rdm(np.vstack([P, np.ones(14)])), "condition 9 is the same in all channels"),
        (lambda P: rdm(np.vstack([P, np.zeros(14)]), "cosine"), "condition 9 is zero"),
        (lambda P: rdm(P, "mahalanobis"), "covariance: none found"),
        (lambda P: rdm(P, covariance=np.eye(14)), "covariance: one found"),
        (lambda P: rdm(P, "mahalanobis", covariance=np.eye(3)), r"covariance: shape \(3, 3\)"),
        (lambda P: rdm(P, "mahalanobis", covariance=-np.eye(14)), "not positive definite; use noise_covariance"),
        (lambda P: rdm(P, "manhattan"), "'manhattan' found, expected one of correlation"),
        (lambda P: crossnobis(P[None]), "two runs or more"),
        (lambda P: noise_covariance(P[:2]), "2 rows found, expected at least three"),
        (lambda P: noise_covariance(np.where(np.arange(14) == 3, 1.0, P)), "channel 3 is constant"),
        (lambda P: square(np.ones(4)), "4 pairs found"),
        (lambda P: pairs_of(P), r"expected \(n, n\)"),
        (lambda P: pairs_of(np.triu(P[:, :9])), "not symmetric"),
        (lambda P: pairs_of(np.full((3, 3), np.nan)), "NaN or infinity beside the diagonal"),
    ],
)
def test_bad_input_is_named(patterns, call, message):
    with pytest.raises(InputError, match=message):
        call(patterns)
