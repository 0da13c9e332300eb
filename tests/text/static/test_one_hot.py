import numpy as np
import pytest

from grounding.errors import InputError
from grounding.text.corpus import Corpus
from grounding.text.static.embedding import StaticEmbedding
from grounding.text.static.one_hot import OneHot, OneHotSettings
from grounding.text.vocabulary import Vocabulary

CORPUS = Corpus.of([["red", "blue", "red", "green", "blue", "red", "rare"]])


def test_every_word_is_an_axis():
    embedding = OneHot.train(CORPUS, OneHotSettings(min_count=1))
    np.testing.assert_array_equal(embedding.matrix, np.eye(4))
    np.testing.assert_array_equal(embedding.vectors(["blue", "red", "blue"]), np.eye(4)[[1, 0, 1]])
    assert embedding.width == len(embedding) == 4
    assert embedding.vectors(["red"]).dtype == np.float32
    assert {score for _, score in embedding.similar("red", k=3)} == {0.0}
    with pytest.raises(KeyError, match="purple"):
        embedding.vectors(["purple"])


def test_a_large_vocabulary_takes_no_memory_and_stays_as_it_is():
    """As an ordinary array the matrix would take 160 gigabytes."""
    words = Vocabulary([str(number) for number in range(200_000)], np.ones(200_000, dtype=np.int64))
    embedding = OneHot(words)
    assert embedding.matrix.shape == (200_000, 200_000)
    assert np.flatnonzero(embedding.vectors(["177777"])[0]).tolist() == [177_777]
    with pytest.raises(ValueError, match="read-only"):
        embedding.matrix[0, 1] = 1


def test_only_words_are_saved(tmp_path):
    embedding = OneHot.train(CORPUS, OneHotSettings(min_count=2))
    embedding.save(tmp_path / "axes")
    loaded = StaticEmbedding.load(tmp_path / "axes")
    assert isinstance(loaded, OneHot) and loaded.settings == OneHotSettings(min_count=2)
    assert loaded.fingerprint() == embedding.fingerprint() != OneHot(CORPUS.vocabulary).fingerprint()
    np.testing.assert_array_equal(loaded.matrix, np.eye(2))
    assert (tmp_path / "axes" / "vectors.safetensors").stat().st_size < 500


def test_settings_are_checked():
    with pytest.raises(InputError, match="min_count: 0 found, expected 1 or more"):
        OneHotSettings(min_count=0)
