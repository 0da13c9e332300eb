"""A space that trains in seconds, with learnable samples; run as a script it trains into the folder that is named."""

import sys
import zlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from grounding.encoders import Frozen, PointEncoder
from grounding.space import FitSettings, SharedSpace, fit

SETTINGS = FitSettings(steps=24, batch=16, extra=4, warmup=3, checkpoint_every=1, log_every=2)


class Words(nn.Module):
    """A fixed random vector a word, averaged."""

    width = 24

    def forward(self, texts: list[str]) -> Tensor:
        rows = [
            np.mean([np.random.default_rng(zlib.crc32(word.encode())).normal(size=24) for word in text.split()], axis=0)
            for text in texts
        ]
        return torch.tensor(np.array(rows), dtype=torch.float32)


class Linear(nn.Module):
    """One linear layer with dropout, so that training draws random numbers."""

    def __init__(self, inputs: int = 6, width: int = 16) -> None:
        super().__init__()
        self.width = width
        self.map = nn.Sequential(nn.Linear(inputs, width), nn.Dropout(0.1))

    def forward(self, values: Tensor) -> Tensor:
        return self.map(values)


def small_space(seed: int = 0, anchor: str | None = None, cache: Path | None = None) -> SharedSpace:
    torch.manual_seed(seed)
    return SharedSpace(
        dim=16,
        anchor=anchor,
        text=Frozen(Words(), cache),
        signal=Linear(),
        points=PointEncoder(width=16, inputs=("xyz",)),
    )


def small_samples(count: int = 48, seed: int = 0) -> list[dict[str, object]]:
    """Ten meanings; text always, signals and points not always, and a few with points only."""
    generator = np.random.default_rng(seed)
    means = np.random.default_rng(7).normal(size=(10, 6)).astype(np.float32)
    samples: list[dict[str, object]] = []
    for index in range(count):
        meaning = index % 10
        noise = generator.normal(0, 0.1, 6).astype(np.float32)
        cloud = generator.normal(0, 0.05, (40, 3)) * (1 + np.eye(3)[meaning % 3]) * (1 + meaning / 3)
        sample: dict[str, object] = {"id": f"meaning {meaning}"}
        if index % 8 != 7:
            sample["text"] = (f"do number{meaning} now", f"please number{meaning}", f"number{meaning}")
        if index % 3 and index % 8 != 7:
            sample["signal"] = means[meaning] + noise
        if index % 3 != 1 or index % 8 == 7:
            sample["points"] = cloud.astype(np.float32)
        samples.append(sample)
    return samples


if __name__ == "__main__":
    torch.set_num_threads(1)
    fit(small_space(), {"small": small_samples()}, run=Path(sys.argv[1]), settings=SETTINGS)
