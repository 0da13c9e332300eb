"""How fast the losses are, beside the packages that publish them; called by `tests.benchmarks.space`.

Run alone: OMP_NUM_THREADS=1 python -m tests.benchmarks._space_losses

Steps are forward and backward on vectors that are there. One thread; processor seconds, not wall-clock; the best of
several repetitions of each, taken in turn.
"""

import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from grounding.space.losses import info_nce, siglip, triplet
from tests.benchmarks._rows import one_thread, row

ROWS, DIM = 1024, 256
SCALE = 14.3
MARGIN = 0.2
REPETITIONS = 8


def vse_plus_plus(za: Tensor, zb: Tensor, margin: float, max_violation: bool) -> Tensor:
    """The loss of VSE++ as published (Faghri et al., 2018): hinges of all pairs, then their maximum or sum.

    Row i of za (N, D) belongs to row i of zb (N, D).
    """
    cosines = za @ zb.T
    matched = cosines.diagonal()
    diagonal = torch.eye(len(cosines), dtype=torch.bool)
    forth = (margin + cosines - matched[:, None].expand_as(cosines)).clamp(min=0).masked_fill(diagonal, 0)
    back = (margin + cosines - matched[None, :].expand_as(cosines)).clamp(min=0).masked_fill(diagonal, 0)
    if max_violation:
        forth, back = forth.max(1)[0], back.max(0)[0]
    return forth.sum() + back.sum()


def rows() -> list[dict[str, object]]:
    """Rows for `launch/bench.sh space`: measure, ours, peer, peer_name, ratio, unit, reach."""
    with one_thread():
        return [_clip_row(), _sup_con_row(), _nt_xent_row(), _triplet_row(), _siglip_row()]


def _clip_row() -> dict[str, object]:
    from open_clip.loss import ClipLoss

    za, zb, positives, scale, _ = _inputs(ROWS)
    peer = ClipLoss()
    return _compare(
        f"InfoNCE, {ROWS} x {DIM}",
        lambda: info_nce(za, zb, positives, scale),
        lambda: peer(za, zb, scale),
        (za, zb, scale),
        "open_clip ClipLoss",
        1.3,
    )


def _sup_con_row() -> dict[str, object]:
    """With one positive a row this is NTXentLoss, in the form that the same package computes from a matrix."""
    from pytorch_metric_learning.losses import SupConLoss

    return _metric_learning_row(ROWS, SupConLoss, REPETITIONS)


def _nt_xent_row() -> dict[str, object]:
    """Fewer rows: its memory and time grow with their cube, to more than 30 GB for 1024."""
    from pytorch_metric_learning.losses import NTXentLoss

    return _metric_learning_row(ROWS // 4, NTXentLoss, 1)


def _metric_learning_row(count: int, make: Callable[..., Any], repetitions: int) -> dict[str, object]:
    from pytorch_metric_learning.distances import DotProductSimilarity

    # The vectors have unit length: without this it would scale them once more, which takes it longer.
    peer = make(temperature=1 / SCALE, distance=DotProductSimilarity(normalize_embeddings=False))
    za, zb, positives, _, _ = _inputs(count)
    # Two tensors, since the package takes one and the same to mean that row i must not be compared with itself.
    la, lb = torch.arange(count), torch.arange(count)

    def both_ways() -> Tensor:
        return (peer(za, la, ref_emb=zb, ref_labels=lb) + peer(zb, lb, ref_emb=za, ref_labels=la)) / 2

    return _compare(
        f"InfoNCE, {count} x {DIM}",
        lambda: info_nce(za, zb, positives, SCALE),
        both_ways,
        (za, zb),
        f"pytorch-metric-learning {make.__name__} both ways",
        1.3,
        repetitions,
    )


def _triplet_row() -> dict[str, object]:
    za, zb, positives, _, _ = _inputs(ROWS)
    return _compare(
        f"triplet, hardest negatives, {ROWS} x {DIM}",
        lambda: triplet(za, zb, positives, margin=MARGIN),
        lambda: vse_plus_plus(za, zb, MARGIN, max_violation=True),
        (za, zb),
        "VSE++ as published",
        2.0,
    )


def _siglip_row() -> dict[str, object]:
    from open_clip.loss import SigLipLoss

    za, zb, positives, scale, bias = _inputs(ROWS)
    peer = SigLipLoss()
    return _compare(
        f"SigLIP, {ROWS} x {DIM}",
        lambda: siglip(za, zb, positives, scale, bias=bias),
        lambda: peer(za, zb, scale, bias),
        (za, zb, scale, bias),
        "open_clip SigLipLoss",
        None,
    )


def _inputs(count: int) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """za, zb (count, DIM), positives, scale and bias; row i of za belongs to row i of zb and is somewhat like it."""
    generator = torch.Generator().manual_seed(0)
    za, noise = (functional.normalize(torch.randn(count, DIM, generator=generator), dim=1) for _ in range(2))
    zb = functional.normalize(0.3 * za + noise, dim=1)
    scale, bias = torch.tensor(SCALE, requires_grad=True), torch.tensor(-10.0, requires_grad=True)
    return za.requires_grad_(), zb.requires_grad_(), torch.eye(count, dtype=torch.bool), scale, bias


def _compare(
    measure: str,
    ours: Callable[[], Tensor],
    peer: Callable[[], Tensor],
    inputs: tuple[Tensor, ...],
    peer_name: str,
    reach: float | None,
    repetitions: int = REPETITIONS,
) -> dict[str, object]:
    """A row, after making sure that both compute the same value and gradient; no reach for what is but information."""
    _assert_same(measure, ours, peer, inputs)
    best = [0.0, 0.0]
    for _ in range(repetitions):
        for which, loss in enumerate((ours, peer)):
            steps = 1 if repetitions == 1 else 10
            began = time.process_time()
            for _ in range(steps):
                loss().backward()
            best[which] = max(best[which], steps / (time.process_time() - began))
    return row(f"{measure}, forward and backward", best[0], best[1], peer_name, "steps/s", reach)


def _assert_same(
    measure: str, ours: Callable[[], Tensor], peer: Callable[[], Tensor], inputs: tuple[Tensor, ...]
) -> None:
    """Within 1e-6 of the size of the value and of each gradient."""
    values, gradients = [], []
    for loss in (ours, peer):
        value = loss()
        values.append(value.detach())
        gradients.append(torch.autograd.grad(value, inputs))
    differences = [(a - b).norm() / b.norm() for a, b in zip(gradients[0], gradients[1], strict=True)]
    worst = max(float(one) for one in [abs(values[0] - values[1]) / values[1], *differences])
    assert worst < 1e-6, f"{measure}: value or gradient differs from the peer's by {worst:.1e} of its size"


if __name__ == "__main__":
    for entry in rows():
        print(entry)
