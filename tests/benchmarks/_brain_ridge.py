"""Ridge regression with cross-validated penalties beside himalaya and scikit-learn.

Run alone: python -m tests.benchmarks._brain_ridge

Synthetic targets: each is a random mixture of features whose scale falls by a factor of 30 from the first to the
last, plus noise at signal-to-noise ratios from 0.1 to 10 in variance. 3,000 rows, 20 penalties from 1 to 1e6, 5
contiguous folds, float32, one penalty a target, coefficients of all rows. Every job is a process of its own on one
thread, and its processor seconds are those of the fit alone. Memory is what the process needed at most beyond what it
held with libraries and inputs loaded. Penalties must be the same in 99.9 % of the targets (the rest are ties up to
rounding), scores to 1e-5.

himalaya gets the backend that is faster on a small job, blocks of 2,500 targets, and its own r² as score, without which
it would choose penalties by another one. At 50,000 targets and 3,072 features its seconds are extrapolated in a
straight line from 2,500 and 10,000 targets, as the name of the row says; ours are measured.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.benchmarks._rows import row

SEED = 0
ROWS = 3000
ALPHAS = np.logspace(0, 6, 20)
PEER_BLOCK = 2500


@dataclass(frozen=True)
class Fit:
    """What one process measured."""

    seconds: float
    mebibytes: float
    alphas: np.ndarray
    scores: np.ndarray


def rows() -> Iterator[dict[str, object]]:
    """Rows for `launch/bench.sh brain`: measure, ours, peer, peer_name, ratio, unit, reach."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        yield from _primal_rows(data)
        yield from _dual_rows(data)
        yield from _memory_rows(data)


def _primal_rows(data: Path) -> Iterator[dict[str, object]]:
    small = {name: _fit(name, data, 1000, 2500) for name in ("himalaya numpy", "himalaya torch")}
    best = min(small, key=lambda name: small[name].seconds)
    what = "RidgeCV, 1,000 features"
    ours = _fit("ours", data, 1000, 1000)
    learn = _fit("sklearn", data, 1000, 1000)
    yield row(f"{what} x 1,000 targets", ours.seconds, learn.seconds, "sklearn RidgeCV, leave one out", "CPU-s", None)
    ours, peer = _fit("ours", data, 1000, 50000), _fit(best, data, 1000, 50000)
    _assert_same(ours, peer)
    yield row(f"{what} x 50,000 targets", ours.seconds, peer.seconds, best, "CPU-s", 3.0)
    yield row(f"{what} x 50,000 targets, memory", ours.mebibytes, peer.mebibytes, best, "MiB", 2.0)


def _dual_rows(data: Path) -> Iterator[dict[str, object]]:
    what = "RidgeCV, 3,072 features"
    small = {name: _fit(name, data, 3072, 2500) for name in ("himalaya numpy", "himalaya torch")}
    best = min(small, key=lambda name: small[name].seconds)
    ours, peer = _fit("ours", data, 3072, 10000), _fit(best, data, 3072, 10000)
    _assert_same(ours, peer)
    yield row(f"{what} x 10,000 targets", ours.seconds, peer.seconds, best, "CPU-s", 1.5)
    slope = (peer.seconds - small[best].seconds) / 7500
    ours = _fit("ours", data, 3072, 50000)
    expected = peer.seconds + 40000 * slope
    yield row(f"{what} x 50,000 targets", ours.seconds, expected, f"{best}, extrapolated", "CPU-s", 1.5)


def _memory_rows(data: Path) -> Iterator[dict[str, object]]:
    fit = _fit("ours mapped", data, 1000, 200000)
    measure = "RidgeCV, 1,000 features x 200,000 memory-mapped targets, whole process at most"
    yield row(measure, fit.mebibytes, None, None, "MiB", 4096)


def _assert_same(ours: Fit, peer: Fit) -> None:
    same = np.isclose(ours.alphas, peer.alphas, rtol=1e-4).mean()
    apart = np.abs(ours.scores - peer.scores).max()
    if same < 0.999 or apart > 1e-5:
        raise AssertionError(f"penalties equal in {same:.2%}, scores {apart:.1e} apart; expected 99.9 % and 1e-5")


