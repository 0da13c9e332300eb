import sys

import numpy as np
import pytest
from gensim.models import FastText as GensimFastText
from gensim.models import KeyedVectors

from grounding.errors import InputError
from grounding.text.static.embedding import StaticEmbedding
from grounding.text.static.fasttext import FastText, FastTextSettings
from grounding.text.static.gensim_vectors import from_gensim, to_gensim
from grounding.text.static.subwords import ngram_buckets
from grounding.text.vocabulary import Vocabulary

MATRIX = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)


def test_vectors_there_and_back():
    embedding = StaticEmbedding(Vocabulary(["the", "open", "drawer"], np.array([9, 5, 2])), MATRIX)
    theirs = to_gensim(embedding)
    assert theirs.most_similar("the", topn=2) == [(word, pytest.approx(score, abs=1e-6))
                                                  for word, score in embedding.similar("the", 2)]  # fmt: skip
    assert from_gensim(theirs).fingerprint() == embedding.fingerprint()
    assert from_gensim(theirs).words.counts.tolist() == [9, 5, 2]


def test_counts_decide_the_order_where_there_are_any():
    theirs = KeyedVectors(4)
    theirs.add_vectors(["drawer", "the", "open"], MATRIX)
    assert from_gensim(theirs).words.words == ["drawer", "the", "open"]
    assert from_gensim(theirs).words.counts.tolist() == [3, 2, 1]
    for word, count in (("drawer", 2), ("the", 9), ("open", 5)):
        theirs.set_vecattr(word, "count", count)
    embedding = from_gensim(theirs)
    assert embedding.words.words == ["the", "open", "drawer"] and embedding.words.counts.tolist() == [9, 5, 2]
    assert (embedding.vectors(["drawer"]) == MATRIX[:1]).all()


def test_fasttext_keeps_vectors_of_unseen_words():
    text = [["open", "the", "drawer"], ["open", "the", "door"]] * 3
    peer = GensimFastText(text, vector_size=4, min_count=1, bucket=100, epochs=1, workers=1)
    ours = from_gensim(peer.wv)
    words = ["open", "drawer", "opened", "drawers"]
    assert isinstance(ours, FastText)
    np.testing.assert_allclose(ours.vectors(words), peer.wv[words], rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(to_gensim(ours)[words], peer.wv[words], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("longest", [6, 0])
def test_fasttext_without_unused_buckets(longest):
    vocabulary = Vocabulary(["open", "the", "drawer"], np.array([9, 5, 2]))
    settings = FastTextSettings(dim=4, buckets=500, max_ngram=longest)
    buckets = np.unique(ngram_buckets(vocabulary.words, 3, longest, 500)[0])
    rows = np.random.default_rng(0).normal(size=(3 + len(buckets), 4)).astype(np.float32)
    ours = FastText.of(vocabulary, rows, buckets, settings)
    words = ["open", "drawer"] + (["opened", "drawers"] if longest else [])
    theirs = to_gensim(ours)
    np.testing.assert_allclose(theirs[words], ours.vectors(words), rtol=1e-5, atol=1e-7)
    assert theirs.get_vecattr("drawer", "count") == 2


def test_without_gensim_the_error_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "gensim.models", None)
    with pytest.raises(InputError, match="gensim is not installed"):
        to_gensim(StaticEmbedding(Vocabulary(["a"], np.array([1])), np.ones((1, 2))))


def test_other_things_are_refused():
    with pytest.raises(InputError, match=r"ndarray found, expected gensim's KeyedVectors; of a model it is \.wv"):
        from_gensim(MATRIX)
    numbered = KeyedVectors(4)
    numbered.add_vectors([7, 8, 9], MATRIX)
    with pytest.raises(InputError, match="key 7 found, expected words"):
        from_gensim(numbered)
