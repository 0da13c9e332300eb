"""What has to be known of a transformer to run it, whatever its kind."""

import copy
import inspect
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from grounding.errors import InputError


@dataclass(frozen=True)
class Anatomy:
    """The parts of a transformer and what it does.

    Attributes:
        body: the transformer without a head, subwords to states.
        head: states (rows, width) to logits (rows, vocabulary); None if there is none.
        width: of a state.
        layers: number of layers of states, with the embeddings.
        causal: whether states depend on the past only; found by trying.
        masked: whether the head was trained to fill in masks.
        vocabulary: number of subwords that the model knows.
        most_subwords: how many subwords a pass may have, special ones included; None for any number.
    """

    body: nn.Module
    head: "Head | None"
    width: int
    layers: int
    causal: bool
    masked: bool
    vocabulary: int
    most_subwords: int | None


def examine(model: Any, tokenizer: Any) -> Anatomy:
    """What has to be known of a model, mostly found by running it on a few subwords.

    Raises:
        InputError: it is no transformer of the kind that is meant here.
    """
    if getattr(getattr(model, "config", None), "is_encoder_decoder", True):
        raise InputError(
            f"model: {type(model).__name__} found; expected an encoder or a decoder of transformers, not both in one"
        )
    body = model.base_model
    vocabulary = model.get_input_embeddings().num_embeddings
    # The last ids are hardly ever special; three that differ behind the first show whether it sees them.
    ids = (vocabulary - torch.tensor([[1, 2, 3, 4], [1, 5, 6, 7]], device=model.device)) % vocabulary
    states = run(body, ids, None).hidden_states
    change = (states[-1][0, 0] - states[-1][1, 0]).abs().max()
    return Anatomy(
        body=body,
        head=None if body is model or model.get_output_embeddings() is None else Head(model),
        width=int(states[-1].shape[-1]),
        layers=len(states),
        causal=bool(change <= 1e-6 * states[-1].abs().max()),
        masked=type(model).__name__ in class_names("MASKED_LM"),
        vocabulary=vocabulary,
        most_subwords=_most_subwords(body, tokenizer),
    )


@torch.inference_mode()
def run(body: nn.Module, ids: Tensor, mask: Tensor | None) -> Any:
    """The output of a transformer, with the states of all layers.

    Args:
        body: as in `Anatomy`.
        ids: int64 (batch, length).
        mask: int64 (batch, length), 0 where there is padding; None for none.
    """
    options: dict[str, Any] = {} if mask is None else {"attention_mask": mask}
    if "use_cache" in inspect.signature(body.forward).parameters:
        options["use_cache"] = False
    return body(input_ids=ids, output_hidden_states=True, return_dict=True, **options)


class Head(nn.Module):
    """A model's own way from last states (rows, width) to logits (rows, vocabulary), whatever its class does there.

    Apart from the body, so that it can be run on few places and a few at a time.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.vocabulary = int(model.get_input_embeddings().num_embeddings)
        shell = copy.copy(model)
        shell._modules = {**model._modules, model.base_model_prefix: _Given()}
        self.shell = shell

    def forward(self, states: Tensor) -> Tensor:
        """Logits of states."""
        return self.shell(inputs_embeds=states[None], return_dict=True).logits[0]


class _Given(nn.Module):
    """Stands in for the body of a model and answers with the states it is given, so that only the head is run."""

    def forward(self, input_ids: None = None, *_: Any, inputs_embeds: Tensor, **__: Any) -> Any:
        from transformers.modeling_outputs import BaseModelOutputWithPastAndCrossAttentions

        return BaseModelOutputWithPastAndCrossAttentions(last_hidden_state=inputs_embeds)


def class_names(kind: str) -> set[str]:
    """The classes of transformers with a head of a kind, such as "MASKED_LM" or "CAUSAL_LM"."""
    from transformers.models.auto import modeling_auto

    return set(getattr(modeling_auto, f"MODEL_FOR_{kind}_MAPPING_NAMES").values())


def _most_subwords(body: Any, tokenizer: Any) -> int | None:
    limits = [getattr(body.config, "max_position_embeddings", None), tokenizer.model_max_length]
    # RoBERTa numbers positions from behind its padding index, so it has fewer than it says.
    for name, module in body.named_modules():
        if name.endswith("position_embeddings") and isinstance(module, nn.Embedding) and module.padding_idx is not None:
            limits.append(module.num_embeddings - module.padding_idx - 1)
    # Tokenizers that know no limit say 1e30, and XLNet says -1.
    return min((int(limit) for limit in limits if limit is not None and 0 < limit < 1e9), default=None)
