"""The forward pass of BERT without padding, dropout or anything else that a frozen encoder can do without."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from grounding.errors import WeightsError

FAMILY = {"bert": "bert.", "roberta": "roberta.", "xlm-roberta": "roberta.", "camembert": "roberta."}


class Layer(NamedTuple):
    """The weights of one layer, as `torch.nn.Linear` and `torch.nn.LayerNorm` keep them.

    Those of queries, keys and values are stacked, in that order.
    """

    attention: tuple[Tensor, Tensor]
    attended: tuple[Tensor, Tensor]
    attended_norm: tuple[Tensor, Tensor]
    wide: tuple[Tensor, Tensor]
    narrow: tuple[Tensor, Tensor]
    narrow_norm: tuple[Tensor, Tensor]


def is_bert(config: Mapping[str, Any]) -> bool:
    """Whether :class:`Bert` computes what a `config.json` describes: BERT, RoBERTa or XLM-RoBERTa as published."""
    return (
        config.get("model_type") in FAMILY
        and config.get("hidden_act", "gelu") == "gelu"
        and config.get("position_embedding_type", "absolute") == "absolute"
        and not config.get("is_decoder", False)
    )


def first_position(config: Mapping[str, Any]) -> int:
    """The position of a sentence's first token: RoBERTa numbers them from behind its padding token."""
    padding = config.get("pad_token_id")
    return (1 if padding is None else int(padding)) + 1 if FAMILY.get(config.get("model_type", "")) == "roberta." else 0


