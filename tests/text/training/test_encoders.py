import copy
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from grounding.errors import InputError, WeightsError
from grounding.text import SentenceEncoder
from grounding.text.static.embedding import StaticEmbedding
from grounding.text.tokens import tokenise
from grounding.text.training import (
    LstmEncoder,
    SubwordAverage,
    TrainableEncoder,
    TransformerEncoder,
    load_encoder,
    new_transformer,
    train_tokenizer,
)
from grounding.text.vocabulary import Vocabulary
from tests.text.contextual import tiny


@pytest.fixture(params=["transformer", "subwords", "lstm", "lstm last"])
def encoder(request, untrained, subwords, lstm, sentences) -> TrainableEncoder:
    match request.param:
        case "transformer":
            return load_encoder(untrained)
        case "subwords":
            return subwords
        case "lstm":
            return lstm
    return LstmEncoder.of(sentences, width=15, word_width=12, pooling="last")


def test_saved_and_loaded_it_is_the_same(encoder: TrainableEncoder, sentences: list[str], tmp_path: Path) -> None:
    encoder.save(tmp_path)
    loaded = load_encoder(tmp_path)
    assert type(loaded) is type(encoder) and loaded.width == encoder.width and loaded.origin
    np.testing.assert_array_equal(loaded.encode(sentences), encoder.encode(sentences))
    assert loaded.fingerprint() == encoder.fingerprint()
    with torch.no_grad():
        next(loaded.parameters()).add_(1)
    assert loaded.fingerprint() != encoder.fingerprint()


def test_vectors_have_unit_length_in_any_company(encoder: TrainableEncoder, sentences: list[str]) -> None:
    mixed = [sentences[0], "kettle", " ".join(sentences[:4]), *sentences[5:9]]
    together = encoder.encode(mixed)
    assert together.shape == (7, encoder.width) and together.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-6)
    for row, sentence in enumerate(mixed):
        np.testing.assert_allclose(encoder.encode([sentence])[0], together[row], atol=1e-6)
    assert np.abs(together[0] - together[1]).max() > 1e-2


def test_forward_is_encode_with_gradients(encoder: TrainableEncoder, sentences: list[str]) -> None:
    assert encoder.training, "encode gives vectors without dropout and leaves the mode as it was"
    expected = encoder.encode(sentences[:5])
    assert encoder.training
    vectors = encoder.eval()(sentences[:5])
    np.testing.assert_allclose(vectors.detach().numpy(), expected, atol=1e-6)
    (vectors * torch.from_numpy(expected[::-1].copy())).sum().backward()
    assert all(parameter.grad is not None for parameter in encoder.parameters())


@pytest.mark.parametrize(
    "bad",
    [[], [""], [" \n"], "open the drawer", ["open", None], ["open \ud800"]],
    ids=["none", "empty", "blank", "string", "None", "surrogate"],
)
def test_unusable_text_is_refused(encoder: TrainableEncoder, bad: object) -> None:
    for call in (encoder.encode, encoder):
        with pytest.raises(InputError, match="text"):
            call(bad)  # type: ignore[operator]


def test_one_reads_words_in_order_and_the_other_does_not(lstm: LstmEncoder, subwords: SubwordAverage) -> None:
    there, back = ["kettle now lamp", "lamp now kettle"]
    assert np.abs(np.subtract(*lstm.encode([there, back]))).max() > 1e-3
    np.testing.assert_allclose(*subwords.encode([there, back]), atol=1e-6)


def test_the_average_is_that_of_the_vectors_of_subwords(subwords: SubwordAverage) -> None:
    (numbers,) = subwords.tokens(["kettle kettle lamp"])
    mean = subwords.vectors.weight[numbers].mean(0).detach().numpy()
    np.testing.assert_allclose(subwords.encode(["kettle kettle lamp"])[0], mean / np.linalg.norm(mean), atol=1e-6)


def test_the_last_state_is_that_of_reading_word_by_word(sentences: list[str]) -> None:
    encoder = LstmEncoder.of(sentences, width=15, word_width=12, pooling="last")
    words = ["kettle", "unheard", "lamp", "now"]
    hidden, cell = torch.zeros(15), torch.zeros(15)
    weights = dict(encoder.lstm.named_parameters())
    for word in words:
        seen = encoder.words.weight[encoder.places.get(word, len(encoder.places))]
        gates = weights["weight_ih_l0"] @ seen + weights["bias_ih_l0"]
        gates = gates + weights["weight_hh_l0"] @ hidden + weights["bias_hh_l0"]
        admit, forget, new, give = gates.split(15)
        cell = forget.sigmoid() * cell + admit.sigmoid() * new.tanh()
        hidden = give.sigmoid() * cell.tanh()
    expected = torch.nn.functional.normalize(hidden, dim=0).detach().numpy()
    np.testing.assert_allclose(encoder.encode([" ".join(words), " ".join(words * 3)])[0], expected, atol=1e-6)


