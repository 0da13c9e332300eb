"""How fast layers are swept over lags; called by `tests.benchmarks.brain`.

Run alone: OMP_NUM_THREADS=1 python -m tests.benchmarks._brain_sweeps

13 layers of width 768, 5,000 words, 64 electrodes, 81 lags, five contiguous folds, 50 principal components fitted in
the training rows, 12 penalties chosen by inner folds. The peer is what scripts of the field do: one `RidgeCV` of
himalaya (one of scikit-learn with the same inner folds) for each electrode and lag, on the components already made. It
is timed on a few cells and multiplied, since all 67,392 would take hours; its scores of those cells are ours.
Synthetic responses. One thread, processor seconds.
"""

import time
import warnings
from collections.abc import Callable, Iterator

import numpy as np

from grounding.brain.encoding.nesting import inner_folds
from grounding.brain.encoding.spaces import Space
from grounding.brain.folds import Contiguous
from grounding.brain.recording import Epochs, Features
from grounding.brain.rows import Rows
from grounding.brain.sweeps import layer_by_lag
from tests.benchmarks._rows import one_thread, row

LAYERS, WORDS, WIDTH, ELECTRODES, LAGS = 13, 5000, 768, 64, 81
COMPONENTS, INNER = 50, 5
ALPHAS = np.logspace(0, 6, 12)
CELLS = 12
FOLDING = Contiguous(5, purge=12)


def rows() -> Iterator[dict[str, object]]:
    """Rows for `launch/bench.sh brain`."""
    layers, epochs = data()
    with one_thread():
        began = time.process_time()
        sweep = layer_by_lag(layers, epochs, components=COMPONENTS, folding=FOLDING, alphas=ALPHAS, inner=INNER)
        ours = time.process_time() - began
        peers = {"himalaya, a RidgeCV a cell": _himalaya, "scikit-learn, a RidgeCV a cell": _sklearn}
        for name, fit in peers.items():
            seconds, difference = _cells(fit, layers[-1], epochs, sweep.scores[-1])
            measure = (
                f"{LAYERS} layers × {LAGS} lags × {ELECTRODES} electrodes × {WORDS:,} words, {COMPONENTS} components"
            )
            yield row(
                measure, ours, seconds * LAYERS * LAGS * ELECTRODES, name, "CPU-s", 20 if name[0] == "h" else None
            )
            yield row(f"largest difference of a score to {name}", difference, None, None, "r", None)


def data(seed: int = 0) -> tuple[list[Features], Epochs]:
    """Layers that share most of what they hold, as real ones do, and epochs that follow them in noise."""
    generator = np.random.default_rng(seed)
    shared = generator.normal(size=(WORDS, WIDTH)).astype("f") * np.logspace(0, -2, WIDTH, dtype="f")
    layers = [
        Features(f"layer {n}", {"run": shared + 0.3 * generator.normal(size=shared.shape).astype("f") * shared.std(0)})
        for n in range(LAYERS)
    ]
    weights = generator.normal(size=(WIDTH, ELECTRODES * LAGS)).astype("f")
    data = shared @ weights + 3 * generator.normal(size=(WORDS, ELECTRODES * LAGS)).astype("f")
    rows = Rows.of_run("run", np.arange(WORDS) * 0.35)
    names = tuple(f"E{n}" for n in range(ELECTRODES))
    lags = np.linspace(-2, 2, LAGS)
    return layers, Epochs(data.reshape(WORDS, ELECTRODES, LAGS), lags, rows, names, "ecog", synthetic=True)


def _cells(fit: Callable[..., np.ndarray], layer: Features, epochs: Epochs, scores: np.ndarray) -> tuple[float, float]:
    """Processor seconds that a peer takes for a cell, and the largest difference of its scores to ours."""
    chosen = np.random.default_rng(1).integers(0, (ELECTRODES, LAGS), size=(CELLS, 2))
    found, spent = np.zeros(CELLS), 0.0
    folds = FOLDING.split(epochs.rows)
    for fold in folds:
        X = Space(layer, components=COMPONENTS).prepared(epochs.rows, fold.train)
        inside = [(f.train, f.test) for f in inner_folds(FOLDING, epochs.rows.take(fold.train), INNER, FOLDING.purge)]
        for number, (electrode, lag) in enumerate(chosen):
            y = np.ascontiguousarray(epochs.data[:, electrode, lag])
            began = time.process_time()
            predicted = fit(X[fold.train], y[fold.train], X[fold.test], inside)
            found[number] += np.corrcoef(predicted, y[fold.test])[0, 1] / len(folds)
            spent += time.process_time() - began
    return spent / CELLS, float(np.abs(found - scores[chosen[:, 0], chosen[:, 1]]).max())


def _himalaya(
    train: np.ndarray, y: np.ndarray, test: np.ndarray, inside: list[tuple[np.ndarray, np.ndarray]]
) -> np.ndarray:
    from himalaya.ridge import RidgeCV

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = RidgeCV(alphas=ALPHAS, fit_intercept=True, cv=inside).fit(train, y[:, None])
    return np.asarray(model.predict(test))[:, 0]


def _sklearn(
    train: np.ndarray, y: np.ndarray, test: np.ndarray, inside: list[tuple[np.ndarray, np.ndarray]]
) -> np.ndarray:
    from sklearn.linear_model import RidgeCV

    return RidgeCV(alphas=ALPHAS, cv=inside, scoring="r2").fit(train, y).predict(test)


if __name__ == "__main__":
    for one in rows():
        print(one)
