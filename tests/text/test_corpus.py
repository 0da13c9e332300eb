import gzip
import os
from collections import Counter

import numpy as np
import pytest

from grounding.errors import DataError, InputError
from grounding.text.corpus import Corpus
from grounding.text.reading import read_documents
from grounding.text.tokens import tokenise

TEXT = "The cat saw the dog.\n\nThe DOG saw the cat, and ran.\n...\nAnd the cat?\n"


@pytest.fixture
def file(tmp_path):
    (tmp_path / "a.txt").write_text(TEXT)
    return tmp_path / "a.txt"


def test_encoded_documents_read_back_as_their_words(file, tmp_path):
    corpus = Corpus.build(file, tmp_path / "corpus")
    expected = [tokenise(line) for line in TEXT.split("\n") if line]
    assert list(corpus) == expected
    assert len(corpus) == 4 and len(corpus.tokens) == 15
    assert corpus.vocabulary.words[0] == "the" and corpus.vocabulary.counts[0] == 5
    assert corpus.vocabulary.counts.tolist() == np.bincount(corpus.tokens).tolist()
    assert isinstance(corpus.tokens, np.memmap) and not corpus.tokens.flags.writeable
    in_memory = Corpus.of(expected)
    assert in_memory.vocabulary.words == corpus.vocabulary.words
    assert (in_memory.tokens == corpus.tokens).all() and (in_memory.starts == corpus.starts).all()


def test_the_same_files_are_read_once_and_changed_ones_are_refused(file, tmp_path):
    calls = []

    def counting(text):
        calls.append(text)
        return text.split()

    folder = tmp_path / "corpus"
    Corpus.build(file, folder, tokeniser=counting)
    first = len(calls)
    assert first == 4
    Corpus.build([file], folder, tokeniser=counting)
    assert len(calls) == first
    with pytest.raises(DataError, match="choose another folder"):
        Corpus.build(file, folder)
    file.write_text(TEXT + "more\n")
    os.utime(file, (0, 0))
    with pytest.raises(DataError, match="something other than the corpus of these 1 files"):
        Corpus.build(file, folder, tokeniser=counting)


def test_a_folder_of_something_else_is_left_alone(file, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    with pytest.raises(DataError, match="something other"):
        Corpus.build(file, tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "precious"
    for write in (lambda: Corpus.build(file, file), lambda: Corpus.of([["a"]]).save(file)):
        with pytest.raises(DataError, match=r"a\.txt: something"):
            write()
    assert file.read_text() == TEXT


def test_a_bad_file_leaves_no_corpus_behind(file, tmp_path):
    (tmp_path / "bad.txt").write_bytes(b"fine\n\xff\n")
    with pytest.raises(DataError, match=r"bad\.txt, line 2"):
        Corpus.build([file, tmp_path / "bad.txt"], tmp_path / "corpus")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "bad.txt"]
    (tmp_path / "dots.txt").write_text("... !\n")
    with pytest.raises(DataError, match=r"dots\.txt: no words found"):
        Corpus.build(tmp_path / "dots.txt", tmp_path / "corpus")
    with pytest.raises(InputError, match="a string found"):
        Corpus.of(["not a list"])
    with pytest.raises(InputError, match="no words found"):
        Corpus.of([[], []])


def test_damaged_corpora_are_refused(file, tmp_path):
    folder = tmp_path / "corpus"
    Corpus.build(file, folder)
    tokens = (folder / "tokens.npy").read_bytes()
    (folder / "tokens.npy").write_bytes(tokens[:-8])
    with pytest.raises(DataError, match="corpus"):
        Corpus.open(folder)
    (folder / "tokens.npy").write_bytes(tokens)
    (folder / "words.tsv").write_text("the\t4\n")
    with pytest.raises(DataError, match="build it again"):
        Corpus.open(folder)
    with pytest.raises(DataError, match="nowhere"):
        Corpus.open(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("tokens", np.array([-9, 0, 1, 0, 1], dtype=np.int32)),
        ("tokens", np.array([0, 0, 1, 0, 9], dtype=np.int32)),
        ("tokens", np.array([0, 0, 1, 0, 1], dtype=np.int64)),
        ("tokens", np.int32(5)),
        ("starts", np.zeros(0, dtype=np.int64)),
        ("starts", np.array([[0, 5]])),
        ("starts", np.array([0, 99, 5])),
        ("starts", np.array([1, 5])),
    ],
)
def test_ids_and_starts_that_lead_out_of_memory_are_refused(tmp_path, name, values):
    Corpus.of([["a", "b", "a"], ["b", "a"]]).save(tmp_path / "corpus")
    np.save(tmp_path / "corpus" / f"{name}.npy", values)
    with pytest.raises(DataError, match="corpus: .* build it again"):
        Corpus.open(tmp_path / "corpus")


@pytest.mark.realdata
def test_a_book_is_encoded_word_for_word(data_folder, tmp_path):
    book = data_folder / "text/standard_ebooks/robert-louis-stevenson_treasure-island.txt.gz"
    corpus = Corpus.build(book, tmp_path / "corpus")
    words = [word for line in read_documents(book) for word in tokenise(line)]
    assert [word for document in corpus for word in document] == words
    assert dict(zip(corpus.vocabulary.words, corpus.vocabulary.counts.tolist(), strict=True)) == Counter(words)
    with gzip.open(book, "rt", encoding="utf-8") as stream:
        whole = Corpus.build(book, tmp_path / "whole", unit="file")
        assert len(whole) == 1 and next(iter(whole)) == tokenise(stream.read())
