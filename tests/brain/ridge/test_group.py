import warnings

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.linear_model import Ridge as SklearnRidge

from grounding.brain.folds import Contiguous, LeaveOneOut
from grounding.brain.ridge.band_search import draw_band_weights
from grounding.brain.ridge.checks import AlphaEdgeWarning, ArgumentError
from grounding.brain.ridge.estimators import RidgeCV
from grounding.brain.ridge.group import GroupRidgeCV
from grounding.brain.ridge.scores import correlation, r2
from grounding.brain.ridge.splits import correlation_split, r2_split
from grounding.brain.rows import Rows

pytestmark = pytest.mark.filterwarnings("ignore::grounding.brain.ridge.checks.AlphaEdgeWarning")
ALPHAS = np.logspace(-1, 4, 7)
SHAPES = {"fewer features than rows": (90, (7, 12, 5)), "more features than rows": (48, (30, 25, 20))}


def bands_and_targets(n, widths, v=7, seed=0):
    """Features of different scales, far from 0, and targets that listen to some of the bands."""
    random = np.random.default_rng(seed)
    bands = [random.normal(size=(n, p)) * scale + 3 for p, scale in zip(widths, (1, 3, 0.2), strict=True)]
    shares = random.uniform(size=(3, v))
    Y = sum(X @ random.normal(size=(X.shape[1], v)) * share for X, share in zip(bands, shares, strict=True))
    return bands, Y * 0.3 + 2 * random.normal(size=(n, v)) + 5


def slow_table(bands, Y, draws, folds, score):
    """(D, A, v): the mean score over folds of each draw and alpha, one ridge at a time on scaled features."""
    table = np.zeros((len(draws), len(ALPHAS), Y.shape[1]))
    for i, weights in enumerate(draws):
        X = np.hstack([np.sqrt(weight) * band for weight, band in zip(weights, bands, strict=True)])
        for j, alpha in enumerate(ALPHAS):
            for fold in folds:
                train, level = X[fold.train] - X[fold.train].mean(0), Y[fold.train].mean(0)
                coef = np.linalg.solve(train.T @ train + alpha * np.eye(X.shape[1]), train.T @ Y[fold.train])
                predicted = (X[fold.test] - X[fold.train].mean(0)) @ coef + level
                table[i, j] += score(Y[fold.test], predicted)
    return table / len(folds)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("dtype", "purge"), [("float64", 3), ("float32", 0), ("float32", 3)])
