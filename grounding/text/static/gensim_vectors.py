"""Word vectors from gensim and for gensim, in memory."""

from typing import Any

import numpy as np

from grounding.errors import InputError
from grounding.text.static.embedding import StaticEmbedding
from grounding.text.static.fasttext import FastText, FastTextSettings
from grounding.text.vocabulary import Vocabulary


def from_gensim(keyed_vectors: Any) -> StaticEmbedding:
    """An embedding from gensim's `KeyedVectors`; a `FastText` from its `FastTextKeyedVectors`.

    Words are put in the order of their counts; where gensim knows none, they stay in its order and get the counts V,
    V − 1, … 1. The matrix is copied.

    Example:
        >>> from_gensim(gensim.downloader.load("glove-wiki-gigaword-100"))

    Raises:
        InputError: gensim is not installed, something else, keys that are not words, or vectors that are not finite.
    """
    KeyedVectors, FastTextKeyedVectors = _classes()
    if not isinstance(keyed_vectors, KeyedVectors):
        raise InputError(
            f"keyed_vectors: {type(keyed_vectors).__name__} found, expected gensim's KeyedVectors; of a model it is .wv"
        )
    words = keyed_vectors.index_to_key
    if wrong := next((word for word in words if not isinstance(word, str)), None):
        raise InputError(f"keyed_vectors: key {wrong!r} found, expected words")
    counts = np.arange(len(words), 0, -1, dtype=np.int64)
    if "count" in keyed_vectors.expandos:
        counts = np.asarray(keyed_vectors.expandos["count"], dtype=np.int64)[: len(words)]
    order = np.argsort(-counts, kind="stable")
    vocabulary = Vocabulary([words[i] for i in order], counts[order])
    if not isinstance(keyed_vectors, FastTextKeyedVectors):
        return StaticEmbedding(vocabulary, keyed_vectors.vectors[: len(words)][order])
    settings = FastTextSettings(
        dim=keyed_vectors.vector_size,
        min_ngram=max(keyed_vectors.min_n, 1),
        max_ngram=keyed_vectors.max_n if keyed_vectors.bucket else 0,
        buckets=keyed_vectors.bucket,
    )
    rows = np.concatenate((keyed_vectors.vectors_vocab[order], keyed_vectors.vectors_ngrams[: settings.buckets]))
    return FastText.of(vocabulary, rows.astype(np.float32), np.arange(settings.buckets, dtype=np.int64), settings)


def to_gensim(embedding: StaticEmbedding) -> Any:
    """gensim's `KeyedVectors` of an embedding, with counts; of a `FastText`, its `FastTextKeyedVectors`.

    The latter has a row for every bucket, zeros where the vocabulary uses none.

    Raises:
        InputError: gensim is not installed.

    Example:
        >>> to_gensim(embedding).doesnt_match(["drawer", "cupboard", "river"])
    """
    KeyedVectors, FastTextKeyedVectors = _classes()
    words = list(embedding.words.words)
    if not isinstance(embedding, FastText):
        vectors = KeyedVectors(embedding.width)
        vectors.add_vectors(words, embedding.matrix)
    else:
        settings, inputs = embedding.settings, embedding.arrays["input"]
        buckets = settings.buckets if settings.max_ngram else 0
        vectors = FastTextKeyedVectors(embedding.width, settings.min_ngram, settings.max_ngram, buckets)
        vectors.index_to_key = words
        vectors.key_to_index = dict(embedding.words.index)
        vectors.vectors_vocab = inputs[: len(words)].copy()
        vectors.vectors_ngrams = np.zeros((buckets, embedding.width), dtype=np.float32)
        if buckets:
            vectors.vectors_ngrams[embedding.arrays["buckets"]] = inputs[len(words) :]
        vectors.allocate_vecattrs()
        vectors.recalc_char_ngram_buckets()
        vectors.adjust_vectors()
    for word, count in zip(words, embedding.words.counts.tolist(), strict=True):
        vectors.set_vecattr(word, "count", count)
    return vectors


def _classes() -> tuple[Any, Any]:
    """gensim's `KeyedVectors` and `FastTextKeyedVectors`; gensim is an optional dependency."""
    try:
        from gensim.models import KeyedVectors
        from gensim.models.fasttext import FastTextKeyedVectors
    except ImportError as error:
        raise InputError("gensim is not installed; pip install 'grounding[gensim]'") from error
    return KeyedVectors, FastTextKeyedVectors