def _fit(name: str, data: Path, p: int, v: int) -> Fit:
    """Run one job in a process of its own."""
    _make(data, p, v)
    # A forced kernel slows numpy; the peer gets its best.
    free = {key: value for key, value in os.environ.items() if key not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
    pinned = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    command = [sys.executable, "-m", "tests.benchmarks._brain_ridge", name, str(data), str(p), str(v)]
    done = subprocess.run(command, env=free | pinned, check=True, capture_output=True, text=True)
    figures = json.loads(done.stdout.splitlines()[-1])
    with np.load(data / "found.npz", allow_pickle=False) as found:
        return Fit(**figures, alphas=found["alphas"], scores=found["scores"])


def _make(data: Path, p: int, v: int) -> None:
    """X of this width and the first v targets, in files; only one set of targets is kept."""
    if (data / f"Y{p}x{v}.npy").exists():
        return
    for old in data.glob("Y*.npy"):
        old.unlink()
    generator = np.random.default_rng(SEED)
    X = generator.standard_normal((ROWS, p), dtype=np.float32) * np.logspace(0.5, -1, p, dtype=np.float32)
    X -= X.mean(0)
    np.save(data / f"X{p}.npy", X)
    Y = np.lib.format.open_memmap(data / f"Y{p}x{v}.npy", mode="w+", dtype=np.float32, shape=(ROWS, v))
    for start in range(0, v, 500):
        signal = X @ generator.standard_normal((p, 500), dtype=np.float32)
        block = signal / signal.std(0) * np.logspace(-0.5, 0.5, 500, dtype=np.float32)
        block += generator.standard_normal(block.shape, dtype=np.float32)
        Y[:, start : start + 500] = block - block.mean(0)
    Y.flush()


def _job(name: str, data: Path, p: int, v: int) -> None:
    """What the process of `_fit` does."""
    fit = {"ours": _ours, "ours mapped": _ours, "sklearn": _learn}.get(name, _himalaya)
    mapped = name == "ours mapped"
    X = np.load(data / f"X{p}.npy", allow_pickle=False)
    # A small job first loads the libraries.
    fit(name, X[:20, :5].copy(), X[:20, 5:8].copy())
    Y = np.load(data / f"Y{p}x{v}.npy", mmap_mode="r" if mapped else None, allow_pickle=False)
    before = 0.0 if mapped else _peak()
    start = time.process_time()
    alphas, scores = fit(name, X, Y)
    seconds = time.process_time() - start
    np.savez(data / "found.npz", alphas=alphas, scores=scores)
    print(json.dumps({"seconds": seconds, "mebibytes": _peak() - before}))


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _ours(name: str, X: np.ndarray, Y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    from grounding.brain.ridge import RidgeCV

    model = RidgeCV(ALPHAS, extend=False).fit(X, Y)
    return model.alpha_, model.cv_scores_


def _himalaya(name: str, X: np.ndarray, Y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    from himalaya.backend import set_backend
    from himalaya.kernel_ridge import KernelRidgeCV
    from himalaya.ridge import RidgeCV
    from himalaya.scoring import r2_score
    from sklearn.model_selection import KFold

    set_backend(name.split()[1])
    settings = {"score_func": r2_score, "n_targets_batch": PEER_BLOCK, "n_targets_batch_refit": PEER_BLOCK}
    if X.shape[1] > len(X):
        model = KernelRidgeCV(ALPHAS, kernel="linear", fit_intercept=True, cv=KFold(5), solver_params=settings)
    else:
        model = RidgeCV(ALPHAS, fit_intercept=True, cv=KFold(5), solver_params=settings | {"warn": False})
    model.fit(X, Y)
    return np.asarray(model.best_alphas_), np.ravel(np.asarray(model.cv_scores_))


def _learn(name: str, X: np.ndarray, Y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.linear_model import RidgeCV

    model = RidgeCV(ALPHAS, alpha_per_target=True).fit(X, Y)
    return model.alpha_, model.best_score_


if __name__ == "__main__":
    if sys.argv[1:]:
        _job(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
    else:
        for entry in rows():
            print(entry, flush=True)
