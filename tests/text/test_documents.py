import gzip
import re

import numpy as np
import pytest

from grounding.alignment import nearest
from grounding.errors import InputError
from grounding.text import SentenceEncoder
from grounding.text.documents import SIFDocuments, document_vectors, pool_chunks, windows
from grounding.text.sif import common_components, remove_components
from grounding.text.static.embedding import StaticEmbedding
from grounding.text.vocabulary import Vocabulary


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


WORDS = ["the", "of", "whale", "ship", "sea", "ball", "dance", "aunt"]
EMBEDDING = StaticEmbedding(
    Vocabulary(WORDS, np.array([900, 600, 9, 8, 7, 6, 5, 4])),
    np.random.default_rng(0).standard_normal((8, 5)).astype(np.float32) + 2,
)


class SumOfWords:
    """Words are numbers: 'n' is the n-th axis; a sentence is the mean of its words, not of unit length."""

    def __init__(self):
        self.asked = []

    def encode(self, sentences):
        self.asked += sentences
        return np.array([np.eye(9)[[int(word) for word in text.split()]].mean(0) for text in sentences])


@pytest.mark.parametrize("length", [1, 3, 6, 7, 10, 11, 50])
@pytest.mark.parametrize(("window", "overlap"), [(6, 0), (6, 2), (6, 5)])
def test_windows_cover_every_word_and_count_each_once(length, window, overlap):
    found = windows(length, window, overlap)
    covered = []
    for start, stop, new in found:
        assert stop - start == min(window, length)
        covered += range(stop - new, stop)
        assert stop - new >= start
    assert covered == list(range(length))
    for (_, before, _), (start, _, _) in zip(found, found[1:], strict=False):
        assert before - start >= overlap


def test_windows_by_hand():
    assert windows(11, 6, 2) == [(0, 6, 6), (4, 10, 4), (5, 11, 1)]


def test_windows_are_weighted_by_the_words_they_add():
    encoder = SumOfWords()
    found = document_vectors(encoder, ["0 1\n2 3  4 5 6", "7"], window=4, overlap=1)
    assert encoder.asked == ["0 1 2 3", "3 4 5 6", "7"]
    first, second = (np.eye(9)[rows].mean(0) for rows in ([0, 1, 2, 3], [3, 4, 5, 6]))
    np.testing.assert_allclose(found[0], unit(4 * first + 3 * second), atol=1e-6)
    np.testing.assert_array_equal(found[1], np.eye(9)[7])
    assert found.dtype == np.float32


def test_a_short_document_has_its_sentences_vector():
    encoder = SentenceEncoder()
    texts = ["A man is  playing\nthe guitar.", "The whale dived."]
    np.testing.assert_allclose(document_vectors(encoder, texts), encoder.encode(texts), atol=1e-6)


def test_chunks_are_means_of_their_words(generator):
    states = generator.standard_normal((10, 4)).astype(np.float32)
    found = pool_chunks(states, [(0, 3), (3, 10)])
    np.testing.assert_allclose(found, unit(np.stack([states[:3].mean(0), states[3:].mean(0)])), atol=1e-6)


def test_sif_documents_by_definition():
    texts = ["The whale of the sea!", "the aunt and the dance of the ball", "ship"]
    shares = EMBEDDING.words.counts / EMBEDDING.words.counts.sum()
    weight = 0.001 / (0.001 + shares)
    ids = [[0, 2, 1, 0, 4], [0, 7, 0, 6, 1, 0, 5], [3]]
    means = np.stack([(weight[rows, None] * EMBEDDING.matrix[rows]).sum(0) / len(rows) for rows in ids])
    encoder = SIFDocuments(EMBEDDING, texts)
    expected = remove_components(means, common_components(means, 1))
    np.testing.assert_allclose(encoder.encode(texts), unit(expected), atol=1e-5)
    # New documents are rid of the same direction, not of one of their own.
    np.testing.assert_allclose(encoder.encode(texts[:1]), unit(expected[:1]), atol=1e-5)
    plain = SIFDocuments(EMBEDDING, texts, components=0)
    np.testing.assert_allclose(plain.encode(texts), unit(means), atol=1e-5)
    assert encoder.width == 5


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: document_vectors(SumOfWords(), "0 1"), "one string found"),
        (lambda: document_vectors(SumOfWords(), []), "empty list found"),
        (lambda: document_vectors(SumOfWords(), ["0", " \n"]), r"document 1: ' \\n' found"),
        (lambda: document_vectors(SumOfWords(), ["0"], window=4, overlap=4), "overlap: 4 found"),
        (lambda: windows(0, 4, 1), "no words found"),
        (lambda: pool_chunks(np.ones((4, 2)), [(0, 2), (2, 5)]), "2 to 5 found, expected a part of the 4 words"),
        (lambda: pool_chunks(np.ones((4, 2)), [(2, 2)]), "2 to 2 found"),
        (lambda: pool_chunks(np.ones((4, 2)), []), "chunks: an empty list found"),
        (lambda: pool_chunks(np.ones((3, 4, 2)), [(0, 2)]), r"shape \(3, 4, 2\) found"),
        (lambda: pool_chunks(np.zeros((4, 2)), [(0, 2)]), "vector is zero"),
        (lambda: SIFDocuments(EMBEDDING, ["the whale", "xyzzy plugh"]), "document 1: none of its 2 words"),
        (lambda: SIFDocuments(EMBEDDING, ["the whale", "sea"]).encode([]), "empty list found"),
        # All of a lone document is common to all documents; only rounding is left of it.
        (lambda: SIFDocuments(EMBEDDING, ["the whale sea"]).encode(["the whale sea"]), "vector is zero"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(InputError, match=words):
        call()


BOOKS = {
    "herman-melville_moby-dick": "Melville",
    "jane-austen_emma": "Austen",
    "jane-austen_pride-and-prejudice": "Austen",
    "charles-darwin_the-voyage-of-the-beagle": "Darwin",
    "charles-darwin_the-origin-of-species": "Darwin",
    "adam-smith_the-wealth-of-nations": "Smith",
}


@pytest.mark.realdata
def test_parts_of_books_find_parts_of_the_same_book_or_author(data_folder):
    """Four passages of 200 words from each book, far apart: the nearest other one is by the same author."""
    texts, authors = [], []
    for name, author in BOOKS.items():
        words = gzip.decompress((data_folder / f"text/standard_ebooks/{name}.txt.gz").read_bytes()).decode().split()
        for place in np.linspace(0.1, 0.9, 4):
            # Names of people and places would give the book away.
            passage = [word for word in words[int(place * len(words)) :][:250] if not re.match(r"\W*[A-Z]", word)]
            texts.append(" ".join(passage[:200]))
            authors.append(author)
    vectors = document_vectors(SentenceEncoder(), texts, window=100, overlap=20)
    neighbours = nearest(vectors, vectors, k=2).indices
    # The nearest of all is the passage itself.
    assert (neighbours[:, 0] == np.arange(len(texts))).all()
    same = np.array(authors)[neighbours[:, 1]] == np.array(authors)
    # By chance one in four: of 23 others, 7 are by the author of two books and 3 by that of one.
    chance = np.mean([(authors.count(author) - 1) / (len(authors) - 1) for author in authors])
    assert chance < 0.27 < 0.7 < same.mean()
