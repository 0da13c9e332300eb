"""Sentences as pooled vectors of words: static, in context, and weighted as SIF does."""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grounding.errors import InputError
from grounding.text import SentenceEncoder
from grounding.text.contextual import ContextualModel
from grounding.text.contextual.bidirectional import make_bidirectional
from grounding.text.contextual.character_lm import CharacterLM, CharacterLMSettings
from grounding.text.sif import common_components, remove_components, sif_weights
from grounding.text.static.embedding import StaticEmbedding
from grounding.text.tokens import tokenise
from grounding.text.vocabulary import Vocabulary
from tests.text.contextual import tiny

WORDS = ["the", "open", "drawer", "close", "door", "lamp"]
COUNTS = [900, 50, 30, 20, 10, 5]
SENTENCES = ["Open the drawer!", "close the door", "the lamp", "open the zyx door"]
KNOWN = [[1, 0, 2], [3, 0, 4], [0, 5], [1, 0, 4]]


@pytest.fixture
def embedding(generator: np.random.Generator) -> StaticEmbedding:
    matrix = generator.standard_normal((6, 5)).astype(np.float32)
    return StaticEmbedding(Vocabulary(WORDS, np.array(COUNTS)), matrix)


def unit(vectors: Any) -> np.ndarray:
    vectors = np.asarray(vectors)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_unknown_words_are_left_out(embedding: StaticEmbedding) -> None:
    encoder = SentenceEncoder(embedding)
    assert encoder.width == 5
    expected = unit([embedding.matrix[ids].mean(axis=0) for ids in KNOWN])
    np.testing.assert_allclose(encoder.encode(SENTENCES), expected, atol=1e-6)
    np.testing.assert_allclose(
        SentenceEncoder(embedding, pooling=("min", "last")).encode(SENTENCES)[:, 5:].T
        / embedding.matrix[[ids[-1] for ids in KNOWN]].T,
        np.ones((5, 4))
        / np.linalg.norm([np.r_[embedding.matrix[i].min(0), embedding.matrix[i[-1]]] for i in KNOWN], axis=1),
        rtol=1e-5,
    )


def test_a_sentence_without_a_known_word_is_named_or_zero_on_request(embedding: StaticEmbedding) -> None:
    with pytest.raises(InputError, match=r"text 1: none of the words of 'xyz, zyx\?' is known"):
        SentenceEncoder(embedding).encode(["open", "xyz, zyx?"])
    vectors = SentenceEncoder(embedding, unknown="zeros").encode(["xyz", "open", "zyx"])
    assert not vectors[[0, 2]].any() and vectors[1].any()
    with pytest.raises(InputError, match="text 0: none of the words of 'the'"):
        SentenceEncoder(embedding, pooling="weighted", word_weights={"the": 0.0}).encode(["the"])


def test_weights_as_mapping_and_as_function(embedding: StaticEmbedding) -> None:
    weights = {"the": 0.1, "drawer": 3.0}
    by_id = np.array([0.1, 1, 3, 1, 1, 1])
    expected = unit([by_id[ids] @ embedding.matrix[ids] for ids in KNOWN])
    rounded = {word: np.float32(weight) for word, weight in weights.items()}
    for given in (weights, rounded, lambda word: weights.get(word, 1.0)):
        encoder = SentenceEncoder(embedding, pooling="weighted", word_weights=given)
        np.testing.assert_allclose(encoder.encode(SENTENCES), expected, atol=1e-6)
        assert encoder.fingerprint()


def test_sif_is_weighting_and_removal_by_hand(embedding: StaticEmbedding) -> None:
    weights = sif_weights(np.array(COUNTS))
    means = np.stack([weights[ids] @ embedding.matrix[ids] / weights[ids].sum() for ids in KNOWN])
    encoder = SentenceEncoder(embedding, pooling="sif")
    with pytest.raises(InputError, match="'sif' found that was not fitted"):
        encoder.encode(SENTENCES)
    assert encoder.fit(SENTENCES) is encoder
    expected = unit(remove_components(means, common_components(means)))
    np.testing.assert_allclose(encoder.encode(SENTENCES), expected, atol=1e-5)
    # What was fitted stays: one sentence alone has the vector that it had among others.
    np.testing.assert_allclose(encoder.encode(SENTENCES[2:3]), expected[2:3], atol=1e-5)


