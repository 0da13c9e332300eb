import gzip

import numpy as np
import pytest
from gensim.models import KeyedVectors

from grounding.errors import DataError, InputError, StorageError
from grounding.text.static import formats
from grounding.text.static.embedding import StaticEmbedding
from grounding.text.static.formats import read_word2vec, write_word2vec
from grounding.text.vocabulary import Vocabulary

# A no-break space, a line separator, a character beyond the first plane, a word of digits, a combining mark.
WORDS = ["the", "a\xa0b", "c\u2028d", "😀", "42", "e\u0301", "don't", "日本"]


@pytest.fixture
def embedding():
    matrix = np.random.default_rng(0).normal(size=(len(WORDS), 5)).astype(np.float32)
    matrix[0] = [0, -0.0, 1e-38, 3.4e38, -1]
    return StaticEmbedding(Vocabulary(WORDS, np.array([90, 40, 30, 20, 9, 8, 2, 1])), matrix)


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("name", ["vectors.txt", "vectors.txt.gz"])
def test_what_is_written_reads_the_same_here_and_in_gensim(embedding, tmp_path, name, binary):
    write_word2vec(embedding, tmp_path / name, binary=binary)
    again = read_word2vec(tmp_path / name)
    theirs = KeyedVectors.load_word2vec_format(tmp_path / name, binary=binary)
    assert again.words.words == theirs.index_to_key == WORDS
    assert (again.matrix == embedding.matrix).all() and (theirs.vectors == embedding.matrix).all()
    assert again.words.counts.tolist() == list(range(len(WORDS), 0, -1))


@pytest.mark.parametrize(("binary", "header"), [(True, True), (False, True), (False, False)])
def test_what_gensim_writes(embedding, tmp_path, monkeypatch, binary, header):
    # Small enough that words and vectors fall on the border of blocks.
    monkeypatch.setattr(formats, "_BLOCK", 64)
    theirs = KeyedVectors(5)
    theirs.add_vectors(WORDS, embedding.matrix)
    theirs.save_word2vec_format(tmp_path / "v", binary=binary, write_header=header)
    again = read_word2vec(tmp_path / "v")
    assert again.words.words == WORDS
    np.testing.assert_allclose(again.matrix, embedding.matrix, rtol=0 if binary else 1e-6)


def test_equal_vectors_make_equal_files(embedding, tmp_path):
    for name in ("one.gz", "two.gz"):
        write_word2vec(embedding, tmp_path / name)
    assert (tmp_path / "one.gz").read_bytes() == (tmp_path / "two.gz").read_bytes()


@pytest.mark.parametrize(
    "text",
    [
        "2 3\nthe 1 2 3 \n. . . 4 5 6 \n",  # fastText and word2vec end lines with a space; GloVe has words with spaces
        "the 1 2 3\r\n. . . 4 5 6\r\n",
        "the 1 2 3\n. . . 4e0 5.0 +6",
        "\ufeff2 3\nthe 1 2 3\n. . . 4 5 6\n",
        "\ufeffthe 1 2 3\n. . . 4 5 6\n",
    ],
)
def test_flavours_of_text(tmp_path, text):
    (tmp_path / "v.txt").write_bytes(text.encode())
    read = read_word2vec(tmp_path / "v.txt")
    assert read.words.words == ["the", ". . ."] and read.matrix.tolist() == [[1, 2, 3], [4, 5, 6]]


def test_binary_with_a_line_feed_after_each_vector(tmp_path):
    vectors = np.array([[1, 2], [3, 4]], dtype="<f4")
    (tmp_path / "v").write_bytes(b"2 2\nthe " + vectors[0].tobytes() + b"\nof " + vectors[1].tobytes() + b"\n")
    read = read_word2vec(tmp_path / "v")
    assert read.words.words == ["the", "of"] and (read.matrix == vectors).all()


VECTOR = np.array([1, 2], dtype="<f4").tobytes()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no word with a vector"),
        (b"3 2\n", "no word with a vector"),
        (b"3 2\nthe 1 2\nof 3 4\n", "2 words found, its first line announces 3"),
        (b"1 2\nthe 1 2\nof 3 4\n", "2 words found, its first line announces 1"),
        (b"2 2\nthe 1 2\nof 3\n", "line 3: 'of' with the values '3' found"),
        (b"2 2\nthe 1 x\nof 3 4\n", "line 2: 'the' with the values '1 x' found"),
        (b"the 1 2\nof 3 nan\n", "line 2: 'of' with the values '3 nan' found"),
        (b"the 1 2\nof 3 1e99\n", "line 2: 'of'"),
        (b"the 1 2\n\nof 3 4\n", "line 2"),
        (b"9" * 5000 + b" 2\nthe\n", "line 2: 'the'"),
        (b"1 1\nthe \t\n", "line 2: 'the'"),
        (b"the 1 2\n 3 4\n", "line 2: a vector without a word"),
        (b"the 1 2\nthe 3 4\n", "the word 'the' found 2 times"),
        (b"the 1 2\nna\xefve 3 4\n", "line 2: the word b'na\\xefve' is not UTF-8"),
        (b"2 2\nna\xefve 1 2\nof 3 4\n", "line 2: the word"),
        (b"2 2\nthe " + VECTOR + b"of " + VECTOR[:-1], "byte 16: the file ends in word 2 of the 2"),
        (b"3 2\nthe " + VECTOR + b"of " + VECTOR, "byte 27: the file ends in word 3 of the 3"),
        (b"1 2\nthe " + VECTOR + b"of " + VECTOR, "byte 16: further bytes found after the 1 words"),
        (b"1 2\nna\xefve " + VECTOR, "byte 4: the word b'na\\xefve' is not UTF-8"),
        (b"1 2\nthe " + VECTOR[:4] + b"\0\0\xc0\x7f", "the vector of 'the' has values that are not finite"),
        ((793712314).to_bytes(4, "little") + b"\x0c\0\0\0", "use read_fasttext"),
    ],
)
def test_damaged_files_are_refused_with_the_place(tmp_path, content, message):
    (tmp_path / "v").write_bytes(content)
    with pytest.raises(DataError) as error:
        read_word2vec(tmp_path / "v")
    assert message in str(error.value) and str(tmp_path / "v") in str(error.value)


def test_unreadable_files_and_unwritable_words(embedding, tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        read_word2vec(tmp_path / "none")
    (tmp_path / "v.gz").write_bytes(gzip.compress(b"the 1 2\nof 3 4\n")[:-9])
    with pytest.raises(DataError, match="damaged gzip"):
        read_word2vec(tmp_path / "v.gz")
    with pytest.raises(StorageError):
        write_word2vec(embedding, tmp_path / "v.gz" / "inside")
    for word in ("two words", "two\nlines"):
        with pytest.raises(InputError, match="space or line break"):
            write_word2vec(StaticEmbedding(Vocabulary([word], np.array([1])), np.ones((1, 2))), tmp_path / "new")
    assert not (tmp_path / "new").exists()
