from dataclasses import replace

import numpy as np
import pytest

from grounding.brain.readers.word_locked import word_epochs
from grounding.brain.recording import Recording, Run, Transcript
from grounding.errors import DataError, InputError

RATE = 50.0


def run(name, onsets, seed=0, start=0.0, seconds=6.0, words=None):
    onsets = np.array(onsets, dtype=np.float64)
    words = words or [f"'w{place}," for place in range(len(onsets))]
    data = np.random.default_rng(seed).normal(size=(int(seconds * RATE), 3)).astype(np.float32)
    transcript = Transcript(tuple(words), onsets, onsets + 0.1)
    return Run(name, data, RATE, transcript=transcript, start=start, subject="s", story="t")


def recording(*runs, **more):
    return Recording(runs, ("a", "b", "c"), kind="eeg", **more)


def test_windows_are_cut_where_the_words_begin():
    """Against one slice a word, written out; the recording begins at 10 s on the transcript's clock."""
    one = run("r", [11.0, 12.492, 13.0], start=10.0)
    epochs = word_epochs(recording(one, synthetic=True), -0.2, 0.4)
    assert epochs.data.shape == (3, 3, 31) and epochs.data.dtype == np.float32
    np.testing.assert_allclose(epochs.lags, np.arange(-10, 21) / 50)
    for row, at in enumerate((50, 125, 150)):
        np.testing.assert_array_equal(epochs.data[row], one.data[at - 10 : at + 21].T)
    assert epochs.rows.word.tolist() == ["w0", "w1", "w2"]
    assert epochs.rows.time.tolist() == [11.0, 12.492, 13.0]
    assert epochs.synthetic and epochs.dropped == {}


def test_the_first_and_the_last_window_that_fit():
    """300 samples; the window is 10 samples before the word to 40 after."""
    one = run("r", [0.18, 0.20, 5.18, 5.20])
    epochs = word_epochs(recording(one), -0.2, 0.8)
    assert epochs.rows.index.tolist() == [1, 2]
    np.testing.assert_array_equal(epochs.data[1], one.data[-51:].T)


def test_no_window_reaches_into_another_run():
    first, second = run("r1", [0.1, 2.0, 5.5]), run("r2", [0.3, 5.0], seed=1)
    both = word_epochs(recording(first, second), -0.2, 0.8)
    assert both.rows.run.tolist() == ["r1", "r2", "r2"]
    assert both.rows.index.tolist() == [1, 0, 1]
    assert both.dropped == {"the window leaves the run": 2}
    changed = replace(second, data=second.data + 100)
    again = word_epochs(recording(changed, first), -0.2, 0.8)
    np.testing.assert_array_equal(again.data[again.rows.run == "r1"], both.data[:1])


def test_baseline_and_n400():
    one = run("r", [1.0, 2.0])
    epochs = word_epochs(recording(one), baseline=(-0.1, 0.0))
    raw = word_epochs(recording(one))
    before = raw.data[:, :, 5:11].mean(axis=2)
    window = raw.mean(0.3, 0.5).data
    np.testing.assert_allclose(epochs.mean(0.3, 0.5).data, window - before, atol=1e-6)


def test_rejection_is_counted():
    one = run("r", [1.0, 2.0, 3.0])
    one.data[105, 1] = 50
    epochs = word_epochs(recording(one), reject=40, bad={"r": [(3.7, 3.71)], "other": [(0, 6)]})
    assert epochs.rows.index.tolist() == [0]
    assert epochs.dropped == {"the window touches a bad stretch": 1, "a channel spans more than 40": 1}


def test_refuses():
    one = run("r", [1.0, 2.0])
    with pytest.raises(DataError, match="run 'r': it has no transcript"):
        word_epochs(recording(replace(one, transcript=None)))
    with pytest.raises(DataError, match="no word is left .2 a channel spans more than 0.1"):
        word_epochs(recording(one), reject=0.1)
    with pytest.raises(InputError, match="runs at 50 and 100 samples a second"):
        word_epochs(recording(one, replace(run("r2", [1.0], seed=1), rate=100.0)))
    with pytest.raises(InputError, match="window 0.5 to 0.5 s"):
        word_epochs(recording(one), 0.5, 0.5)
    with pytest.raises(InputError, match="baseline -0.5 to 0 s, expected within the window, -0.2 to 0.8 s"):
        word_epochs(recording(one), baseline=(-0.5, 0))