def test_words_may_begin_with_given_vectors(sentences: list[str]) -> None:
    matrix = np.random.default_rng(0).normal(3, 0.1, size=(3, 7)).astype(np.float32)
    given = StaticEmbedding(Vocabulary(["lamp", "kettle", "unheard"], np.array([3, 2, 1])), matrix)
    encoder = LstmEncoder.of(sentences, width=8, vectors=given)
    found = encoder.words.weight[[encoder.places["lamp"], encoder.places["kettle"]]].detach().numpy()
    np.testing.assert_allclose(found, matrix[:2] / matrix[:2].std(ddof=1), rtol=1e-5)
    assert encoder.settings["word_width"] == 7
    plain = LstmEncoder.of(sentences, width=8, word_width=7)
    np.testing.assert_array_equal(encoder.encode(["now then"]), plain.encode(["now then"]))


def test_settings_rebuild_an_lstm(lstm: LstmEncoder, sentences: list[str]) -> None:
    again = LstmEncoder(**json.loads(json.dumps(lstm.settings)))
    assert again.fingerprint() == lstm.fingerprint()
    assert LstmEncoder(**(lstm.settings | {"seed": 1})).fingerprint() != lstm.fingerprint()
    known = {word for sentence in sentences for word in tokenise(sentence)}
    assert set(again.places) == known


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LstmEncoder([]), r"vocabulary: \[\] found"),
        (lambda: LstmEncoder(["a", "b", "a"]), "'a' found 2 times"),
        (lambda: LstmEncoder(["a"], pooling="mean"), "'mean' found, expected last or max"),
        (lambda: LstmEncoder(["a"], width=7), "width: 7"),
        (lambda: LstmEncoder(["a"], word_width=0), "word_width, dropout: 0, 0.1"),
        (lambda: LstmEncoder(["a"], dropout=1.5), "word_width, dropout: 128, 1.5"),
        (lambda: LstmEncoder.of(["rare words"]), "none of 2 words occurs 2 times"),
        (lambda: LstmEncoder(["a"]).encode(["?!"]), "text 0: no words"),
        (lambda: SubwordAverage.of(["some text"], width=0), "width: 0"),
        (lambda: train_tokenizer("some text"), "one string"),
        (lambda: train_tokenizer([]), "no words"),
        (lambda: train_tokenizer(["some text"], 261), "vocabulary: 261"),
        (lambda: new_transformer(["some text"], "nowhere", width=100), "multiple of 32"),
        (lambda: new_transformer(["some text"], "nowhere", layers=0), "layers: 0"),
    ],
)
def test_bad_arguments_are_named(make, message) -> None:
    with pytest.raises(InputError, match=message):
        make()
    assert not Path("nowhere").exists()


def test_tokenizers_keep_accents_and_drop_case() -> None:
    tokenizer = train_tokenizer(["Une fête à Zürich", "Un fete a Zurich"] * 3, 300)
    accents, case, plain = (tokenizer.encode(text).ids for text in ("fête", "FÊTE", "fete"))
    assert accents == case != plain
    assert [accents[0], accents[-1]] == [tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")]


def test_no_script_is_unknown(sentences: list[str]) -> None:
    tokenizer = train_tokenizer(sentences, 320)
    for text in (" öffne die schublade", " 引き出しを開けて", " открой ящик 🙂"):
        assert tokenizer.decode(tokenizer.encode(text).ids) == text


def test_nothing_draws_from_the_generator_of_torch(untrained, sentences, tmp_path) -> None:
    before = torch.random.get_rng_state()
    new_transformer(sentences, tmp_path, layers=1, width=32, vocabulary=320)
    for encoder in (load_encoder(untrained), SubwordAverage.of(sentences, 16, 320), LstmEncoder.of(sentences)):
        encoder.encode(sentences[:3])
    assert torch.equal(torch.random.get_rng_state(), before)


def test_an_untrained_model_is_not_taken_for_a_trained_one(untrained: Path) -> None:
    with pytest.raises(WeightsError, match="model.safetensors"):
        SentenceEncoder(str(untrained))


def test_the_seed_decides_first_weights(untrained: Path, sentences: list[str], tmp_path: Path) -> None:
    for seed, same in ((3, True), (4, False)):
        folder = new_transformer(sentences, tmp_path / str(seed), layers=1, width=32, vocabulary=320, seed=seed)
        for file in ("tokenizer.json", "config.json"):
            assert (folder / file).read_bytes() == (untrained / file).read_bytes()
        weights = [(each / "untrained.safetensors").read_bytes() for each in (folder, untrained)]
        assert (weights[0] == weights[1]) is same


def test_a_model_of_others_is_read_as_it_is() -> None:
    try:
        published = SentenceEncoder()
    except WeightsError as error:
        pytest.skip(str(error))
    texts = ["open the top drawer", "Schalte die Lampe ein, bitte!", "turn " * 300]
    found = load_encoder("all-MiniLM-L6-v2").encode(texts)
    np.testing.assert_allclose(found, published.encode(texts), atol=1e-5)


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("untrained.safetensors", b"\x00" * 40, "damaged"),
        ("config.json", b"{", "config.json: not readable"),
        ("config.json", b'{"model_type": "nonsense"}', "config.json: not the settings of a model"),
        ("config.json", b'{"model_type": "t5"}', "an encoder and decoder in one"),
        ("config.json", b'{"model_type": "bert", "num_attention_heads": 1, "vocab_size": 9}', "do not fit config.json"),
        ("tokenizer.json", b"{", "tokenizer.json: not readable"),
        ("modules.json", b'[{"type": "sentence_transformers.models.Dense"}]', "a part Dense found"),
        ("1_Pooling/config.json", b'{"pooling_mode": ["mean", "max"]}', "mean, max"),
        ("1_Pooling/config.json", b'{"pooling_mode": "attention"}', "attention"),
    ],
)
def test_damaged_and_foreign_folders_are_named(untrained, tmp_path, file, content, message) -> None:
    folder = tmp_path / "model"
    shutil.copytree(untrained, folder)
    (folder / file).write_bytes(content)
    with pytest.raises(WeightsError, match=message):
        load_encoder(folder)


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, "first"),
        ({"pooling_mode_lasttoken": True}, "last"),
        ({"pooling_mode": "max"}, "max"),
        ({"pooling_mode": ["mean_sqrt_len_tokens"]}, "mean_sqrt"),
        ({}, "mean"),
    ],
)
def test_the_pooling_of_the_folder_is_kept(untrained, tmp_path, config, kind) -> None:
    folder = tmp_path / "model"
    shutil.copytree(untrained, folder)
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(config))
    encoder = TransformerEncoder.load(folder)
    assert encoder.pooling == kind
    encoder.save(tmp_path / "again")
    assert TransformerEncoder.load(tmp_path / "again").pooling == kind


