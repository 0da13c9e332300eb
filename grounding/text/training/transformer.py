"""A transformer with pooling, to be trained; and small ones made from nothing."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from grounding.errors import InputError, WeightsError
from grounding.text.sentence.folder import OLD_POOLING_KEYS, POOLINGS, max_tokens, read_json
from grounding.text.sentence.pooling import pool
from grounding.text.sentence.readers import empty_transformer, fill_weights, load_tokenizer
from grounding.text.training.encoder import TrainableEncoder, padded
from grounding.text.training.folders import WEIGHTS, as_json, modules_files, read_weights, write_folder
from grounding.text.training.subwords import train_tokenizer

KEPT = (
    *("config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt"),
    *("sentence_bert_config.json", "1_Pooling/config.json"),
)
HEAD_WIDTH = 32
MAX_TOKENS = 128


class TransformerEncoder(TrainableEncoder):
    """A transformer, one pooling over its tokens, unit length.

    Made by `TransformerEncoder.load(folder)` from a folder of sentence-transformers or transformers, or from one that
    `new_transformer` made; `save` writes the layout of sentence-transformers, with the same tokenizer and pooling.
    A default prompt of the folder is neither used nor kept.

    Args:
        model: the transformer.
        tokenizer: a `tokenizers.Tokenizer` that cuts at `max_tokens` and does not pad.
        files: the small files of the folder by name, which `save` writes.
        pooling: as in `grounding.text.sentence.pooling.pool`.
        padding: number of the padding token.
        lower: whether to lower-case sentences first.
    """

    def __init__(
        self, model: nn.Module, tokenizer: Any, files: dict[str, bytes], pooling: str, padding: int, lower: bool
    ) -> None:
        super().__init__()
        self.model = model
        self.width = int(model.config.hidden_size)  # type: ignore[union-attr, arg-type]
        self.pooling = pooling
        self._tokenizer = tokenizer
        self._files = files
        self._padding = padding
        self._lower = lower

    @classmethod
    def load(cls, folder: Path | str) -> "TransformerEncoder":
        """The encoder of a folder, trained or not.

        Raises:
            WeightsError: files are missing or damaged, weights are missing, or it has parts that are not trained here:
                several poolings, dense layers.
        """
        folder = Path(folder)
        config = read_json(folder / "config.json")
        sentence = read_json(folder / "sentence_bert_config.json", {})
        pooling = _pooling(folder)
        model = _transformer(folder, config)
        weights, digest = read_weights(folder)
        fill_weights(model, weights, folder)
        tokenizer = load_tokenizer(folder, max_tokens(folder, config, sentence))
        files = {name: (folder / name).read_bytes() for name in KEPT if (folder / name).is_file()}
        padding = int(config.get("pad_token_id") or 0)
        encoder = cls(model, tokenizer, files, pooling, padding, bool(sentence.get("do_lower_case")))
        encoder.origin, encoder.trained = digest, (folder / WEIGHTS).is_file()
        return encoder

    def tokens(self, sentences: Sequence[str]) -> list[list[int]]:
        """The numbers of the tokens of each sentence, special ones included, cut at the limit of the folder."""
        if self._lower:
            sentences = [sentence.lower() for sentence in sentences]
        return [encoding.ids for encoding in self._tokenizer.encode_batch_fast(list(sentences))]

    def embed(self, tokens: Sequence[Sequence[int]]) -> Tensor:
        """Vectors (B, width) of unit length, differentiable."""
        numbers, mask = padded(tokens, self._padding, self.device)
        states = self.model(input_ids=numbers, attention_mask=mask.long()).last_hidden_state
        return functional.normalize(pool(states, mask, self.pooling), dim=1)

    def save(self, folder: Path | str) -> None:
        """Write the folder as sentence-transformers lays it out."""
        files = _modules(self.width) | self._files
        write_folder(folder, files, self.model.state_dict(), trained=self.trained)


def new_transformer(
    sentences: Iterable[str],
    folder: Path | str,
    *,
    layers: int = 2,
    width: int = 256,
    vocabulary: int = 16000,
    seed: int = 0,
) -> Path:
    """Make a small BERT with random weights and a tokenizer learned from sentences; returns its folder.

    The tokenizer is that of `train_tokenizer`. The weights are random, which the name of their file says:
    `untrained.safetensors`. So nothing loads the folder as a model before it is trained.

    Args:
        sentences: in all languages that it shall read.
        folder: to be made.
        layers: of the transformer.
        width: of the vectors; a multiple of 32, the width of an attention head.
        vocabulary: most tokens that the tokenizer may have.
        seed: of the weights.

    Example:
        >>> folder = new_transformer(captions, "runs/small", layers=2, width=256)
        >>> fine_tune(folder, pairs, InBatchNegatives(), run="runs/small-trained")

    Raises:
        InputError: a width that is no multiple of 32, or numbers below 1.
        StorageError: the folder cannot be written.
    """
    from transformers.models.bert.configuration_bert import BertConfig
    from transformers.models.bert.modeling_bert import BertModel

    if width < 1 or width % HEAD_WIDTH:
        raise InputError(f"width: {width} found, expected a multiple of {HEAD_WIDTH}")
    if layers < 1:
        raise InputError(f"layers: {layers} found, expected at least 1")
    tokenizer = train_tokenizer(sentences, vocabulary)
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=width // HEAD_WIDTH,
        intermediate_size=4 * width,
        max_position_embeddings=MAX_TOKENS,
    )
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        model = BertModel(config, add_pooling_layer=False)
    special = {"unk_token": "[UNK]", "sep_token": "[SEP]", "pad_token": "[PAD]", "cls_token": "[CLS]"}
    files = _modules(width) | {
        "config.json": as_json(config.to_diff_dict() | {"architectures": ["BertModel"]}),
        "tokenizer.json": tokenizer.to_str().encode(),
        "tokenizer_config.json": as_json(
            {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": MAX_TOKENS, **special}
        ),
        "sentence_bert_config.json": as_json({"max_seq_length": MAX_TOKENS, "do_lower_case": False}),
    }
    write_folder(folder, files, model.state_dict(), trained=False)
    return Path(folder)


def _pooling(folder: Path) -> str:
    """The one pooling of a folder; the mean, as in Sentence-BERT, if it says nothing."""
    for module in read_json(folder / "modules.json", []):
        kind = module["type"].rsplit(".", 1)[-1]
        if kind not in ("Transformer", "Pooling", "Normalize"):
            raise WeightsError(
                f"{folder / 'modules.json'}: a part {kind} found, expected Transformer, Pooling and Normalize, which "
                "are what is trained here"
            )
    config = read_json(folder / "1_Pooling" / "config.json", {})
    found = config.get("pooling_mode") or [mode for key, mode in OLD_POOLING_KEYS.items() if config.get(key)]
    modes = [found] if isinstance(found, str) else found or ["mean"]
    if len(modes) > 1 or modes[0] not in POOLINGS:
        raise WeightsError(
            f"{folder / '1_Pooling/config.json'}: the pooling {', '.join(modes)} found, expected one of "
            f"{', '.join(POOLINGS)}"
        )
    return POOLINGS[modes[0]]


def _modules(width: int) -> dict[str, bytes]:
    return modules_files("Transformer", {"word_embedding_dimension": width, "pooling_mode_mean_tokens": True})


def _transformer(folder: Path, config: dict[str, Any]) -> nn.Module:
    """The transformer that a config describes, with weights that are yet to be filled in."""
    with torch.random.fork_rng(devices=[]):
        if config.get("model_type") == "bert":
            from transformers.models.bert.configuration_bert import BertConfig
            from transformers.models.bert.modeling_bert import BertModel

            return BertModel(BertConfig(**config), add_pooling_layer=False)
    return empty_transformer(folder)
