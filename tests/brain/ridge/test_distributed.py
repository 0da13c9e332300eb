import joblib
import numpy as np
import pytest

from grounding.brain.folds import Contiguous
from grounding.brain.ridge.checks import AlphaEdgeWarning, ArgumentError
from grounding.brain.ridge.distributed import dask_cluster, fit_blocks, map_recordings
from grounding.brain.ridge.estimators import Ridge, RidgeCV
from grounding.brain.ridge.group import GroupRidgeCV
from grounding.errors import DataError, InputError

ALPHAS = np.logspace(-1, 5, 13)
pytestmark = pytest.mark.filterwarnings("ignore::grounding.brain.ridge.checks.AlphaEdgeWarning")
TARGETS = 11
WIDTH = 4


@pytest.fixture(scope="module")
def cluster():
    """One worker process, since each takes seconds to import; that several change nothing is tested with loky."""
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=1, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1"
    ) as local:
        yield local.scheduler_address


@pytest.fixture(scope="module")
def data():
    random = np.random.default_rng(0)
    bands = {name: random.normal(size=(60, 5)).astype(np.float32) for name in ("sound", "words")}
    weights = random.normal(size=(5, TARGETS)).astype(np.float32)
    Y = bands["words"] @ weights + 2 * random.normal(size=(60, TARGETS)).astype(np.float32)
    return bands, Y.astype(np.float32)


def models():
    return RidgeCV(ALPHAS, folds=Contiguous(3), extend=False), GroupRidgeCV(alphas=ALPHAS, draws=4, folds=Contiguous(3))


def learnt(model):
    names = ("coef_", "intercept_", "alpha_", "cv_scores_", "constant_", "band_weights_")
    return [getattr(model, name) for name in names if hasattr(model, name)]


def fitted(data, Y=None, width=WIDTH):
    bands, targets = data
    Y = targets if Y is None else Y
    ridge, group = models()
    return fit_blocks(ridge, bands["words"], Y, width=width), fit_blocks(group, bands, Y, width=width)


def test_blocks_agree_with_one_fit(data):
    bands, Y = data
    for model, joined, X in zip(models(), fitted(data), (bands["words"], bands), strict=True):
        whole = model.fit(X, Y)
        np.testing.assert_array_equal(joined.alpha_, whole.alpha_)
        np.testing.assert_allclose(joined.cv_scores_, whole.cv_scores_, atol=1e-5)
        np.testing.assert_allclose(joined.coef_, whole.coef_, atol=1e-5)
        np.testing.assert_allclose(joined.predict(X), whole.predict(X), atol=1e-4)
        assert joined.edge_ == whole.edge_


def test_a_dask_worker_changes_no_bit(data, cluster):
    with dask_cluster(cluster):
        there = fitted(data)
    assert_same(fitted(data), there)


@pytest.mark.slow
def test_processes_change_no_bit(data):
    bands, Y = data
    ridge, _ = models()
    with joblib.parallel_config(backend="loky", n_jobs=2, inner_max_num_threads=1):
        there = fit_blocks(ridge, bands["words"], Y, width=WIDTH)
    assert_same([fit_blocks(ridge, bands["words"], Y, width=WIDTH)], [there])


def assert_same(some, others):
    for one, other in zip(some, others, strict=True):
        for a, b in zip(learnt(one), learnt(other), strict=True):
            np.testing.assert_array_equal(a, b)


def test_workers_read_a_memory_map_from_its_file(data, cluster, tmp_path):
    """A file that is gone fails there, which it would not if the values had been sent."""
    bands, Y = data
    path = tmp_path / "targets.npy"
    np.save(path, np.hstack([np.zeros((60, 3), np.float32), Y, Y]))
    part = np.load(path, mmap_mode="r", allow_pickle=False)[:, 3 : 3 + TARGETS]
    ridge, _ = models()
    with dask_cluster(cluster):
        found = fit_blocks(ridge, bands["words"], part, width=WIDTH)
        path.unlink()
        with pytest.raises(DataError, match=r"targets\.npy: a worker cannot open the targets"):
            fit_blocks(ridge, bands["words"], part, width=WIDTH)
    for a, b in zip(learnt(found), learnt(fit_blocks(ridge, bands["words"], Y, width=WIDTH)), strict=True):
        np.testing.assert_array_equal(a, b)


