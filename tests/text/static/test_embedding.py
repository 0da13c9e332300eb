import numpy as np
import pytest

from grounding.errors import DataError, InputError
from grounding.text.static.embedding import StaticEmbedding
from grounding.text.vocabulary import Vocabulary

WORDS = ["man", "woman", "king", "queen", "apple"]
# Gender on the first axis, royalty on the second, fruit on the third.
MATRIX = np.array([[1, 0.1, 0], [-1, 0.1, 0], [1, 1, 0], [-1, 1, 0], [0, 0, 1]], dtype=np.float32)


@pytest.fixture
def embedding():
    return StaticEmbedding(Vocabulary(WORDS, np.arange(5, 0, -1)), MATRIX, arrays={"output": MATRIX[:, :2] + 1})


def test_vectors_and_neighbours(embedding):
    assert embedding.vectors(["queen", "man"]).tolist() == MATRIX[[3, 0]].tolist()
    assert embedding.width == 3 and len(embedding) == 5 and "king" in embedding and "cow" not in embedding
    (word, score), *others = embedding.similar("king", k=10)
    assert word == "man" and score == pytest.approx(1.1 / np.sqrt(2 * 1.01))
    assert [word for word, _ in others] == ["queen", "apple", "woman"]
    assert embedding.similar(np.array([0, 0, 2.0]), k=1) == [("apple", pytest.approx(1))]
    with pytest.raises(KeyError, match="cow"):
        embedding.vectors(["king", "cow"])
    with pytest.raises(KeyError, match="cow"):
        embedding.similar("cow")
    with pytest.raises(InputError, match="expected a list"):
        embedding.vectors("king")


def test_of_equally_near_words_the_more_frequent_come_first():
    words = Vocabulary(list("abcdef"), np.arange(6, 0, -1))
    same = StaticEmbedding(words, np.ones((6, 2)))
    assert [word for word, _ in same.similar("c", k=3)] == ["a", "b", "d"]
    with pytest.raises(InputError, match="k: 0 found"):
        same.similar("c", k=0)
    with pytest.raises(InputError, match=r"shape \(3,\) found, expected a word or a vector \(2,\)"):
        same.similar(np.ones(3))
    with pytest.raises(InputError, match=r"query: \[nan  1.\] found"):
        same.similar(np.array([np.nan, 1]))


def test_analogies_by_both_formulas(embedding):
    for method in ("add", "mul"):
        assert embedding.analogy("man", "king", "woman", k=1, method=method)[0][0] == "queen"
    units = MATRIX / np.linalg.norm(MATRIX, axis=1, keepdims=True)
    cosines = (1 + units @ units.T) / 2
    by_hand = cosines[3, 2] * cosines[3, 1] / (cosines[3, 0] + 0.001)
    assert embedding.analogy("man", "king", "woman", k=1, method="mul")[0][1] == pytest.approx(by_hand, rel=1e-5)
    with pytest.raises(InputError, match="'times' found"):
        embedding.analogy("man", "king", "woman", method="times")
    with pytest.raises(KeyError, match="cow"):
        embedding.analogy("man", "cow", "woman")


def test_saved_and_loaded_it_is_the_same(embedding, tmp_path):
    embedding.save(tmp_path / "e")
    again = StaticEmbedding.load(tmp_path / "e")
    assert again.fingerprint() == embedding.fingerprint()
    assert again.words.words == WORDS and (again.matrix == MATRIX).all()
    assert (again.arrays["output"] == embedding.arrays["output"]).all()
    changed = StaticEmbedding(embedding.words, MATRIX * 2, arrays=embedding.arrays)
    assert changed.fingerprint() != embedding.fingerprint()


def test_new_vectors_beside_old_words_are_not_read(embedding, tmp_path, monkeypatch):
    embedding.save(tmp_path)
    other = StaticEmbedding(Vocabulary(WORDS[::-1], np.arange(5, 0, -1)), MATRIX[::-1])

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Vocabulary, "save", killed)
        with pytest.raises(KeyboardInterrupt):
            other.save(tmp_path)
    with pytest.raises(DataError, match=r"embedding\.toml: no such file"):
        StaticEmbedding.load(tmp_path)
    other.save(tmp_path)
    assert StaticEmbedding.load(tmp_path).fingerprint() == other.fingerprint()


def test_damaged_folders_are_refused(embedding, tmp_path):
    embedding.save(tmp_path)
    whole = (tmp_path / "vectors.safetensors").read_bytes()
    (tmp_path / "vectors.safetensors").write_bytes(whole[:-4])
    with pytest.raises(DataError, match=r"vectors\.safetensors"):
        StaticEmbedding.load(tmp_path)
    (tmp_path / "vectors.safetensors").write_bytes(whole)
    (tmp_path / "words.tsv").write_text("man\t1\n")
    with pytest.raises(DataError, match="one row a word"):
        StaticEmbedding.load(tmp_path)
    (tmp_path / "embedding.toml").write_text('kind = "Magic"\n')
    with pytest.raises(DataError, match="'Magic' found"):
        StaticEmbedding.load(tmp_path)
    with pytest.raises(DataError):
        StaticEmbedding.load(tmp_path / "nowhere")


def test_unusable_matrices_are_refused():
    words = Vocabulary(["a", "b"], np.array([2, 1]))
    with pytest.raises(InputError, match="one row a word"):
        StaticEmbedding(words, np.ones((3, 2)))
    with pytest.raises(InputError, match="'b' is not finite"):
        StaticEmbedding(words, np.array([[1, 2], [np.nan, 0]]))
    with pytest.raises(InputError, match="'a' is not finite"):
        StaticEmbedding(words, np.array([[1e300, 2], [0, 0]]))
