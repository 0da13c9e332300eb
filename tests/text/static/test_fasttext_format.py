import struct

import numpy as np
import pytest
from gensim.models import FastText as GensimFastText
from gensim.models.fasttext import load_facebook_model, save_facebook_model

from grounding.errors import DataError, InputError, StorageError
from grounding.text.static import fasttext_format
from grounding.text.static.embedding import StaticEmbedding
from grounding.text.static.fasttext import FastText, FastTextSettings
from grounding.text.static.fasttext_format import read_fasttext, write_fasttext
from grounding.text.static.formats import read_word2vec, write_word2vec
from grounding.text.static.subwords import END_OF_LINE, ngram_buckets
from grounding.text.vocabulary import Vocabulary

TEXT = [["open", "the", "naïve", "drawer", "日本語"], ["open", "the", "door"], ["the", "door", "opens"]] * 4
UNSEEN = ["opened", "doors", "日本"]


@pytest.fixture(scope="module")
def peer():
    return GensimFastText(TEXT, vector_size=6, window=2, min_count=1, sg=1, bucket=300, epochs=2, workers=1, seed=0)


@pytest.fixture
def file(peer, tmp_path):
    save_facebook_model(peer, str(tmp_path / "peer.bin"))
    return tmp_path / "peer.bin"


@pytest.fixture
def embedding():
    """As training makes it: without the buckets that no word uses."""
    words = Vocabulary(["the", "drawer", "日本語", END_OF_LINE], np.array([9, 4, 2, 1]))
    settings = FastTextSettings(dim=5, window=3, architecture="cbow", buckets=1000, sample=1e-4, negatives=7, epochs=2)
    buckets = np.unique(ngram_buckets(words.words, 3, 6, 1000)[0])
    random = np.random.default_rng(0)
    rows = random.normal(size=(4 + len(buckets), 5)).astype(np.float32)
    return FastText.of(words, rows, buckets, settings, random.normal(size=(4, 5)).astype(np.float32))


