"""From the hidden states of all layers to one vector a word or a sentence, and what the layers are like.

States have the shape (L, ..., D): layer first (0 is the embedding layer), width last. What is between, such as
sentences and words, is kept.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from grounding.errors import InputError

LEAST_ALIGNMENT = 0.01


def mix(states: Tensor, weights: Tensor | Sequence[float]) -> Tensor:
    """The sum of the layers, each times its weight.

    Weights such as (0, 0, 1, 1, 1) / 3 are the mean of some layers; `LayerMix` learns them.

    Args:
        states: float (L, ..., D).
        weights: L numbers, of any sign and sum.

    Returns:
        float (..., D).

    Raises:
        InputError: not as many weights as layers.
    """
    weights = torch.as_tensor(weights, dtype=states.dtype, device=states.device)
    if weights.shape != states.shape[:1]:
        raise InputError(f"weights: shape {tuple(weights.shape)} found, expected ({len(states)},), one a layer")
    return torch.tensordot(weights, states, dims=1)


class LayerMix(nn.Module):
    """A learned mix of layers (Peters et al., 2018, equation 1): γ Σ_l softmax(s)_l h_l.

    It starts as the mean of the layers. Train its L + 1 numbers together with whatever uses the mixed states; read what
    was learned from `weights`. The cheaper variants of Reimers and Gurevych (2019), such as the first two layers only,
    are calls of `mix` with fixed weights, or a `LayerMix(2)` on `states[:2]`.

    Args:
        layers: how many layers there are, L.
        normalise: bring each state to mean 0 and variance 1 over its width before mixing (layer normalisation without
            gain, as an option in ELMo), so that the weights compare layers of different sizes.

    Raises:
        InputError: fewer than one layer; when called: states of another number of layers.
    """

    def __init__(self, layers: int, *, normalise: bool = False) -> None:
        super().__init__()
        if layers < 1:
            raise InputError(f"layers: {layers} found, expected at least 1")
        self.scores = nn.Parameter(torch.zeros(layers))
        self.gamma = nn.Parameter(torch.ones(()))
        self.normalise = normalise

    @property
    def weights(self) -> Tensor:
        """The softmax of the scores, (L,): positive, sum 1; without γ."""
        return self.scores.softmax(0)

    def forward(self, states: Tensor) -> Tensor:
        """States (L, ..., D) to (..., D)."""
        if self.normalise:
            states = functional.layer_norm(states, states.shape[-1:])
        return self.gamma * mix(states, self.weights)


@torch.no_grad()
def sbert_wk(states: Tensor, mask: Tensor | None = None, *, window: int = 2) -> Tensor:
    """The sentence vector of SBERT-WK (Wang and Kuo, 2020), from all layers and without training.

    Each word's vector is a mix of its layers. A layer weighs more the less it resembles its neighbours, the `window`
    layers below and above, by two measures that are each brought to sum 1 over the layers and then averaged: the
    inverse of the mean cosine between its part within their span and each of them (alignment), and the share of it
    that is outside of their span (novelty). Words then count by how much they change on their way through the layers:
    the variance of the cosines of adjacent layers, brought to sum 1 over the words.

    At the first and last layers the window is cut off. A mean cosine below 0.01 counts as 0.01, so that a layer unlike
    its neighbours has neither an infinite nor a negative weight. A sentence of which no word changes is the mean of
    its words. The paper leaves out the lowest layers of BERT (`states[4:]`) and the separator at the end. Of a model
    that was trained to give sentence vectors as the mean of its last layer, that mean is the better vector.

    All inner products between the layers of a word are kept by one QR decomposition of its L layers, so the windows
    need only decompositions of L rows rather than D. No gradient is kept.

    Args:
        states: float (L, T, D) of one sentence, or (L, B, T, D) of several, D greater than 2 `window`.
        mask: bool (B, T) or (T,), which words there are; None for all.
        window: layers on either side that a layer is compared with.

    Returns:
        float (D,) or (B, D), not of unit length.

    Raises:
        InputError: other shapes, fewer than 2 layers, a sentence without words, or a width of 2 `window` or less.
    """
    _check_states(states, mask, window)
    layers, width = len(states), states.shape[-1]
    batch = states.reshape(layers, -1, states.shape[-2], width)
    kept = torch.ones(batch.shape[1:3], dtype=torch.bool) if mask is None else mask.reshape(batch.shape[1:3])
    kept = kept.to(states.device)
    if not kept.any(1).all():
        raise InputError("mask: a sentence without any word found, expected at least one True in each row")
    words = batch[:, kept]  # (L, words, D)
    coordinates = torch.linalg.qr(words.permute(1, 2, 0), mode="r").R  # (words, ≤ L, L)
    fused = torch.einsum("wl,lwd->wd", _layer_weights(coordinates, window), words)
    importance = torch.zeros(kept.shape, dtype=states.dtype, device=states.device)
    importance[kept] = _adjacent_cosines(coordinates.permute(2, 0, 1)).var(0, correction=0)
    total = importance.sum(1, keepdim=True)
    # Rounding leaves a tiny variance where nothing changes.
    changes = total > 1e-12 * kept.sum(1, keepdim=True)
    importance = torch.where(changes, importance, kept.to(states.dtype))
    importance = importance / importance.sum(1, keepdim=True)
    vectors = torch.zeros(len(kept), width, dtype=states.dtype, device=states.device)
    vectors.index_add_(0, kept.nonzero()[:, 0], fused * importance[kept][:, None])
    return vectors if states.ndim == 4 else vectors[0]


def _layer_weights(coordinates: Tensor, window: int) -> Tensor:
    """SBERT-WK's weights of layers (words, L), from vectors (words, rows, L) with the inner products of the layers."""
    layers = coordinates.shape[-1]
    alignment, novelty = [], []
    for layer in range(layers):
        neighbours = [
            other for other in range(max(0, layer - window), min(layers, layer + window + 1)) if other != layer
        ]
        # The layer itself is the last column: R then holds its part in the span of the others above what is new in it.
        upper = torch.linalg.qr(coordinates[:, :, [*neighbours, layer]], mode="r").R
        within, new = upper[:, :-1, -1], upper[:, -1, -1]
        directions = functional.normalize(upper[:, :-1, :-1], dim=1).mean(2)
        cosine = (directions * functional.normalize(within, dim=1)).sum(1)
        alignment.append(1 / cosine.clamp_min(LEAST_ALIGNMENT))
        novelty.append(new.abs() / upper[:, :, -1].norm(dim=1).clamp_min(torch.finfo(upper.dtype).tiny))
    aligned, novel = torch.stack(alignment, 1), torch.stack(novelty, 1)
    return functional.normalize(functional.normalize(aligned, p=1) + functional.normalize(novel, p=1), p=1)


