"""How fast retrieval is evaluated, beside torchmetrics and a loop that sorts for every query.

5,000 pictures and 25,000 captions, five to a picture, both directions. Ours is everything that `evaluate` reports of
such a pair but the bootstrap, the product of the vectors included, as it is for the peers. One thread, processor
seconds. The peers are measured on every so many-th picture with its captions and scaled; the product of torchmetrics'
queries is made at once, that of the loop one query at a time, as published.
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import Tensor
from torch.nn import functional

from grounding.space.evaluate import CUTS, PairRetrieval, compare
from grounding.space.geometry import uniformity
from grounding.space.retrieval import rank_positives
from tests.benchmarks._rows import one_thread, row

PICTURES, CAPTIONS, DIM = 5000, 5, 256
LOOP_EVERY, TORCHMETRICS_EVERY = 10, 100
REACH = 20
ROUNDS = 3


def rows() -> list[dict[str, object]]:
    """Rows for `launch/bench.sh space`: measure, ours, peer, peer_name, ratio, unit, reach."""
    with one_thread(), threadpool_limits(1):
        return _rows()


def _rows() -> list[dict[str, object]]:
    pictures, captions = _vectors()
    of_pictures, of_captions = torch.arange(PICTURES), torch.arange(PICTURES * CAPTIONS) // CAPTIONS

    def ours() -> tuple[PairRetrieval, PairRetrieval]:
        both = compare(pictures, captions, of_pictures, of_captions, kind="untrained", seed=0, resamples=0)
        uniformity(pictures, 0), uniformity(captions, 0)
        assert both is not None
        return both

    ranks = rank_positives(pictures, captions, of_pictures, of_captions)
    found = []
    for name, peer, every in (
        ("loop that sorts for every query, as VSE++", _sort_loop, LOOP_EVERY),
        ("torchmetrics RetrievalHitRate and RetrievalMAP", _torchmetrics, TORCHMETRICS_EVERY),
    ):
        chosen = torch.arange(0, PICTURES, every)
        best, best_peer = np.inf, np.inf
        for _ in range(ROUNDS):
            seconds, whole = _timed(ours)
            seconds_peer, theirs = _timed(lambda peer=peer, chosen=chosen: peer(pictures, captions, chosen))
            best, best_peer = min(best, seconds), min(best_peer, seconds_peer * every)
        for direction, (result, other, rank) in enumerate(zip(whole, theirs, ranks, strict=True)):
            assert result.recall == {k: (rank.first <= k).mean() for k in CUTS}
            picked = np.isin(rank.query // (CAPTIONS if direction else 1), chosen.numpy())
            figures = [(rank.first[picked] <= k).mean() for k in CUTS] + [rank.average_precision[picked].mean()]
            assert np.allclose(figures, other, rtol=0, atol=1e-6), (name, figures, other)
        measure = f"retrieval evaluation, {PICTURES:,} x {PICTURES * CAPTIONS:,}, both directions"
        found.append(row(measure, best, best_peer, f"{name} ({every} x one query in {every})", "CPU-s", REACH))
    return found


def _vectors() -> tuple[Tensor, Tensor]:
    """Pictures (5000, 256) and captions (25000, 256), about half of them found at once.

    On a grid so coarse that their products are exact in float32, in whatever order a peer sums: recall must be
    identical, on every machine.
    """
    generator = torch.Generator().manual_seed(0)

    def near(meanings: Tensor) -> Tensor:
        noise = torch.randn(meanings.shape, generator=generator)
        return (functional.normalize(meanings + 1.8 * noise, dim=1) * 4096).round() / 4096

    meanings = torch.randn(PICTURES, DIM, generator=generator)
    return near(meanings), near(meanings.repeat_interleave(CAPTIONS, dim=0))


def _sort_loop(pictures: Tensor, captions: Tensor, chosen: Tensor) -> tuple[list[float], list[float]]:
    """R@1, R@5, R@10 and mAP both ways, one query after the other, as VSE++ evaluates (Faghri et al. 2018)."""
    a, b = pictures.numpy(), captions.numpy()
    forth, back = [], []
    for picture in chosen.tolist():
        own = range(CAPTIONS * picture, CAPTIONS * picture + CAPTIONS)
        order = np.argsort(np.dot(a[picture], b.T))[::-1]
        forth.append(sorted(1 + np.where(order == caption)[0][0] for caption in own))
        similar = np.dot(b[own.start : own.stop], a.T)
        for scores in similar:
            order = np.argsort(scores)[::-1]
            back.append([1 + np.where(order == picture)[0][0]])

    def figures(ranks: list[list[int]]) -> list[float]:
        recalls = [float(np.mean([one[0] <= k for one in ranks])) for k in CUTS]
        return [*recalls, float(np.mean([np.mean(np.arange(1, len(one) + 1) / np.array(one)) for one in ranks]))]

    return figures(forth), figures(back)


def _torchmetrics(pictures: Tensor, captions: Tensor, chosen: Tensor) -> tuple[list[float], list[float]]:
    """The same figures from torchmetrics: every query's similarities, targets and number, flat."""
    from torchmetrics.retrieval import RetrievalHitRate, RetrievalMAP

    of_captions = torch.arange(len(captions)) // CAPTIONS

    def figures(queries: Tensor, gallery: Tensor, of_queries: Tensor, of_gallery: Tensor) -> list[float]:
        similar = queries @ gallery.T
        target = of_queries[:, None] == of_gallery
        indexes = torch.arange(len(queries))[:, None].expand_as(similar)
        metrics = [*(RetrievalHitRate(top_k=k) for k in CUTS), RetrievalMAP()]
        for metric in metrics:
            metric.update(similar.flatten(), target.flatten(), indexes.flatten())
        return [float(metric.compute()) for metric in metrics]

    own = torch.isin(of_captions, chosen)
    return (
        figures(pictures[chosen], captions, chosen, of_captions),
        figures(captions[own], pictures, of_captions[own], torch.arange(len(pictures))),
    )


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    began = time.process_time()
    result = work()
    return time.process_time() - began, result


if __name__ == "__main__":
    for measured in rows():
        print(measured)
