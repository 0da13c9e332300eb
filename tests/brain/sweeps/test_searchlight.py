"""The searchlight finds where and when words differ, and nothing elsewhere."""

import numpy as np
import pytest

from grounding.brain.folds import ByWordType
from grounding.brain.recording import Epochs
from grounding.brain.rows import Rows
from grounding.brain.sweeps import searchlight
from grounding.errors import DataError, InputError

WORDS, WIDTH, SENSORS = 60, 4, 7
LAGS = np.arange(12) * 0.05


def planted(seed: int = 0) -> tuple[Epochs, dict[str, np.ndarray]]:
    """Seven sensors on a line; the last three carry the words' vectors from 0.2 to 0.4 s."""
    generator = np.random.default_rng(seed)
    words = [f"w{n}" for n in range(WORDS)]
    vectors = {word: generator.normal(size=WIDTH) for word in words}
    meaning = np.array([vectors[word] for word in words])
    data = generator.normal(size=(WORDS, SENSORS, len(LAGS)))
    data[:, 4:, 4:8] += np.einsum("nd,dcl->ncl", meaning, generator.normal(size=(WIDTH, 3, 4)))
    positions = np.column_stack([np.arange(SENSORS) * 0.02, np.zeros(SENSORS), np.zeros(SENSORS)])
    rows = Rows.of_run("r", np.arange(WORDS) * 1.0, word=words)
    names = tuple(f"E{n}" for n in range(SENSORS))
    return Epochs(data.astype("f"), LAGS, rows, names, "eeg", synthetic=True, positions=positions), vectors


def test_place_and_time_are_found():
    epochs, vectors = planted()
    found = searchlight(epochs, vectors, sensors=3, window=0.2, folds=ByWordType(3), permutations=400)
    assert found.accuracy.shape == (SENSORS, 3) and found.synthetic
    assert np.unravel_index(found.accuracy.argmax(), found.accuracy.shape) in ((5, 1), (6, 1))
    assert found.accuracy[5, 1] > 0.7 and found.adjusted[5, 1] < 0.05
    assert np.abs(found.accuracy[:3] - 0.5).mean() < 0.1
    assert found.patches[0] == ("E0", "E1", "E2")
    assert found.windows[:, 0].tolist() == pytest.approx([0.0, 0.2, 0.4])


def test_what_cannot_be_searched_is_refused():
    epochs, vectors = planted()
    with pytest.raises(InputError, match="expected 1 to 7"):
        searchlight(epochs, vectors, sensors=10)
    with pytest.raises(InputError, match="expected a window"):
        searchlight(epochs, vectors, window=2.0)
    without = Epochs(epochs.data, epochs.lags, epochs.rows, epochs.channels, "eeg")
    with pytest.raises(DataError, match="no sensor positions"):
        searchlight(without, vectors)
