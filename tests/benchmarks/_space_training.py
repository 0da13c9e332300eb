"""How fast the space trains on cached features, and what gradient caching costs and saves.

Run alone: python -m tests.benchmarks._space_training

One thread; processor seconds. Memory is the highest resident memory of a process of its own, less what it held when
data and model were there.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from grounding.encoders import Frozen, TrajectoryTransformer
from grounding.space import FitSettings, InfoNCE, SharedSpace, fit
from grounding.space.catalogue import Catalogue
from grounding.space.gradients import Objective, add_gradients
from grounding.space.sampling import Sampler
from tests.benchmarks._rows import row

DIM = 256
SAMPLES, BATCH, STEPS = 8192, 512, 80
CACHED_BATCH, CHUNK = 1024, 64
ROOT = Path(__file__).parents[2]


def rows() -> list[dict[str, object]]:
    """Rows in the form of `tests.benchmarks.report`."""
    return [_features_row("linear"), _features_row("residual"), *_caching_rows()]


class Given(nn.Module):
    """An encoder for features that are already there."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width

    def forward(self, features: Tensor) -> Tensor:
        return features


# ---- Cached features


def _features_row(head: str) -> dict[str, object]:
    """Text of 384 and pictures of 512 numbers to vectors of 256; `fit` as a whole but for its first reading."""
    generator = np.random.default_rng(0)
    text = generator.standard_normal((SAMPLES, 384), dtype=np.float32)
    image = generator.standard_normal((SAMPLES, 512), dtype=np.float32)
    samples = [{"id": str(number), "text": text[number], "image": image[number]} for number in range(SAMPLES)]

    def seconds(steps: int) -> float:
        torch.manual_seed(0)
        space = SharedSpace(dim=DIM, head=head, text=Frozen(Given(384)), image=Frozen(Given(512)))
        settings = FitSettings(steps=steps, batch=BATCH, extra=0, warmup=1, checkpoint_every=steps, log_every=10)
        with tempfile.TemporaryDirectory() as folder:
            began = time.process_time()
            fit(space, {"features": samples}, run=Path(folder), settings=settings)
            return time.process_time() - began

    ours = peer = 0.0
    for _ in range(4):
        # What is done once a run (reading, checking, hashing, the last checkpoint) is in both and falls out.
        ours = max(ours, BATCH * STEPS / (seconds(STEPS + 5) - seconds(5)))
        peer = max(peer, _plain_rate(torch.from_numpy(text), torch.from_numpy(image), head))
    name = f"training on cached features, {head} heads, batch {BATCH}"
    return row(name, ours, peer, "plain cross-entropy loop, same heads", "samples/s", 20_000)


def _plain_rate(text: Tensor, image: Tensor, head: str) -> float:
    """The shortest training loop one would write: no checkpoint, no ragged batches, two products for the loss."""
    torch.manual_seed(0)
    heads = SharedSpace(dim=DIM, head=head, text=Given(384), image=Given(512)).train().heads
    scale = nn.Parameter(torch.tensor(2.66))
    optimizer = torch.optim.AdamW([*heads.parameters(), scale], lr=1e-3, fused=True)
    labels = torch.arange(BATCH)
    began = time.process_time()
    for _ in range(STEPS):
        chosen = torch.randperm(len(text))[:BATCH]
        za = functional.normalize(heads["text"](text[chosen]), dim=1)
        zb = functional.normalize(heads["image"](image[chosen]), dim=1)
        optimizer.zero_grad()
        forth, back = scale.exp() * za @ zb.T, scale.exp() * zb @ za.T
        ((functional.cross_entropy(forth, labels) + functional.cross_entropy(back, labels)) / 2).backward()
        optimizer.step()
    return BATCH * STEPS / (time.process_time() - began)


# ---- Gradient caching


def _caching_rows() -> list[dict[str, object]]:
    with tempfile.TemporaryDirectory() as folder:
        plain, cached = (_caching(chunk, Path(folder)) for chunk in (None, CHUNK))
        expected, found = (torch.load(Path(folder) / f"{chunk}.pt", weights_only=True) for chunk in (None, CHUNK))
    for name, value in expected.items():
        error = (found[name] - value).norm() / value.norm().clamp_min(1e-6)
        assert error < 1e-4, f"gradient of {name} differs by {float(error):.1e}"
    whole = torch.cat([value.flatten() for value in expected.values()])
    error = (torch.cat([found[name].flatten() for name in expected]) - whole).norm() / whole.norm()
    name = f"gradient caching, batch {CACHED_BATCH:,} in chunks of {CHUNK}"
    return [
        row(f"{name}: time (reach: at most 1.1 x)", cached["seconds"], plain["seconds"], "plain step", "CPU-s", 1.1),
        row(f"{name}: memory (reach: at most 30 %)", cached["MiB"], plain["MiB"], "plain step", "MiB", 0.3),
        row(f"{name}: relative difference of the gradients", float(error), None, None, "", 1e-5),
    ]


def _caching(chunk: int | None, folder: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.benchmarks._space_training", str(chunk), str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def _measure_caching(chunk: int | None, folder: Path) -> None:
    """One step of two transformers of four layers over 32 tokens, in this process."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    towers = {name: TrajectoryTransformer(width=256, patch=1, layers=4) for name in ("one", "two")}
    space = SharedSpace(dim=DIM, dropout=0.0, **towers).train()
    for tower in towers.values():
        tower.eval()
    generator = np.random.default_rng(0)
    samples = [
        {"id": str(number), **{name: generator.standard_normal((32, 8), dtype=np.float32) for name in towers}}
        for number in range(CACHED_BATCH)
    ]
    catalogue = Catalogue(space, {"made up": samples})
    draw = Sampler(catalogue, batch=CACHED_BATCH, extra=0, seed=0)(0)
    objective = Objective(InfoNCE(), {}, catalogue.ids)
    before = _resident("VmRSS")
    began = time.process_time()
    add_gradients(space, draw, objective, chunk=chunk)
    seconds = time.process_time() - began
    highest = _resident("VmHWM")
    gradients = {name: value.grad for name, value in space.named_parameters() if value.grad is not None}
    torch.save(gradients, folder / f"{chunk}.pt")
    print(json.dumps({"seconds": seconds, "MiB": highest - before}))


def _resident(kind: str) -> float:
    """MiB of memory of this process: "VmRSS" now, "VmHWM" at most so far."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(kind))


if __name__ == "__main__":
    if len(sys.argv) == 3:
        _measure_caching(None if sys.argv[1] == "None" else int(sys.argv[1]), Path(sys.argv[2]))
    else:
        for entry in rows():
            print(entry)
