"""How many point clouds a second the encoders train on; `tests.benchmarks.space` prints these rows with its own.

Run alone: python -m tests.benchmarks._space_encoders

One thread; processor seconds, not wall-clock, so that a busy machine changes little; the best of several repetitions.
"""

import time

import torch
from torch import nn

from grounding.encoders import PointEncoder, PointTransformer
from tests.benchmarks._rows import one_thread, row

BATCH = 32
POINTS = 1024
REPETITIONS = 7


def rows() -> list[dict[str, object]]:
    """One row an encoder of default size, in the form of `tests.benchmarks.report`.

    PointNet stands beside it for information; in training it draws 192 of the points, which is part of what it is.
    """
    with one_thread():
        return [
            row(
                "point transformer, 1,024 points, forward + backward",
                _rate(PointTransformer()),
                None,
                None,
                "clouds/s",
                26,
            ),
            row(
                "PointNet, 192 of 1,024 points, forward + backward", _rate(PointEncoder()), None, None, "clouds/s", None
            ),
        ]


def _rate(encoder: nn.Module) -> float:
    """Clouds a processor second in training mode."""
    generator = torch.Generator().manual_seed(0)
    xyz = 0.1 * torch.randn(BATCH, POINTS, 3, generator=generator)
    rest = torch.rand(BATCH, POINTS, 4, generator=generator)
    clouds = torch.cat([xyz, rest[..., :3], (rest[..., 3:] > 0.5).float()], dim=2)
    encoder.train()
    best = 0.0
    for turn in range(REPETITIONS + 1):
        began = time.process_time()
        encoder(clouds).square().mean().backward()
        if turn:  # the first turn warms caches up
            best = max(best, BATCH / (time.process_time() - began))
    return best


if __name__ == "__main__":
    for entry in rows():
        print(entry)
