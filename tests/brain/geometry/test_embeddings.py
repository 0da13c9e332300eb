"""Vectors of what happened after words."""

import numpy as np
import pytest

from grounding.brain.geometry import average_repetitions, brain_embedding, select_channels, word_responses
from grounding.brain.recording import Epochs, Recording, Responses, Run, Transcript
from grounding.brain.rows import Rows
from grounding.errors import DataError, InputError


@pytest.fixture
def epochs(generator: np.random.Generator) -> Epochs:
    rows = Rows.of_run("run", np.arange(6.0), word=["The", "cat", "saw", "the", "Cat", "run"])
    data = generator.normal(size=(6, 3, 5)).astype(np.float32)
    return Epochs(data, np.arange(5) * 0.1, rows, ("F1", "F2", "T1"), "ecog", synthetic=True)


def test_windows_and_regions(epochs):
    found = brain_embedding(epochs, first=0.1, last=0.2, channels={"front": ["F1", "F2"], "side": ["T1"]})
    assert found.targets == ("front", "side") and found.synthetic
    np.testing.assert_allclose(found.data[:, 0], epochs.data[:, :2, 1:3].mean((1, 2)), atol=1e-6)
    np.testing.assert_allclose(found.data[:, 1], epochs.data[:, 2, 1:3].mean(1), atol=1e-6)
    reordered = brain_embedding(epochs, first=0, last=1, channels=["T1", "F1"])
    np.testing.assert_allclose(reordered.data, epochs.data[:, [2, 0]].mean(2), atol=1e-6)
    assert brain_embedding(epochs, first=0, last=1).targets == epochs.channels


def test_repetitions_are_averaged_whatever_their_case(epochs):
    whole = brain_embedding(epochs, first=0, last=1)
    found, counts = average_repetitions(whole)
    assert found.rows.word is not None and found.rows.word.tolist() == ["cat", "run", "saw", "the"]
    assert counts.tolist() == [2, 1, 1, 2] and found.synthetic
    np.testing.assert_allclose(found.data[0], whole.data[[1, 4]].mean(0), atol=1e-6)
    often, counts = average_repetitions(whole, at_least=2)
    assert often.rows.word is not None and often.rows.word.tolist() == ["cat", "the"] and counts.tolist() == [2, 2]


def test_punctuation_makes_no_new_word(generator):
    rows = Rows.of_run("r", np.arange(4), word=["Tea,", "tea", "“tea”", "hat"])
    responses = Responses(generator.normal(size=(4, 2)).astype(np.float32), rows, ("x", "y"), "eeg")
    found, counts = average_repetitions(responses)
    assert found.rows.word is not None and found.rows.word.tolist() == ["hat", "tea"] and counts.tolist() == [1, 3]


def test_subjects_are_averaged_apart(generator):
    parts = [Rows.of_run(f"{s} run", np.arange(3), subject=s, word=["a", "b", "a"]) for s in ("s2", "s1")]
    responses = Responses(generator.normal(size=(6, 2)).astype(np.float32), Rows.joined(parts), ("x", "y"), "eeg")
    found, _ = average_repetitions(responses)
    assert found.rows.subject.tolist() == ["s2", "s2", "s1", "s1"]
    np.testing.assert_allclose(found.data[2], responses.data[[3, 5]].mean(0), atol=1e-6)


def recording(generator: np.random.Generator, shift: float = 0.0) -> Recording:
    words = Transcript(("one", "two", "three"), np.array([0.0, 3.0, 15.0]), np.array([0.5, 3.5, 15.5]))
    runs = [
        Run(name, generator.normal(size=(10, 2)) + 10 * place, 0.5, words, start=shift)
        for place, name in enumerate(("a", "b"))
    ]
    return Recording(tuple(runs), ("v1", "v2"), "fmri")


def test_fmri_after_words_stays_within_runs(generator):
    brain = recording(generator)
    found = word_responses(brain, first=4, last=6)
    # Samples come every 2 s up to 18 s: the third word's window of 19 to 21 s reaches beyond the end.
    assert found.rows.index.tolist() == [0, 1, 0, 1] and found.rows.run.tolist() == ["a", "a", "b", "b"]
    for place, run in enumerate(brain.runs):
        np.testing.assert_allclose(found.data[2 * place], run.data[2:4].mean(0), atol=1e-5)
        np.testing.assert_allclose(found.data[2 * place + 1], run.data[4], atol=1e-5)
    changed = Recording((brain.runs[0], recording(generator).runs[1]), brain.channels, "fmri")
    np.testing.assert_array_equal(word_responses(changed, first=4, last=6).data[:2], found.data[:2])
    assert word_responses(brain, first=4, last=6, channels=["v2"]).targets == ("v2",)


def test_the_runs_clock_counts(generator):
    """Samples at 1, 3, 5 ... 19 s: the words at 3 and 15 s fall on one, the word at 0 s is before the first."""
    brain = recording(generator, shift=1.0)
    found = word_responses(brain, first=0, last=0)
    assert found.rows.index.tolist() == [1, 2, 1, 2] and found.rows.time.tolist() == [3, 15, 3, 15]
    np.testing.assert_allclose(found.data[:2], brain.runs[0].data[[1, 7]], atol=1e-5)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda e: brain_embedding(e, first=0, last=1, channels=["F9"]), "'F9' is not there; there are F1, F2, T1"),
        (lambda e: brain_embedding(e, first=0, last=1, channels=[]), "channels: none found"),
        (lambda e: brain_embedding(e, first=0, last=1, channels={"front": []}), "region 'front' has"),
        (lambda e: brain_embedding(e, first=2, last=3), "no lag lies in it"),
        (lambda e: average_repetitions(e.mean(0, 1), at_least=5), "no word occurs 5 times"),
        (
            lambda e: average_repetitions(
                Responses(np.zeros((2, 1), np.float32), Rows.of_run("r", np.arange(2)), ("x",), "eeg")
            ),
            "the rows are no words",
        ),
    ],
)
def test_bad_input_is_named(epochs, call, message):
    with pytest.raises(InputError, match=message):
        call(epochs)


def test_recordings_without_words_or_time_are_named(generator):
    brain = recording(generator)
    silent = Recording((Run("quiet", brain.runs[0].data, 0.5),), brain.channels, "fmri")
    with pytest.raises(DataError, match="run 'quiet': no transcript"):
        word_responses(silent, first=4, last=6)
    broken = brain.runs[0].data.copy()
    broken[7, 1] = np.nan
    with pytest.raises(DataError, match="run 'bad': channel 'v2' has NaN"):
        run = Run("bad", broken, 0.5, brain.runs[0].transcript)
        word_responses(Recording((run,), brain.channels, "fmri"), first=4, last=6)
    with pytest.raises(DataError, match="no word has samples 40 to 50 s"):
        word_responses(brain, first=40, last=50)
    with pytest.raises(InputError, match="window: 6 to 4 s"):
        word_responses(brain, first=6, last=4)
    assert select_channels(brain.responses(), None).targets == ("v1", "v2")
