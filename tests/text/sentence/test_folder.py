"""Folders of sentence-transformers, made on the spot with tiny random models: the same vectors in both directions."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from grounding.errors import InputError, WeightsError
from grounding.text import SentenceEncoder
from grounding.text.sentence.folder import read_sentence_folder

pytest.importorskip("sentence_transformers")

SENTENCES = [
    "open the top drawer",
    "Open the DRAWER, then close it again and put the red cube on the shelf!",
    "put the cube on the shelf",
    "close it",
    "zyx open",
    "open the top drawer and close the top drawer and open the top drawer and close it again and again and again",
]
WIDTH = 24


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    words = "open the top drawer then close it again and put red cube on shelf query passage : , !".split()
    pieces = [
        *special,
        *words,
        "Open",
        *"abcdefghijklmnopqrstuvwxyz",
        *(f"##{c}" for c in "abcdefghijklmnopqrstuvwxyz"),
    ]
    made = Tokenizer(models.WordPiece({piece: i for i, piece in enumerate(pieces)}, unk_token="[UNK]"))
    made.normalizer = normalizers.NFC()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    return PreTrainedTokenizerFast(tokenizer_object=made, model_max_length=40, **names)


@pytest.fixture(scope="module")
def transformers_folder(tokenizer: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Makes the folder of a tiny random model of a type, once."""
    from transformers import AutoConfig, AutoModel

    made: dict[str, Path] = {}

    def make(kind: str) -> Path:
        if kind not in made:
            sizes = {"hidden_size": WIDTH, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 40}
            if kind == "distilbert":
                sizes = {"dim": WIDTH, "n_layers": 2, "n_heads": 3, "hidden_dim": 40}
            config = AutoConfig.for_model(
                kind, **sizes, vocab_size=len(tokenizer), max_position_embeddings=64, pad_token_id=0, type_vocab_size=2
            )
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(3)
                model = AutoModel.from_config(config)
                # At the usual scale of random weights, attention would hardly matter.
                for parameter in model.parameters():
                    parameter.data.mul_(4) if parameter.ndim == 2 else parameter.data.add_(0.1)
            made[kind] = tmp_path_factory.mktemp(kind)
            model.save_pretrained(made[kind])
            tokenizer.save_pretrained(made[kind])
        return made[kind]

    return make


def first(folder: Path, **settings: Any) -> Any:
    from sentence_transformers.sentence_transformer.modules import Transformer

    return Transformer(str(folder), **settings)


def save_peer(modules: list[Any], folder: Path, **settings: Any) -> Any:
    from sentence_transformers import SentenceTransformer

    peer = SentenceTransformer(modules=modules, device="cpu", **settings)
    peer.save(str(folder), create_model_card=False)
    return peer


def load_peer(folder: Path) -> Any:
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(folder), device="cpu", local_files_only=True)


def assert_same(folder: Path, peer: Any, tmp_path: Path, **prompts: Any) -> None:
    """Ours is like the peer; saved by us, both read it alike."""
    expected = peer.encode(SENTENCES, normalize_embeddings=True, show_progress_bar=False)
    ours = SentenceEncoder(str(folder), precision="float32")
    np.testing.assert_allclose(ours.encode(SENTENCES), expected, atol=1e-5)
    assert ours.width == expected.shape[1]
    # Otherwise equality would say nothing.
    assert np.abs(expected[0] - expected[1]).max() > 0.02
    saved = ours.save(tmp_path / "saved")
    np.testing.assert_allclose(saved.encode(SENTENCES), expected, atol=1e-5)
    np.testing.assert_allclose(
        load_peer(tmp_path / "saved").encode(SENTENCES, show_progress_bar=False), expected, atol=1e-5
    )


POOLINGS = [
    "cls",
    "max",
    "mean",
    "mean_sqrt_len_tokens",
    "weightedmean",
    "lasttoken",
    ("cls", "mean", "max"),
    ("lasttoken", "mean"),
]


@pytest.mark.parametrize("mode", POOLINGS, ids=str)
def test_poolings(transformers_folder: Any, tmp_path: Path, mode: Any) -> None:
    from sentence_transformers.sentence_transformer.modules import Pooling

    modules = [first(transformers_folder("bert")), Pooling(WIDTH, mode)]
    assert_same(tmp_path / "peer", save_peer(modules, tmp_path / "peer"), tmp_path)


@pytest.mark.parametrize("kind", ["roberta", "distilbert"])
def test_other_transformers(transformers_folder: Any, tmp_path: Path, kind: str) -> None:
    from sentence_transformers.sentence_transformer.modules import Pooling

    modules = [first(transformers_folder(kind), max_seq_length=20), Pooling(WIDTH)]
    assert_same(tmp_path / "peer", save_peer(modules, tmp_path / "peer"), tmp_path)


