import numpy as np
import pytest

from grounding.brain.features.stimulus import each_word, subjects, transcripts
from grounding.brain.recording import Recording, Run, Transcript
from grounding.brain.rows import Rows, word_type
from grounding.errors import DataError, InputError
from tests.brain.features.made import recording, transcript


def test_a_recording_its_transcripts_and_its_rows_say_the_same():
    made = recording(transcript(), transcript(9, seed=1))
    given = transcripts(made)
    assert list(given) == ["run-1", "run-2"] and transcripts(given) == given
    rows = Rows.joined(
        [Rows.of_run(run, words.onsets, subject=run[-1], word=words.words) for run, words in given.items()]
    )
    found = transcripts(rows)
    for run, words in given.items():
        assert found[run].words == words.words
        np.testing.assert_array_equal(found[run].onsets, words.onsets)
    assert subjects(made) == {"run-1": "S1", "run-2": "S2"}
    assert subjects(rows) == {"run-1": "1", "run-2": "2"}
    with pytest.raises(InputError, match="say not whose"):
        subjects(given)


def test_a_run_without_words_is_named():
    silent = Recording((Run("run-7", np.zeros((3, 1), np.float32), 1.0),), ("a",), "eeg")
    with pytest.raises(DataError, match=r"run 'run-7': no words found.*leave the run out"):
        transcripts(silent)
    empty = Transcript((), np.empty(0), np.empty(0))
    with pytest.raises(DataError, match="run-1"):
        transcripts(recording(empty))


def test_rows_that_are_no_words_or_lack_some_are_refused():
    with pytest.raises(InputError, match="no words found"):
        transcripts(Rows.of_run("run-1", np.arange(3.0)))
    whole = Rows.of_run("run-1", np.arange(3.0), word=["a", "b", "c"])
    with pytest.raises(InputError, match="2 words of run 'run-1' found, the last being word 2: some were left out"):
        transcripts(whole.take(np.array([0, 2])))


def test_runs_with_the_same_words_are_computed_once():
    asked = []

    def values(words):
        asked.append(words)
        return np.arange(len(words))

    found = each_word("a", recording(transcript(), transcript(seed=3), transcript(8)), values)
    assert len(asked) == 2
    assert found.runs["run-1"] is found.runs["run-2"]
    assert found.runs["run-3"].shape == (8, 1) and found.runs["run-3"].dtype == np.float32


def test_runs_that_differ_in_a_word_or_a_sentence_are_told_apart():
    times = np.arange(3.0)
    given = {
        "a": Transcript(("the", "cat", "sat"), times, times, np.array([0, 0, 1])),
        "b": Transcript(("the", "dog", "sat"), times, times, np.array([0, 0, 1])),
        "c": Transcript(("the", "cat", "sat"), times, times, np.array([0, 1, 1])),
    }
    found = each_word(
        "a", given, lambda words: [(ord(word[0]), n) for word, n in zip(words.words, words.sentences, strict=True)]
    )
    assert found.runs["b"][1].tolist() == [ord("d"), 0] and found.runs["c"][1].tolist() == [ord("c"), 1]


def test_wrong_values_name_run_and_word():
    with pytest.raises(InputError, match="3 rows for run 'run-1', expected one for each word, 19"):
        each_word("a", recording(transcript()), lambda words: np.zeros(3))
    with pytest.raises(InputError, match=r"word 2 \('cat'\) of run 'run-1'"):
        each_word("a", recording(transcript()), lambda words: np.where(np.arange(len(words)) == 2, np.inf, 0))


def test_the_type_of_a_word_is_without_case_and_punctuation():
    assert {word_type(word) for word in ("Alice", "alice,", "“ALICE!”")} == {"alice"}
    assert word_type("don’t") == word_type("Don't")
    assert word_type("—") == "—"
