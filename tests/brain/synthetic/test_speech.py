"""Made-up speech and layers have the properties that are claimed for them."""

import numpy as np
import pytest

from grounding.brain.synthetic import made_up_layers, made_up_sentences, spoken, spoken_for
from grounding.brain.synthetic.speech import loudness
from grounding.errors import InputError


def test_speech_is_as_fast_as_a_reader():
    transcript = spoken_for(10, start=2.0, seed=0)
    assert transcript.onsets[0] == 2.0 and 590 < transcript.offsets[-1] <= 602
    assert 2.2 < len(transcript) / 600 * 1.0 < 3.5
    durations = transcript.offsets - transcript.onsets
    letters = np.array([len(word) for word in transcript.words])
    assert 0.15 < np.median(durations) < 0.45 and np.corrcoef(durations, letters)[0, 1] > 0.5
    assert (transcript.onsets[1:] >= transcript.offsets[:-1] - 1e-9).all()
    pauses = transcript.onsets[1:] - transcript.offsets[:-1]
    ends = transcript.sentences[1:] != transcript.sentences[:-1]
    assert np.median(pauses[ends]) == pytest.approx(0.6, abs=0.1) and np.median(pauses[~ends]) < 0.01


def test_words_are_zipfian_and_seeded():
    sentences = made_up_sentences(2000, seed=1)
    assert sentences == made_up_sentences(2000, seed=1) and sentences != made_up_sentences(2000, seed=2)
    words, counts = np.unique([word for sentence in sentences for word in sentence], return_counts=True)
    assert len(words) > 70 and counts.max() / np.median(counts) > 10


def test_a_transcript_of_given_words():
    transcript = spoken([["Hello", "there"], ["Goodbye"]], start=0.5, seed=0)
    assert transcript.words == ("Hello", "there", "Goodbye") and transcript.sentences.tolist() == [0, 0, 1]
    with pytest.raises(InputError, match="no word"):
        spoken([], seed=0)
    with pytest.raises(InputError, match="words: 0"):
        made_up_sentences(0, seed=0)


def test_loudness_is_zero_in_silence_and_humps_in_words():
    transcript = spoken([["one", "two"]], start=1.0, seed=0)
    times = np.arange(0, 3, 0.01)
    sound = loudness(transcript, times, seed=0)[:, 0]
    inside = np.zeros(len(times), dtype=bool)
    for onset, offset in zip(transcript.onsets, transcript.offsets, strict=True):
        inside |= (times > onset) & (times < offset)
    assert (sound[~inside] == 0).all() and (sound[inside] > 0).all()


def explained(x, y):
    """The part of the variance of y that x explains in sample."""
    basis = np.linalg.qr(np.c_[np.ones(len(x)), x])[0]
    return 1 - np.square(y - basis @ (basis.T @ y)).sum() / np.square(y - y.mean(0)).sum()


def test_layers_are_static_at_first_and_contextual_later():
    transcripts = {"a": spoken_for(6, seed=0), "b": spoken_for(6, seed=1)}
    layers = made_up_layers(transcripts, layers=5, width=8, seed=0)
    matrices = [np.concatenate([layer.runs["a"], layer.runs["b"]]) for layer in layers]
    words = [word for transcript in transcripts.values() for word in transcript.words]
    same = [place for place, word in enumerate(words) if word == "the"]
    assert np.ptp(matrices[0][same], axis=0).max() == 0
    assert np.ptp(matrices[1][same], axis=0).min() > 0.3
    for matrix in matrices:
        np.testing.assert_allclose(matrix.mean(0), 0, atol=1e-5)
        np.testing.assert_allclose(matrix.var(0), 1, atol=1e-4)
    likeness = [explained(matrices[k], matrices[4]) for k in range(4)]
    assert likeness == sorted(likeness) and 0.55 < likeness[3] < 0.75
    with pytest.raises(InputError, match="0 layers"):
        made_up_layers(transcripts, layers=0, seed=0)
