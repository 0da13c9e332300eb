"""How fast the shared space trains, beside a plain open_clip-style loop written here.

Run: python -m tests.benchmarks.space

One thread; processor seconds, not wall-clock, so that a busy machine changes little; the best of several repetitions
of each, taken in turn.
"""

import logging
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from grounding.encoders import Frozen
from grounding.space import FitSettings, SharedSpace, fit, info_nce

SEEDS = (0,)
THREADS = {"torch": 1}
DIM = 256
REPETITIONS = 5


class Given(nn.Module):
    """An encoder for features that are already there."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width

    def forward(self, features: Tensor) -> Tensor:
        return features


def measure() -> list[dict[str, object]]:
    """Rows for `launch/bench.sh space`: measure, ours, peer, peer_name, ratio, unit, reach."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return [_loss_row(), _training_row()]
    finally:
        torch.set_num_threads(threads)


def clip_loss(za: Tensor, zb: Tensor, scale: Tensor) -> Tensor:
    """The loss as open_clip's `ClipLoss` computes it: two products, two cross entropies over the diagonal."""
    labels = torch.arange(len(za))
    forth, back = scale * za @ zb.T, scale * zb @ za.T
    return (functional.cross_entropy(forth, labels) + functional.cross_entropy(back, labels)) / 2


def _loss_row() -> dict[str, object]:
    generator = torch.Generator().manual_seed(0)
    za, zb = (functional.normalize(torch.randn(1024, DIM, generator=generator), dim=1) for _ in range(2))
    za.requires_grad_()
    zb.requires_grad_()
    scale = torch.tensor(14.3, requires_grad=True)
    positives = torch.eye(1024, dtype=torch.bool)

    def run(loss: Callable[[], Tensor]) -> Callable[[], int]:
        def steps() -> int:
            for _ in range(10):
                loss().backward()
            return 10

        return steps

    ours, peer = _rates(run(lambda: info_nce(za, zb, positives, scale)), run(lambda: clip_loss(za, zb, scale)))
    return _row("InfoNCE forward and backward, 1024 x 256", ours, peer, "open_clip-style ClipLoss", "steps/s", 1.3)


def _training_row() -> dict[str, object]:
    generator = np.random.default_rng(0)
    count, batch, steps = 8192, 512, 60
    text = generator.standard_normal((count, 384), dtype=np.float32)
    image = generator.standard_normal((count, 512), dtype=np.float32)
    samples = [{"id": str(row), "text": text[row], "image": image[row]} for row in range(count)]
    settings = FitSettings(steps=steps, batch=batch, extra=0, warmup=1, checkpoint_every=steps, log_every=steps)

    def ours() -> int:
        torch.manual_seed(0)
        space = SharedSpace(dim=DIM, text=Frozen(Given(384)), image=Frozen(Given(512)))
        with tempfile.TemporaryDirectory() as folder:
            fit(space, {"features": samples}, run=Path(folder), settings=settings)
        return batch * steps

    def peer() -> int:
        return _plain_loop(torch.from_numpy(text), torch.from_numpy(image), batch, steps)

    rates = _rates(ours, peer, repetitions=2)
    return _row("training on cached features, batch 512", *rates, "plain cross-entropy loop", "samples/s", 20_000)


def _plain_loop(text: Tensor, image: Tensor, batch: int, steps: int) -> int:
    """The shortest training loop one would write: two heads of the same size, no checkpoint, no ragged batches."""
    torch.manual_seed(0)

    def head(width: int) -> nn.Module:
        return nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 2 * DIM), nn.GELU(), nn.Dropout(0.1), nn.Linear(2 * DIM, DIM)
        )

    heads = nn.ModuleList([head(text.shape[1]), head(image.shape[1])])
    scale = nn.Parameter(torch.tensor(2.66))
    optimizer = torch.optim.AdamW([*heads.parameters(), scale], lr=1e-3)
    for _ in range(steps):
        rows = torch.randperm(len(text))[:batch]
        za = functional.normalize(heads[0](text[rows]), dim=1)
        zb = functional.normalize(heads[1](image[rows]), dim=1)
        optimizer.zero_grad()
        clip_loss(za, zb, scale.exp()).backward()
        optimizer.step()
    return batch * steps


def _rates(ours: Callable[[], int], peer: Callable[[], int], repetitions: int = REPETITIONS) -> tuple[float, float]:
    best = [0.0, 0.0]
    for turn in range(repetitions + 1):
        for which, work in enumerate((ours, peer)):
            began = time.process_time()
            done = work()
            if turn:  # the first turn warms caches up
                best[which] = max(best[which], done / (time.process_time() - began))
    return best[0], best[1]


def _row(measure: str, ours: float, peer: float, peer_name: str, unit: str, reach: float) -> dict[str, object]:
    return {
        "measure": measure,
        "ours": round(ours, 1),
        "peer": round(peer, 1),
        "peer_name": peer_name,
        "ratio": round(ours / peer, 3),
        "unit": unit,
        "reach": reach,
    }


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    for row in measure():
        print(row)
