"""Leave-two-out matching against models that really are fitted without the two words."""

import numpy as np
import pytest
from scipy.io import loadmat
from sklearn.linear_model import Ridge

from grounding.brain.geometry import leave_two_out, stability, stable_voxels
from grounding.errors import InputError


def planted(generator: np.random.Generator, n: int, p: int, v: int, noise: float, repetitions: int = 1):
    X = generator.normal(size=(n, p)) * generator.uniform(0.3, 2, p)
    signal = X @ generator.normal(size=(p, v)) / np.sqrt(p) + 3
    return X, signal + noise * generator.normal(size=(repetitions, n, v))


def matched_by_refitting(X, Y, pair, alpha, voxels=slice(None)):
    kept = np.delete(np.arange(len(X)), pair)
    predicted = Ridge(alpha=alpha).fit(X[kept], Y[kept]).predict(X[pair])
    mean = Y[kept].mean(0)
    a, b = (predicted - mean)[:, voxels], (Y[pair] - mean)[:, voxels]
    a, b = (Z / np.linalg.norm(Z, axis=1, keepdims=True) for Z in (a, b))
    return float(np.trace(a @ b.T) > a[0] @ b[1] + a[1] @ b[0])


def generalised_error_by_refitting(X, Y, pair, alpha):
    kept = np.delete(np.arange(len(X)), pair)
    Z, m = X[kept] - X[kept].mean(0), len(kept)
    hat = Z @ np.linalg.solve(Z.T @ Z + alpha * np.eye(Z.shape[1]), Z.T) + 1 / m
    residual = Y[kept] - hat @ Y[kept]
    return (residual**2).sum() / m / (1 - np.trace(hat) / m) ** 2


@pytest.mark.parametrize("p", [4, 30])
def test_every_pair_is_decided_as_by_refitting(generator, p):
    X, Y = planted(generator, 14, p, 9, 2.5)
    alphas = (3.0, 30.0, 300.0, 1000.0)
    found = leave_two_out(X, Y[0], alphas=alphas, permutations=0, resamples=10)
    pairs = list(zip(*np.triu_indices(14, 1), strict=True))
    best = [min(alphas, key=lambda a, pair=pair: generalised_error_by_refitting(X, Y[0], pair, a)) for pair in pairs]
    np.testing.assert_allclose(found.alphas, best)
    assert len(set(best)) > 1
    expected = [matched_by_refitting(X, Y[0], list(pair), a) for pair, a in zip(pairs, best, strict=True)]
    np.testing.assert_array_equal(found.correct, expected)
    assert found.accuracy.value == pytest.approx(np.mean(expected))
    assert 0.2 < np.mean(expected) < 0.98


def test_voxels_are_chosen_without_the_two_words(generator):
    X, P = planted(generator, 12, 3, 40, 1.5, repetitions=4)
    P[:, :, 20:] = generator.normal(size=(4, 12, 20))
    masks = stable_voxels(P, 15)
    found = leave_two_out(X, P, alphas=[2.0], voxels=15, permutations=0, resamples=10)
    for place, (i, j) in enumerate(zip(*np.triu_indices(12, 1), strict=True)):
        kept = np.delete(np.arange(12), [i, j])
        correlations = np.array([np.corrcoef(P[:, kept, voxel])[np.triu_indices(4, 1)].mean() for voxel in range(40)])
        chosen = np.sort(np.argsort(-correlations)[:15])
        np.testing.assert_array_equal(np.flatnonzero(masks[i, j]), chosen)
        assert found.correct[place] == matched_by_refitting(X, P.mean(0), [i, j], 2.0, chosen)
    # Selection finds the voxels that hold something.
    assert masks[:, :, :20].sum() > 3 * masks[:, :, 20:].sum()


def test_all_voxels_selected_is_no_selection_also_when_permuted(generator):
    X, P = planted(generator, 11, 3, 20, 4, repetitions=3)
    ask = dict(permutations=30, resamples=20, seed=4)
    selected, whole = leave_two_out(X, P, voxels=20, **ask), leave_two_out(X, P, **ask)
    np.testing.assert_array_equal(selected.correct, whole.correct)
    assert selected.p == whole.p and selected.accuracy == whole.accuracy


def test_a_planted_map_is_found_and_noise_is_not(generator):
    X, Y = planted(generator, 40, 8, 60, 3)
    found = leave_two_out(X, Y[0], permutations=99, resamples=200)
    assert found.accuracy.value > 0.85 and found.p == 0.01 and found.accuracy.low > 0.7
    noise = leave_two_out(X, generator.normal(size=(40, 60)), permutations=99, resamples=200)
    assert noise.p > 0.02 and 0.3 < noise.accuracy.value < 0.7


def test_p_values_of_noise_are_uniform(generator):
    values = []
    for _ in range(60):
        X, Y = generator.normal(size=(10, 4)), generator.normal(size=(10, 5))
        values.append(leave_two_out(X, Y, alphas=[0.5, 20], permutations=19, resamples=1).p)
    # Standard errors of 60 uniform draws: of the mean 0.037, of the share up to 0.2 0.052.
    assert abs(np.mean(values) - 0.525) < 0.13
    assert np.mean(np.array(values) <= 0.2) < 0.2 + 3.5 * 0.052


def test_stability_is_the_mean_correlation_of_presentations(generator):
    P = generator.normal(size=(3, 9, 5)) + generator.normal(size=(9, 5))
    P[1, :, 2] = 7
    expected = [np.corrcoef(P[:, :, v])[np.triu_indices(3, 1)].mean() for v in (0, 1, 3, 4)]
    np.testing.assert_allclose(stability(P)[[0, 1, 3, 4]], expected)
    assert stability(P)[2] == -1


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda X, Y: leave_two_out(X, Y[:8]), "9 and 8 words"),
        (lambda X, Y: leave_two_out(X[:4], Y[:4]), "five or more"),
        (lambda X, Y: leave_two_out(X, Y, alphas=[0.0]), "alphas: .* above 0"),
        (lambda X, Y: leave_two_out(X, Y, voxels=3), "voxels: 3 found for 1 presentations"),
        (lambda X, Y: leave_two_out(X, np.stack([Y, Y]), voxels=9), "no more voxels than there are"),
        (lambda X, Y: leave_two_out(X, Y[0]), r"shape \(6,\)"),
        (lambda X, Y: leave_two_out(np.ones_like(X), Y), "all are equal"),
        (lambda X, Y: leave_two_out(X, np.where(Y == Y[2, 1], np.nan, Y)), "patterns: row 2 has NaN"),
        (lambda X, Y: stability(Y[None]), "two and three at least"),
        (lambda X, Y: stability(np.full((2, 4, 3), np.nan)), "NaN or infinity"),
        (lambda X, Y: stable_voxels(np.stack([Y, Y]), 0), "0 of 6"),
    ],
)
def test_bad_input_is_named(generator, call, message):
    with pytest.raises(InputError, match=message):
        call(generator.normal(size=(9, 3)), generator.normal(size=(9, 6)))


@pytest.mark.realdata
def test_81_objects_are_told_apart_by_what_their_names_mean(data_folder):
    folder = data_folder / "neural" / "fmri_81objects_rois"
    with np.load(folder / "responses.npz", allow_pickle=False) as file:
        patterns = file["betas"]
    vectors = loadmat(folder / "word2vec.mat")["word2vec"]
    found = leave_two_out(vectors, patterns, permutations=99, resamples=200)
    assert found.accuracy.low > 0.6 and found.p == 0.01
