import re
import warnings

import numpy as np
import pytest

from grounding.alignment import LinearMap, cca, choose_alpha, normalise, procrustes, ridge
from grounding.alignment.maps import ROWS
from grounding.errors import InputError
from tests.alignment.planted import rotation


def pairs(generator, number=400, width=12):
    return generator.standard_normal((number, width)) + 3 * generator.standard_normal(width)


# ---- Procrustes


def test_procrustes_recovers_a_planted_rotation_under_noise(generator):
    X, R = pairs(generator), rotation(generator, 12)
    exact = procrustes(X, X @ R)
    np.testing.assert_allclose(exact.matrix, R, atol=1e-12)
    noisy = procrustes(X, X @ R + 0.1 * generator.standard_normal(X.shape))
    assert np.abs(noisy.matrix - R).max() < 0.03
    np.testing.assert_allclose(noisy.matrix @ noisy.matrix.T, np.eye(12), atol=1e-12)


def test_procrustes_recovers_scale_and_translation(generator):
    X, R, shift = pairs(generator), rotation(generator, 12), generator.standard_normal(12)
    found = procrustes(X, 2.5 * X @ R + shift, scaling=True, centring=True)
    np.testing.assert_allclose(found.matrix, 2.5 * R, atol=1e-10)
    np.testing.assert_allclose(found.apply(X), 2.5 * X @ R + shift, atol=1e-10)


def test_procrustes_equals_scipys(generator):
    from scipy.linalg import orthogonal_procrustes

    X, Y = pairs(generator), pairs(generator)
    np.testing.assert_allclose(procrustes(X, Y).matrix, orthogonal_procrustes(X, Y)[0], atol=1e-9)


def test_no_orthogonal_map_is_closer(generator):
    X, Y = pairs(generator, 50, 4), pairs(generator, 50, 4)
    best = np.linalg.norm(procrustes(X, Y).apply(X) - Y)
    assert all(np.linalg.norm(X @ rotation(generator, 4) - Y) > best for _ in range(200))


def test_the_inverse_is_exact(generator):
    X = pairs(generator)
    for found in (procrustes(X, pairs(generator), scaling=True, centring=True), ridge(X, pairs(generator), 1.0)):
        np.testing.assert_allclose(found.inverse().apply(found.apply(X)), X, atol=1e-8)


def test_maps_without_an_inverse_say_so(generator):
    with pytest.raises(InputError, match="from 12 to 5 numbers has none"):
        ridge(pairs(generator), pairs(generator, width=5), 1.0).inverse()
    with pytest.raises(InputError, match="singular"):
        LinearMap(np.zeros((2, 2)), np.zeros(2), np.zeros(2)).inverse()


def test_blocks_of_rows_change_nothing_and_float32_stays(generator):
    X = pairs(generator, 2 * ROWS + 7, 3).astype(np.float32)
    Y = X @ rotation(generator, 3).astype(np.float32) + 0.1
    found = procrustes(X, Y, centring=True)
    centred = X.astype(float) - X.mean(0, dtype=float), Y.astype(float) - Y.mean(0, dtype=float)
    U, _, Vt = np.linalg.svd(centred[0].T @ centred[1])
    np.testing.assert_allclose(found.matrix, U @ Vt, atol=1e-9)
    assert found.apply(X).dtype == np.float32 and found.matrix.dtype == np.float64


def test_fewer_pairs_than_dimensions_are_warned_of(generator):
    X = generator.standard_normal((10, 12))
    with pytest.warns(UserWarning, match="10 pairs found for 12 unknowns"):
        procrustes(X, X)
    with pytest.warns(UserWarning, match="10 pairs found for 25 unknowns"):
        cca(X, X, 2)


# ---- Ridge


