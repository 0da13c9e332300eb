"""One vector from the vectors of a sentence's tokens."""

import torch
from torch import Tensor

from grounding.errors import InputError


def pool(states: Tensor, mask: Tensor, kind: str = "mean", weights: Tensor | None = None) -> Tensor:
    """Pool token vectors `states` (B, T, D) into sentence vectors (B, D); differentiable, of the dtype of `states`.

    Args:
        states: vectors of tokens (B, T, D), floating point.
        mask: (B, T), 1 or True where a token counts, 0 or False where there is padding, on either side.
        kind: "mean", "max", "min", "first" and "last" (the first and last token that count), "weighted" (a weighted
            mean) or "mean_sqrt" (the sum divided by the square root of the number of tokens).
        weights: weights of the tokens (B, T), 0 or more, for "weighted" alone. None weighs each token by its
            position 1 ... T among those that count, which suits models that read left to right (SGPT, Muennighoff,
            2022).

    Raises:
        InputError: an unknown kind, shapes that do not belong together, weights without "weighted", a sentence
            without a token that counts, or one whose weights are all 0.

    Example:
        >>> pool(torch.tensor([[[1.0, 0.0], [3.0, 2.0], [9.0, 9.0]]]), torch.tensor([[1, 1, 0]]), "mean")
        tensor([[2., 1.]])
    """
    counts = _checked(states, mask, kind, weights)
    match kind:
        case "mean":
            return _sum(states, counts) / counts.sum(1, keepdim=True).to(states.dtype)
        case "mean_sqrt":
            return _sum(states, counts) / counts.sum(1, keepdim=True).to(states.dtype).sqrt()
        case "max":
            return states.masked_fill(~counts[..., None], -torch.inf).amax(1)
        case "min":
            return states.masked_fill(~counts[..., None], torch.inf).amin(1)
        case "first":
            return states[torch.arange(len(states), device=states.device), counts.int().argmax(1)]
        case "last":
            from_the_end = counts.flip(1).int().argmax(1)
            return states[torch.arange(len(states), device=states.device), counts.shape[1] - 1 - from_the_end]
    return _weighted_mean(states, counts, weights)


POOLINGS = ("mean", "max", "min", "first", "last", "weighted", "mean_sqrt")


def _sum(states: Tensor, counts: Tensor) -> Tensor:
    # A product of matrices, which makes no second array of the size of `states`.
    return (counts.to(states.dtype)[:, None, :] @ states)[:, 0]


def _weighted_mean(states: Tensor, counts: Tensor, weights: Tensor | None) -> Tensor:
    if weights is None:
        weights = counts.cumsum(1)
    weights = weights.to(states.dtype) * counts
    total = weights.sum(1, keepdim=True)
    if bool((total <= 0).any()):
        row = int((total[:, 0] <= 0).nonzero()[0])
        raise InputError(f"pool: the weights of sentence {row} sum to {float(total[row])}, expected more than 0")
    return (weights[:, None, :] @ states)[:, 0] / total


def _checked(states: Tensor, mask: Tensor, kind: str, weights: Tensor | None) -> Tensor:
    """The mask as booleans."""
    if kind not in POOLINGS:
        raise InputError(f"pool: kind {kind!r} found, expected one of {', '.join(POOLINGS)}")
    if states.ndim != 3 or mask.shape != states.shape[:2]:
        raise InputError(
            f"pool: states {tuple(states.shape)} and mask {tuple(mask.shape)} found, expected (B, T, D) and (B, T)"
        )
    if weights is not None and kind != "weighted":
        raise InputError(f"pool: weights found with kind {kind!r}, expected them with 'weighted' alone; leave them out")
    if weights is not None and weights.shape != mask.shape:
        raise InputError(f"pool: weights {tuple(weights.shape)} found, expected {tuple(mask.shape)} as the mask")
    counts = mask.bool()
    if not bool(counts.any(1).all()):
        raise InputError(
            f"pool: sentence {int((~counts.any(1)).nonzero()[0])} has no token that counts, expected at least one"
        )
    return counts
