"""Vectors of documents that are longer than a sentence encoder reads at once.

document_vectors      windows through any sentence encoder, pooled
SIFDocuments          weighted means of word vectors
pool_chunks           vectors of parts of a text whose words were read in the context of the whole
Doc2Vec               in `grounding.text.doc2vec`: learned together with the words
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from grounding.errors import InputError
from grounding.text.sif import common_components, remove_components, sif_weights
from grounding.text.static.embedding import StaticEmbedding
from grounding.text.tokens import tokenise


class Encoder(Protocol):
    """What is asked of a sentence encoder here."""

    def encode(self, sentences: Sequence[str], /) -> np.ndarray:
        """float32 (B, width)."""


def document_vectors(encoder: Encoder, documents: Sequence[str], *, window: int = 128, overlap: int = 32) -> np.ndarray:
    """Vectors of texts of any length, float32 (N, width), unit length.

    A document is cut into windows of words that overlap, so that what one window cuts apart another has whole. The
    windows' vectors are averaged, each weighted by how many words it adds to those before it: every word counts once.
    The last window is moved back to be as long as the others. A document of one window has that window's vector.

    Args:
        encoder: of sentences, such as `SentenceEncoder()`.
        documents: texts; words are what white space separates.
        window: words in a window. 128 English words are some 170 tokens, within the 256 that MiniLM reads; what is
            beyond an encoder's limit is lost without a word.
        overlap: words that a window shares with the one before it.

    Raises:
        InputError: no documents, one without words, or an overlap that is not below the window.

    Example:
        >>> document_vectors(SentenceEncoder(), [Path("emma.txt").read_text()]).shape
        (1, 384)
    """
    words_of = _checked_documents(documents)
    pieces, weights, owner = [], [], []
    for number, words in enumerate(words_of):
        for start, stop, new in windows(len(words), window, overlap):
            pieces.append(" ".join(words[start:stop]))
            weights.append(new)
            owner.append(number)
    vectors = encoder.encode(pieces)
    pooled = np.zeros((len(documents), vectors.shape[1]))
    np.add.at(pooled, owner, vectors * np.array(weights)[:, None])
    return _unit(pooled)


def windows(length: int, window: int, overlap: int) -> list[tuple[int, int, int]]:
    """Windows that cover `length` words: where each starts and stops, and how many words it adds to those before it.

    Raises:
        InputError: no words, or an overlap that is negative or not below the window.

    Example:
        >>> windows(10, window=6, overlap=2)
        [(0, 6, 6), (4, 10, 4)]
    """
    if not 0 <= overlap < window:
        raise InputError(f"overlap: {overlap} found, expected 0 or more and below the window of {window} words")
    if length < 1:
        raise InputError("windows: no words found, expected at least one")
    found, covered = [], 0
    while covered < length:
        start = max(0, min(covered - overlap, length - window)) if covered else 0
        stop = min(start + window, length)
        found.append((start, stop, stop - covered))
        covered = stop
    return found


def pool_chunks(states: np.ndarray, chunks: Sequence[tuple[int, int]]) -> np.ndarray:
    """Vectors of parts of a text, float32 (C, width), unit length: the means of words that were read in context.

    The model reads the whole text once and the parts are pooled afterwards (late chunking, Günther et al. 2024), so
    that "she" in one part is still who was named in another; encoding each part for itself would lose that.

    Args:
        states: of the words of a whole text, (T, width), such as one layer of `ContextualModel.states`.
        chunks: where each part starts and stops, in words.

    Raises:
        InputError: states of other than two dimensions, no parts, or one that is empty or beyond the text.

    Example:
        >>> states = ContextualModel("bert-base-uncased").states(words, layers=[-1])[0]
        >>> pool_chunks(states, [(0, 100), (100, len(words))]).shape
        (2, 768)
    """
    if states.ndim != 2:
        raise InputError(f"states: shape {states.shape} found, expected (words, width) of one text and one layer")
    if not len(chunks):
        raise InputError("chunks: an empty list found, expected at least one part of the text")
    for start, stop in chunks:
        if not 0 <= start < stop <= len(states):
            raise InputError(f"chunks: {start} to {stop} found, expected a part of the {len(states)} words")
    return _unit(np.array([states[start:stop].mean(axis=0, dtype=np.float64) for start, stop in chunks]))


class SIFDocuments:
    """Documents as means of static word vectors, rare words weighted more, without what all documents share.

    See `grounding.text.sif` (Arora, Liang and Ma 2017). The common directions are those of the documents it was made
    with; others are brought into the same space.

    Attributes:
        embedding: of words.
        weights: float32 (V,), of the words.
        common: float32 (components, width), what is taken out.

    Args:
        embedding: of words.
        documents: texts that the common directions are found in, more than `components`.
        a: the probability at which a word counts half.
        components: how many common directions, 0 or more.

    Raises:
        InputError: no documents, one without a known word, or as `sif_weights` and `common_components`.

    Example:
        >>> encoder = SIFDocuments(embedding, chapters)
        >>> encoder.encode(["It is a truth universally acknowledged"]).shape
        (1, 100)
    """

    def __init__(
        self, embedding: StaticEmbedding, documents: Sequence[str], *, a: float = 1e-3, components: int = 1
    ) -> None:
        self.embedding = embedding
        self.weights = sif_weights(embedding.words.counts, a)
        self.common = np.zeros((0, embedding.width), dtype=np.float32)
        if components:
            self.common = common_components(self._means(documents), components)

    @property
    def width(self) -> int:
        """Length of a vector."""
        return self.embedding.width

    def encode(self, documents: Sequence[str]) -> np.ndarray:
        """Vectors of documents, float32 (N, width), unit length.

        Raises:
            InputError: no documents, one without a known word, or one that is nothing but what all share.
        """
        means = self._means(documents)
        vectors = remove_components(means, self.common)
        # What rounding leaves of a vector that was taken out whole is no direction.
        vectors[np.linalg.norm(vectors, axis=1) <= 1e-5 * np.linalg.norm(means, axis=1)] = 0
        return _unit(vectors)

    def _means(self, documents: Sequence[str]) -> np.ndarray:
        _checked_documents(documents)
        means = np.empty((len(documents), self.width), dtype=np.float32)
        for number, document in enumerate(documents):
            words = tokenise(document)
            ids = [self.embedding.words.index[word] for word in words if word in self.embedding.words.index]
            if not ids:
                raise InputError(f"document {number}: none of its {len(words)} words is in the vocabulary: {words[:5]}")
            means[number] = self.weights[ids] @ self.embedding.matrix[ids] / len(ids)
        return means


def _checked_documents(documents: Sequence[str]) -> list[list[str]]:
    """The words of every document."""
    if isinstance(documents, str):
        raise InputError("documents: one string found, expected a list of strings; write [text]")
    if not len(documents):
        raise InputError("documents: an empty list found, expected at least one")
    for number, document in enumerate(documents):
        if not isinstance(document, str) or not document.strip():
            raise InputError(f"document {number}: {document!r} found, expected a text with words")
    return [document.split() for document in documents]


def _unit(vectors: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not length.all():
        raise InputError(f"document {int(length.argmin())}: its vector is zero and has no direction; leave it out")
    return (vectors / length).astype(np.float32)
