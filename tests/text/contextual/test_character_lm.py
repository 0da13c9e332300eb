from pathlib import Path

import numpy as np
import pytest
import torch

from grounding.errors import DataError, InputError, WeightsError
from grounding.text.contextual.character_lm import CharacterLM, CharacterLMSettings
from grounding.text.contextual.characters import CharacterEncoder, spell
from grounding.text.contextual.two_way_lstm import DIRECTIONS, Direction, Dropout
from grounding.text.vocabulary import Vocabulary

SMALL = CharacterLMSettings(
    words=6, projection=6, hidden=9, character_width=5, filters=((1, 4), (2, 4), (5, 6)), longest=12, cutoffs=(3,)
)
WORDS = ["the", "cat", "dog", "saw", "a", "by", "rarely", "seen"]
TEXTS = [["the", "cat", "saw", "a", "dog"], ["a", "dog"], ["the"], ["unheard-of", "dog", "seen", "by", "the", "cat"]]


pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")


def small() -> CharacterLM:
    counts = np.arange(len(WORDS), 0, -1) * 10
    return CharacterLM(Vocabulary(WORDS, counts), SMALL, seed=3)


def test_words_are_spelled_in_bytes() -> None:
    table = spell(["né", "", "abcdef"], longest=4)
    assert table.tolist() == [
        [257, 110, 195, 169, 258, 259],
        [257, 256, 258, 259, 259, 259],
        [257, 97, 98, 99, 100, 258],
    ]


def test_the_vector_of_a_word_does_not_depend_on_its_company() -> None:
    encoder = CharacterEncoder(width=4, filters=((1, 3), (4, 5), (7, 5)), highways=2, projection=6)
    words = ["a", "né", "🦉", "immeasurably", ""]
    together = encoder(spell(words, 50))
    for word, vector in zip(words, together, strict=True):
        torch.testing.assert_close(encoder(spell([word], 50))[0], vector)
    assert (torch.pdist(together) > 1e-4).all()


def test_the_character_encoder_is_its_formula() -> None:
    encoder = CharacterEncoder(width=3, filters=((2, 4),), highways=1, projection=2)
    symbols = encoder.symbols(spell(["owl"], 50)[0])  # BEGIN o w l END
    convolution, highway = encoder.convolutions[0], encoder.highways[0]
    windows = torch.stack([symbols[place : place + 2].T for place in range(4)])
    features = (torch.einsum("pcs,fcs->pf", windows, convolution.weight) + convolution.bias).amax(0).relu()
    changed, gate = (highway.weight @ features + highway.bias).split(4)
    mixed = gate.sigmoid() * changed.relu() + (1 - gate.sigmoid()) * features
    expected = encoder.projection.weight @ mixed + encoder.projection.bias
    torch.testing.assert_close(encoder(spell(["owl"], 50))[0], expected)


def test_each_direction_sees_only_what_it_has_read() -> None:
    model, text = small(), TEXTS[3]
    before = model.states(text)
    half = model.width // 2
    for place in range(len(text)):
        changed = text.copy()
        changed[place] = "otherwise"
        # Words of other lengths may be added up in another order, hence the tolerance.
        moved = np.abs(model.states(changed) - before) > 1e-6
        forward, backward = moved[1:, :, :half].any((0, 2)), moved[1:, :, half:].any((0, 2))
        assert forward.tolist() == [other >= place for other in range(len(text))]
        assert backward.tolist() == [other <= place for other in range(len(text))]
        assert moved[0].any(1).tolist() == [other == place for other in range(len(text))]


def test_a_prediction_does_not_see_what_it_predicts() -> None:
    """The gradient of each word's probability by the words' vectors reaches the words read before it and no other."""
    model = small()
    texts = model.texts(TEXTS)
    vectors = model.characters(texts.spelled)[texts.rows].detach().requires_grad_()
    model.read = lambda *_: model.lstm(vectors, texts.lengths, model.characters(texts.spelled)[0])  # type: ignore
    losses = model.losses(TEXTS, texts)
    places = [(row, place) for row, text in enumerate(TEXTS) for place in range(len(text))]
    for number, (row, place) in enumerate(places):
        for direction in range(2):
            [gradient] = torch.autograd.grad(losses[direction, number], vectors, retain_graph=True)
            expected = torch.zeros(gradient.shape[:2], dtype=torch.bool)
            expected[row, slice(0, place) if direction == 0 else slice(place + 1, len(TEXTS[row]))] = True
            assert torch.equal(gradient.abs().amax(2) > 0, expected), (row, place, direction)


def test_padding_and_batches_change_nothing() -> None:
    model = small()
    ends = np.cumsum([len(text) for text in TEXTS])[:-1]
    together = model.states(TEXTS)
    assert together.shape == (3, sum(map(len, TEXTS)), 12)
    for text, states in zip(TEXTS, np.split(together, ends, axis=1), strict=True):
        np.testing.assert_allclose(model.states(text), states, atol=1e-6)
    for direction in ("forward", "backward"):
        found = model.surprisal(TEXTS, direction=direction)
        for name in ("surprisal", "rank", "entropy"):
            for text, values in zip(TEXTS, np.split(getattr(found, name), ends), strict=True):
                np.testing.assert_allclose(getattr(model.surprisal(text, direction=direction), name), values, atol=1e-5)