def test_a_file_of_gensim(peer, file):
    model = read_fasttext(file)
    assert model.words.words == peer.wv.index_to_key
    assert model.words.counts.tolist() == [peer.wv.get_vecattr(word, "count") for word in peer.wv.index_to_key]
    np.testing.assert_allclose(model.matrix, peer.wv.vectors, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(model.vectors(UNSEEN), peer.wv[UNSEEN], rtol=1e-5, atol=1e-7)
    assert (model.arrays["input"][: len(model)] == peer.wv.vectors_vocab).all()
    assert (model.arrays["input"][len(model) :] == peer.wv.vectors_ngrams).all()
    assert (model.arrays["output"] == peer.syn1neg).all()
    settings = model.settings
    assert (settings.dim, settings.window, settings.buckets, settings.min_ngram, settings.max_ngram) == (
        6,
        2,
        300,
        3,
        6,
    )
    assert (settings.architecture, settings.epochs, settings.min_count, settings.sample) == ("skip-gram", 2, 1, 1e-3)


def test_hierarchical_softmax_has_no_output_of_words(tmp_path):
    peer = GensimFastText(TEXT, vector_size=6, min_count=1, hs=1, negative=0, bucket=50, epochs=1, workers=1)
    save_facebook_model(peer, str(tmp_path / "hs.bin"))
    model = read_fasttext(tmp_path / "hs.bin")
    np.testing.assert_allclose(model.vectors(UNSEEN), peer.wv[UNSEEN], rtol=1e-5, atol=1e-7)
    assert "output" not in model.arrays and model.settings.architecture == "cbow"
    model.save(tmp_path / "saved")
    assert StaticEmbedding.load(tmp_path / "saved").fingerprint() == model.fingerprint()


def test_what_is_written_reads_the_same_here_and_in_gensim(embedding, tmp_path, monkeypatch):
    monkeypatch.setattr(fasttext_format, "_ROWS_AT_ONCE", 300)
    write_fasttext(embedding, tmp_path / "model.bin")
    again = read_fasttext(tmp_path / "model.bin")
    assert again.settings == embedding.settings and again.words.counts.tolist() == [9, 4, 2, 1]
    assert (again.matrix == embedding.matrix).all()
    assert (again.arrays["output"] == embedding.arrays["output"]).all()
    unseen = ["drawers", "theatre"]
    assert (again.vectors(unseen) == embedding.vectors(unseen)).all()
    theirs = load_facebook_model(str(tmp_path / "model.bin"))
    known = ["the", "drawer", "日本語"]
    np.testing.assert_allclose(theirs.wv[known + unseen], embedding.vectors(known + unseen), rtol=1e-5, atol=1e-7)
    assert (theirs.syn1neg == embedding.arrays["output"]).all()


def test_without_output_zeros_are_written(embedding, tmp_path):
    del embedding.arrays["output"]
    write_fasttext(embedding, tmp_path / "model.bin")
    assert not read_fasttext(tmp_path / "model.bin").arrays["output"].any()


def test_the_text_file_beside_it(peer, embedding, tmp_path):
    write_word2vec(embedding, tmp_path / "model.vec")
    assert (read_word2vec(tmp_path / "model.vec").matrix == embedding.matrix).all()


def corrupted(place, form, *values):
    def corrupt(data):
        struct.pack_into(form, data, place, *values)

    return corrupt


# 8 bytes of mark and version, 56 of arguments, 28 of numbers of words, then "the" and 13 bytes beyond each word.
@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (corrupted(0, "<i", 5), "byte 0: 05000000 found, expected ba16"),
        (corrupted(4, "<i", 13), "byte 8: version 13 found, expected 12"),
        (corrupted(8 + 7 * 4, "<i", 3), "a classifier found"),
        (corrupted(8, "<i", 0), "before byte 64: dim: 0 found"),
        (corrupted(64 + 8, "<i", 1), "1 labels found"),
        (corrupted(64 + 20, "<q", 4), "use the .bin file, not the .ftz file"),
        (corrupted(92, "<b", -1), "is not UTF-8"),
        (corrupted(-40, "<f", float("nan")), "not finite"),
        (lambda data: data.extend(b"\0"), "1 further bytes found"),
    ],
)
def test_damaged_files_are_refused_with_the_place(file, damage, message):
    data = bytearray(file.read_bytes())
    damage(data)
    file.write_bytes(data)
    with pytest.raises(DataError) as error:
        read_fasttext(file)
    assert message in str(error.value) and str(file) in str(error.value)


def test_quantised_matrices_are_refused(file, peer):
    data = bytearray(file.read_bytes())
    matrix = len(data) - 17 - 4 * 6 * len(peer.wv)
    data[matrix] = 1
    file.write_bytes(data)
    with pytest.raises(DataError, match=r"quantised matrix found.*not the .ftz file"):
        read_fasttext(file)


def test_a_file_cut_anywhere_is_refused(file):
    data = file.read_bytes()
    for size in [0, 3, 6, 30, 70, 93, 95, 100, 200, 400, len(data) // 2, len(data) - 1]:
        file.write_bytes(data[:size])
        with pytest.raises(DataError, match=str(file)):
            read_fasttext(file)


def test_missing_files_and_unwritable_words(embedding, tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        read_fasttext(tmp_path / "none.bin")
    (tmp_path / "file").touch()
    with pytest.raises(StorageError):
        write_fasttext(embedding, tmp_path / "file" / "inside.bin")
    zero = Vocabulary(["a\0b"], np.array([1]))
    settings = FastTextSettings(dim=5, max_ngram=0)
    broken = FastText.of(zero, np.ones((1, 5), np.float32), np.zeros(0, np.int64), settings)
    with pytest.raises(InputError, match="zero byte"):
        write_fasttext(broken, tmp_path / "new.bin")
