"""Scores of all alphas from one product, against predictions made one alpha at a time."""

import numpy as np
import pytest
import torch

from grounding.brain.folds import Fold
from grounding.brain.ridge.crossvalidation import fold_scores, solve_fold
from grounding.brain.ridge.decomposition import decompose
from grounding.brain.ridge.scores import score_block

ALPHAS = torch.logspace(-6, 8, 15, dtype=torch.float64)


def plain(X, Y, fold, scoring, intercept):
    train, test = torch.from_numpy(fold.train), torch.from_numpy(fold.test)
    X_mean, Y_mean = (part[train].mean(0) * intercept for part in (X, Y))
    U, singular, Vh = torch.linalg.svd(X[train] - X_mean, full_matrices=False)
    scores = []
    for alpha in ALPHAS:
        coef = Vh.T @ ((singular / (singular**2 + alpha))[:, None] * (U.T @ (Y[train] - Y_mean)))
        scores.append(score_block(scoring, Y[test], (X[test] - X_mean) @ coef + Y_mean))
    return torch.stack(scores)


def with_eigenvalues(kind, n, p, seed=0):
    generator = torch.Generator().manual_seed(seed)
    X = torch.randn(n, p, generator=generator, dtype=torch.float64)
    if kind == "in pairs":
        return X[: n // 2].repeat_interleave(2, 0)[:n] * (1 + 1e-4 * X)
    if kind == "degenerate":  # orthogonal blocks: training eigenvalues that are the same
        return torch.linalg.qr(X)[0].repeat(2, 1)[:n] if p < n else torch.eye(n, p, dtype=torch.float64)
    return X * {"alike": torch.ones(p), "over ten decades": torch.logspace(0, -5, p)}[kind]


@pytest.mark.parametrize("kind", ["alike", "over ten decades", "degenerate", "in pairs"])
@pytest.mark.parametrize("scoring", ["r2", "correlation"])
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize(("n", "p"), [(60, 9), (40, 37), (24, 50)])
def test_same_as_one_alpha_at_a_time(n, p, intercept, scoring, kind):
    X = with_eigenvalues(kind, n, p)
    generator = torch.Generator().manual_seed(1)
    Y = X @ torch.randn(p, 3, generator=generator, dtype=torch.float64)
    Y = Y / Y.std(0) + 0.5 * torch.randn(n, 3, generator=generator, dtype=torch.float64)
    fold = Fold(np.r_[2 : n // 2, n // 2 + 8 : n], np.r_[n // 2 : n // 2 + 6])
    design = decompose(X, intercept)
    solution = solve_fold(design, fold, float(ALPHAS[0]), scoring)
    found = fold_scores(solution, Y, design.basis.T @ Y, design.basis, ALPHAS, scoring)
    torch.testing.assert_close(found, plain(X, Y, fold, scoring, intercept), rtol=1e-6, atol=1e-6)


def test_decomposition_puts_features_together_again():
    for n, p in ((30, 7), (7, 30), (12, 12)):
        X = with_eigenvalues("over ten decades", n, p) + 3
        design = decompose(X)
        torch.testing.assert_close(design.left * design.singular @ design.right.T, X - X.mean(0), rtol=1e-6, atol=1e-6)
        assert len(design.singular) == min(n - 1, p)
        assert (design.gram is None) == (p <= n)


def test_features_that_do_not_vary_leave_no_direction():
    design = decompose(torch.ones(10, 3))
    assert len(design.singular) == 0 and design.mean_eigenvalue == 0
