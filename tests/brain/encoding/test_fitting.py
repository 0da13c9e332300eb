"""The solver behind one function: banded ridge is ridge on scaled bands, and the better of two fits is kept."""

import numpy as np

from grounding.brain.encoding.fitting import banded_ridge, better, ridge
from grounding.brain.folds import Contiguous, Folds
from grounding.brain.rows import Rows

N, ALPHAS = 120, np.logspace(-2, 3, 8)


def problem(seed: int) -> tuple[list[np.ndarray], np.ndarray, Folds]:
    generator = np.random.default_rng(seed)
    bands = [generator.standard_normal((N + 30, p)).astype(np.float32) * size for p, size in ((3, 10.0), (8, 0.1))]
    Y = (bands[0] @ generator.standard_normal((3, 4)) / 10 + generator.standard_normal((N + 30, 4))).astype(np.float32)
    return bands, Y, Contiguous(3).split(Rows.of_run("r", np.arange(float(N))))


def test_ridge_chooses_by_inner_folds_and_predicts() -> None:
    bands, Y, inner = problem(0)
    found = ridge(bands[0][:N], Y[:N], bands[0][N:], ALPHAS, inner)
    X, Z = bands[0][:N].astype(np.float64), bands[0][N:].astype(np.float64)
    table = np.zeros((len(ALPHAS), 4))
    for fold in inner:
        for a, alpha in enumerate(ALPHAS):
            guess = _plain(X[fold.train], Y[fold.train], X[fold.test], alpha)
            actual = Y[fold.test]
            table[a] += 1 - ((actual - guess) ** 2).sum(0) / ((actual - actual.mean(0)) ** 2).sum(0)
    assert np.allclose(found.inner, table.max(0) / 3, atol=1e-4)
    for target in range(4):
        assert np.allclose(found.predictions[:, target], _plain(X, Y[:N], Z, found.alpha[target])[:, target], atol=1e-4)


def test_banded_ridge_is_the_best_ridge_on_scaled_bands() -> None:
    bands, Y, inner = problem(1)
    weights = np.array([[0.5, 0.5], [1.0, 0.0], [0.0, 1.0], [0.9, 0.1]])
    train, test = [band[:N] for band in bands], [band[N:] for band in bands]
    found = banded_ridge(train, Y[:N], test, weights, ALPHAS, inner)
    each = []
    for draw in weights:
        factors = [np.sqrt(w / band.var(0).sum()) for w, band in zip(draw, train, strict=True)]
        scaled = [np.hstack([b * f for b, f in zip(part, factors, strict=True)]) for part in (train, test)]
        scores = np.zeros((len(ALPHAS), 4))
        for fold in inner:
            for a, alpha in enumerate(ALPHAS):
                guess = _plain(scaled[0][fold.train], Y[:N][fold.train], scaled[0][fold.test], alpha)
                actual = Y[:N][fold.test]
                scores[a] += 1 - ((actual - guess) ** 2).sum(0) / ((actual - actual.mean(0)) ** 2).sum(0)
        each.append((scores / 3, scaled))
    table = np.stack([scores for scores, _ in each])
    assert np.allclose(found.inner, table.max((0, 1)), atol=1e-4)
    for target in range(4):
        draw, a = np.unravel_index(table[:, :, target].argmax(), table.shape[:2])
        expected = _plain(each[draw][1][0], Y[:N], each[draw][1][1], ALPHAS[a])[:, target]
        assert np.allclose(found.predictions[:, target], expected, atol=1e-3)


def test_the_better_fit_is_kept_for_each_target() -> None:
    bands, Y, inner = problem(2)
    one, other = (ridge(band[:N], Y[:N], band[N:], ALPHAS, inner) for band in bands)
    kept = better(one, other)
    assert np.array_equal(kept.inner, np.maximum(one.inner, other.inner))
    for target in range(4):
        winner = one if one.inner[target] >= other.inner[target] else other
        assert np.array_equal(kept.predictions[:, target], winner.predictions[:, target])


def _plain(X: np.ndarray, Y: np.ndarray, Z: np.ndarray, alpha: float) -> np.ndarray:
    X, Z = X.astype(np.float64), Z.astype(np.float64)
    centre, mean = X.mean(0), Y.mean(0, dtype=np.float64)
    X = X - centre
    return (Z - centre) @ np.linalg.solve(X.T @ X + alpha * np.eye(X.shape[1]), X.T @ (Y - mean)) + mean
