"""Every form in which arrays come gives what plain float64 arrays of the same values give."""

import numpy as np
import pytest
import torch

from grounding.brain.ridge import GroupRidgeCV, Ridge, RidgeCV
from grounding.errors import InputError

pytestmark = pytest.mark.filterwarnings("ignore::grounding.brain.ridge.checks.AlphaEdgeWarning")
X, NOISE = np.random.default_rng(0).normal(size=(2, 40, 6))
Y = np.round(4 * (X + NOISE))

FORMS = {
    "columns reversed": lambda values: values[:, ::-1].copy()[:, ::-1],
    "rows reversed": lambda values: values[::-1].copy()[::-1],
    "every other column of a wider one": lambda values: np.repeat(values, 2, 1)[:, ::2],
    "Fortran order": np.asfortranarray,
    "other byte order": lambda values: values.astype(">f8"),
    "long double": lambda values: values.astype(np.longdouble),
    "not writable": lambda values: np.frombuffer(values.tobytes()).reshape(values.shape),
    "list": lambda values: values.tolist(),
    "torch": torch.from_numpy,
    "torch, transposed": lambda values: torch.from_numpy(values.T.copy()).T,
}
WHOLE = {kind: lambda values, kind=kind: values.astype(kind) for kind in ("i1", "i8", "f2", ">i4")}


@pytest.mark.parametrize("form", FORMS)
def test_features(form):
    expected, found = RidgeCV().fit(X, Y), RidgeCV().fit(FORMS[form](X), Y)
    np.testing.assert_allclose(np.asarray(found.coef_), expected.coef_, atol=1e-12)
    np.testing.assert_allclose(np.asarray(found.predict(FORMS[form](X))), expected.predict(X), atol=1e-12)
    if form != "list":
        bands = GroupRidgeCV(draws=2).fit([FORMS[form](X[:, :2]), FORMS[form](X[:, 2:])], Y)
        np.testing.assert_allclose(
            np.asarray(bands.coef_), GroupRidgeCV(draws=2).fit([X[:, :2], X[:, 2:]], Y).coef_, atol=1e-12
        )


@pytest.mark.parametrize("form", FORMS | WHOLE)
def test_targets(form):
    targets = (FORMS | WHOLE)[form](Y)
    expected, found = RidgeCV().fit(X, Y), RidgeCV().fit(X, targets)
    np.testing.assert_allclose(found.coef_, expected.coef_, atol=1e-12)
    np.testing.assert_allclose(found.scores(X, targets), expected.scores(X, Y), atol=1e-12)


def test_masked_values_are_refused():
    masked = np.ma.masked_greater(Y, 3)
    with pytest.raises(InputError, match="Y: masked values found"):
        Ridge().fit(X, masked)
    with pytest.raises(InputError, match="X: masked values found"):
        Ridge().fit(masked, Y)
    np.testing.assert_array_equal(Ridge().fit(X, np.ma.asarray(Y)).coef_, Ridge().fit(X, Y).coef_)


def test_features_that_do_not_vary_at_all_predict_the_mean():
    model = RidgeCV().fit(np.full((40, 3), 0.1), Y)
    np.testing.assert_array_equal(model.coef_, 0)
    np.testing.assert_allclose(model.predict(np.ones((1, 3)))[0], Y.mean(0))
    assert (model.cv_scores_ <= 0).all() and model.edge_ == 0


@pytest.mark.parametrize("far", [1e4, 1e6])
def test_scores_of_float32_targets_far_from_zero_keep_their_digits(far):
    features, targets = X.astype(np.float32), (Y + far).astype(np.float32)
    model = Ridge().fit(features, targets)
    expected = Ridge().fit(X, Y)
    np.testing.assert_allclose(model.scores(features, targets), expected.scores(X, Y), atol=1e-5)
    np.testing.assert_allclose(
        model.scores(features, targets, scoring="correlation"), expected.scores(X, Y, scoring="correlation"), atol=1e-5
    )


def test_a_failed_fit_leaves_no_file_behind(tmp_path):
    spoilt = Y.copy()
    spoilt[3, 5] = np.nan
    for model in (Ridge(coef=tmp_path / "coef.npy"), RidgeCV(coef=tmp_path / "coef.npy")):
        with pytest.raises(InputError, match="Y: NaN or inf"):
            model.fit(X, spoilt)
        assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"memory": "1G"}, "memory: '1G' found, expected a whole number"),
        ({"memory": 1e9}, "memory: 1000000000.0 found, expected a whole number"),
        ({"coef": None}, "coef: None found, expected True, False or the path"),
        ({"coef": 3}, "coef: 3 found, expected True, False or the path"),
    ],
)
def test_bad_settings_are_named(settings, message):
    with pytest.raises(InputError, match=message):
        RidgeCV(**settings).fit(X, Y)
    with pytest.raises(InputError, match=message):
        Ridge(**settings).fit(X, Y)


def test_tools_of_scikit_learn(tmp_path):
    import joblib
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    pipeline = make_pipeline(StandardScaler(), RidgeCV()).fit(X, Y)
    scaled = (X - X.mean(0)) / X.std(0)
    np.testing.assert_allclose(pipeline.predict(X), RidgeCV().fit(scaled, Y).predict(scaled))
    search = GridSearchCV(Ridge(), {"alpha": [1e-3, 1e6]}, cv=3).fit(X, Y)
    assert search.best_params_ == {"alpha": 1e-3}
    joblib.dump(pipeline, tmp_path / "model.joblib")
    np.testing.assert_array_equal(joblib.load(tmp_path / "model.joblib").predict(X), pipeline.predict(X))


def test_a_wider_grid_makes_noise_no_better_on_held_out_rows():
    """The mean over folds of the best of many penalties is optimistic by less than held-out scores vary."""
    random = np.random.default_rng(1)
    features, noise = random.normal(size=(80, 10)), random.normal(size=(80, 300))
    narrow = RidgeCV([0.1, 1.0], extend=False).fit(features[:50], noise[:50])
    extended = RidgeCV([0.1, 1.0]).fit(features[:50], noise[:50])
    held_out = [model.scores(features[50:], noise[50:]).mean() for model in (narrow, extended)]
    assert len(extended.alphas_) <= 2 + 8 and held_out[0] - 1e-9 <= held_out[1] < 0
