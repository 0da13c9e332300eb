import numpy as np
import pytest

from grounding.brain.readers.sentences import with_sentences, with_text, word_type
from grounding.brain.recording import Transcript
from grounding.errors import InputError

TEXT = """A BOOK

Mr. Rabbit didn't look at his waistcoat-pocket. 'Oh dear! Oh dear!' he said--so late
was it. "What now?" said Alice, and fell.

The end of 3.5 miles."""
SENTENCES = (
    ("A", "BOOK"),
    ("Mr", "Rabbit", "didn't", "look", "at", "his", "waistcoat-pocket"),
    ("Oh", "dear"),
    ("Oh", "dear", "he", "said", "so", "late", "was", "it"),
    ("What", "now", "said", "Alice", "and", "fell"),
    ("The", "end", "of", "3.5", "miles"),
)


def heard(words):
    times = np.arange(len(words), dtype=np.float64)
    return Transcript(tuple(words), times, times + 0.5)


def numbers(sentences):
    return [place for place, sentence in enumerate(sentences) for _ in sentence]


def test_spelling_and_sentences_come_from_the_text():
    words = [word for sentence in SENTENCES for word in sentence]
    aligned = with_text(heard([word.upper() for word in words]), TEXT)
    assert aligned.transcript.words == tuple(words)
    assert aligned.transcript.sentences.tolist() == numbers(SENTENCES)
    assert aligned.matched == 1
    np.testing.assert_array_equal(aligned.transcript.onsets, np.arange(len(words)))


def test_punctuation_is_kept_when_asked_for():
    words = [
        "mr",
        "rabbit",
        "didn't",
        "look",
        "at",
        "his",
        "waistcoat-pocket",
        "oh",
        "dear",
        "oh",
        "dear",
        "he",
        "said",
    ]
    aligned = with_text(heard([*words, "so", "late"]), TEXT, punctuation=True)
    assert " ".join(aligned.transcript.words) == (
        "Mr. Rabbit didn't look at his waistcoat-pocket. 'Oh dear! Oh dear!' he said-- so late"
    )


def test_an_aligner_may_part_words_differently():
    aligned = with_text(heard("rabbit did n't look at his waistcoat pocket what now".split()), TEXT)
    assert aligned.transcript.words == tuple("Rabbit did n't look at his waistcoat pocket What now".split())
    assert aligned.matched == 1


def test_unmatched_words_are_named_and_stay_in_their_sentence():
    aligned = with_text(heard("uh rabbit didn't really look oh dear".split()), TEXT)
    assert aligned.unmatched.tolist() == [0, 3]
    assert aligned.transcript.words == ("uh", "Rabbit", "didn't", "really", "look", "Oh", "dear")
    assert aligned.transcript.sentences.tolist() == [0, 0, 0, 0, 0, 1, 1]
    assert aligned.matched == pytest.approx(5 / 7)


def test_sentences_from_the_words_own_punctuation():
    words = "Mr. Rabbit looked. 'Oh dear!' he said. \"What now?\" said Alice. Then she fell".split()
    assert with_sentences(heard(words)).sentences.tolist() == [0] * 3 + [1] * 4 + [2] * 4 + [3] * 3


def test_refuses_another_text_and_words_without_punctuation():
    with pytest.raises(InputError, match="0 of the transcript's 2 words found"):
        with_text(heard(["completely", "different"]), TEXT)
    with pytest.raises(InputError, match="no word found"):
        with_text(heard(["a"]), "...")
    with pytest.raises(InputError, match="no word ends in"):
        with_sentences(heard(["no", "marks"]))


@pytest.mark.parametrize(
    ("word", "expected"), [("'bank,", "bank"), ("Don't!", "Don't"), ("--", "--"), ("_very_", "very"), ("3.5", "3.5")]
)
def test_word_type(word, expected):
    assert word_type(word) == expected


@pytest.mark.realdata
def test_alice_out_of_the_whole_book(data_folder):
    from grounding.brain.readers.transcripts import read_transcript

    folder = data_folder / "neural/alice_fmri_brennan2016"
    transcript = read_transcript(next(folder.glob("alice_stim_shared/*.TextGrid")))
    aligned = with_text(transcript, (folder / "alice/alice-gutenberg.txt").read_text())
    assert aligned.matched > 0.99
    assert aligned.transcript.sentences[-1] == 68
    first = [word for word, one in zip(aligned.transcript.words, aligned.transcript.sentences, strict=True) if one == 1]
    assert first[:3] == ["So", "she", "was"] and first[-1] == "her"