def test_without_counts_the_weights_are_those_of_the_sentences(embedding: StaticEmbedding) -> None:
    bare = StaticEmbedding(Vocabulary(WORDS, np.zeros(6, dtype=np.int64)), embedding.matrix)
    encoder = SentenceEncoder(bare, pooling="sif").fit(SENTENCES)
    counts = np.array([4, 2, 1, 1, 2, 1])
    assert encoder.word_weights == pytest.approx(dict(zip(WORDS, sif_weights(counts), strict=True)))
    # A second collection replaces the first.
    again = SentenceEncoder(bare, pooling="sif").fit(SENTENCES[:2])
    np.testing.assert_array_equal(encoder.fit(SENTENCES[:2]).encode(SENTENCES), again.encode(SENTENCES))


@pytest.mark.parametrize("options", [{}, {"pooling": ("max", "min")}, {"pooling": "sif"}, {"dimensions": 3}], ids=str)
def test_saved_and_read_back(embedding: StaticEmbedding, tmp_path: Path, options: dict[str, Any]) -> None:
    encoder = SentenceEncoder(embedding, **options)
    if encoder.poolings == ("sif",):
        encoder.fit(SENTENCES)
    with pytest.raises(InputError, match="only in memory"):
        _ = encoder.settings
    saved = encoder.save(tmp_path / "saved")
    np.testing.assert_allclose(saved.encode(SENTENCES), encoder.encode(SENTENCES), atol=1e-5)
    again = SentenceEncoder(**saved.settings)
    assert again.fingerprint() == saved.fingerprint()
    np.testing.assert_array_equal(again.encode(SENTENCES), saved.encode(SENTENCES))


def test_a_saved_embedding_is_a_sentence_encoder(embedding: StaticEmbedding, tmp_path: Path) -> None:
    embedding.save(tmp_path / "words")
    encoder = SentenceEncoder(str(tmp_path / "words"), unknown="zeros")
    np.testing.assert_array_equal(encoder.encode(SENTENCES), SentenceEncoder(embedding).encode(SENTENCES))
    assert encoder.settings == {"name_or_path": str(tmp_path / "words"), "unknown": "zeros"}


def test_fingerprints_tell_encoders_apart(embedding: StaticEmbedding) -> None:
    other = StaticEmbedding(embedding.words, embedding.matrix * np.float32(1.5))
    encoders = [
        SentenceEncoder(embedding),
        SentenceEncoder(other),
        SentenceEncoder(embedding, pooling="max"),
        SentenceEncoder(embedding, dimensions=4),
        SentenceEncoder(embedding, pooling="weighted", word_weights={"the": 0.5}),
        SentenceEncoder(embedding, pooling="weighted", word_weights={"the": 0.6}),
        SentenceEncoder(embedding, pooling="sif").fit(SENTENCES),
        SentenceEncoder(embedding, pooling="sif").fit(SENTENCES[:2]),
    ]
    assert len({encoder.fingerprint() for encoder in encoders}) == len(encoders)


