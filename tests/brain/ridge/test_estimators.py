"""Ridge and RidgeCV against scikit-learn, himalaya and the plain float64 loop."""

import warnings

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.linear_model import Ridge as PeerRidge
from sklearn.model_selection import KFold
from sklearn.utils.estimator_checks import parametrize_with_checks

from grounding.brain.folds import Contiguous, LeaveOneOut, Shuffled
from grounding.brain.ridge import Ridge, RidgeCV
from grounding.brain.ridge.checks import AlphaEdgeWarning
from grounding.brain.ridge.scores import correlation, r2
from grounding.brain.rows import Rows
from grounding.errors import InputError, StorageError

ALPHAS = np.logspace(-2, 4, 10)
SCORES = {"r2": r2, "correlation": correlation}


def made(n, p, v=6, dtype=np.float64, spread=2.0, seed=0):
    """Features of unlike scale and far from 0, and targets of unlike scale with more or less noise."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) * np.logspace(0, -spread, p) + 5
    signal = X @ rng.normal(size=(p, v))
    signal = (signal - signal.mean(0)) / signal.std(0)
    Y = (signal + np.linspace(0.3, 2, v) * rng.normal(size=(n, v))) * np.logspace(-2, 2, v) + 10
    return X.astype(dtype), Y.astype(dtype)


def plain_search(X, Y, pairs, scoring="r2", fit_intercept=True, alphas=ALPHAS):
    """(A, v): the mean over folds of the score, one fold and one penalty after another."""
    table = np.zeros((len(alphas), Y.shape[1]))
    X, Y = X.astype(np.float64), Y.astype(np.float64)
    for train, test in pairs:
        X_mean, Y_mean = (part[train].mean(0) * fit_intercept for part in (X, Y))
        U, singular, Vt = np.linalg.svd(X[train] - X_mean, full_matrices=False)
        for place, alpha in enumerate(alphas):
            coef = Vt.T @ ((singular / (singular**2 + alpha))[:, None] * (U.T @ (Y[train] - Y_mean)))
            table[place] += SCORES[scoring](Y[test], (X[test] - X_mean) @ coef + Y_mean) / len(pairs)
    return table


def one_run(n):
    return Rows.of_run("run", np.arange(n))


def pairs_of(folding, rows):
    return [(fold.train, fold.test) for fold in folding.split(rows)]


def assert_same_choice(model, table, tolerance):
    np.testing.assert_allclose(model.cv_scores_, table.max(0), atol=tolerance)
    chosen = np.searchsorted(ALPHAS, model.alpha_ * (1 - 1e-9))
    # Where two penalties score the same up to rounding either is right.
    np.testing.assert_allclose(table[chosen, np.arange(table.shape[1])], table.max(0), atol=tolerance)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("scoring", ["r2", "correlation"])
@pytest.mark.parametrize("purge", [0, 4])
@pytest.mark.parametrize(("n", "p"), [(90, 12), (60, 55), (50, 80), (30, 1)])
def test_same_as_the_plain_loop(n, p, purge, scoring, fit_intercept):
    X, Y = made(n, p)
    folding = Contiguous(5, purge)
    table = plain_search(X, Y, pairs_of(folding, one_run(n)), scoring, fit_intercept)
    model = RidgeCV(ALPHAS, folds=folding, scoring=scoring, extend=False, fit_intercept=fit_intercept)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AlphaEdgeWarning)
        model.fit(X, Y)
    assert_same_choice(model, table, 1e-9)
    peer = PeerRidge(alpha=model.alpha_, solver="svd", fit_intercept=fit_intercept).fit(X, Y)
    np.testing.assert_allclose(model.predict(X), peer.predict(X), rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(model.coef_, peer.coef_.reshape(Y.shape[1], p).T, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(model.intercept_, peer.intercept_ * np.ones(Y.shape[1]), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("n", "p"), [(120, 30), (60, 90)])
@pytest.mark.parametrize("spread", [0.0, 5.0])
def test_float32_is_near_float64_even_where_features_are_ill_conditioned(n, p, spread):
    X, Y = made(n, p, dtype=np.float32, spread=spread)
    table = plain_search(X, Y, pairs_of(Contiguous(5), one_run(n)))
    model = RidgeCV(ALPHAS, extend=False).fit(X, Y)
    assert model.coef_.dtype == np.float32 and model.dtype_ == "float32"
    assert 0 < model.float32_error_ < 1e-5
    assert_same_choice(model, table, 1e-5)
    peer = PeerRidge(alpha=model.alpha_, solver="svd").fit(X.astype(np.float64), Y.astype(np.float64))
    size = np.linalg.norm(peer.coef_, axis=1)
    assert (np.linalg.norm(model.coef_.T - peer.coef_, axis=1) < 1e-4 * size).all()


@pytest.mark.filterwarnings("ignore::grounding.brain.ridge.checks.AlphaEdgeWarning")
def test_float32_that_cannot_be_trusted_is_replaced_by_float64(monkeypatch):
    X, Y = made(60, 10, dtype=np.float32)
    monkeypatch.setattr("grounding.brain.ridge.search.TOLERANCE", 1e-12)
    model = RidgeCV(ALPHAS, extend=False).fit(X, Y)
    assert model.dtype_ == "float64" and model.float32_error_ > 1e-12
    assert_same_choice(model, plain_search(X, Y, pairs_of(Contiguous(5), one_run(60))), 1e-9)


@pytest.mark.parametrize(("n", "p"), [(100, 20), (60, 80)])
@pytest.mark.filterwarnings("ignore")
def test_same_as_himalaya(n, p):
    from himalaya.kernel_ridge import KernelRidgeCV
    from himalaya.ridge import RidgeCV as PeerCV
    from himalaya.scoring import r2_score

    X, Y = made(n, p)
    X, Y = X - X.mean(0), Y - Y.mean(0)
    kind = PeerCV if p < n else KernelRidgeCV
    options = {"fit_intercept": True} if p < n else {"kernel": "linear", "fit_intercept": True}
    peer = kind(alphas=ALPHAS, cv=KFold(5), solver_params={"score_func": r2_score}, **options).fit(X, Y)
    model = RidgeCV(ALPHAS, folds=list(KFold(5).split(X)), extend=False).fit(X, Y)
    np.testing.assert_allclose(model.alpha_, peer.best_alphas_)
    np.testing.assert_allclose(model.cv_scores_, np.ravel(peer.cv_scores_), atol=1e-5)
    np.testing.assert_allclose(model.predict(X), peer.predict(X), rtol=1e-5, atol=1e-5)
    if p < n:
        np.testing.assert_allclose(model.coef_, peer.coef_, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(("n", "p"), [(40, 12), (12, 40), (20, 1)])
def test_ridge_same_as_the_peer_with_one_penalty_a_target(n, p):
    X, Y = made(n, p, v=3)
    alpha = np.array([0.1, 3.0, 700.0])
    model, peer = Ridge(alpha).fit(X, Y), PeerRidge(alpha=alpha, solver="svd").fit(X, Y)
    np.testing.assert_allclose(model.coef_.T.ravel(), peer.coef_.ravel(), rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(model.predict(X), peer.predict(X), rtol=1e-8)


def test_features_of_less_than_full_rank():
    X, Y = made(70, 8)
    X = np.hstack([X, X, np.ones((70, 3))])
    model = RidgeCV(ALPHAS, extend=False).fit(X, Y)
    assert_same_choice(model, plain_search(X, Y, pairs_of(Contiguous(5), one_run(70))), 1e-8)


@pytest.mark.filterwarnings("ignore::grounding.brain.ridge.checks.AlphaEdgeWarning")
def test_features_that_vary_in_one_run_only():
    X, Y = made(90, 6, dtype=np.float32)
    X = np.hstack([X, np.zeros((90, 3), dtype=np.float32)])
    X[60:, 6:] = np.random.default_rng(1).normal(size=(30, 3)).astype(np.float32)
    X[5, 6] = 1e-3
    rows = Rows.joined([Rows.of_run(str(run), np.arange(30)) for run in range(3)])
    model = RidgeCV(ALPHAS, folds=LeaveOneOut("run"), extend=False).fit(X, Y, rows=rows)
    assert_same_choice(model, plain_search(X, Y, pairs_of(LeaveOneOut("run"), rows)), 1e-5)


def test_eigenvalues_that_are_the_same_or_nearly():
    rng = np.random.default_rng(0)
    basis = np.linalg.qr(rng.normal(size=(64, 8)))[0]
    X = np.vstack([basis * (1 + 1e-7 * rng.normal(size=8))] * 3)
    Y = X @ rng.normal(size=(8, 5)) + 0.1 * rng.normal(size=(192, 5))
    alphas = np.logspace(-4, 4, 10)
    pairs = [(np.r_[64:192], np.r_[0:64]), (np.r_[0:64, 128:192], np.r_[64:128])]
    model = RidgeCV(alphas, folds=pairs, extend=False, fit_intercept=False).fit(X, Y)
    table = plain_search(X, Y, pairs, fit_intercept=False, alphas=alphas)
    np.testing.assert_allclose(model.cv_scores_, table.max(0), atol=1e-9)


def test_folds_that_overlap_leave_rows_out_or_train_on_little():
    X, Y = made(80, 10)
    pairs = [(np.r_[0:50], np.r_[50:70]), (np.r_[0:30], np.r_[40:70]), (np.r_[10:25], np.r_[60:80])]
    model = RidgeCV(ALPHAS, folds=pairs, extend=False).fit(X, Y)
    assert_same_choice(model, plain_search(X, Y, pairs), 1e-9)


def test_one_run_changes_nothing_of_folds_without_it():
    X, Y = made(90, 10)
    other = X.copy()
    other[60:] = np.random.default_rng(9).normal(size=(30, 10)) * 7
    pairs = [(np.r_[0:30], np.r_[30:60]), (np.r_[30:60], np.r_[0:30])]
    first, second = (RidgeCV(ALPHAS, folds=pairs, extend=False).fit(features, Y) for features in (X, other))
    np.testing.assert_allclose(first.cv_scores_, second.cv_scores_, rtol=1e-9)


def test_memory_changes_nothing(monkeypatch):
    X, Y = made(80, 20, v=300, dtype=np.float32)
    expected = RidgeCV(ALPHAS, extend=False).fit(X, Y)
    # Blocks of 64 targets, and one fold at a time.
    small = RidgeCV(ALPHAS, extend=False, memory=2_000_000).fit(X, Y)
    monkeypatch.setattr(
        "grounding.brain.ridge.search._groups", lambda design, folds, dtype, memory: [[f] for f in folds]
    )
    passes = RidgeCV(ALPHAS, extend=False).fit(X, Y)
    for model in (small, passes):
        np.testing.assert_allclose(model.cv_scores_, expected.cv_scores_, atol=1e-6)
        np.testing.assert_allclose(model.coef_, expected.coef_, rtol=1e-3, atol=1e-5 * np.abs(expected.coef_).max())
    with pytest.raises(InputError, match="memory: 1000 bytes found, expected at least"):
        RidgeCV(memory=1000).fit(X, Y)


def test_memory_mapped_targets_and_coefficients(tmp_path):
    X, Y = made(60, 10, v=40, dtype=np.float32)
    np.save(tmp_path / "Y.npy", Y)
    mapped = np.load(tmp_path / "Y.npy", mmap_mode="r")
    expected = RidgeCV(extend=False).fit(X, Y)
    model = RidgeCV(extend=False, coef=tmp_path / "coef.npy").fit(X, mapped)
    assert isinstance(model.coef_, np.memmap)
    np.testing.assert_array_equal(model.coef_, expected.coef_)
    np.testing.assert_array_equal(model.scores(X, mapped), expected.scores(X, Y))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["Y.npy", "coef.npy"]
    with pytest.raises(InputError, match=r"coef: 'coef.bin' found"):
        RidgeCV(coef="coef.bin").fit(X, Y)
    with pytest.raises(StorageError, match="cannot be written"):
        RidgeCV(coef=tmp_path / "none" / "coef.npy").fit(X, Y)


def test_copy_on_write_targets_keep_their_changes(tmp_path):
    X, Y = made(60, 5, v=4)
    np.save(tmp_path / "Y.npy", Y)
    mapped = np.load(tmp_path / "Y.npy", mmap_mode="c")
    mapped[:] = -Y
    np.testing.assert_allclose(Ridge().fit(X, mapped).coef_, -Ridge().fit(X, Y).coef_)
    np.testing.assert_array_equal(mapped, -Y)


def test_without_coefficients():
    X, Y = made(60, 10)
    model, full = RidgeCV(coef=False).fit(X, Y), RidgeCV().fit(X, Y)
    np.testing.assert_array_equal(model.alpha_, full.alpha_)
    assert model.coef_ is None
    with pytest.raises(InputError, match="coef=False"):
        model.predict(X)


@pytest.mark.parametrize("scoring", ["r2", "correlation"])
def test_scores_are_those_of_predictions(scoring):
    X, Y = made(60, 10)
    model = RidgeCV().fit(X[:40], Y[:40])
    expected = SCORES[scoring](Y[40:], model.predict(X[40:]))
    np.testing.assert_allclose(model.scores(X[40:], Y[40:], scoring=scoring), expected, rtol=1e-9)
    with pytest.raises(InputError, match="5 targets found, expected 6"):
        model.scores(X, Y[:, :5])


def test_torch_in_torch_out():
    X, Y = made(60, 10, dtype=np.float32)
    expected = RidgeCV().fit(X, Y)
    model = RidgeCV().fit(torch.from_numpy(X), torch.from_numpy(Y))
    assert isinstance(model.coef_, torch.Tensor) and isinstance(model.predict(torch.from_numpy(X)), torch.Tensor)
    np.testing.assert_array_equal(model.coef_.numpy(), expected.coef_)
    assert isinstance(model.scores(torch.from_numpy(X), torch.from_numpy(Y)), torch.Tensor)


def test_one_target_without_its_axis():
    X, Y = made(60, 10)
    model, wide = RidgeCV().fit(X, Y[:, 2]), RidgeCV().fit(X, Y[:, 2:3])
    assert model.coef_.shape == (10,) and np.ndim(model.intercept_) == 0 and model.predict(X).shape == (60,)
    np.testing.assert_allclose(model.coef_, wide.coef_[:, 0])
    assert model.score(X, Y[:, 2]) == pytest.approx(model.scores(X, Y[:, 2])[0])


@pytest.mark.filterwarnings("ignore::grounding.brain.ridge.checks.AlphaEdgeWarning")
def test_targets_that_do_not_vary_are_named_and_get_no_score():
    X, Y = made(60, 10, dtype=np.float32)
    Y[:, 1] = 0.1
    Y[:12, 3] = 7.0  # constant in the first test part only
    model = RidgeCV(ALPHAS, extend=False).fit(X, Y)
    assert model.constant_.tolist() == [False, True, False, False, False, False]
    assert np.isnan(model.cv_scores_[1]) and np.isfinite(np.delete(model.cv_scores_, 1)).all()
    assert (model.coef_[:, 1] == 0).all() and model.predict(X)[:, 1] == pytest.approx(0.1)
    assert np.isnan(model.scores(X, Y)[1])
    others = pairs_of(Contiguous(5), one_run(60))[1:]
    assert model.cv_scores_[3] == pytest.approx(plain_search(X, Y, others)[:, 3].max(), abs=1e-5)


def test_a_grid_that_is_too_narrow_is_extended_with_a_warning():
    X, Y = made(100, 20)
    wide = RidgeCV(np.logspace(-3, 4, 15)).fit(X, Y)
    with pytest.warns(AlphaEdgeWarning, match="the grid was extended"):
        narrow = RidgeCV(np.logspace(3, 4, 3)).fit(X, Y)
    np.testing.assert_allclose(narrow.alpha_, wide.alpha_)
    assert narrow.alphas_[0] < 1e3 and narrow.edge_ <= 0.05
    with pytest.warns(AlphaEdgeWarning, match="so the best may lie beyond"):
        fixed = RidgeCV(np.logspace(3, 4, 3), extend=False).fit(X, Y)
    assert fixed.edge_ > 0.5 and len(fixed.alphas_) == 3


def test_noise_does_not_extend_the_grid_for_ever():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(60, 5)), rng.normal(size=(60, 200))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AlphaEdgeWarning)
        model = RidgeCV(np.logspace(-1, 1, 5)).fit(X, Y)
    assert model.alphas_[-1] <= 10 * 10**4.01


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_auto_finds_the_same_model_at_any_scale_of_the_features(scale):
    X, Y = made(80, 15)
    expected = RidgeCV().fit(X, Y)
    model = RidgeCV().fit(X * scale, Y)
    np.testing.assert_allclose(model.alpha_, expected.alpha_ * scale**2, rtol=1e-6)
    np.testing.assert_allclose(model.predict(X * scale), expected.predict(X), rtol=1e-6)


def test_folds_are_contiguous_unless_asked_otherwise_and_shuffled_ones_are_marked():
    X, Y = made(60, 5)
    model = RidgeCV().fit(X, Y)
    assert model.folds_.description == "5 contiguous folds" and not model.folds_.shuffled
    assert RidgeCV(folds=Shuffled(5, seed=0)).fit(X, Y).folds_.shuffled
    np.testing.assert_array_equal(RidgeCV(folds=model.folds_).fit(X, Y).alpha_, model.alpha_)


def with_bad(values, place, bad):
    values = values.copy()
    values[place] = bad
    return values


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X, Y: (RidgeCV(), X, with_bad(Y, (3, 4), np.nan)), r"Y: NaN or inf in 1 of its columns 0 to 5 \(4\)"),
        (lambda X, Y: (RidgeCV(), with_bad(X, (3, 2), np.inf), Y), r"X: NaN or inf in 1 of its columns 0 to 9 \(2\)"),
        (lambda X, Y: (RidgeCV([1.0, 0.0]), X, Y), "alphas: 0.0 found, expected finite numbers above 0"),
        (lambda X, Y: (RidgeCV("best"), X, Y), "alphas: 'best' found"),
        (lambda X, Y: (RidgeCV([]), X, Y), "alphas: shape"),
        (lambda X, Y: (Ridge([1.0, 2.0]), X, Y), "alpha: 2 found, expected one number or 6"),
        (lambda X, Y: (Ridge(-1), X, Y), "alpha: -1.0 found"),
        (lambda X, Y: (RidgeCV(scoring="rho"), X, Y), "scoring: 'rho' found"),
        (lambda X, Y: (RidgeCV(folds=5), X, Y), "folds: 5 found"),
        (lambda X, Y: (RidgeCV(folds=[]), X, Y), "folds: none found"),
        (lambda X, Y: (RidgeCV(folds=[([0, 1, 2], [2, 3])]), X, Y), "row 2 is both trained on and tested"),
        (lambda X, Y: (RidgeCV(folds=[([0, 1], [99])]), X, Y), "names a row beyond the 60"),
        (lambda X, Y: (RidgeCV(folds=[([0, 0], [1])]), X, Y), "names a row twice"),
        (lambda X, Y: (RidgeCV(folds=LeaveOneOut("run")), X, Y), "1 groups by run found"),
        (lambda X, Y: (RidgeCV(), X[:3], Y[:3]), "3 rows found, expected at least 5"),
        (lambda X, Y: (RidgeCV(), X[:50], Y), "50 and 60 rows found"),
        (lambda X, Y: (RidgeCV(), X, None), "the target y is None"),
        (lambda X, Y: (RidgeCV(), X, np.full(Y.shape, "word")), "expected real numbers"),
        (lambda X, Y: (RidgeCV(), torch.from_numpy(X[:, 0]), Y), "expected \\(n, p\\)"),
    ],
)
def test_bad_input_is_refused_by_name(change, message):
    model, X, Y = change(*made(60, 10))
    with pytest.raises(InputError, match=message):
        model.fit(X, Y)


def test_rows_of_another_number_are_refused():
    X, Y = made(60, 10)
    with pytest.raises(InputError, match="rows: labels of 59 rows found, expected 60"):
        RidgeCV().fit(X, Y, rows=one_run(59))


def test_settings_survive_a_clone():
    model = RidgeCV(ALPHAS, folds=Contiguous(3, purge=2), scoring="correlation", memory=10**8)
    assert clone(model).get_params().keys() == model.get_params().keys()
    assert clone(model).folds == Contiguous(3, purge=2)
    assert clone(model).set_params(scoring="r2").scoring == "r2"


def failures(estimator):
    if isinstance(estimator, RidgeCV):
        return {"check_parameters_default_constructible": "wants plain numbers as defaults; folds are a dataclass"}
    return {}


@parametrize_with_checks([Ridge(), RidgeCV()], expected_failed_checks=failures)
@pytest.mark.filterwarnings("ignore")
def test_is_an_estimator_as_scikit_learn_knows_it(estimator, check):
    check(estimator)
