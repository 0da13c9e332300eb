import numpy as np
import pytest
from scipy.sparse import csr_array

from grounding.errors import InputError
from grounding.text.corpus import Corpus
from grounding.text.static.embedding import StaticEmbedding
from grounding.text.static.ppmi import PPMI, PPMISettings, largest_singular, positive_pmi


@pytest.fixture
def topics(generator):
    """Documents that each keep to one of four topics of ten words, and use ten common words."""
    documents = []
    for _ in range(300):
        topic = generator.integers(4)
        own = [f"t{topic}w{n}" for n in generator.integers(10, size=15)]
        documents.append(generator.permutation(own + [f"c{n}" for n in generator.integers(10, size=10)]).tolist())
    return Corpus.of(documents)


@pytest.mark.parametrize(("smoothing", "shift"), [(1.0, 1.0), (0.75, 1.0), (0.75, 1.5)])
def test_pmi_is_the_formula(generator, smoothing, shift):
    counts = generator.integers(0, 4, size=(9, 9)).astype(np.float64)
    contexts = counts.sum(axis=0) ** smoothing
    with np.errstate(divide="ignore"):
        joint = counts / counts.sum()
        pmi = np.log(joint / np.outer(counts.sum(axis=1) / counts.sum(), contexts / contexts.sum()))
    found = positive_pmi(csr_array(counts.astype(np.float32)), smoothing, shift)
    np.testing.assert_allclose(found.toarray(), np.maximum(pmi - np.log(shift), 0), atol=1e-5)
    assert found.dtype == np.float32 and (found.data > 0).all()


def test_singular_vectors_are_those_of_the_dense_matrix(generator):
    matrix = generator.random((30, 25)).astype(np.float32) * (generator.random((30, 25)) < 0.4)
    vectors, values = largest_singular(csr_array(matrix), 5, seed=0)
    left, expected, _ = np.linalg.svd(matrix, full_matrices=False)
    np.testing.assert_allclose(values, expected[:5], rtol=1e-5)
    np.testing.assert_allclose(np.abs((vectors * left[:, :5]).sum(axis=0)), 1, atol=1e-4)
    assert (vectors[np.abs(vectors).argmax(axis=0), np.arange(5)] > 0).all()
    other, _ = largest_singular(csr_array(matrix), 5, seed=1)
    np.testing.assert_allclose(other, vectors, atol=1e-3)


def test_words_of_a_topic_are_similar(topics):
    embedding = PPMI.train(topics, PPMISettings(dim=8), seed=0)
    for topic in range(4):
        near = [word for word, _ in embedding.similar(f"t{topic}w0", k=9)]
        assert all(word.startswith(f"t{topic}") for word in near)


def test_the_power_weighs_singular_values(topics):
    plain, weighted = (PPMI.train(topics, PPMISettings(dim=4, power=power)).matrix for power in (0.0, 0.5))
    np.testing.assert_allclose(np.linalg.norm(plain, axis=0), 1, atol=1e-4)
    lengths = np.linalg.norm(weighted, axis=0)
    np.testing.assert_allclose(weighted, plain * lengths, atol=1e-4)
    assert (np.diff(lengths) < 0).all()


def test_it_is_saved_with_its_settings(topics, tmp_path):
    embedding = PPMI.train(topics, PPMISettings(dim=4, weighting="uniform"), seed=3)
    embedding.save(tmp_path / "ppmi")
    loaded = StaticEmbedding.load(tmp_path / "ppmi")
    assert isinstance(loaded, PPMI) and loaded.settings == embedding.settings
    assert loaded.fingerprint() == embedding.fingerprint()
    assert PPMI.train(topics, embedding.settings, seed=3).fingerprint() == embedding.fingerprint()


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"dim": 0}, "dim: 0 found"),
        ({"smoothing": 0.0}, "smoothing: 0.0 found, expected above 0"),
        ({"shift": 0.0}, "shift: 0.0 found"),
        ({"power": 2.0}, "power: 2.0 found, expected 0 to 1"),
        ({"threads": 0}, "threads: 0 found"),
    ],
)
def test_settings_are_checked(setting, message):
    with pytest.raises(InputError, match=message):
        PPMISettings(**setting)


def test_a_corpus_too_small_is_refused(topics):
    with pytest.raises(InputError, match=r"dim: 50 found, expected less than 50, the words that occur 5 times"):
        PPMI.train(topics, PPMISettings(dim=50))
    with pytest.raises(InputError, match="no two words occur together more than by chance"):
        PPMI.train(Corpus.of([["a"], ["b"], ["c"]]), PPMISettings(dim=1, min_count=1))
