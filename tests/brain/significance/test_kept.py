"""Permuting labels against kept predictions needs a wider null where folds trained one another."""

import numpy as np
from scipy import stats

from grounding.brain.significance.kept import kept_p

FOLDS, ROWS, WIDTH, DRAWS = 3, 12, 4, 400


def one(generator: np.random.Generator) -> tuple[np.ndarray, float]:
    """The null (199,) and the score of ridge from noise to noise, a mean product of labels and predictions."""
    X = generator.normal(size=(FOLDS, ROWS, WIDTH))
    y = generator.normal(size=(FOLDS, ROWS))
    X, y = X - X.mean(1, keepdims=True), y - y.mean(1, keepdims=True)
    predicted = np.empty_like(y)
    for fold in range(FOLDS):
        A, b = (np.delete(part, fold, 0).reshape(-1, *part.shape[2:]) for part in (X, y))
        predicted[fold] = X[fold] @ np.linalg.solve(A.T @ A + 5 * np.eye(WIDTH), A.T @ b)
    null = (generator.permuted(np.tile(y, (199, 1, 1)), axis=2) * predicted).mean((1, 2))
    return null, float((y * predicted).mean())


def test_noise_is_called_significant_as_often_as_stated_and_too_often_without_widening():
    generator = np.random.default_rng(0)
    made = [one(generator) for _ in range(DRAWS)]
    wide, plain = (
        sum(kept_p(null, score, cross_fitted=crossed) <= 0.05 for null, score in made) for crossed in (True, False)
    )
    assert wide <= stats.binom.ppf(0.99, DRAWS, 0.05) < stats.binom.ppf(0.999, DRAWS, 0.05) < plain


def test_it_is_the_plain_count_for_a_held_out_part_and_nan_without_permutations():
    null = np.array([[0.0, 1.0], [0.2, 1.0], [0.4, 1.0]])
    assert kept_p(null, np.array([0.2, 1.0]), cross_fitted=False).tolist() == [0.75, 1.0]
    assert kept_p(null, np.array([0.41, 2.0])).tolist() == [0.5, 0.25]
    assert np.isnan(kept_p(np.empty((0, 2)), np.zeros(2))).all()
