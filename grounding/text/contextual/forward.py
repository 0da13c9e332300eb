"""Runs passes through a transformer in batches, and keeps of its output what was asked for."""

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor

from grounding.text.contextual.anatomy import Anatomy, Head, run
from grounding.text.contextual.passes import Pass, batches
from grounding.text.contextual.surprisal import scores

# On a processor more subwords at once leave its cache, on a GPU fewer leave it idle.
SUBWORDS_AT_ONCE = {"cpu": 1024}
SUBWORDS_AT_ONCE_ELSEWHERE = 16384

# Logits are made for so many subwords at once that they stay below this many numbers.
LOGITS_AT_ONCE = 2**24

FEW_BATCHES = 8


@torch.inference_mode()
def run_passes(
    anatomy: Anatomy,
    passes: Sequence[Pass],
    rows: int,
    states: np.ndarray,
    layers: Sequence[int],
    pad: int,
    begins_word: np.ndarray | None,
) -> np.ndarray:
    """Run all passes and fill in the states.

    Args:
        anatomy: of the model.
        passes: in any order.
        rows: number of rows of scores that they ask for.
        states: float32 (layers, words, width), filled in for the words that passes ask for.
        layers: which layers these are.
        pad: subword to pad with.
        begins_word: as for `scores`.

    Returns:
        The table of scores, float64 (rows, 4), as `scores` gives them.
    """
    device = next(anatomy.body.parameters()).device
    table = np.full((rows, 4), np.nan)
    beginnings = None if begins_word is None else torch.from_numpy(begins_word).to(device)
    for batch in _shown(batches(passes, SUBWORDS_AT_ONCE.get(device.type, SUBWORDS_AT_ONCE_ELSEWHERE))):
        ids, mask = padded(batch, pad)
        # Padding stands behind, where a causal model does not look; without a mask its attention is faster.
        shown = None if anatomy.causal or bool(mask.all()) else mask.to(device)
        output = run(anatomy.body, ids.to(device), shown)
        words = np.concatenate([one.words for one in batch])
        if len(words) and len(layers):
            places = _flat([one.positions for one in batch], ids.shape[1]).to(device)
            shares = torch.from_numpy(np.concatenate([one.shares for one in batch])).to(device)
            kept, owners = np.unique(words, return_inverse=True)
            for row, layer in enumerate(layers):
                chosen = output.hidden_states[layer].flatten(0, 1)[places].float() * shares[:, None]
                pooled = chosen.new_zeros(len(kept), chosen.shape[1])
                pooled.index_add_(0, torch.from_numpy(owners).to(device), chosen)
                states[row, kept] = pooled.cpu().numpy()
        wanted = np.concatenate([one.rows for one in batch])
        if len(wanted):
            assert anatomy.head is not None
            places = _flat([one.places for one in batch], ids.shape[1]).to(device)
            targets = torch.from_numpy(np.concatenate([one.targets for one in batch])).to(device)
            table[wanted] = _scored(anatomy.head, output.last_hidden_state.flatten(0, 1)[places], targets, beginnings)
    return table


def padded(batch: Sequence[Pass], pad: int) -> tuple[Tensor, Tensor]:
    """Subwords int64 (batch, length), padded behind, and the mask of what is not padding, likewise int64."""
    ids = torch.full((len(batch), max(len(one.ids) for one in batch)), pad)
    mask = torch.zeros_like(ids)
    for row, one in enumerate(batch):
        ids[row, : len(one.ids)] = torch.from_numpy(one.ids)
        mask[row, : len(one.ids)] = 1
    return ids, mask


def _flat(places: Sequence[np.ndarray], length: int) -> Tensor:
    """Places in each sequence of a batch as places in the batch laid out flat."""
    return torch.from_numpy(np.concatenate([row * length + one for row, one in enumerate(places)]))


def _scored(head: Head, last: Tensor, targets: Tensor, begins_word: Tensor | None) -> np.ndarray:
    """Scores of last states (rows, width), with few logits in memory at a time."""
    chunk = max(1, LOGITS_AT_ONCE // head.vocabulary)
    parts = zip(last.split(chunk), targets.split(chunk), strict=True)
    return torch.cat([scores(head(some), truth, begins_word).cpu() for some, truth in parts]).numpy()


def _shown(made: list[list[Pass]]) -> Iterable[list[Pass]]:
    """The batches, with a progress bar if they will take a while."""
    from rich.progress import track

    return track(made, "contextual states", transient=True, disable=len(made) < FEW_BATCHES)