def test_dense_layers_normalisation_and_truncation(transformers_folder: Any, tmp_path: Path) -> None:
    from sentence_transformers.sentence_transformer.modules import Dense, LayerNorm, Normalize, Pooling

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        modules = [
            first(transformers_folder("bert")),
            Pooling(WIDTH, ("cls", "mean")),
            Normalize(),
            Dense(2 * WIDTH, 16),
            LayerNorm(16),
            Dense(16, 12, bias=False, activation_function=torch.nn.GELU(), use_residual=True),
            Dense(12, 12, activation_function=torch.nn.Identity(), use_residual=True),
        ]
    modules[4].norm.weight.data.uniform_(0.5, 2, generator=torch.Generator().manual_seed(0))
    peer = save_peer(modules, tmp_path / "peer", truncate_dim=10)
    assert_same(tmp_path / "peer", peer, tmp_path)


def test_word_weights(transformers_folder: Any, tokenizer: Any, tmp_path: Path) -> None:
    from sentence_transformers.sentence_transformer.modules import Pooling, WordWeights

    names = [tokenizer.convert_ids_to_tokens(i) for i in range(len(tokenizer))]
    weights = WordWeights(names, {"drawer": 5.0, "the": 0.1, "open": 2.0}, unknown_word_weight=0.5)
    modules = [first(transformers_folder("bert")), weights, Pooling(WIDTH)]
    assert_same(tmp_path / "peer", save_peer(modules, tmp_path / "peer"), tmp_path)


def test_nothing_known_stays_zero_behind_a_dense_layer(tokenizer: Any, tmp_path: Path) -> None:
    from sentence_transformers.sentence_transformer.modules import Dense, StaticEmbedding

    save_peer([StaticEmbedding(tokenizer, embedding_dim=8), Dense(8, 5)], tmp_path / "peer")
    dropped = {"type": "Replace", "pattern": {"String": "\u200b"}, "content": ""}
    edit(tmp_path / "peer" / "tokenizer.json", lambda value: value.update(normalizer=dropped))
    vectors = SentenceEncoder(str(tmp_path / "peer"), unknown="zeros").encode(["open", "\u200b"])
    assert vectors[0].any() and not vectors[1].any()
    with pytest.raises(InputError, match="text 1: none of the words"):
        SentenceEncoder(str(tmp_path / "peer")).encode(["open", "\u200b"])


def test_subwords_without_context(tokenizer: Any, tmp_path: Path) -> None:
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding

    table = torch.randn(len(tokenizer), 8, generator=torch.Generator().manual_seed(0))
    peer = save_peer([StaticEmbedding(tokenizer, embedding_weights=table)], tmp_path / "peer")
    assert_same(tmp_path / "peer", peer, tmp_path)


@pytest.mark.parametrize("include", [True, False])
def test_prompts(transformers_folder: Any, tmp_path: Path, include: bool) -> None:
    from sentence_transformers.sentence_transformer.modules import Pooling

    modules = [first(transformers_folder("bert")), Pooling(WIDTH, ("weightedmean", "mean"), include_prompt=include)]
    prompts = {"query": "query: ", "passage": "passage: put "}
    peer = save_peer(modules, tmp_path / "peer", prompts=prompts, default_prompt_name="passage")
    assert_same(tmp_path / "peer", peer, tmp_path)
    ours = SentenceEncoder(str(tmp_path / "peer"), precision="float32")
    expected = peer.encode(SENTENCES, prompt_name="query", normalize_embeddings=True, show_progress_bar=False)
    np.testing.assert_allclose(ours.encode(SENTENCES, prompt="query"), expected, atol=1e-5)
    assert np.abs(ours.encode(SENTENCES) - expected).max() > 1e-3


def test_lower_case_and_length(transformers_folder: Any, tmp_path: Path) -> None:
    from sentence_transformers.sentence_transformer.modules import Pooling

    modules = [first(transformers_folder("bert"), do_lower_case=True, max_seq_length=8), Pooling(WIDTH)]
    save_peer(modules, tmp_path / "peer")
    # Releases before the sixth wrote both here, later ones into the files of the tokenizer.
    settings = json.loads((tmp_path / "peer" / "sentence_bert_config.json").read_text())
    settings |= {"do_lower_case": True, "max_seq_length": 8}
    (tmp_path / "peer" / "sentence_bert_config.json").write_text(json.dumps(settings))
    ours = SentenceEncoder(str(tmp_path / "peer"), precision="float32")
    assert ours.max_tokens == 8
    vectors = ours.encode(["Open THE top drawer", "open the top drawer", SENTENCES[5], SENTENCES[5] + " close it"])
    np.testing.assert_array_equal(vectors[0], vectors[1])
    np.testing.assert_array_equal(vectors[2], vectors[3])
    assert_same(tmp_path / "peer", load_peer(tmp_path / "peer"), tmp_path)


def test_a_folder_of_transformers_alone_is_pooled_by_the_mean(transformers_folder: Any) -> None:
    folder = transformers_folder("bert")
    assert read_sentence_folder(str(folder)).poolings == ("mean",)
    assert read_sentence_folder(str(folder)).max_tokens == 40


@pytest.fixture
def folder(transformers_folder: Any, tmp_path: Path) -> Path:
    """A folder to break."""
    from sentence_transformers.sentence_transformer.modules import Dense, Pooling

    save_peer([first(transformers_folder("bert")), Pooling(WIDTH), Dense(WIDTH, 4)], tmp_path / "peer")
    return tmp_path / "peer"


