import numpy as np
import pytest

from grounding.alignment import identical_strings, nearest, procrustes, self_learning
from grounding.errors import InputError
from tests.alignment.planted import two_languages

SEEDS = 25


def accuracy(map, X, Y, truth):
    return (nearest(map.apply(X), Y, method="csls").indices[:, 0] == truth).mean()


def test_25_seeds_are_enough():
    X, Y, truth = two_languages(500, 40, noise=0.5)
    rows = np.random.default_rng(1).choice(len(X), SEEDS, replace=False)
    seeds = np.column_stack([rows, truth[rows]])
    with pytest.warns(UserWarning, match="arbitrary"):
        alone = procrustes(X[seeds[:, 0]], Y[seeds[:, 1]])
    found = self_learning(X, Y, seeds, keep=0.3, patience=3)
    assert accuracy(alone, X, Y, truth) < 0.6
    assert accuracy(found.map, X, Y, truth) > 0.95
    right = found.dictionary[:, 1] == truth[found.dictionary[:, 0]]
    assert right.mean() > 0.95 and len(found.dictionary) == 1000
    assert found.converged and found.objective[-1] > found.objective[0] + 0.1
    np.testing.assert_allclose(found.map.matrix @ found.map.matrix.T, np.eye(40), atol=1e-9)
    again = self_learning(X, Y, seeds, keep=0.3, patience=3)
    np.testing.assert_array_equal(again.objective, found.objective)


def test_without_any_dictionary():
    X, Y, truth = two_languages(500, 30, noise=0.3)
    found = self_learning(X, Y, keep=0.3, patience=3)
    assert accuracy(found.map, X, Y, truth) > 0.95


def test_the_first_words_teach_and_all_are_mapped():
    X, Y, truth = two_languages(800, 20, noise=0.1)
    frequent = np.flatnonzero(truth < 400)
    order = np.concatenate([frequent, np.flatnonzero(truth >= 400)])
    X, truth = X[order], truth[order]
    seeds = np.column_stack([np.arange(40), truth[:40]])
    found = self_learning(X, Y, seeds, vocabulary=400, keep=1.0, patience=2)
    assert found.dictionary.max() < 400
    assert accuracy(found.map, X, Y, truth) > 0.95


def test_it_stops_at_the_largest_number_of_iterations():
    X, Y, truth = two_languages(100, 10, noise=0.1)
    found = self_learning(X, Y, np.column_stack([np.arange(30), truth[:30]]), iterations=3)
    assert len(found.objective) == 3 and not found.converged


def test_identical_strings():
    assert identical_strings(["der", "hund", "taxi", "1"], ["1", "the", "taxi"]).tolist() == [[2, 2], [3, 0]]
    assert identical_strings(["a"], ["b"]).shape == (0, 2)


X = np.random.default_rng(0).standard_normal((60, 4))
SEED_PAIRS = np.column_stack([np.arange(30), np.arange(30)])


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        ((X, X[:, :3], SEED_PAIRS), {}, "widths 4 and 3"),
        ((X, X, SEED_PAIRS[:5]), {}, "5 pairs found, expected 20 or more"),
        ((X, X, SEED_PAIRS + 31), {}, r"rows \[31, 31\] to \[60, 60\] found, expected 0 up to 59 of X"),
        ((X, X, SEED_PAIRS.astype(float)), {}, "float64 .* found, expected whole numbers"),
        ((X, X, SEED_PAIRS), {"keep": 0.0}, "keep: 0.0"),
        ((X, X, SEED_PAIRS), {"patience": 0}, "patience: 0"),
        ((X, X, SEED_PAIRS), {"neighbours": 61}, "neighbours: 61 found, expected 1 to 60"),
        ((X, X), {"unsupervised_vocabulary": 0}, "unsupervised_vocabulary: 0"),
        ((X * np.nan, X, SEED_PAIRS), {}, "X: row 0 has NaN"),
    ],
)
def test_bad_input_is_named(arguments, options, words):
    with pytest.raises(InputError, match=words):
        self_learning(*arguments, **options)