def test_missing_weights_are_not_filled_at_random(untrained: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = tmp_path / "model"
    shutil.copytree(untrained, folder)
    tensors = load_file(folder / "untrained.safetensors")
    tensors.pop("encoder.layer.0.output.dense.weight")
    save_file(tensors, folder / "untrained.safetensors")
    with pytest.raises(WeightsError, match="encoder.layer.0.output.dense.weight"):
        load_encoder(folder)
    with pytest.raises(WeightsError):
        load_encoder(tmp_path)


@pytest.mark.parametrize("kind", ["transformer", "subwords"])
def test_sentence_transformers_reads_what_is_saved(kind, untrained, subwords, sentences, tmp_path) -> None:
    library = pytest.importorskip("sentence_transformers")
    encoder = load_encoder(untrained) if kind == "transformer" else copy.deepcopy(subwords)
    encoder.trained = True
    encoder.save(tmp_path)
    peer = library.SentenceTransformer(str(tmp_path), device="cpu")
    np.testing.assert_allclose(encoder.encode(sentences), peer.encode(sentences), atol=1e-6)
    np.testing.assert_allclose(encoder.encode(sentences), SentenceEncoder(str(tmp_path)).encode(sentences), atol=1e-6)
    peer.save(str(tmp_path / "theirs"))
    np.testing.assert_array_equal(load_encoder(tmp_path / "theirs").encode(sentences), encoder.encode(sentences))


def test_no_more_tokens_are_read_than_there_are_positions(tmp_path: Path) -> None:
    for kind in ("Roberta", "GPT2"):
        folder = tmp_path / kind
        tiny.model(kind).save_pretrained(folder)
        tiny.tokenizer_for(kind).save_pretrained(folder)
        texts = ["the cat sat " * 100, "a dog"]
        found = load_encoder(folder).encode(texts)
        np.testing.assert_allclose(found, SentenceEncoder(str(folder), precision="float32").encode(texts), atol=1e-5)


def test_what_was_never_trained_is_not_taken_for_a_model(sentences, tmp_path):
    """Saved before any training, by whatever way it was made, the folder says so and nothing loads it silently."""
    made = [
        load_encoder(new_transformer(sentences, tmp_path / "new", width=32, vocabulary=300)),
        SubwordAverage.of(sentences, width=8, vocabulary=300),
    ]
    for place, encoder in enumerate(made):
        folder = tmp_path / str(place)
        encoder.save(folder)
        assert (folder / "untrained.safetensors").is_file() and not (folder / "model.safetensors").exists()
        with pytest.raises(WeightsError):
            SentenceEncoder(str(folder))
        again = load_encoder(folder)
        assert not again.trained and again.fingerprint() == encoder.fingerprint()
        again.trained = True
        again.save(folder)
        assert not (folder / "untrained.safetensors").exists() and load_encoder(folder).trained
        assert SentenceEncoder(str(folder)).encode(sentences[:1]).shape == (1, encoder.width)