def test_layers_are_chosen() -> None:
    model = small()
    assert np.array_equal(model.states(TEXTS[0], layers=(-1, 0)), model.states(TEXTS[0])[[2, 0]])
    with pytest.raises(InputError, match=r"layers: \(3,\) found, expected some of 0 to 2"):
        model.states(TEXTS[0], layers=(3,))


def test_layer_zero_is_the_vector_of_the_letters_twice() -> None:
    model = small()
    vectors = model.vectors(TEXTS[0])
    np.testing.assert_allclose(model.states(TEXTS[0])[0], np.tile(vectors, 2), atol=1e-6)


def test_the_second_layer_adds_to_the_first() -> None:
    model = small()
    with torch.no_grad():
        for lstm in model.lstm.second:
            lstm.weight_hr_l0.zero_()
    states = model.states(TEXTS[0])
    assert np.array_equal(states[1], states[2])
    assert np.abs(states[1] - states[0]).max() > 0.01


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_probabilities_of_all_words_sum_to_one(direction: Direction) -> None:
    """Texts that differ in the word predicted alone, one for each known word and one for the unknown."""
    model = small()
    words = [*model.words.words, "owl"]
    texts = [["a", word] if direction == "forward" else [word, "a"] for word in words]
    found = model.surprisal(texts, direction=direction)
    predicted = slice(1, None, 2) if direction == "forward" else slice(0, None, 2)
    bits = found.surprisal[predicted]
    assert (2.0**-bits).sum() == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(found.entropy[predicted], (bits * 2.0**-bits).sum(), rtol=1e-5)
    assert np.array_equal(found.rank[predicted], 1 + np.argsort(np.argsort(bits)))


def test_perplexity_is_that_of_the_mean_surprisal() -> None:
    model = small()
    expected = [2 ** model.surprisal(TEXTS, direction=one).surprisal.mean() for one in DIRECTIONS]
    assert model.perplexity(TEXTS) == pytest.approx(expected, rel=1e-5)
    # Words outside of the vocabulary are one unknown word.
    rare, owl, cat = (model.surprisal(["a", word]).surprisal[1] for word in ("rarely", "owl", "cat"))
    assert rare == owl != cat


def test_dropout_keeps_the_expectation_and_is_the_same_throughout_a_text() -> None:
    dropped = Dropout(0.25, seed=0)(torch.ones(50, 3, 40))
    assert dropped.unique().tolist() == pytest.approx([0, 4 / 3])
    assert torch.equal(dropped[:, :1].expand_as(dropped), dropped)
    assert float(dropped.mean()) == pytest.approx(1, abs=0.05)
    assert torch.equal(Dropout(0.25, seed=0)(torch.ones(50, 3, 40)), dropped)


def test_saved_and_loaded_it_is_the_same(tmp_path: Path) -> None:
    model = small()
    model.save(tmp_path)
    loaded = CharacterLM.load(tmp_path)
    assert loaded.fingerprint() == model.fingerprint()
    assert np.array_equal(loaded.states(TEXTS), model.states(TEXTS))
    assert (model.width, model.layers, loaded.settings) == (12, 3, SMALL)
    assert small().fingerprint() == model.fingerprint()
    with torch.no_grad():
        loaded.softmax.head.weight[0, 0] += 1
    assert loaded.fingerprint() != model.fingerprint()


def test_the_seed_decides_the_weights_and_leaves_the_generator_of_torch_alone() -> None:
    state = torch.get_rng_state()
    vocabulary = Vocabulary.of(WORDS)
    one, other = (CharacterLM(vocabulary, SMALL, seed=seed).fingerprint() for seed in (1, 2))
    assert one != other
    assert torch.equal(torch.get_rng_state(), state)


def test_bad_folders(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="config.toml: no such file"):
        CharacterLM.load(tmp_path / "nothing")
    small().save(tmp_path)
    weights = tmp_path / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-7])
    with pytest.raises(WeightsError, match="model.safetensors: not readable as the weights of this model"):
        CharacterLM.load(tmp_path)
    weights.unlink()
    with pytest.raises(WeightsError, match="model.safetensors"):
        CharacterLM.load(tmp_path)
    weights.write_bytes(whole)
    words = tmp_path / "words.tsv"
    words.write_text(words.read_text().replace("cat", "cow"))
    with pytest.raises(WeightsError, match="do not belong together"):
        CharacterLM.load(tmp_path)


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"batch": 0}, "batch: 0 found, expected a whole number of at least 1"),
        ({"highways": -1}, "highways: -1 found"),
        ({"hidden": 20, "projection": 21}, "projection: 21 found, expected at most hidden, which is 20"),
        ({"hidden": 10, "projection": 10}, "projection: 10 found, expected at least 16 for 2 cutoffs"),
        ({"cutoffs": (5, 5)}, "cutoffs"),
        ({"filters": ((1, 0),)}, "filters"),
        ({"dropout": 1.0}, "dropout: 1.0 found"),
        ({"learning_rate": 0.0}, "learning_rate: 0.0 found"),
    ],
)
def test_bad_settings(changes, words: str) -> None:
    with pytest.raises(InputError, match=words):
        CharacterLMSettings(**changes)


def test_bad_words_and_directions() -> None:
    with pytest.raises(InputError, match="direction: 'up' found"):
        small().surprisal(TEXTS, direction="up")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="words: an empty list found"):
        small().states([])
    with pytest.raises(InputError, match="document 1: word 0: '' is blank"):
        small().perplexity([["a"], [""]])
    with pytest.raises(InputError, match="word 1: int found"):
        small().vectors(["a", 3])  # type: ignore[list-item]
