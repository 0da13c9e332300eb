"""Comparisons against rsatoolbox, ceilings, intervals and p-values against planted truth."""

import numpy as np
import pytest
from scipy.io import loadmat

from grounding.brain.geometry import compare, noise_ceiling, pairs_of, rdm, similarity_analysis
from grounding.errors import InputError

THEIRS = {
    "spearman": "spearman",
    "kendall": "tau-a",
    "pearson": "corr",
    "cosine": "cosine",
    "whitened cosine": "cosine_cov",
    "whitened correlation": "corr_cov",
}


@pytest.fixture
def brains(generator: np.random.Generator) -> np.ndarray:
    """Three subjects' matrices of ten conditions with something in common."""
    common = generator.normal(size=(10, 6))
    return np.stack([rdm(common + generator.normal(size=(10, 6)), "squared euclidean") for _ in range(3)])


@pytest.fixture
def models(generator: np.random.Generator) -> np.ndarray:
    binary = rdm(np.repeat([0.0, 1.0], 5)[:, None], "squared euclidean")
    return np.stack([binary, rdm(generator.normal(size=(10, 3)), "squared euclidean")])


@pytest.mark.parametrize("method", THEIRS)
def test_comparisons_are_rsatoolboxs(models, brains, method):
    from rsatoolbox.rdm import RDMs
    from rsatoolbox.rdm import compare as theirs

    np.testing.assert_allclose(
        compare(models, brains, method), theirs(RDMs(models), RDMs(brains), THEIRS[method]), atol=1e-10
    )
    models, brains = models.copy(), brains.copy()
    models[:, [3, 20]] = brains[:, [3, 20]] = np.nan
    np.testing.assert_allclose(
        compare(models, brains, method), theirs(RDMs(models), RDMs(brains), THEIRS[method]), atol=1e-10
    )


def test_whitened_is_the_slow_form(models, brains):
    contrasts = np.zeros((45, 10))
    first, second = np.triu_indices(10, 1)
    contrasts[np.arange(45), first], contrasts[np.arange(45), second] = 1, -1
    inverse = np.linalg.inv((contrasts @ contrasts.T) ** 2)
    a, b = models[1], brains[0]
    slow = a @ inverse @ b / np.sqrt(a @ inverse @ a * (b @ inverse @ b))
    assert compare(a, b, "whitened cosine").item() == pytest.approx(slow, abs=1e-12)


@pytest.mark.parametrize("method", THEIRS)
def test_noise_ceiling_is_rsatoolboxs(brains, method):
    from rsatoolbox.inference.noise_ceiling import boot_noise_ceiling
    from rsatoolbox.rdm import RDMs

    theirs = boot_noise_ceiling(RDMs(brains), THEIRS[method])
    np.testing.assert_allclose(noise_ceiling(brains, method), theirs, atol=1e-10)
    lower, upper = noise_ceiling(brains, method)
    assert lower < upper < 1


def test_the_true_model_wins_lies_at_the_ceiling_and_a_stranger_is_at_chance(generator):
    truth = generator.normal(size=(24, 5))
    brains = np.stack([rdm(truth + 0.8 * generator.normal(size=(24, 5))) for _ in range(6)])
    models = {"true": rdm(truth), "stranger": rdm(generator.normal(size=(24, 5)))}
    found = similarity_analysis(models, brains, resamples=200, permutations=199)
    true, stranger = found.models["true"], found.models["stranger"]
    assert true.p == true.p_corrected == 1 / 200
    assert stranger.p > 0.05 and stranger.p_corrected >= stranger.p
    assert true.score.low < true.score.value < true.score.high
    assert stranger.score.low < 0 < stranger.score.high
    assert found.ceiling is not None and found.ceiling[0] - 0.03 < true.score.value < found.ceiling[1]
    assert [row["model"] for row in found.table()] == ["true", "stranger"]