def edit(file: Path, change: Any) -> None:
    value = json.loads(file.read_text())
    change(value)
    file.write_text(json.dumps(value))


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        (
            "modules.json",
            lambda v: v[0].update(type="sentence_transformers.base.modules.router.Router"),
            "0 is .*Router",
        ),
        ("modules.json", lambda v: v[1].update(type="sentence_transformers.models.CNN"), "module 1 is .*CNN, expected"),
        ("modules.json", lambda v: v[2].update(type="modeling_custom.Dense"), "module 2 is modeling_custom.Dense"),
        ("modules.json", lambda v: v.pop(1), "0 Pooling modules found"),
        ("modules.json", lambda v: v[0].pop("path"), "not a list of modules"),
        ("1_Pooling/config.json", lambda v: v.update(pooling_mode="median"), "pooling 'median' found"),
        ("1_Pooling/config.json", lambda v: v.update(pooling_mode=["cls", "mean"]), "width 24, found 48"),
        (
            "2_Dense/config.json",
            lambda v: v.update(module_input_name="token_embeddings"),
            "Dense from token_embeddings",
        ),
        ("2_Dense/config.json", lambda v: v.update(activation_function="os.system"), "activation os.system found"),
        ("config_sentence_transformers.json", lambda v: v.update(default_prompt_name="x"), "default prompt 'x'"),
    ],
)
def test_what_is_not_supported_is_refused(folder: Path, file: str, change: Any, message: str) -> None:
    edit(folder / file, change)
    with pytest.raises(WeightsError, match=message):
        SentenceEncoder(str(folder)).encode(["open"])


def test_damaged_and_missing_files_are_named(folder: Path) -> None:
    (folder / "2_Dense" / "model.safetensors").write_bytes(b"no tensors")
    with pytest.raises(WeightsError, match=r"2_Dense.model.safetensors: not readable as safetensors"):
        SentenceEncoder(str(folder)).encode(["open"])
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(WeightsError, match=r"tokenizer.json: not readable as a tokenizer"):
        SentenceEncoder(str(folder)).encode(["open"])
    shutil.rmtree(folder / "1_Pooling")
    with pytest.raises(WeightsError, match=r"1_Pooling.config.json: not readable"):
        SentenceEncoder(str(folder))


@pytest.mark.parametrize(
    ("kind", "change", "message"),
    [
        ("bert", {"hidden_size": 12}, "weights of width 24 found, expected 12"),
        ("distilbert", {"hidden_dim": 12}, "do not fit config.json"),
        ("distilbert", {"model_type": "nonsense"}, "config.json: not the settings of a model"),
    ],
)
def test_settings_of_another_model_are_refused(
    transformers_folder: Any, tmp_path: Path, kind: str, change: dict[str, Any], message: str
) -> None:
    shutil.copytree(transformers_folder(kind), tmp_path / "copy")
    edit(tmp_path / "copy" / "config.json", lambda value: value.update(change))
    with pytest.raises(WeightsError, match=message):
        SentenceEncoder(str(tmp_path / "copy")).encode(["open"])


def test_the_weight_of_other_words_changes_the_fingerprint(
    transformers_folder: Any, tokenizer: Any, tmp_path: Path
) -> None:
    source = SentenceEncoder(str(transformers_folder("bert")), pooling="weighted", word_weights={"open": 0.5})
    saved = source.save(tmp_path / "saved")
    edit(tmp_path / "saved" / "1_WordWeights" / "config.json", lambda value: value.update(unknown_word_weight=0.25))
    changed = SentenceEncoder(str(tmp_path / "saved"))
    assert np.abs(changed.encode(SENTENCES) - saved.encode(SENTENCES)).max() > 1e-4
    assert changed.fingerprint() != saved.fingerprint()


def test_everything_that_changes_vectors_changes_the_fingerprint(folder: Path, tmp_path: Path) -> None:
    seen = [SentenceEncoder(str(folder)).fingerprint()]
    shutil.copytree(folder, tmp_path / "copy")
    assert SentenceEncoder(str(tmp_path / "copy"), precision="bfloat16").fingerprint() == seen[0]
    for file, change in {
        "sentence_bert_config.json": lambda v: v.update(do_lower_case=True),
        "1_Pooling/config.json": lambda v: v.update(include_prompt=False),
        "config_sentence_transformers.json": lambda v: v.update(default_prompt_name="q", prompts={"q": "query: "}),
        "tokenizer_config.json": lambda v: v.update(model_max_length=9),
    }.items():
        edit(folder / file, change)
        seen.append(SentenceEncoder(str(folder)).fingerprint())
    weights = (folder / "2_Dense" / "model.safetensors").read_bytes()
    (folder / "2_Dense" / "model.safetensors").write_bytes(weights[:-1] + bytes([weights[-1] ^ 1]))
    seen.append(SentenceEncoder(str(folder)).fingerprint())
    seen.append(SentenceEncoder(str(folder), dimensions=3).fingerprint())
    assert len(set(seen)) == len(seen)
