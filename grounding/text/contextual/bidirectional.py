"""Decoders whose last layers look both ways."""

from typing import Any

import torch
from torch import Tensor, nn

from grounding.errors import InputError


def make_bidirectional(model: nn.Module, layers: int = 1) -> nn.Module:
    """Let the last attention layers of a decoder see the words to come, as BeLLM does (Li and Li, 2024).

    A causal model never lets the beginning of a sentence know its end, which its pooled states then lack. BeLLM takes
    the causal mask off the last layers and fine-tunes the model on sentence pairs; without that training the opened
    layers meet what they have never seen. Earlier layers, padding, packed sequences and sliding windows are masked as
    before; a window of n tokens back becomes one of n tokens either way.

    The model is changed in place, and called again with another number of layers it is set anew. The change is not
    part of what `save_pretrained` writes: make it again after loading.

    Args:
        model: a decoder of transformers, such as `GPT2Model` or `LlamaForCausalLM`, with "eager", "sdpa" or a flash
            attention.
        layers: how many of the last layers; 0 for the causal model.

    Returns:
        The same model.

    Raises:
        InputError: more layers than the model has, or a model whose attention says nothing of `is_causal`; when the
            model is called: keys cached by an earlier call, which have not seen the new words.

    Example:
        >>> model = make_bidirectional(AutoModel.from_pretrained("path/to/llama"), layers=1)
        >>> states = model(**tokenizer(sentences, padding=True, return_tensors="pt")).last_hidden_state
    """
    attentions = _attentions(model)
    if not 0 <= layers <= len(attentions):
        raise InputError(f"layers: {layers} found, expected 0 to {len(attentions)}, the layers of the model")
    for attention in attentions:
        if _unmask not in attention._forward_pre_hooks.values():
            attention.register_forward_pre_hook(_unmask, with_kwargs=True)
    for place, attention in enumerate(attentions):
        # The fused kernels ask for this flag where there is no mask; the hook does for the mask.
        attention.is_causal = place < len(attentions) - layers
    return model


def _attentions(model: nn.Module) -> list[Any]:
    """The self-attentions of a decoder, first layer first."""
    config: Any = getattr(model, "config", None)
    found: list[Any] = [
        module
        for module in model.modules()
        if isinstance(getattr(module, "is_causal", None), bool)
        and isinstance(getattr(module, "layer_idx", None), int)
        and not getattr(module, "is_cross_attention", False)
    ]
    expected = getattr(config, "num_hidden_layers", None)
    if not found or len(found) != expected or any(_masked_elsewhere(module) for module in found):
        raise InputError(
            f"model: {type(model).__name__} found, with {len(found)} attention layers of a kind that can be opened, "
            f"expected {expected}; a decoder such as GPT-2, Llama, Mistral or Qwen has them"
        )
    return sorted(found, key=lambda module: module.layer_idx)


def _masked_elsewhere(attention: nn.Module) -> bool:
    """Whether an attention holds a triangle of its own, as older models do, that no argument can take away."""
    return any(value.dtype == torch.bool and value.ndim == 4 for value in attention.buffers())


def _unmask(attention: Any, given: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, dict[str, Any]] | None:
    if attention.is_causal:
        return None
    cache = named.get("past_key_values")
    if cache is not None and cache.get_seq_length(attention.layer_idx) > 0:
        raise InputError(
            f"layer {attention.layer_idx}: keys cached by an earlier call found, expected none, since a layer that "
            "looks both ways has to read the whole text at once; pass the whole text, with use_cache=False"
        )
    if "attention_mask" not in named:
        raise InputError(
            f"layer {attention.layer_idx}: {type(attention).__name__} was given no attention_mask by name; this model "
            "cannot look both ways"
        )
    mask = named["attention_mask"]
    # No mask, or one of padding alone, is what flash kernels take together with the flag.
    if mask is None or (isinstance(mask, Tensor) and mask.ndim == 2):
        return None
    if not isinstance(mask, Tensor):
        raise InputError(
            f"attention_mask: {type(mask).__name__} found, expected a tensor; load the model with "
            'attn_implementation="sdpa"'
        )
    return given, named | {"attention_mask": _both_ways(mask)}


def _both_ways(mask: Tensor) -> Tensor:
    """A causal mask (B, heads or 1, T, T), bool or additive, with its mirror image.

    A key is seen if its query saw it or it saw its query, and if it sees itself, which padding does not.
    """
    itself = mask.diagonal(dim1=-2, dim2=-1)[:, :, None]
    return torch.minimum(torch.maximum(mask, mask.transpose(-2, -1)), itself)
