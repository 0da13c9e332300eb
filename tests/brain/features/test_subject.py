import numpy as np
import pytest

from grounding.brain.features import subject_vectors, transcripts, vectors_of_texts
from grounding.brain.recording import Transcript
from grounding.brain.rows import Rows
from grounding.errors import InputError
from tests.brain.features.made import recording


def said(*words: str) -> Transcript:
    times = np.arange(len(words), dtype=float)
    return Transcript(words, times, times)


def own() -> dict[str, dict[str, np.ndarray]]:
    return {"S1": {"mother": np.array([1.0, 2.0]), "dog": np.array([3.0, 4.0])}, "S2": {"mother": np.array([5.0, 6.0])}}


class Letters:
    """A sentence encoder that counts: how long a text is, and how many a's it has."""

    def encode(self, texts):
        return np.array([(len(text), text.count("a")) for text in texts], dtype=np.float32)


def test_each_subject_has_its_own_vectors():
    made = recording(said("dog", "Mother,"), said("mother"))
    found = subject_vectors(made, own())
    np.testing.assert_array_equal(found.runs["run-1"], [[3, 4], [1, 2]])
    np.testing.assert_array_equal(found.runs["run-2"], [[5, 6]])
    assert found.name == "subject-specific vectors" and found.runs["run-2"].dtype == np.float32


def test_rows_that_are_words_serve_as_well():
    rows = Rows.joined(
        [Rows.of_run(run, np.arange(2.0), subject=run, word=["mother", "mother"]) for run in ("S1", "S2")]
    )
    found = subject_vectors(rows, own())
    np.testing.assert_array_equal(found.matrix(rows), [[1, 2], [1, 2], [5, 6], [5, 6]])


def test_a_word_without_a_vector_is_named_unless_there_is_something_else():
    made = recording(said("mother", "dog"), said("mother", "dog"))
    with pytest.raises(InputError, match=r"no vector of 'dog' for subject 'S2' \(run 'run-2', word 1\)"):
        subject_vectors(made, own())
    zero = subject_vectors(made, own(), otherwise="zero")
    np.testing.assert_array_equal(zero.runs["run-2"], [[5, 6], [0, 0]])
    assert zero.name == "subject-specific vectors (25.0% of words not the subject's own)"
    shared = subject_vectors(made, own(), otherwise={"dog": np.array([7.0, 8.0])}, name="own")
    np.testing.assert_array_equal(shared.runs["run-2"], [[5, 6], [7, 8]])
    np.testing.assert_array_equal(shared.runs["run-1"], [[1, 2], [3, 4]])
    assert shared.name == "own (25.0% of words not the subject's own)"
    with pytest.raises(InputError, match="'dog'"):
        subject_vectors(made, own(), otherwise={"cat": np.array([7.0, 8.0])})


def test_vectors_that_do_not_fit_are_refused():
    made = recording(said("mother"), said("mother"))
    with pytest.raises(InputError, match=r"no vectors of subject 'S2' \(run 'run-2'\); there are those of S1"):
        subject_vectors(made, {"S1": own()["S1"]})
    with pytest.raises(InputError, match=r"length 2 \('mother' for subject 'S1'\), 3 \('x' for all\) found"):
        subject_vectors(made, own(), otherwise={"x": np.zeros(3)})
    with pytest.raises(InputError, match="'mother' for subject 'S1' has shape"):
        subject_vectors(made, {"S1": {"mother": np.array([np.nan])}})
    with pytest.raises(InputError, match="length none found"):
        subject_vectors(made, {})
    with pytest.raises(InputError, match="otherwise: 'mean' found"):
        subject_vectors(made, own(), otherwise="mean")
    with pytest.raises(InputError, match="say not whose"):
        subject_vectors(transcripts(made), own())


def test_a_vector_is_the_mean_over_what_the_subject_wrote():
    found = vectors_of_texts({"S1": {"dog": ["a", "aaa"], "cat": ["xy"]}, "S2": {"dog": ["barks"]}}, Letters())
    assert list(found) == ["S1", "S2"]
    np.testing.assert_array_equal(found["S1"]["dog"], [2, 2])
    np.testing.assert_array_equal(found["S1"]["cat"], [2, 0])
    np.testing.assert_array_equal(found["S2"]["dog"], [5, 1])
    for wrong in (["a", " "], [], "a text"):
        with pytest.raises(InputError, match="subject 'S1', word 'dog'"):
            vectors_of_texts({"S1": {"dog": wrong}}, Letters())
    with pytest.raises(InputError, match="texts: none found"):
        vectors_of_texts({}, Letters())