def test_p_values_of_unrelated_models_are_uniform(generator):
    values = []
    for seed in range(60):
        models = {"model": rdm(generator.normal(size=(8, 4)))}
        brain = rdm(generator.normal(size=(8, 4)))
        found = similarity_analysis(models, brain, method="pearson", resamples=1, permutations=39, seed=seed)
        values.append(found.models["model"].p)
    # 60 draws of a uniform variable: mean 0.5, standard error 0.037; share below 0.2 has standard error 0.052.
    assert abs(np.mean(values) - 0.5) < 0.13
    assert np.mean(np.array(values) <= 0.2) < 0.2 + 3.5 * 0.052


@pytest.mark.parametrize("method", THEIRS)
def test_each_method_permutes_as_the_plain_form_does(models, brains, method):
    n, seed, permutations = 10, 5, 12
    found = similarity_analysis(
        {"a": models[0], "b": models[1]}, brains, method=method, resamples=2, permutations=permutations, seed=seed
    )
    generator = np.random.default_rng(seed)
    for _ in range(2):
        generator.integers(n, size=n)
    from scipy.spatial.distance import squareform

    reached = np.zeros(2)
    observed = compare(models, brains, method).mean(1)
    for _ in range(permutations):
        order = generator.permutation(n)
        moved = np.stack([squareform(squareform(one)[np.ix_(order, order)]) for one in brains])
        reached += compare(models, moved, method).mean(1) >= observed - 1e-12
    np.testing.assert_allclose([found.models[name].p for name in "ab"], (1 + reached) / (permutations + 1), atol=1e-12)


def test_resampling_subjects_and_the_same_seed(models, brains):
    ask = dict(resample="subjects", resamples=300, permutations=20, seed=3)
    found = similarity_analysis({"model": models[1]}, brains, **ask)
    again = similarity_analysis({"model": models[1]}, brains, **ask)
    assert found.table() == again.table()
    one = found.models["model"]
    assert one.subjects.min() - 1e-9 <= one.score.low <= one.score.high <= one.subjects.max() + 1e-9


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda m, b: compare(m[:, :36], b), "9 and 10 conditions found"),
        (lambda m, b: compare(m[:, :40], b[:, :40]), "40 pairs found"),
        (lambda m, b: compare(m, b, "euclid"), "'euclid' found, expected one of spearman"),
        (lambda m, b: compare(np.full(45, np.nan), b), "0 pairs found in all"),
        (lambda m, b: noise_ceiling(b[0]), "1 subject found"),
        (lambda m, b: similarity_analysis({}, b), "0 models"),
        (lambda m, b: similarity_analysis({"tall": m[0, :36]}, b), "model 'tall'"),
        (lambda m, b: similarity_analysis({"a": m[0]}, np.full(45, np.nan)), "brain RDMs: NaN"),
        (lambda m, b: similarity_analysis({"a": m[0]}, b[0], resample="subjects"), "'subjects' found for one subject"),
    ],
)
def test_bad_input_is_named(models, brains, call, message):
    with pytest.raises(InputError, match=message):
        call(models, brains)


@pytest.mark.realdata
def test_human_it_of_92_images_by_category_models(data_folder):
    folder = data_folder / "neural" / "kriegeskorte92"
    sessions = loadmat(folder / "92_brainRDMs.mat")["RDMs"][0]
    brains = np.stack([np.mean([pairs_of(one["RDM"]) for one in subject], axis=0) for subject in sessions])
    models = {one["name"][0]: pairs_of(one["RDM"]) for one in loadmat(folder / "92_modelRDMs.mat")["Models"].ravel()}
    found = similarity_analysis(models, brains, resamples=50, permutations=99)
    assert found.conditions == 92 and found.ceiling is not None
    assert 0.2 < found.ceiling[0] < found.ceiling[1] < 0.7
    # Monkey IT is far above models of early vision (Kriegeskorte et al. 2008), and all are below the ceiling.
    scores = {name: one.score.value for name, one in found.models.items()}
    assert scores["monkeyIT"] > 1.5 * max(scores[name] for name in ("V1", "HMAX", "RADON"))
    assert found.models["monkeyIT"].p_corrected == 0.01
    assert max(scores.values()) < found.ceiling[1]
