import numpy as np
import pytest

from grounding.errors import DataError, InputError
from grounding.text.corpus import Corpus
from grounding.text.static.embedding import StaticEmbedding
from grounding.text.static.sampling import huffman_paths
from grounding.text.static.training import State
from grounding.text.static.word2vec import CBOW_RATE, Word2Vec, Word2VecSettings

ARCHITECTURES, OBJECTIVES = ("skip-gram", "cbow"), ("negative-sampling", "hierarchical-softmax", "nce")
SMALL = Word2VecSettings(dim=10, window=2, epochs=3, min_count=1, sample=0, threads=1)

# Documents are pairs of a word on the left and one on the right, this many of each: p(right | left) is planted.
PAIRS = np.array([[50, 25, 15, 10], [10, 20, 30, 40], [5, 5, 80, 10]])
LEFT, RIGHT = [f"left{i}" for i in range(3)], [f"right{i}" for i in range(4)]
PLANTED = {"dim": 16, "window": 1, "min_count": 1, "sample": 0.0, "noise_power": 1.0, "epochs": 400, "threads": 1}


@pytest.fixture
def pairs(generator):
    documents = [[LEFT[i], RIGHT[j]] for i in range(3) for j in range(4) for _ in range(PAIRS[i, j])]
    return Corpus.of([documents[i] for i in generator.permutation(len(documents))])


def topics(generator, documents=300):
    """Texts about one of four topics, each with its own eight words."""
    chosen = generator.integers(4, size=documents)
    return Corpus.of([[f"topic{topic}-{word}" for word in generator.integers(8, size=20)] for topic in chosen])


def scores(embedding):
    """Input times output vectors of LEFT and RIGHT, (3, 4)."""
    outputs = embedding.arrays["output"][embedding.words.ids(RIGHT)]
    return embedding.vectors(LEFT).astype(np.float64) @ outputs.T


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_negative_sampling_finds_shifted_pointwise_mutual_information(pairs, architecture):
    """v·o = log(#(c, w) · N / (#(c) · #(w))) − log k (Levy and Goldberg 2014); noise is a share of all N words."""
    # With a context of one word the two architectures are the same, but for the rate.
    rate = 0.025 if architecture == "skip-gram" else 0.025 / CBOW_RATE
    settings = Word2VecSettings(architecture=architecture, negatives=2, rate=rate, **PLANTED)
    embedding = Word2Vec.train(pairs, settings)
    expected = np.log(PAIRS * 2 * PAIRS.sum() / (PAIRS.sum(axis=1, keepdims=True) * PAIRS.sum(axis=0))) - np.log(2)
    np.testing.assert_allclose(scores(embedding), expected, atol=0.1)


def test_nce_gives_log_probabilities(pairs):
    settings = Word2VecSettings(objective="nce", negatives=25, **PLANTED)
    embedding = Word2Vec.train(pairs, settings)
    found = np.exp(scores(embedding) + embedding.arrays["bias"][embedding.words.ids(RIGHT)])
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=0.05)
    np.testing.assert_allclose(found, PAIRS / PAIRS.sum(axis=1, keepdims=True), atol=0.03)


def test_hierarchical_softmax_gives_probabilities(pairs):
    settings = Word2VecSettings(objective="hierarchical-softmax", **PLANTED)
    embedding = Word2Vec.train(pairs, settings)
    assert embedding.arrays["output"].shape == (6, 16)
    paths = huffman_paths(embedding.words.counts)
    found = np.ones((3, 4))
    for j, word in enumerate(embedding.words.ids(RIGHT)):
        for at in range(paths.starts[word], paths.starts[word + 1]):
            score = embedding.vectors(LEFT) @ embedding.arrays["output"][paths.nodes[at]]
            found[:, j] *= 1 / (1 + np.exp(-score if paths.labels[at] else score))
    np.testing.assert_allclose(found, PAIRS / PAIRS.sum(axis=1, keepdims=True), atol=0.03)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_words_of_a_topic_are_neighbours(generator, architecture, objective):
    settings = Word2VecSettings(
        dim=20, epochs=30, min_count=1, sample=0, architecture=architecture, objective=objective, threads=2
    )
    embedding = Word2Vec.train(topics(generator), settings, seed=1)
    for word in embedding.words.words:
        near = [other for other, _ in embedding.similar(word, k=7)]
        assert sum(other[:6] == word[:6] for other in near) >= 6, (word, near)


def test_the_seed_decides(generator):
    corpus = topics(generator)
    first = Word2Vec.train(corpus, SMALL, seed=0)
    assert Word2Vec.train(corpus, SMALL, seed=0).fingerprint() == first.fingerprint()
    assert Word2Vec.train(corpus, SMALL, seed=1).fingerprint() != first.fingerprint()


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_killed_run_goes_on_to_the_same_vectors(generator, tmp_path, monkeypatch, objective):
    corpus, settings = topics(generator), Word2VecSettings(**{**vars(SMALL), "objective": objective})
    whole, save = Word2Vec.train(corpus, settings), State.save

    def save_and_stop(state, done, numbers):
        save(state, done, numbers)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(State, "save", save_and_stop)
        with pytest.raises(KeyboardInterrupt):
            Word2Vec.train(corpus, settings, run=tmp_path)
    with pytest.raises(DataError):
        StaticEmbedding.load(tmp_path)
    assert Word2Vec.train(corpus, settings, run=tmp_path).fingerprint() == whole.fingerprint()
    loaded = StaticEmbedding.load(tmp_path)
    assert isinstance(loaded, Word2Vec) and loaded.settings == settings
    assert loaded.fingerprint() == whole.fingerprint()
    assert set(loaded.arrays) == ({"output", "bias"} if objective == "nce" else {"output"})


def test_rare_words_have_no_vector(generator):
    corpus = Corpus.of([["often", "seldom", "often", "always", "often", "always"]])
    embedding = Word2Vec.train(corpus, Word2VecSettings(dim=4, min_count=2, threads=1))
    assert embedding.words.words == ["often", "always"]
    with pytest.raises(KeyError, match="seldom"):
        embedding.vectors(["seldom"])
    with pytest.raises(InputError, match="no word occurs 9 times"):
        Word2Vec.train(corpus, Word2VecSettings(min_count=9))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"dim": 0}, "dim: 0 found, expected 1 or more"),
        ({"window": 0}, "window: 0 found"),
        ({"negatives": 0}, "negatives: 0 found"),
        ({"min_count": 0}, "min_count: 0 found"),
        ({"sample": -1.0}, "sample: -1.0 found, expected a number of at least 0"),
        ({"noise_power": float("inf")}, "noise_power: inf found"),
        ({"architecture": "glove"}, "architecture: 'glove' found, expected one of skip-gram, cbow"),
        ({"objective": "hs"}, "objective: 'hs' found, expected one of negative-sampling, hierarchical-softmax, nce"),
        ({"rate": -1.0}, "rate: -1.0 found"),
        ({"epochs": 0}, "epochs: 0 found"),
    ],
)
def test_unusable_settings_are_refused(wrong, message):
    with pytest.raises(InputError, match=message):
        Word2VecSettings(**wrong)
