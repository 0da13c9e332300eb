"""Retrieval between every ordered pair of modalities, correct for several positives."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
import torch
from torch import Tensor

from grounding.errors import DataError
from grounding.space.batch import Sample, check_samples
from grounding.space.model import SharedSpace

CUTS = (1, 5, 10)
CHUNK = 1024


@dataclass(frozen=True)
class Recall:
    """Retrieval in one direction: `n` queries of one modality among `gallery` items of another.

    `recall[k]` is the fraction of queries with a positive among the first k, `chance[k]` what a random order
    would reach; `median_rank` is that of the best positive, 1 being perfect.
    """

    recall: dict[int, float]
    chance: dict[int, float]
    median_rank: float
    n: int
    gallery: int


@dataclass(frozen=True)
class Retrieval:
    """Recall of every ordered pair of modalities, under names such as "text->points"."""

    pairs: dict[str, Recall]

    def as_dict(self) -> dict[str, dict[str, float]]:
        """Plain numbers for JSON: "R@1", "R@5", "R@10", "chance R@1" ..., "median rank", "n", "gallery" by pair."""
        return {
            name: {f"R@{k}": value for k, value in result.recall.items()}
            | {f"chance R@{k}": value for k, value in result.chance.items()}
            | {"median rank": result.median_rank, "n": result.n, "gallery": result.gallery}
            for name, result in self.pairs.items()
        }

    def __str__(self) -> str:
        lines = [f"{'query->gallery':<24}{'R@1':>7}{'R@5':>7}{'R@10':>7}{'median':>8}{'chance R@1':>12}{'n':>7}"]
        for name, result in self.pairs.items():
            recalls = "".join(f"{result.recall[k]:7.3f}" for k in CUTS)
            lines.append(f"{name:<24}{recalls}{result.median_rank:8.1f}{result.chance[1]:12.3f}{result.n:7d}")
        return "\n".join(lines)


def evaluate(space: SharedSpace, samples: Sequence[Sample]) -> Retrieval:
    """Search each modality with each other and see how soon an item with the query's id is found.

    Items with equal ids are all correct. A query without any correct item in the gallery is left out. Of several
    renderings of a sample the first is used. A pair without a single such query is not in the result.

    Raises:
        DataError: there are no samples, or one is not usable.
    """
    check_samples("evaluation", samples, space.modalities)
    numbers: dict[str, int] = {}
    codes = torch.tensor([numbers.setdefault(sample["id"], len(numbers)) for sample in samples])
    embedded: dict[str, tuple[Tensor, Tensor]] = {}
    for name in space.modalities:
        rows = [row for row, sample in enumerate(samples) if sample.get(name) is not None]
        if rows:
            values = [samples[row][name] for row in rows]
            first = [value[0] if isinstance(value, tuple) else value for value in values]
            embedded[name] = torch.from_numpy(space.encode(**{name: first})[name]), codes[rows]
    pairs: dict[str, Recall] = {}
    for a, b in permutations(embedded, 2):
        ranks, positives = rank_of_first(embedded[a][0], embedded[b][0], embedded[a][1], embedded[b][1])
        if len(ranks):
            pairs[f"{a}->{b}"] = _recall(ranks, positives, len(embedded[b][1]))
    if not pairs:
        raise DataError("evaluation: no id is seen in two modalities, so nothing can be retrieved; give paired samples")
    return Retrieval(pairs)


def rank_of_first(
    queries: Tensor, gallery: Tensor, query_codes: Tensor, gallery_codes: Tensor
) -> tuple[Tensor, Tensor]:
    """Rank (from 1) of the best positive of each query, and how many positives it has; both int64 (Q',).

    Ranks are counted, not sorted: one more than the number of negatives at least as similar as the best positive,
    so that ties count against the query. Queries (Q, D) are taken in chunks; those without a positive are left out.
    """
    ranks, counts = [], []
    for start in range(0, len(queries), CHUNK):
        similar = queries[start : start + CHUNK] @ gallery.T
        correct = query_codes[start : start + CHUNK, None] == gallery_codes
        best = similar.masked_fill(~correct, -torch.inf).amax(1, keepdim=True)
        ahead = ((similar >= best) & ~correct).sum(1)
        count = correct.sum(1)
        ranks.append((1 + ahead)[count > 0])
        counts.append(count[count > 0])
    return torch.cat(ranks), torch.cat(counts)


def chance_of(cut: int, positives: np.ndarray, gallery: int) -> float:
    """Mean probability that a random order of the gallery has one of a query's positives (Q,) among its first `cut`."""
    missed = np.ones(len(positives))
    for drawn in range(min(cut, gallery)):
        missed *= np.clip(gallery - positives - drawn, 0, None) / (gallery - drawn)
    return float((1 - missed).mean())


def _recall(ranks: Tensor, positives: Tensor, gallery: int) -> Recall:
    return Recall(
        recall={k: float((ranks <= k).float().mean()) for k in CUTS},
        chance={k: chance_of(k, positives.numpy(), gallery) for k in CUTS},
        median_rank=float(np.median(ranks.numpy())),
        n=len(ranks),
        gallery=gallery,
    )