def test_ridge_is_least_squares_with_a_row_for_each_weight(generator):
    X, Y = pairs(generator, width=7), pairs(generator, width=3)
    for alpha in (0.0, 1.0, 100.0):
        rows = np.vstack([X - X.mean(0), np.sqrt(alpha) * np.eye(7)])
        weights = np.linalg.lstsq(rows, np.vstack([Y - Y.mean(0), np.zeros((7, 3))]), rcond=None)[0]
        np.testing.assert_allclose(ridge(X, Y, alpha).apply(X), (X - X.mean(0)) @ weights + Y.mean(0), atol=1e-9)


def test_generalised_cross_validation_is_its_definition(generator):
    X, Y = pairs(generator, 30, 6), pairs(generator, 30, 2)
    centred = X - X.mean(0)
    for alpha in (0.1, 10.0):
        hat = centred @ np.linalg.solve(centred.T @ centred + alpha * np.eye(6), centred.T) + 1 / 30
        expected = (((Y - hat @ Y) ** 2).mean()) / (1 - np.trace(hat) / 30) ** 2
        assert choose_alpha(X, Y, [alpha]).errors[0] == pytest.approx(expected, rel=1e-10)


def test_folds_measure_the_error_on_what_is_left_out(generator):
    X, Y = pairs(generator, 40, 6), pairs(generator, 40, 2)
    order = np.random.default_rng(3).permutation(40)
    squares = []
    for held in np.array_split(order, 4):
        kept = np.setdiff1d(order, held)
        squares.append((ridge(X[kept], Y[kept], 2.0).apply(X[held]) - Y[held]) ** 2)
    assert choose_alpha(X, Y, [2.0], folds=4, seed=3).errors[0] == pytest.approx(np.concatenate(squares).mean())


@pytest.mark.parametrize("folds", [None, 5])
def test_the_penalty_grows_with_the_noise(generator, folds):
    X, W = generator.standard_normal((60, 40)), generator.standard_normal((40, 3))
    alphas = 10.0 ** np.arange(-4, 5)
    clean, noisy = X @ W, X @ W + 60 * generator.standard_normal((60, 3))
    assert choose_alpha(X, clean, alphas, folds=folds).alpha <= 0.01
    assert choose_alpha(X, noisy, alphas, folds=folds).alpha >= 100


# ---- Canonical correlation


def shared(generator, number=2000):
    """Two spaces of widths 8 and 6 that share two directions of known correlation."""
    common = generator.standard_normal((number, 2))
    blur = common + generator.standard_normal((number, 2)) * (0.3, 1.0)
    X = np.hstack([common, generator.standard_normal((number, 6))]) @ generator.standard_normal((8, 8)) + 4
    Y = np.hstack([blur, generator.standard_normal((number, 4))]) @ generator.standard_normal((6, 6)) - 7
    return X, Y, common


def test_cca_finds_the_planted_directions(generator):
    X, Y, common = shared(generator)
    found = cca(X, Y, 3)
    np.testing.assert_allclose(found.correlations[:2], (1 + np.array([0.3, 1.0]) ** 2) ** -0.5, atol=0.02)
    assert found.correlations[2] < 0.15
    a, b = found.source.apply(X), found.target.apply(Y)
    for which in (0, 1):
        assert abs(np.corrcoef(a[:, which], common[:, which])[0, 1]) > 0.98
        assert np.corrcoef(a[:, which], b[:, which])[0, 1] == pytest.approx(found.correlations[which], abs=1e-9)
    np.testing.assert_allclose(np.cov(a.T, bias=True), np.eye(3), atol=1e-9)
    np.testing.assert_allclose(b.mean(0), 0, atol=1e-9)


def test_cca_equals_scikit_learns(generator):
    from sklearn.cross_decomposition import CCA

    X, Y, _ = shared(generator, 300)
    a, b = CCA(n_components=3, max_iter=5000, tol=1e-12).fit(X, Y).transform(X, Y)
    theirs = [np.corrcoef(a[:, i], b[:, i])[0, 1] for i in range(3)]
    np.testing.assert_allclose(cca(X, Y, 3).correlations, theirs, atol=1e-5)