def test_words_in_context_are_pooled_over_the_last_layer(tmp_path: Path) -> None:
    model = ContextualModel(tiny.model("Bert"), tiny.tokenizer_for("Bert"))
    encoder = SentenceEncoder(model, pooling=("mean", "last"))
    sentences = ["the cat sat on the mat", "a dog", "the dog sat on the cat"]
    states = [model.states(sentence.split(), layers=(-1,))[0] for sentence in sentences]
    expected = unit([np.r_[each.mean(axis=0), each[-1]] for each in states])
    np.testing.assert_allclose(encoder.encode(sentences), expected, atol=1e-5)
    with pytest.raises(InputError, match="over a ContextualModel in memory"):
        encoder.save(tmp_path / "saved")
    with pytest.raises(InputError, match="a function found for a model of words"):
        SentenceEncoder(model, pooling="weighted", word_weights=len)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pooling": "median"}, "pooling: 'median' found, expected one or several of mean"),
        ({"pooling": ("sif", "mean")}, "or 'sif'"),
        ({"pooling": ()}, "expected one or several"),
        ({"word_weights": {"the": 1.0}}, "word_weights: found with pooling mean"),
        ({"pooling": "weighted", "word_weights": {"the": -1.0}}, "-1.0 found for 'the'"),
        ({"pooling": "weighted", "word_weights": {"the": "much"}}, "'much' found for 'the'"),
        ({"dimensions": 6}, "dimensions: 6 found, expected 1 to 5"),
        ({"unknown": "skip"}, "unknown: 'skip' found"),
        ({"precision": "int8"}, "precision: 'int8' found"),
        ({"backend": "jax"}, "backend: 'jax' found, expected one of torch"),
    ],
)
def test_unusable_choices_are_refused(embedding: StaticEmbedding, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        SentenceEncoder(embedding, **options).encode(["the"])


def test_other_unusable_input_is_refused(embedding: StaticEmbedding, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="int found, expected a name"):
        SentenceEncoder(3)
    with pytest.raises(InputError, match="pooling mean found, expected 'sif'"):
        SentenceEncoder(embedding).fit(SENTENCES)
    with pytest.raises(InputError, match="prompt: 'query' found, expected one of none at all"):
        SentenceEncoder(embedding).encode(["open"], prompt="query")
    with pytest.raises(InputError, match="save: pooling 'sif' found that was not fitted"):
        SentenceEncoder(embedding, pooling="sif").save(tmp_path / "saved")
    with pytest.raises(InputError, match="save: weights of words with pooling weighted\\+max found"):
        SentenceEncoder(embedding, pooling=("weighted", "max"), word_weights={"the": 0.1}).save(tmp_path / "saved")
    with pytest.raises(InputError, match="fit: one sentence found"):
        SentenceEncoder(embedding, pooling="sif").fit(["open the door"] * 2)
    assert not list(tmp_path.iterdir())


def test_a_character_language_model_is_pooled_over_its_last_layer() -> None:
    settings = CharacterLMSettings(projection=8, hidden=8, cutoffs=(), filters=((1, 4), (2, 4)), highways=1)
    model = CharacterLM(Vocabulary(WORDS, np.array(COUNTS)), settings)
    expected = unit([model.states(tokenise(each), layers=(-1,))[0].mean(axis=0) for each in SENTENCES])
    encoder = SentenceEncoder(model)
    np.testing.assert_allclose(encoder.encode(SENTENCES), expected, atol=1e-5)
    assert not list(encoder.parameters()) and model.fingerprint() in encoder.fingerprint()
    with pytest.raises(InputError, match="layers: a single number found"):
        model.states(["open"], layers=-1)  # type: ignore[arg-type]


def test_a_decoder_that_looks_both_ways_gives_a_sentence_the_same_vector_in_any_company() -> None:
    causal = ContextualModel(tiny.model("GPT2"), tiny.tokenizer_for("GPT2"))
    opened = make_bidirectional(copy.deepcopy(tiny.model("GPT2")), layers=1)
    encoder = SentenceEncoder(ContextualModel(opened, tiny.tokenizer_for("GPT2")), pooling="first")
    together = encoder.encode(["the cat sat on the mat", "the dog"])
    np.testing.assert_allclose(together[1:], encoder.encode(["the dog"]), atol=1e-5)
    # The first word has seen the last, which in the decoder as it was it has not.
    assert np.abs(together[0] - together[1]).max() > 1e-3
    before = SentenceEncoder(causal, pooling="first").encode(["the cat sat on the mat", "the dog"])
    np.testing.assert_allclose(before[0], before[1], atol=1e-5)
