"""Banded ridge by random search beside himalaya; called by `tests.benchmarks.brain`.

Run alone: python -m tests.benchmarks._brain_group

1,000 rows, 3 bands of independent features, synthetic targets that listen to one band, to two or to none under noise;
20 draws of band weights (equal ones first), 20 penalties from 1 to 1e6, 5 contiguous folds, float32, one draw and one
penalty a target, coefficients of all rows. himalaya has several solvers for this and two backends here; the fastest of
them on two draws gets the whole job. Every job is a process of its own on one thread, and its processor seconds are
those of the fit alone. All are given the same draws and penalties.

What is right is said by himalaya in float64 on every twentieth target: our float32 must find its scores to 1e-5 and its
pair of draw and penalty in 99 % of those targets, since draws that are nearly alike tie up to rounding. How far
himalaya's own float32 scores are from its float64 ones is told in the name of the peer and decides nothing.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tests.benchmarks._rows import row

SEED = 0
ROWS, BANDS, DRAWS = 1000, 3, 20
TARGETS = 5000
EXACT = 20
"""Every so many-th target is compared with float64."""
ALPHAS = np.logspace(0, 6, 20)
PEERS = {200: ("group numpy", "group torch", "kernels numpy", "kernels torch"), 600: ("kernels numpy", "kernels torch")}


def rows() -> Iterator[dict[str, object]]:
    """Rows for `launch/bench.sh brain`: measure, ours, peer, peer_name, ratio, unit, reach."""
    for width, peers in PEERS.items():
        trials = {name: _fit(name, width, 2)[0] for name in peers}
        best = min(trials, key=lambda name: trials[name])
        ours, scores, pairs = _fit("ours", width, DRAWS)
        theirs, their_scores, _ = _fit(best, width, DRAWS)
        _, exact, exact_pairs = _fit("exact kernels numpy", width, DRAWS)
        apart, theirs_apart = (float(np.abs(found[::EXACT] - exact).max()) for found in (scores, their_scores))
        same = np.isclose(pairs[:, ::EXACT], exact_pairs, rtol=1e-3).all(0).mean()
        if apart > 1e-5 or same < 0.99:
            raise AssertionError(f"scores {apart:.1e} from float64, choices equal in {same:.2%}; expected 1e-5, 99 %")
        measure = f"group ridge, {BANDS} bands of {width} features x {TARGETS:,} targets, {DRAWS} draws"
        peer = f"himalaya {best} (scores {theirs_apart:.0e} from float64, ours {apart:.0e})"
        yield row(measure, ours, theirs, peer, "CPU-s", 2.0)


def _fit(name: str, width: int, draws: int) -> tuple[float, np.ndarray, np.ndarray]:
    """Seconds, scores (v,) and deltas (bands, v) of one job in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        # A forced kernel slows numpy; the peer gets its best.
        free = {key: value for key, value in os.environ.items() if key not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
        pinned = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        command = [sys.executable, "-m", "tests.benchmarks._brain_group", name, str(width), str(draws), folder]
        done = subprocess.run(command, env=free | pinned, check=True, capture_output=True, text=True)
        with np.load(Path(folder) / "found.npz", allow_pickle=False) as found:
            return json.loads(done.stdout.splitlines()[-1]), found["scores"], found["deltas"]


def _data(width: int) -> tuple[list[np.ndarray], np.ndarray]:
    generator = np.random.default_rng(SEED)
    bands = [generator.standard_normal((ROWS, width), dtype=np.float32) for _ in range(BANDS)]
    bands = [band - band.mean(0) for band in bands]
    Y = generator.standard_normal((ROWS, TARGETS), dtype=np.float32)
    scale = np.float32(1 / np.sqrt(width))
    for number, band in enumerate(bands[:2]):
        listens = np.float32(generator.random(TARGETS) < 0.6)
        Y += band @ generator.standard_normal((width, TARGETS), dtype=np.float32) * (listens * scale / (1 + number))
    return bands, Y - Y.mean(0)


def _ours(bands: list[np.ndarray], Y: np.ndarray, draws: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    from grounding.brain.folds import Contiguous
    from grounding.brain.ridge import GroupRidgeCV

    model = GroupRidgeCV(alphas=ALPHAS, draws=draws, folds=Contiguous(5), extend=False)
    began = time.process_time()
    model.fit(bands, Y)
    return time.process_time() - began, model.cv_scores_, model.deltas_


def _himalaya(
    solver: str, backend: str, bands: list[np.ndarray], Y: np.ndarray, draws: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray]:
    from himalaya.backend import set_backend
    from himalaya.kernel_ridge import solve_multiple_kernel_ridge_random_search
    from himalaya.ridge import solve_group_ridge_random_search
    from himalaya.scoring import r2_score
    from sklearn.model_selection import KFold

    library = set_backend(backend)
    inputs = [library.asarray(band) for band in bands]
    settings = {
        "Y": library.asarray(Y),
        "n_iter": library.asarray(draws.astype(Y.dtype)),
        "alphas": library.asarray(ALPHAS.astype(Y.dtype)),
        "score_func": r2_score,
        "cv": KFold(5),
        "fit_intercept": True,
        "progress_bar": False,
    }
    began = time.process_time()
    if solver == "group":
        found = solve_group_ridge_random_search(inputs, return_weights=True, **settings)
    else:
        kernels = library.stack([band @ band.T for band in inputs])
        found = solve_multiple_kernel_ridge_random_search(kernels, return_weights="dual", **settings)
    seconds = time.process_time() - began
    return seconds, np.asarray(found[2]).max(0), np.asarray(found[0])


def _job(name: str, width: str, draws: str, folder: str) -> None:
    import warnings

    import torch

    from grounding.brain.ridge.band_search import draw_band_weights

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    bands, Y = _data(int(width))
    # Corners of the simplex at 1e-9 and less are the same to float32; himalaya would divide by them.
    weights = np.maximum(draw_band_weights(int(draws), BANDS, SEED), 1e-6)
    weights /= weights.sum(1, keepdims=True)
    if name.startswith("exact "):
        bands, Y = [band.astype(np.float64) for band in bands], Y[:, ::EXACT].astype(np.float64)
    if name == "ours":
        done = _ours(bands, Y, weights)
    else:
        solver, backend = name.removeprefix("exact ").split()
        done = _himalaya(solver, backend, bands, Y, weights)
    np.savez(Path(folder) / "found.npz", scores=done[1], deltas=done[2])
    print(json.dumps(done[0]))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        _job(*sys.argv[1:])
    else:
        for line in rows():
            print(line, flush=True)