def test_regularisation_tames_correlations_found_in_noise(generator):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        X, Y = generator.standard_normal((60, 40)), generator.standard_normal((60, 40))
        new = generator.standard_normal((500, 40)), generator.standard_normal((500, 40))
        tame = cca(X, Y, 1, regularisation=0.5)
    with pytest.warns(UserWarning, match="in noise"):
        wild = cca(X, Y, 1)
    assert wild.correlations[0] > 0.999 > 0.95 > tame.correlations[0]
    assert abs(np.corrcoef(tame.source.apply(new[0])[:, 0], tame.target.apply(new[1])[:, 0])[0, 1]) < 0.2


def test_directions_without_variance_are_ignored(generator):
    X, Y, _ = shared(generator, 300)
    flat = np.hstack([X, X[:, :1] * 2, np.ones((300, 1))])
    np.testing.assert_allclose(cca(flat, Y, 6).correlations, cca(X, Y, 6).correlations, atol=1e-8)


# ---- Normalising, and bad input


def test_normalised_rows_have_unit_length_and_no_mean_direction(generator):
    X = normalise(pairs(generator, 4000, 5).astype(np.float32))
    np.testing.assert_allclose(np.linalg.norm(X, axis=1), 1, atol=1e-6)
    assert X.dtype == np.float32 and np.abs(X.mean(0)).max() < 0.1
    # Once more from the definition.
    once = pairs(generator, 40, 5)
    unit = once / np.linalg.norm(once, axis=1, keepdims=True)
    centred = unit - unit.mean(0)
    np.testing.assert_allclose(normalise(once), centred / np.linalg.norm(centred, axis=1, keepdims=True))


GOOD = np.random.default_rng(0).standard_normal((20, 4))
HOLE = np.where(np.arange(80).reshape(20, 4) == 13, np.nan, GOOD)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: procrustes(GOOD, GOOD[:9]), "20 and 9 rows found"),
        (lambda: procrustes(GOOD, GOOD[:, :3]), "widths 4 and 3 found"),
        (lambda: procrustes(GOOD, HOLE), r"Y: row 3 has NaN or infinity \(1 rows have\)"),
        (lambda: procrustes(GOOD[0], GOOD[0]), r"X: shape \(4,\) found"),
        (lambda: procrustes(GOOD[:1], GOOD[:1]), "one pair found"),
        (lambda: procrustes(np.array([["a"]]), GOOD), "X: <U1 found, expected real numbers"),
        (lambda: procrustes(np.ones((20, 4)), GOOD, scaling=True, centring=True), "all rows are equal"),
        (lambda: ridge(GOOD, GOOD, -1.0), "alpha: -1.0 found"),
        (lambda: ridge(np.hstack([GOOD, GOOD]), GOOD, 0.0), "20 pairs do not determine a map from 8 numbers"),
        (lambda: choose_alpha(GOOD, GOOD, []), "at least one number"),
        (lambda: choose_alpha(GOOD, GOOD, [0.0, 1.0]), "all above 0"),
        (lambda: choose_alpha(GOOD, GOOD, [1.0], folds=11), "folds: 11 found, expected 2 to 10"),
        (lambda: cca(GOOD, GOOD, 5), "dim: 5 found, expected 1 to 4"),
        (lambda: cca(GOOD, GOOD, 1, regularisation=1.5), "regularisation: 1.5"),
        (lambda: cca(np.ones((20, 4)), GOOD, 1), "X: all rows are equal"),
        (lambda: normalise(np.vstack([GOOD, np.zeros((1, 4))])), "row 20 is zero"),
        (lambda: procrustes(GOOD, GOOD).apply(GOOD[:, :3]), "X: width 3 found, expected 4"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(InputError, match=words):
        call()


def test_messages_end_with_a_remedy():
    with pytest.raises(InputError) as caught:
        procrustes(GOOD, GOOD[:, :3])
    assert re.search("`ridge` and `cca` map between different widths", str(caught.value))