class Bert:
    """A frozen BERT (Devlin et al., 2019), RoBERTa (Liu et al., 2019) or XLM-RoBERTa.

    Sentences stand one behind the other in one matrix, without padding between them, and all layers but attention
    need not know where one ends. Sentences of equal length, which are neighbours, attend together.

    Matrix products are done in `dtype`; the sums that layers add to, and their normalisation, stay in float32, which
    keeps bfloat16 close to float32 (cosine above 0.9999).

    Args:
        tensors: the weights by name as published, with or without the model's prefix.
        config: the content of `config.json`.
        dtype: float32 or bfloat16.
        device: where to compute.
        origin: named in errors: the file that the weights are from.

    Raises:
        WeightsError: a weight is missing, or of another width.
    """

    def __init__(
        self,
        tensors: Mapping[str, Tensor],
        config: Mapping[str, Any],
        *,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
        origin: str = "model.safetensors",
    ) -> None:
        self.width = int(config["hidden_size"])
        self.heads = int(config["num_attention_heads"])
        self.epsilon = float(config.get("layer_norm_eps", 1e-12))
        self.dtype, self.device = dtype, torch.device(device)
        own = _named_as_bert(tensors, FAMILY[config["model_type"]])
        names = _names(int(config["num_hidden_layers"]))
        if missing := sorted(names - own.keys()):
            raise WeightsError(
                f"{origin}: {len(missing)} weights are missing, such as {', '.join(missing[:3])}; expected all that "
                "config.json asks for; fetch the folder again"
            )
        if own["embeddings.LayerNorm.weight"].shape != (self.width,):
            raise WeightsError(
                f"{origin}: weights of width {len(own['embeddings.LayerNorm.weight'])} found, expected {self.width}, "
                "the hidden_size of config.json; fetch the folder again"
            )
        self.words = own["embeddings.word_embeddings.weight"].to(device, torch.float32)
        kinds = own["embeddings.token_type_embeddings.weight"].float()
        first = first_position(config)
        # Every token is of the first kind, so what that adds is the same everywhere.
        self.positions = (own["embeddings.position_embeddings.weight"].float()[first:] + kinds[0]).to(device)
        self.norm = self._norm(own, "embeddings.LayerNorm")
        self.layers = [self._layer(own, f"encoder.layer.{i}.") for i in range(int(config["num_hidden_layers"]))]

    def states(self, tokens: Sequence[Sequence[int]]) -> list[Tensor]:
        """The last layer's states, float32 (sentences, length, width), one tensor for each run of equal lengths.

        Args:
            tokens: token numbers of each sentence, neighbours of equal length where possible: sort them.
        """
        runs = [(sum(1 for _ in run), length) for length, run in groupby(map(len, tokens))]
        numbers = torch.tensor([number for sentence in tokens for number in sentence], device=self.device)
        places = torch.cat([torch.arange(length, device=self.device).repeat(count) for count, length in runs])
        states = self._normalised(self.words[numbers] + self.positions[places], self.norm)
        # Allocated once for all layers: fresh pages of memory cost more than one would think.
        rows = len(states)
        queries = torch.empty(rows, 3 * self.width, dtype=self.dtype, device=self.device)
        wide = torch.empty(rows, len(self.layers[0].wide[1]), dtype=self.dtype, device=self.device)
        narrow = torch.empty(rows, self.width, dtype=self.dtype, device=self.device)
        for layer in self.layers:
            _linear(states.to(self.dtype), layer.attention, queries)
            _linear(self._attended(queries, runs), layer.attended, narrow)
            states = self._normalised(states.add_(narrow), layer.attended_norm)
            _linear(states.to(self.dtype), layer.wide, wide)
            _linear(functional.gelu(wide), layer.narrow, narrow)
            states = self._normalised(states.add_(narrow), layer.narrow_norm)
        parts = states.split([count * length for count, length in runs])
        return [part.view(count, length, self.width) for part, (count, length) in zip(parts, runs, strict=True)]

    def _attended(self, queries: Tensor, runs: list[tuple[int, int]]) -> Tensor:
        """Attention within each sentence; queries, keys and values (rows, 3 * width) to (rows, width)."""
        found = []
        for part, (count, length) in zip(queries.split([c * n for c, n in runs]), runs, strict=True):
            query, key, value = part.view(count, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
            attended = functional.scaled_dot_product_attention(query, key, value)
            found.append(attended.transpose(1, 2).reshape(count * length, self.width))
        return found[0] if len(found) == 1 else torch.cat(found)

    def _normalised(self, states: Tensor, norm: tuple[Tensor, Tensor]) -> Tensor:
        return functional.layer_norm(states, (self.width,), *norm, self.epsilon)

    def _layer(self, own: Mapping[str, Tensor], prefix: str) -> Layer:
        stacked = [self._pair(own, f"{prefix}attention.self.{part}", self.dtype) for part in ("query", "key", "value")]
        return Layer(
            attention=(torch.cat([weight for weight, _ in stacked]), torch.cat([bias for _, bias in stacked])),
            attended=self._pair(own, f"{prefix}attention.output.dense", self.dtype),
            attended_norm=self._norm(own, f"{prefix}attention.output.LayerNorm"),
            wide=self._pair(own, f"{prefix}intermediate.dense", self.dtype),
            narrow=self._pair(own, f"{prefix}output.dense", self.dtype),
            narrow_norm=self._norm(own, f"{prefix}output.LayerNorm"),
        )

    def _norm(self, own: Mapping[str, Tensor], name: str) -> tuple[Tensor, Tensor]:
        return self._pair(own, name, torch.float32)

    def _pair(self, own: Mapping[str, Tensor], name: str, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        return own[f"{name}.weight"].to(self.device, dtype), own[f"{name}.bias"].to(self.device, dtype)


def _linear(states: Tensor, layer: tuple[Tensor, Tensor], out: Tensor) -> None:
    torch.addmm(layer[1], states, layer[0].T, out=out)


def _named_as_bert(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    # Files converted from TensorFlow call the scale and shift of a normalisation gamma and beta.
    old = (("LayerNorm.gamma", "LayerNorm.weight"), ("LayerNorm.beta", "LayerNorm.bias"))
    named = {}
    for name, value in tensors.items():
        name = name.removeprefix(prefix)
        for found, written in old:
            name = name.replace(found, written)
        named[name] = value
    return named


def _names(layers: int) -> set[str]:
    """The weights without which there is no model."""
    embeddings = {f"embeddings.{kind}_embeddings.weight" for kind in ("word", "position", "token_type")}
    parts = ["embeddings.LayerNorm"]
    for layer in range(layers):
        parts += [f"encoder.layer.{layer}.attention.self.{part}" for part in ("query", "key", "value")]
        parts += [f"encoder.layer.{layer}.attention.output.{part}" for part in ("dense", "LayerNorm")]
        parts += [f"encoder.layer.{layer}.{part}" for part in ("intermediate.dense", "output.dense")]
        parts.append(f"encoder.layer.{layer}.output.LayerNorm")
    return embeddings | {f"{part}.{kind}" for part in parts for kind in ("weight", "bias")}
