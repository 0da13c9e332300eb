"""Where and when words can be told apart: decoding from a small patch of sensors in a short window, everywhere."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from grounding.brain.folds import ByWordType, Folding
from grounding.brain.recording import Epochs, Responses
from grounding.errors import DataError, InputError


@dataclass(frozen=True)
class Searchlight:
    """Pairwise decoding accuracy by patch and window.

    Attributes:
        accuracy: (C, windows) float64, the share of wrong words that the right one beats; chance is 0.5.
        p: (C, windows) float64, one-sided, of a permutation of the words, for each patch by itself.
        adjusted: (C, windows) float64, the same with the false discovery rate controlled over all patches and windows
            (Benjamini & Hochberg, 1995).
        windows: (windows, 2) float64, first and last lag in seconds.
        channels: C names, the patches' centres.
        patches: for each centre the names of its sensors.
        positions: (C, 3) metres.
        folds: how rows were held out.
        synthetic: whether a generator made the recording.
    """

    accuracy: np.ndarray
    p: np.ndarray
    adjusted: np.ndarray
    windows: np.ndarray
    channels: tuple[str, ...]
    patches: tuple[tuple[str, ...], ...]
    positions: np.ndarray
    folds: str
    synthetic: bool


def searchlight(
    epochs: Epochs,
    vectors: Mapping[str, np.ndarray],
    *,
    sensors: int = 5,
    window: float = 0.1,
    step: float | None = None,
    folds: Folding = ByWordType(5),
    permutations: int = 500,
    seed: int = 0,
) -> Searchlight:
    """Decode words from each sensor and its nearest neighbours in each window (as Bruera & Poesio, 2022, in sensors).

    Args:
        epochs: with positions; average the repetitions of a word before, which is faster and less noisy.
        vectors: (d,) by word.
        sensors: in a patch, the centre included.
        window: seconds.
        step: seconds from one window to the next; as long as a window if None.
        folds: how rows are held out; by word type, so that no tested word was trained on.
        permutations: of the words, for p-values.
        seed: of the permutations.

    Raises:
        DataError: epochs without positions.
        InputError: more sensors than channels, or no window that fits into the epochs.
    """
    from grounding.brain.decoding import decode
    from grounding.brain.ridge.checks import AlphaEdgeWarning
    from grounding.brain.significance import benjamini_hochberg

    if epochs.positions is None:
        raise DataError("searchlight: the epochs have no sensor positions; read a montage or electrodes.tsv with them")
    if not 1 <= sensors <= len(epochs.channels):
        raise InputError(
            f"sensors: {sensors} found, expected 1 to {len(epochs.channels)}, as many as there are channels"
        )
    patches = _nearest(epochs.positions, sensors)
    windows = _windows(epochs.lags, window, window if step is None else step)
    shape = len(patches), len(windows)
    accuracy, p, description = np.empty(shape), np.empty(shape), ""
    for c, patch in enumerate(patches):
        for w, (first, last) in enumerate(windows):
            inside = (epochs.lags >= first - 1e-9) & (epochs.lags < last - 1e-9)
            data = np.ascontiguousarray(epochs.data[:, patch][:, :, inside]).reshape(len(epochs.rows), -1)
            names = tuple(str(number) for number in range(data.shape[1]))
            patterns = Responses(data, epochs.rows, names, epochs.kind, epochs.synthetic)
            with warnings.catch_warnings():
                # It would be told for each patch and fold.
                warnings.simplefilter("ignore", AlphaEdgeWarning)
                found = decode(patterns, vectors, folds, permutations=permutations, resamples=1, seed=seed)
            rate = found.rates["pairwise"]
            accuracy[c, w], p[c, w], description = rate.value, rate.p, found.folds
    return Searchlight(
        accuracy=accuracy,
        p=p,
        adjusted=benjamini_hochberg(p.ravel()).reshape(shape) if permutations else np.full(shape, np.nan),
        windows=windows,
        channels=epochs.channels,
        patches=tuple(tuple(epochs.channels[place] for place in patch) for patch in patches),
        positions=epochs.positions,
        folds=description,
        synthetic=epochs.synthetic,
    )


def _nearest(positions: np.ndarray, sensors: int) -> np.ndarray:
    """(C, sensors): each sensor and its nearest neighbours."""
    distance = np.linalg.norm(positions[:, None] - positions[None], axis=2)
    return np.argsort(distance, axis=1, kind="stable")[:, :sensors]


def _windows(lags: np.ndarray, window: float, step: float) -> np.ndarray:
    sample = float(np.median(np.diff(lags))) if len(lags) > 1 else 0.0
    end = lags[-1] + sample
    if window < sample or step <= 0 or lags[0] + window > end + 1e-9:
        raise InputError(
            f"window {window} s, step {step} s: expected a window from one sample ({sample:.4g} s) to the epoch's "
            f"{end - lags[0]:.4g} s and a step above 0"
        )
    count = int((end - lags[0] - window) / step + 1e-9) + 1
    first = lags[0] + step * np.arange(count)
    return np.column_stack([first, first + window])