@pytest.mark.parametrize("scoring", ["r2", "correlation"])
def test_the_slow_plain_form(shape, dtype, scoring, purge):
    n, widths = SHAPES[shape]
    bands, Y = bands_and_targets(n, widths)
    draws = np.vstack([draw_band_weights(4, 3, 1), [[1, 0, 0], [0, 0.5, 0.5]]])
    model = GroupRidgeCV(alphas=ALPHAS, draws=draws, folds=Contiguous(4, purge), scoring=scoring, extend=False)
    model.fit([band.astype(dtype) for band in bands], Y.astype(dtype))
    table = slow_table(bands, Y, draws, model.folds_, {"r2": r2, "correlation": correlation}[scoring])
    best = table.reshape(-1, Y.shape[1]).argmax(0)
    assert model.dtype_ == dtype
    np.testing.assert_allclose(model.cv_scores_, table.reshape(-1, Y.shape[1]).max(0), atol=1e-5)
    np.testing.assert_array_equal(model.draw_, best // len(ALPHAS))
    np.testing.assert_array_equal(model.alpha_, ALPHAS[best % len(ALPHAS)])
    for target in range(Y.shape[1]):
        root = np.sqrt(np.repeat(model.band_weights_[:, target], widths))
        plain = SklearnRidge(model.alpha_[target]).fit(np.hstack(bands) * root, Y[:, target])
        tolerance = 1e-8 if dtype == "float64" else 1e-4
        np.testing.assert_allclose(model.coef_[:, target], plain.coef_ * root, atol=tolerance)
        np.testing.assert_allclose(model.intercept_[target], plain.intercept_, atol=10 * tolerance)


@pytest.mark.parametrize("shape", SHAPES)
def test_himalaya(shape):
    from himalaya.backend import set_backend
    from himalaya.kernel_ridge import solve_multiple_kernel_ridge_random_search
    from himalaya.scoring import r2_score

    set_backend("numpy")
    n, widths = SHAPES[shape]
    bands, Y = bands_and_targets(n, widths, v=20)
    draws = draw_band_weights(6, 3, 2)
    model = GroupRidgeCV(alphas=ALPHAS, draws=draws, folds=Contiguous(4), extend=False).fit(bands, Y)
    centred = [band - band.mean(0) for band in bands]
    deltas, dual, scores, _ = solve_multiple_kernel_ridge_random_search(
        np.stack([band @ band.T for band in centred]), Y.copy(), n_iter=draws, alphas=ALPHAS, cv=pairs(model),
        score_func=r2_score, fit_intercept=True, return_weights="dual", progress_bar=False,
    )  # fmt: skip
    np.testing.assert_allclose(model.deltas_, deltas, rtol=1e-9)
    np.testing.assert_allclose(model.cv_scores_, scores.max(0), atol=1e-7)
    predicted = sum(np.exp(delta) * (band @ band.T @ dual) for delta, band in zip(deltas, centred, strict=True))
    np.testing.assert_allclose(model.predict(bands), predicted + Y.mean(0), atol=1e-7)


def pairs(model):
    """The folds as a splitter, which himalaya calls several times."""
    from sklearn.model_selection import PredefinedSplit

    place = np.empty(len(model.folds_.tested), dtype=int)
    for number, fold in enumerate(model.folds_):
        place[fold.test] = number
    return PredefinedSplit(place)


@pytest.mark.parametrize("width", [6, 60])
def test_one_band_is_ridge(width):
    random = np.random.default_rng(0)
    X, noise = random.normal(size=(40, width)), random.normal(size=(40, 5))
    Y = X[:, :5] + noise
    one = GroupRidgeCV(alphas=ALPHAS[:2], draws=20).fit([X], Y)
    other = RidgeCV(alphas=ALPHAS[:2]).fit(X, Y)
    assert len(other.alphas_) > 2, "the grid was to be extended"
    np.testing.assert_array_equal(one.alphas_, other.alphas_)
    assert one.edge_ == other.edge_
    assert one.draws_.tolist() == [[1.0]]
    np.testing.assert_array_equal(one.alpha_, other.alpha_)
    np.testing.assert_allclose(one.cv_scores_, other.cv_scores_, atol=1e-10)
    np.testing.assert_allclose(one.coef_, other.coef_, atol=1e-10)
    assert GroupRidgeCV().fit([X], Y).alphas_ == pytest.approx(RidgeCV().fit(X, Y).alphas_)


def test_a_planted_band_gets_the_weight():
    random = np.random.default_rng(0)
    bands = {name: random.normal(size=(300, 20)) for name in ("sound", "words", "noise")}
    Y = np.hstack([bands[name] @ random.normal(size=(20, 10)) for name in ("sound", "words")])
    Y += 2 * random.normal(size=Y.shape)
    model = GroupRidgeCV(draws=20, seed=3).fit(bands, Y)
    assert (model.band_weights_[0, :10] > 0.8).all() and (model.band_weights_[1, 10:] > 0.8).all()
    parts = model.split_scores(bands, Y)
    assert parts[0, :10].min() > 0.5 and np.abs(parts[2]).max() < 0.1


def test_split_scores_sum_to_the_joint_score():
    bands, Y = bands_and_targets(80, (4, 5, 6))
    train, test = slice(0, 60), slice(60, 80)
    model = GroupRidgeCV(alphas=ALPHAS, folds=Contiguous(3)).fit([band[train] for band in bands], Y[train])
    held_out = [band[test] for band in bands]
    for scoring, joint in (("r2", r2), ("correlation", correlation)):
        parts = model.split_scores(held_out, Y[test], scoring)
        np.testing.assert_allclose(parts.sum(0), joint(Y[test], model.predict(held_out)), atol=1e-10)
        np.testing.assert_allclose(parts.sum(0), model.scores(held_out, Y[test], scoring), atol=1e-10)
    whole = model.predict(held_out, split=True).sum(0) + model.Y_mean_
    np.testing.assert_allclose(whole, model.predict(held_out), atol=1e-10)


def test_splits_are_those_of_himalaya():
    from himalaya import scoring
    from himalaya.backend import set_backend

    set_backend("numpy")
    random = np.random.default_rng(0)
    actual, predicted = random.normal(size=(50, 4)), random.normal(size=(3, 50, 4))
    actual, predicted = actual - actual.mean(0), predicted - predicted.mean(1, keepdims=True)
    np.testing.assert_allclose(r2_split(actual, predicted), scoring.r2_score_split(actual, predicted))
    np.testing.assert_allclose(correlation_split(actual, predicted), scoring.correlation_score_split(actual, predicted))
    moved = predicted + np.array([1.0, -1.0, 0.0])[:, None, None]
    np.testing.assert_allclose(r2_split(actual, moved), r2_split(actual, predicted))
    actual[:, 0], predicted[:, :, 1] = 1.0, 0.0
    assert np.isnan(r2_split(actual, predicted)[:, 0]).all() and (correlation_split(actual, predicted)[:, 1] == 0).all()


def test_passes_over_targets_change_nothing():
    bands, Y = bands_and_targets(60, (5, 6, 7), v=200)
    model = GroupRidgeCV(alphas=ALPHAS, draws=3).fit(bands, Y)
    several = clone(model).set_params(memory=500_000).fit(bands, Y)
    assert several._passes(_targets(Y), len(several.alphas_)).block < 150
    np.testing.assert_array_equal(several.alpha_, model.alpha_)
    np.testing.assert_allclose(several.coef_, model.coef_, atol=1e-10)


def _targets(Y):
    from grounding.brain.ridge.arguments import as_targets

    return as_targets(Y, torch.zeros(len(Y), 1, dtype=torch.float64))


def test_ill_conditioned_features_fall_back_to_float64():
    random = np.random.default_rng(0)
    parts, mixed = random.normal(size=(60, 20)), np.linalg.qr(random.normal(size=(20, 20)))[0]
    X = (parts * np.logspace(0, -5, 20) @ mixed).astype(np.float32)
    Y = (parts @ random.normal(size=(20, 3)) + random.normal(size=(60, 3))).astype(np.float32)
    alphas = [1e-12, 1e-11]
    model = GroupRidgeCV(alphas=alphas, draws=2).fit([X[:, :10], X[:, 10:]], Y)
    exact = GroupRidgeCV(alphas=alphas, draws=2).fit(
        [X[:, :10].astype(float), X[:, 10:].astype(float)], Y.astype(float)
    )
    np.testing.assert_allclose(model.cv_scores_, exact.cv_scores_, atol=1e-4)
    assert model.dtype_ == "float64" and model.float32_error_ > 1e-4


def test_the_seed_decides_the_draws():
    draws = draw_band_weights(21, 3, 0)
    assert draws.shape == (21, 3) and (draws >= 0).all()
    np.testing.assert_allclose(draws.sum(1), 1)
    np.testing.assert_allclose(draws[0], 1 / 3)
    np.testing.assert_array_equal(draws, draw_band_weights(21, 3, 0))
    assert not np.allclose(draws[1:], draw_band_weights(21, 3, 1)[1:])
    np.testing.assert_array_equal(draw_band_weights(9, 3, 0), draws[:9])


def test_bands_come_in_three_forms():
    bands, Y = bands_and_targets(40, (3, 4, 2))
    names = ["sound", "words", "eyes"]
    settings = {"alphas": ALPHAS, "draws": 5}
    as_list = GroupRidgeCV(**settings).fit(bands, Y)
    mapping = dict(zip(names, bands, strict=True))
    as_mapping = GroupRidgeCV(**settings).fit(mapping, Y)
    labels = GroupRidgeCV(np.repeat([0, 1, 2], (3, 4, 2)), **settings).fit(np.hstack(bands), Y)
    tensors = GroupRidgeCV(**settings).fit([torch.from_numpy(band) for band in bands], torch.from_numpy(Y))
    assert as_mapping.bands_ == tuple(names) and labels.bands_ == (0, 1, 2)
    assert isinstance(tensors.coef_, torch.Tensor)
    for other in (as_mapping, labels, tensors):
        np.testing.assert_allclose(np.asarray(other.coef_), as_list.coef_, atol=1e-12)
    turned = {name: mapping[name] for name in reversed(names)}
    np.testing.assert_array_equal(as_mapping.predict(turned), as_mapping.predict(mapping))
    one = GroupRidgeCV(**settings).fit(bands, Y[:, 0])
    np.testing.assert_allclose(one.coef_, as_list.coef_[:, 0], atol=1e-12)
    assert one.predict(bands).shape == (40,)


def test_folds_by_run_and_what_no_fold_can_score():
    bands, Y = bands_and_targets(40, (3, 4, 2))
    Y[:, 1] = 2.0
    rows = Rows.joined([Rows.of_run(name, np.arange(20.0)) for name in ("a", "b")])
    model = GroupRidgeCV(folds=LeaveOneOut("run"), draws=3).fit(bands, Y, rows=rows)
    assert model.folds_.description.startswith("leave one run out") and len(model.folds_) == 2
    assert model.constant_.tolist() == [False, True] + [False] * 5
    assert np.isnan(model.cv_scores_[1]) and (model.coef_[:, 1] == 0).all() and model.intercept_[1] == 2.0


def test_a_test_row_of_a_fold_does_not_train_it():
    bands, Y = bands_and_targets(60, (5, 6, 7), v=1)
    settings = {"alphas": [10.0], "draws": 1, "folds": [(np.arange(40), np.arange(50, 60))]}
    clean = GroupRidgeCV(**settings).fit(bands, Y)
    bands[0][40:50] += 100
    Y[40:50] -= 100
    spoilt = GroupRidgeCV(**settings).fit(bands, Y)
    assert spoilt.cv_scores_ == pytest.approx(clean.cv_scores_, abs=1e-8)


def test_an_estimator_of_scikit_learn():
    model = GroupRidgeCV([0, 0, 1], draws=3, seed=4)
    assert clone(model).get_params()["groups"] == [0, 0, 1]
    bands, Y = bands_and_targets(40, (1, 1, 1))
    assert model.fit(np.hstack(bands), Y).score(np.hstack(bands), Y) > 0


def test_the_edge_of_the_grid_is_said():
    bands, Y = bands_and_targets(80, (4, 5, 6))
    with pytest.warns(AlphaEdgeWarning, match="so the best may lie beyond"):
        model = GroupRidgeCV(alphas=[3e2, 1e3], draws=2, extend=False).fit(bands, Y)
    assert model.edge_ > 0.05
    with pytest.warns(AlphaEdgeWarning, match="the grid was extended"):
        extended = GroupRidgeCV(alphas=[3e2, 1e3], draws=2).fit(bands, Y)
    wide = GroupRidgeCV(alphas=extended.alphas_, draws=2, extend=False).fit(bands, Y)
    assert extended.edge_ <= 0.05 and extended.alphas_[0] < 3e2
    np.testing.assert_allclose(extended.alpha_, wide.alpha_)
    np.testing.assert_allclose(extended.coef_, wide.coef_)
    with warnings.catch_warnings():
        warnings.simplefilter("error", AlphaEdgeWarning)
        assert GroupRidgeCV(alphas=[10.0], draws=2).fit(bands, Y).edge_ == 0


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda X: [X[0], X[1][:-1]], "X: band 1 has 39 rows, expected 40 as band 0 has"),
        (lambda X: [X[0], X[1][:, :0]], r"X: band 1 has shape \(40, 0\)"),
        (lambda X: {"a": X[0], "b": X[1] * np.nan}, "X: band 'b': NaN or inf"),
        (lambda X: {}, "X: no band found"),
        (lambda X: [X[0], np.ma.masked_greater(X[1], 5)], "X: band 1: masked values found"),
        (lambda X: [X[0], torch.from_numpy(X[1])], "X: bands of numpy and of torch"),
    ],
)
def test_bad_bands(spoil, message):
    bands, Y = bands_and_targets(40, (3, 4, 2))
    with pytest.raises(ArgumentError, match=message):
        GroupRidgeCV().fit(spoil(bands), Y)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"draws": [[1, -1, 1]]}, "draws: weight -1.0 found"),
        ({"draws": [[0, 0, 0]]}, "draws: row 0 has no weight"),
        ({"draws": [[1, 1]]}, r"draws: shape \(1, 2\) found, expected a number or \(D, 3\)"),
        ({"draws": 0}, "draws: 0 found"),
        ({"draws": "many"}, "draws: 'many' found"),
        ({"seed": None}, "seed: None found, expected a whole number from 0"),
        ({"memory": "1G"}, "memory: '1G' found"),
        ({"alphas": [0.0]}, "alphas: 0.0 found"),
        ({"memory": 1000}, "memory: 1000 bytes found, expected at least"),
        ({"groups": [0, 1]}, "groups: labels of columns found beside bands"),
        ({"scoring": "r"}, "scoring: 'r' found"),
    ],
)
def test_bad_settings(settings, message):
    bands, Y = bands_and_targets(40, (3, 4, 2))
    with pytest.raises(ArgumentError, match=message):
        GroupRidgeCV(**settings).fit(bands, Y)


def test_bad_calls():
    bands, Y = bands_and_targets(40, (3, 4, 2))
    with pytest.raises(ArgumentError, match=r"groups: shape \(2,\) found for X \(40, 3\)"):
        GroupRidgeCV([0, 1]).fit(bands[0], Y)
    model = GroupRidgeCV(alphas=ALPHAS, draws=2).fit(bands, Y)
    with pytest.raises(ArgumentError, match=r"X: bands of widths \{0: 4, 1: 3, 2: 2\} found, expected \{0: 3, 1: 4"):
        model.predict([bands[1], bands[0], bands[2]])
    with pytest.raises(ArgumentError, match="Y: 6 targets found, expected 7 as in fit"):
        model.split_scores(bands, Y[:, 1:])
    with pytest.raises(ArgumentError, match="NaN or inf"):
        model.fit(bands, np.where(Y == Y[0, 0], np.nan, Y))