def _check_states(states: Tensor, mask: Tensor | None, window: int) -> None:
    if states.ndim not in (3, 4) or len(states) < 2:
        raise InputError(
            f"states: shape {tuple(states.shape)} found, expected (L, T, D) or (L, B, T, D) with 2 layers or more"
        )
    if mask is not None and mask.shape != states.shape[1:-1]:
        raise InputError(f"mask: shape {tuple(mask.shape)} found, expected {tuple(states.shape[1:-1])}, that of words")
    if not states.shape[-2]:
        raise InputError("states: no words found, expected at least one")
    if window < 1 or states.shape[-1] <= 2 * window:
        raise InputError(
            f"window: {window} found, expected at least 1 and at most {(states.shape[-1] - 1) // 2}, "
            f"so that a vector of width {states.shape[-1]} can have a part outside of the span of its neighbours"
        )


def self_similarity(states: Tensor) -> Tensor:
    """How alike the occurrences of a word are in each layer (Ethayarajh, 2019): 1 where context changes nothing.

    The mean cosine over all pairs of different occurrences. Given the states of randomly chosen words instead, it is
    the anisotropy of the layers, the baseline to subtract before layers are compared.

    Args:
        states: float (L, N, D), of N occurrences, at least 2.

    Returns:
        float (L,), from -1 to 1.

    Raises:
        InputError: fewer than two occurrences.
    """
    count = states.shape[1]
    if count < 2:
        raise InputError(f"states: {count} occurrences found, expected at least 2 to compare")
    total = functional.normalize(states, dim=-1).sum(1)
    # |Σ u|² counts each pair twice and each unit vector with itself once.
    return (total.square().sum(-1) - count) / (count * (count - 1))


def intra_sentence_similarity(states: Tensor) -> Tensor:
    """How alike the words of a sentence are in each layer: mean cosine to their mean (Ethayarajh, 2019).

    Args:
        states: float (L, T, D).

    Returns:
        float (L,), from -1 to 1.
    """
    return functional.cosine_similarity(states, states.mean(1, keepdim=True), dim=-1).mean(1)


def layer_change(states: Tensor) -> Tensor:
    """How much words change from each layer to the next: 1 minus the mean cosine of their states.

    Args:
        states: float (L, T, D).

    Returns:
        float (L - 1,), from 0 to 2.
    """
    return 1 - _adjacent_cosines(states).mean(1)


def _adjacent_cosines(states: Tensor) -> Tensor:
    """Cosines (L - 1, ...) of each layer with the next, over the last axis of (L, ..., D)."""
    return functional.cosine_similarity(states[:-1], states[1:], dim=-1)
