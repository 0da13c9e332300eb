"""What is done to the vectors of sentences after pooling, as the modules of a folder say."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from grounding.errors import WeightsError
from grounding.text.sentence.folder import Step
from grounding.text.sentence.readers import load_tensors

ACTIVATIONS = {kind.__name__: kind for kind in (nn.Identity, nn.Tanh, nn.ReLU, nn.GELU, nn.Sigmoid, nn.SiLU)}


@dataclass(frozen=True)
class Dense:
    """A linear map with an activation: (B, width) to (B, other width).

    `residual` maps what is added to the result; None adds nothing.
    """

    weight: Tensor
    bias: Tensor | None = None
    activation: str = "Identity"
    residual: Tensor | None = None

    def __call__(self, vectors: Tensor) -> Tensor:
        """Map (B, width)."""
        found = ACTIVATIONS[self.activation]()(functional.linear(vectors, self.weight, self.bias))
        return found if self.residual is None else found + functional.linear(vectors, self.residual)


def load_step(step: Step, device: torch.device) -> Callable[[Tensor], Tensor]:
    """The function of (B, width) that a step stands for, with its weights.

    Raises:
        WeightsError: weights are missing or not readable, or an activation is not supported.
    """
    if step.kind == "Normalize":
        return unit_length
    stored = load_tensors(step.folder / "model.safetensors")
    tensors = {name: value.to(device, torch.float32) for name, value in stored.items()}
    try:
        if step.kind == "LayerNorm":
            scale, shift = tensors["norm.weight"], tensors["norm.bias"]
            return lambda vectors: functional.layer_norm(vectors, scale.shape, scale, shift)
        return _dense(step, tensors)
    except KeyError as error:
        raise WeightsError(
            f"{step.folder / 'model.safetensors'}: no {error} found among {sorted(tensors)}; fetch the folder again"
        ) from error


def step_width(step: Step, width: int) -> int:
    """The width after a step, from the width before it.

    Raises:
        WeightsError: the step is made for another width.
    """
    if step.kind == "Normalize":
        return width
    names = ("in_features", "out_features") if step.kind == "Dense" else ("dimension", "dimension")
    try:
        before, after = (int(step.settings[name]) for name in names)
    except KeyError as error:
        raise WeightsError(f"{step.folder / 'config.json'}: no {error} found; fetch the folder again") from error
    if before != width:
        raise WeightsError(
            f"{step.folder}: made for vectors of width {before}, found {width}; leave the pooling as it is"
        )
    return after


def unit_length(vectors: Tensor) -> Tensor:
    """Vectors of length 1 in the same direction; zero stays zero."""
    return functional.normalize(vectors, dim=-1)


def _dense(step: Step, tensors: dict[str, Tensor]) -> Dense:
    # A dense layer that does not say has tanh.
    name = str(step.settings.get("activation_function", "torch.nn.modules.activation.Tanh"))
    activation = name.rsplit(".", 1)[-1]
    if not name.startswith("torch.nn.") or activation not in ACTIVATIONS:
        raise WeightsError(f"{step.folder}: activation {name} found, expected of torch.nn {', '.join(ACTIVATIONS)}")
    weight, residual = tensors["linear.weight"], None
    if step.settings.get("use_residual", False):
        # Without weights of its own what comes in is added as it is.
        identity = weight.new_ones(len(weight)).diag()
        residual = identity if weight.shape[0] == weight.shape[1] else tensors["residual.weight"]
    bias = tensors["linear.bias"] if step.settings.get("bias", True) else None
    return Dense(weight, bias, activation, residual)
