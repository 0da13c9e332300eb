"""Intervals over folds."""

import numpy as np

from grounding.brain.encoding.intervals import fold_interval


def test_it_is_the_formula_of_nadeau_and_bengio() -> None:
    values = np.array([[0.1, 0.0], [0.2, 0.0], [0.3, 0.0], [0.4, 0.0], [0.5, 0.0]])
    found = fold_interval(values, test_share=0.25)
    # t(0.975, 4 degrees of freedom) = 2.776445, s² = 0.025
    assert np.allclose(found.high - found.estimate, [2.776445 * np.sqrt(0.025 * (0.2 + 0.25)), 0])
    assert np.allclose(found.estimate, [0.3, 0]) and "5 folds" in found.description


def test_a_single_fold_has_no_interval() -> None:
    found = fold_interval(np.array([0.3]), test_share=0.25)
    assert found.estimate == 0.3 and np.isnan(found.low) and np.isnan(found.high)


def test_it_covers_the_mean_of_dependent_folds() -> None:
    """Scores of folds that share three quarters of their training rows: the plain t interval covers too rarely."""
    generator = np.random.default_rng(0)
    parts = generator.standard_normal((4000, 5))
    own = generator.standard_normal((4000, 5)) * np.sqrt(0.8)
    # Fold f is trained on all parts but f: correlated scores with mean 0.
    folds = own + (parts.sum(1, keepdims=True) - parts) / 4 * np.sqrt(0.8)
    found = fold_interval(folds.T, test_share=0.25)
    covered = ((found.low < 0) & (found.high > 0)).mean()
    plain = fold_interval(folds.T, test_share=0.0)
    assert covered > ((plain.low < 0) & (plain.high > 0)).mean() + 0.02 and covered > 0.93
