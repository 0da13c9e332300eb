"""Retrieval between every ordered pair of modalities, correct for several positives, beside chance."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, permutations
from typing import Any

import numpy as np
import torch
from torch import Tensor

from grounding.errors import DataError, InputError
from grounding.space.batch import Sample, check_samples, renderings
from grounding.space.distributed import gather_rows, share
from grounding.space.geometry import alignment, modality_gap, uniformity
from grounding.space.model import SharedSpace, pair_name
from grounding.space.retrieval import Ranks, bootstrap_intervals, chance_precision, chance_recall, rank_positives

CUTS = (1, 5, 10)
TOGETHER = 256
"""Items that are encoded together, always the same ones, since a vector's last bits depend on its batch."""


@dataclass(frozen=True)
class PairRetrieval:
    """Retrieval in one direction: `n` queries of one modality among `gallery` items of another.

    Attributes:
        kind: "paired" if training had a loss between the two modalities in at least one step, "emergent" if it had not,
            so that they met through others only, and "untrained" if the space was not trained at all.
        recall: by k, the fraction of queries with a positive among the first k.
        chance: by k, what a random order is expected to reach.
        mean_average_precision: the mean over queries of mean_i(i / rank of the i-th positive).
        chance_precision: what a random order is expected to reach.
        intervals: 95 % bootstrap intervals under "R@1", "R@5", "R@10" and "mAP"; empty if none were asked for.
        median_rank: of the best positive, 1 being perfect.
        n: number of queries that have a positive.
        gallery: number of items searched.
        gap: distance between the mean vectors of the two modalities (Liang et al. 2022).
        alignment: mean squared distance between positives (Wang & Isola 2020).
    """

    kind: str
    recall: dict[int, float]
    chance: dict[int, float]
    mean_average_precision: float
    chance_precision: float
    intervals: dict[str, tuple[float, float]]
    median_rank: float
    n: int
    gallery: int
    gap: float
    alignment: float

    @property
    def is_trivial(self) -> bool:
        """Whether any order of the gallery would be perfect: it holds nothing but positives, such as a single item."""
        return self.chance[1] == 1.0

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers for JSON, and the kind."""
        rates = {f"R@{k}": value for k, value in self.recall.items()} | {"mAP": self.mean_average_precision}
        chances = {f"R@{k}": value for k, value in self.chance.items()} | {"mAP": self.chance_precision}
        row: dict[str, Any] = {"kind": self.kind}
        for name, value in rates.items():
            row[name] = value
            if name in self.intervals:
                row[f"{name} low"], row[f"{name} high"] = self.intervals[name]
            row[f"chance {name}"] = chances[name]
        return row | {
            "median rank": self.median_rank,
            "n": self.n,
            "gallery": self.gallery,
            "gap": self.gap,
            "alignment": self.alignment,
        }


@dataclass(frozen=True)
class Retrieval:
    """Retrieval for every ordered pair of modalities, under names such as "text->points", and the `uniformity` of each
    modality's vectors (Wang & Isola 2020).
    """

    pairs: dict[str, PairRetrieval]
    uniformity: dict[str, float]

    def as_dict(self) -> dict[str, dict[str, Any]]:
        """Plain values for JSON, by pair: "kind"; "R@1", "R@5", "R@10" and "mAP", each also with " low" and " high"
        (the 95 % interval) behind and "chance " before; "median rank", "n", "gallery"; "gap", "alignment", "query
        uniformity" and "gallery uniformity" (left out where a modality has one vector, and so none).
        """
        table = {}
        for name, result in self.pairs.items():
            sides = zip(("query", "gallery"), name.split("->"), strict=True)
            spread = {f"{side} uniformity": self.uniformity[modality] for side, modality in sides}
            table[name] = result.as_dict() | {key: value for key, value in spread.items() if np.isfinite(value)}
        return table

    def __str__(self) -> str:
        lines = [
            f"{'query->gallery':<22}{'kind':<10}{'R@1':>6}{'95 % interval':>14}{'chance':>8}{'R@5':>7}{'R@10':>7}"
            f"{'mAP':>7}{'chance':>8}{'median':>8}{'gap':>6}{'n':>8}{'gallery':>8}"
        ]
        for name, result in self.pairs.items():
            low, high = result.intervals.get("R@1", (np.nan, np.nan))
            interval = f"{low:.3f}-{high:.3f}" if "R@1" in result.intervals else ""
            lines.append(
                f"{name:<22}{result.kind:<10}{result.recall[1]:6.3f}{interval:>14}{result.chance[1]:8.3f}"
                f"{result.recall[5]:7.3f}{result.recall[10]:7.3f}{result.mean_average_precision:7.3f}"
                f"{result.chance_precision:8.3f}{result.median_rank:8.1f}{result.gap:6.2f}{result.n:8d}"
                f"{result.gallery:8d}"
            )
        for name, result in self.pairs.items():
            if result.is_trivial:
                lines.append(
                    f"{name}: nothing but right answers among the {result.gallery} searched, so its recall says nothing"
                )
        return "\n".join(lines)


def evaluate(space: SharedSpace, samples: Sequence[Sample], *, seed: int = 0, resamples: int = 1000) -> Retrieval:
    """Search each modality with each other and see how soon items with the query's id are found.

    Every rendering of a sample (each caption of a picture) is an item of its own, with the sample's id; items with
    equal ids are all correct. A query without a correct item in the gallery is left out, and so is a pair without a
    single query. A fusion is an item for every sample that has two of its parts or more, of the first rendering of
    each; it is not searched against its own parts.

    The intervals resample ids, not queries: the captions of one picture, or repeated trials, stand or fall together, so
    that the number of ids says how sure a mean is. With few ids, or a recall of exactly 0 or 1, they are too narrow.

    Within `grounding.space.distributed.processes()` each process, given the same samples, encodes and ranks a share,
    and all return the same.

    Args:
        space: trained or not.
        samples: not those that the space was trained on, if the figures are to say something about others.
        seed: of the bootstrap and of the vectors drawn for uniformity.
        resamples: of the bootstrap; 0 for no intervals.

    Example:
        >>> report = evaluate(space, test)
        >>> report.pairs["points->image"].kind, report.pairs["points->image"].recall[1]
        ('emergent', 0.41)
        >>> print(report)

    Raises:
        DataError: no samples or a single one, one that is not usable, ids that are all the same, or no id that is
            seen in two modalities.
        InputError: a negative number for `seed` or `resamples`.
        WeightsError: the space gives vectors that are not finite.
    """
    if seed < 0 or resamples < 0:
        raise InputError(f"evaluate: seed {seed} and resamples {resamples} found, expected 0 or more")
    check_samples("evaluation", samples, space.modalities)
    codes: dict[str, int] = {}
    for sample in samples:
        codes.setdefault(sample["id"], len(codes))
    if len(codes) == 1:
        raise DataError(
            f"evaluation: one id ({next(iter(codes))!r}) found among {len(samples)} samples, expected at least two; "
            "with nothing else to be found every search succeeds; give more samples"
        )
    embedded: dict[str, tuple[Tensor, Tensor]] = {}
    for name in space.names:
        owners, items = _items(space, name, samples)
        if items:
            found = torch.tensor([codes[samples[owner]["id"]] for owner in owners])
            embedded[name] = _encode(space, name, items), found
    pairs: dict[str, PairRetrieval] = {}
    for a, b in combinations(embedded, 2):
        if not _parts(space, a).isdisjoint(_parts(space, b)):
            continue
        (za, codes_a), (zb, codes_b) = embedded[a], embedded[b]
        kind = _kind(space, (a, b))
        if both := compare(za, zb, codes_a, codes_b, kind=kind, seed=seed, resamples=resamples):
            pairs[f"{a}->{b}"], pairs[f"{b}->{a}"] = both
    if not pairs:
        raise DataError("evaluation: no id is seen in two modalities, so nothing can be retrieved; give paired samples")
    return Retrieval(
        pairs={name: pairs[name] for name in map("->".join, permutations(embedded, 2)) if name in pairs},
        uniformity={name: uniformity(vectors, seed) for name, (vectors, _) in embedded.items()},
    )


def _parts(space: SharedSpace, name: str) -> set[str]:
    """The modalities that a name stands for: a fusion for several."""
    return set(space.fusions.get(name, (name,)))


def _items(space: SharedSpace, name: str, samples: Sequence[Sample]) -> tuple[list[int], list[Any]]:
    """What there is of a modality or fusion, and the positions of the samples that it belongs to."""
    owners: list[int] = []
    items: list[Any] = []
    for owner, sample in enumerate(samples):
        if name in space.fusions:
            parts = {part: found[0] for part in space.fusions[name] if (found := renderings(sample.get(part)))}
            found = (parts,) if len(parts) > 1 else ()
        else:
            found = renderings(sample.get(name))
        owners += [owner] * len(found)
        items += found
    return owners, items


def _encode(space: SharedSpace, name: str, items: list[Any]) -> Tensor:
    """Unit vectors (n, dim) of all items; each process encodes a share."""
    vectors = [np.zeros((0, space.dim), dtype=np.float32)]
    for piece in share(-(-len(items) // TOGETHER)):
        values = items[piece * TOGETHER : (piece + 1) * TOGETHER]
        if name in space.fusions:
            data = {part: [item.get(part) for item in values] for part in space.fusions[name]}
            vectors.append(space.encode(**{name: data})[name])
        else:
            vectors.append(space.encode(**{name: values})[name])
    return gather_rows(torch.from_numpy(np.concatenate(vectors)))


def _kind(space: SharedSpace, pair: tuple[str, str]) -> str:
    if not any(steps > 0 for steps in space.trained.values()):
        return "untrained"
    return "paired" if space.trained.get(pair_name(pair), 0) > 0 else "emergent"


def compare(
    a: Tensor, b: Tensor, codes_a: Tensor, codes_b: Tensor, *, kind: str, seed: int, resamples: int
) -> tuple[PairRetrieval, PairRetrieval] | None:
    """Both directions between two sets of vectors, a searching b first; None if they have no code in common.

    Args:
        a: unit vectors (A, dim) float32.
        b: unit vectors (B, dim) float32.
        codes_a: int64 (A,) from 0, equal for items of equal id.
        codes_b: int64 (B,).
        kind: passed on into the results.
        seed: of the bootstrap.
        resamples: of the bootstrap; 0 for no intervals.
    """
    forth, back = rank_positives(a, b, codes_a, codes_b)
    if not len(forth.query):
        return None
    gap, distance = modality_gap(a, b), alignment(a, b, codes_a, codes_b)

    def direction(ranks: Ranks, codes: Tensor, gallery: int) -> PairRetrieval:
        hits = {f"R@{k}": ranks.first <= k for k in CUTS}
        intervals: dict[str, tuple[float, float]] = {}
        if resamples:
            measures = np.column_stack([*hits.values(), ranks.average_precision])
            bounds = bootstrap_intervals(measures, codes.numpy()[ranks.query], resamples, seed).tolist()
            intervals = {name: (low, high) for name, (low, high) in zip((*hits, "mAP"), bounds, strict=True)}
        return PairRetrieval(
            kind=kind,
            recall={k: float(hits[f"R@{k}"].mean()) for k in CUTS},
            chance={k: chance_recall(k, ranks.positives, gallery) for k in CUTS},
            mean_average_precision=float(ranks.average_precision.mean()),
            chance_precision=chance_precision(ranks.positives, gallery),
            intervals=intervals,
            median_rank=float(np.median(ranks.first)),
            n=len(ranks.query),
            gallery=gallery,
            gap=gap,
            alignment=distance,
        )

    return direction(forth, codes_a, len(b)), direction(back, codes_b, len(a))