def test_changes_that_are_not_in_the_file_count(data, tmp_path):
    bands, Y = data
    np.save(tmp_path / "targets.npy", Y)
    changed = np.load(tmp_path / "targets.npy", mmap_mode="c", allow_pickle=False)
    changed[:, 0] = bands["words"][:, 0]
    coef = fit_blocks(Ridge(1e-6), bands["words"], changed, width=WIDTH).coef_
    np.testing.assert_allclose(coef[:, 0], [1, 0, 0, 0, 0], atol=1e-4)


def test_torch_bands_and_lists_stay_what_they_are(data):
    import torch

    bands, Y = data
    tensors = [torch.from_numpy(band) for band in bands.values()]
    _, group = models()
    model = fit_blocks(group, tensors, torch.from_numpy(Y), width=WIDTH)
    assert isinstance(model.coef_, torch.Tensor) and model.coef_.shape == (10, TARGETS)
    assert model.bands_ == (0, 1)
    assert torch.is_tensor(model.predict(tensors))


def test_one_warning_for_all_blocks(data):
    bands, Y = data
    with pytest.warns(AlphaEdgeWarning, match="choose the least of the grid") as caught:
        model = fit_blocks(RidgeCV([200.0, 400.0], folds=Contiguous(3)), bands["words"], Y, width=WIDTH)
    assert len(caught) == 1 and model.edge_ > 0.5
    assert model.alphas_.tolist() == [200.0, 400.0]


def test_bad_input(data, tmp_path):
    bands, Y = data
    ridge, _ = models()
    broken = Y.copy()
    broken[3, 9] = np.nan
    with pytest.raises(ArgumentError, match=r"targets 8 to 10: Y: NaN or inf .* columns 0 to 2 \(1\)"):
        fit_blocks(ridge, bands["words"], broken, width=WIDTH)
    with pytest.raises(ArgumentError, match="width: 0 found"):
        fit_blocks(ridge, bands["words"], Y, width=0)
    with pytest.raises(ArgumentError, match="coef: a file found"):
        fit_blocks(RidgeCV(coef=tmp_path / "coef.npy"), bands["words"], Y)
    with pytest.raises(ArgumentError, match=r"Y: shape \(60,\) found"):
        fit_blocks(ridge, bands["words"], Y[:, 0])
    with pytest.raises(InputError, match=r"dask: no scheduler answers at 'tcp://127\.0\.0\.1:9'; start one"):
        with dask_cluster("tcp://127.0.0.1:9", timeout=1):
            pass


def total(values):
    if np.isnan(values).any():
        raise DataError("NaN found")
    return float(values.sum())


def test_recordings_go_to_workers(cluster):
    recordings = {"sub-2": np.ones(3), "sub-1": np.zeros(2)}
    with dask_cluster(cluster):
        assert list(map_recordings(total, recordings).items()) == [("sub-2", 3.0), ("sub-1", 0.0)]
    with pytest.raises(DataError, match="sub-9: NaN found"):
        map_recordings(total, {"sub-9": np.array([np.nan])})


def test_subjects_are_encoded_by_workers_as_here(cluster):
    from grounding.brain.encoding import encode_subjects
    from grounding.brain.recording import Features, Recording, Run
    from tests.brain.encoding.planted import model

    random = np.random.default_rng(0)
    heard = {subject: random.normal(size=(60, 2)).astype(np.float32) for subject in ("one", "two")}
    runs = [
        Run(f"{subject} run", (x + random.normal(size=x.shape)).astype(np.float32), 0.5, subject=subject, story="story")
        for subject, x in heard.items()
    ]
    recording = Recording(tuple(runs), ("a", "b"), "fmri", synthetic=True)
    embedding = Features("embedding", {f"{subject} run": x for subject, x in heard.items()})
    settings = model(embedding, folds=Contiguous(2))
    with dask_cluster(cluster):
        there = encode_subjects(settings, recording)
    here = encode_subjects(settings, recording)
    assert tuple(there.results) == ("one", "two")
    for subject, result in here.results.items():
        np.testing.assert_array_equal(there.results[subject].r, result.r)
