import os
import subprocess
import sys

import numpy as np
import pytest

from grounding.brain.features import (
    length,
    log_frequency,
    position,
    random_vectors,
    static_vectors,
    transcripts,
    unknown_words,
)
from grounding.brain.recording import Transcript
from grounding.errors import InputError
from grounding.text import StaticEmbedding, Vocabulary
from tests.brain.features.made import WORDS, recording, transcript


def spoken(*words: str) -> dict[str, Transcript]:
    times = np.arange(len(words), dtype=float)
    return {"run-1": Transcript(words, times, times)}


def embedding(width: int = 4) -> StaticEmbedding:
    words = Vocabulary(["the", "cat", "Alice", "alice"], np.array([50, 20, 6, 1]))
    return StaticEmbedding(words, np.random.default_rng(0).standard_normal((4, width)))


def test_position_counts_in_the_run_and_in_the_sentence():
    found = position(recording(transcript(16), transcript(3, seed=1)))
    np.testing.assert_array_equal(found.runs["run-1"][:, 0], np.arange(16))
    np.testing.assert_array_equal(found.runs["run-1"][:, 1], [*range(7), *range(7), 0, 1])
    np.testing.assert_array_equal(found.runs["run-2"], [[0, 0], [1, 1], [2, 2]])


def test_position_without_sentences_is_the_place_in_the_run():
    found = position(recording(transcript(5), transcript(3, sentences=False)))
    np.testing.assert_array_equal(found.runs["run-1"][:, 0], np.arange(5))
    assert found.width == 1


def test_length_counts_letters_and_digits():
    np.testing.assert_array_equal(length(spoken("“Stop!”", "naïve", "isn't", "R2D2")).runs["run-1"][:, 0], [4, 5, 4, 4])


def test_log_frequency_is_the_zipf_scale():
    counts = {"the": 60_000, "cat": 989, "rare": 0}
    found = log_frequency(spoken("The", "cat", "rare", "unheard-of"), counts)
    # Out of one million words in three types and one more occurrence of each type.
    total = 60_000 + 989 + 3
    expected = np.log10(np.array([60_001, 990, 1, 1]) / total * 1e9)
    np.testing.assert_allclose(found.runs["run-1"][:, 0], expected, rtol=1e-6)
    assert found.name == "log frequency (25.0% of words unknown)"


def test_log_frequency_from_an_embedding_or_its_vocabulary_is_the_same():
    stimulus = spoken("the", "Alice", "ALICE")
    found = log_frequency(stimulus, embedding())
    assert found.name == "log frequency"
    np.testing.assert_array_equal(found.runs["run-1"], log_frequency(stimulus, embedding().words).runs["run-1"])
    # "Alice" as it is written before it is looked up in lower case; "ALICE" is known in lower case only.
    np.testing.assert_allclose(found.runs["run-1"][:, 0], np.log10(np.array([51, 7, 2]) / 81) + 9, rtol=1e-6)


def test_log_frequency_refuses_what_it_cannot_use():
    with pytest.raises(InputError, match=r"'dog' \(2 times\) and 1 other words not counted"):
        log_frequency(spoken("the", "dog", "dog", "mat"), embedding(), unknown="error")
    with pytest.raises(InputError, match="expected some above 0"):
        log_frequency(spoken("the"), {"the": 0})
    with pytest.raises(InputError, match="none below"):
        log_frequency(spoken("the"), {"the": 5, "a": -1})
    with pytest.raises(InputError, match="unknown: 'zero' found"):
        log_frequency(spoken("the"), {"the": 5}, unknown="zero")


@pytest.mark.parametrize("unknown", ["zero", "mean"])
def test_static_vectors_are_those_of_the_embedding(unknown):
    made = embedding()
    found = static_vectors(spoken("The", "Alice!", "dog", "cat"), made, unknown=unknown)
    other = made.matrix.mean(0) if unknown == "mean" else np.zeros(4)
    np.testing.assert_array_equal(found.runs["run-1"], [made.matrix[0], made.matrix[3], other, made.matrix[1]])
    assert found.name == "StaticEmbedding (25.0% of words unknown)"


def test_static_vectors_can_insist_on_knowing_every_word():
    with pytest.raises(InputError, match=r"glove: 'dog' \(1 times\) without a vector; choose unknown='zero'"):
        static_vectors(spoken("the", "dog"), embedding(), unknown="error", name="glove")
    with pytest.raises(InputError, match="none of 2 word types has a vector; is it of another language"):
        static_vectors(spoken("Hund", "Katze"), embedding())
    assert static_vectors(spoken("the"), embedding(), unknown="error").name == "StaticEmbedding"


def test_unknown_words_are_counted():
    stimulus = spoken("dog", "mat", "Mat", "the", "mat")
    assert unknown_words(stimulus, embedding()) == unknown_words(stimulus, {"the": 1}) == {"mat": 3, "dog": 1}


def test_a_word_type_has_one_random_vector_wherever_it_stands():
    found = random_vectors(spoken("Cat", "dog", "cat,"), 30, seed=1).runs["run-1"]
    np.testing.assert_array_equal(found[0], found[2])
    other = random_vectors(spoken("mat", "the", "cat"), 30, seed=1).runs["run-1"]
    np.testing.assert_array_equal(other[2], found[0])
    assert not np.array_equal(random_vectors(spoken("cat"), 30, seed=2).runs["run-1"][0], found[0])


def test_random_vectors_are_standard_normal_and_unrelated():
    words = [f"word{number}" for number in range(400)]
    found = random_vectors(spoken(*words), 100, seed=0).runs["run-1"]
    assert abs(found.mean()) < 0.02 and abs(found.std() - 1) < 0.02
    related = found @ found.T / 100
    # Inner products of unrelated vectors of 100 numbers have a standard deviation of 0.1.
    assert abs(related[np.triu_indices(400, 1)].std() - 0.1) < 0.005
    with pytest.raises(InputError, match="width 0"):
        random_vectors(spoken("a"), 0, seed=0)


def test_random_vectors_are_the_same_in_every_process():
    code = (
        "import numpy as np; from grounding.brain.features import random_vectors;"
        "from grounding.brain.recording import Transcript; t = np.arange(3.0);"
        "print(random_vectors({'r': Transcript(('a', 'cat', 'sat'), t, t)}, 5, seed=3).runs['r'].tobytes().hex())"
    )
    run = [
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True,
            env=os.environ | {"PYTHONHASHSEED": number},
        ).stdout
        for number in ("1", "2")
    ]  # fmt: skip
    assert run[0] == run[1] and len(run[0]) > 100


def test_what_another_run_says_changes_nothing():
    first, second, third = transcript(), transcript(9, seed=1), Transcript(tuple("xyz"), np.arange(3.0), np.arange(3.0))
    made = embedding()
    for of in (
        length,
        lambda words: log_frequency(words, made),
        lambda words: static_vectors(words, made, unknown="mean"),
        lambda words: random_vectors(words, 5, seed=0),
    ):
        alone, later = of({"a": first, "b": second}), of({"c": third, "b": first, "a": first})
        np.testing.assert_array_equal(alone.runs["a"], later.runs["a"])
        np.testing.assert_array_equal(alone.runs["a"], later.runs["b"])


def test_words_are_those_of_the_transcripts():
    made = recording(transcript(19))
    assert transcripts(made)["run-1"].words == tuple(WORDS)
