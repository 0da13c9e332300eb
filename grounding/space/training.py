"""Training of a shared space that survives being killed."""

import hashlib
import json
import logging
import math
import pickle
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from grounding.encoders import Frozen
from grounding.encoders.data import gather
from grounding.errors import DataError, InputError
from grounding.files import write_atomically
from grounding.space.batch import Batch, Sample, check_samples
from grounding.space.checkpoint import save_weights, stored
from grounding.space.losses import InfoNCE
from grounding.space.model import SharedSpace, pair_name, positives_between
from grounding.space.progress import Progress
from grounding.space.sampling import MODEL, Sampler, seed_of

log = logging.getLogger(__name__)

Loss = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
FORMAT = "grounding-trainer-1"
WARM_CHUNK = 4096


@dataclass(frozen=True)
class FitSettings:
    """Settings of `fit`.

    Attributes:
        steps: optimizer steps.
        batch: samples with several modalities a step.
        extra: samples with a single modality a step, at most; such as segments that nobody talked about.
        learning_rate: the highest; reached after `warmup` steps, then a cosine to zero.
        warmup: steps.
        weight_decay: of weight matrices; not of biases, norms and temperatures.
        seed: of everything random.
        checkpoint_every: steps between checkpoints.
        log_every: steps between lines of `metrics.jsonl`.
        pair_weights: weight of a pair's loss by the name of the pair, such as {"image-points": 0.2}; 1 if not named.
    """

    steps: int = 250
    batch: int = 96
    extra: int = 96
    learning_rate: float = 2e-3
    warmup: int = 20
    weight_decay: float = 0.05
    seed: int = 0
    checkpoint_every: int = 100
    log_every: int = 10
    pair_weights: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "checkpoint_every", "log_every"):
            if getattr(self, name) < 1:
                raise InputError(f"{name}: {getattr(self, name)} found, expected at least 1")
        if any(not weight > 0 for weight in self.pair_weights.values()):
            raise InputError(f"pair_weights: {dict(self.pair_weights)} found, expected numbers above 0")
        if self.batch < 2:
            raise InputError(f"batch: {self.batch} found, expected at least 2, since the others are the negatives")


@dataclass(frozen=True)
class Training:
    """What `fit` did: the steps of the whole run, the step it started at, seconds of this call, last mean loss."""

    steps: int
    resumed_from: int
    seconds: float
    loss: float


def fit(
    space: SharedSpace,
    data: Mapping[str, Sequence[Sample]],
    loss: Loss = InfoNCE(),
    *,
    run: Path | str,
    settings: FitSettings = FitSettings(),
) -> Training:
    """Train a space on samples of which each may lack modalities; the space is changed in place.

    The loss of a step is the mean of `loss` over every pair of modalities that the batch observes, weighted by
    `settings.pair_weights`; a pair it does not observe adds nothing, which is logged. AdamW (Loshchilov and Hutter,
    2019) with warm-up and cosine.

    The folder `run` gets `space.safetensors` (weights), `trainer.pt` (weights, optimizer, step), `metrics.jsonl` and
    TensorBoard files. Called again with the same arguments after a kill at any moment, it goes on from the last
    checkpoint to the same weights as an uninterrupted run (bit-equal on a CPU with one thread): every draw is made
    from a generator that is seeded by the settings and the step. A finished run is read back at once.

    Raises:
        DataError: samples that cannot be trained on, a damaged checkpoint, or a folder with a run on other
            data or settings.
        StorageError: the folder cannot be written; the last checkpoint is kept.
    """
    began = time.monotonic()
    run = Path(run)
    samples = [sample for name, part in data.items() for sample in _checked(name, part, space)]
    unknown = sorted(set(settings.pair_weights) - set(space.log_scales))
    if unknown:
        raise InputError(f"pair_weights: {unknown} found, expected some of {', '.join(space.log_scales)}")
    sampler = Sampler(samples, settings.batch, settings.extra, settings.seed)
    optimizer = _optimizer(space, settings)
    state = _State(run, space, optimizer, _identity(space, samples, loss, settings))
    start = state.resume()
    last = math.nan
    if start < settings.steps:
        _warm(space, samples)
        with torch.random.fork_rng(devices=[]), Progress(run, start, settings.steps) as progress:
            last = _loop(space, sampler, loss, optimizer, settings, start, state, progress)
    space.eval()
    return Training(settings.steps, start, time.monotonic() - began, last)


def _loop(
    space: SharedSpace,
    sampler: Sampler,
    loss: Loss,
    optimizer: torch.optim.Optimizer,
    settings: FitSettings,
    start: int,
    state: "_State",
    progress: Progress,
) -> float:
    space.train()
    meter = _Meter()
    for step in range(start, settings.steps):
        for group in optimizer.param_groups:
            group["lr"] = settings.learning_rate * _schedule(step, settings)
        torch.manual_seed(seed_of(settings.seed, step, MODEL))
        batch = sampler(step)
        terms = pair_losses(space, batch, loss)
        if terms:
            total = _weighted_mean(terms, settings.pair_weights)
            optimizer.zero_grad(set_to_none=True)
            total.backward()
            optimizer.step()
            space.clamp_scales()
            meter.add(total.detach(), terms, len(batch.ids))
        done = step + 1
        if done % settings.log_every == 0 or done == settings.steps:
            progress.write(done, meter.numbers(space, optimizer))
        progress.advance()
        if done % settings.checkpoint_every == 0 or done == settings.steps:
            state.save(done)
    return meter.last


def _weighted_mean(terms: Mapping[str, Tensor], weights: Mapping[str, float]) -> Tensor:
    each = torch.tensor([weights.get(name, 1.0) for name in terms])
    losses = torch.stack(list(terms.values()))
    return (each.to(losses.device) * losses).sum() / each.sum()


def pair_losses(space: SharedSpace, batch: Batch, loss: Loss) -> dict[str, Tensor]:
    """The loss of every pair of modalities that the batch observes, by the name of the pair."""
    pairs = space.pairs(batch)
    unobserved = [name for name in space.log_scales if name not in {pair_name(pair) for pair in pairs}]
    if unobserved:
        log.info("pairs not observed in this batch, which add nothing to its loss: %s", ", ".join(unobserved))
    embedded = space(batch)
    terms = {}
    for a, b in pairs:
        positives = positives_between(batch.ids, embedded[a].rows, embedded[b].rows).to(embedded[a].vectors.device)
        terms[pair_name((a, b))] = loss(embedded[a].vectors, embedded[b].vectors, positives, space.scale(a, b))
    return terms


class _Meter:
    """Means over the steps since the last line."""

    def __init__(self) -> None:
        self.last = math.nan
        self._reset()

    def _reset(self) -> None:
        self._sums: dict[str, list[Tensor]] = {}
        self._samples = 0
        self._began = time.monotonic()

    def add(self, total: Tensor, terms: dict[str, Tensor], samples: int) -> None:
        self._samples += samples
        self._sums.setdefault("loss", []).append(total)
        for name, term in terms.items():
            self._sums.setdefault(f"loss/{name}", []).append(term.detach())

    def numbers(self, space: SharedSpace, optimizer: torch.optim.Optimizer) -> dict[str, float]:
        numbers = {"loss": self.last}
        numbers |= {name: float(torch.stack(values).mean()) for name, values in self._sums.items()}
        numbers |= {f"scale/{pair_name(pair)}": value for pair, value in space.scales.items()}
        numbers["learning rate"] = optimizer.param_groups[0]["lr"]
        numbers["samples per second"] = self._samples / max(time.monotonic() - self._began, 1e-9)
        self.last = numbers["loss"]
        self._reset()
        return numbers


class _State:
    """The checkpoint of a run. `trainer.pt` alone decides where to go on, so that two files can never disagree."""

    def __init__(self, run: Path, space: SharedSpace, optimizer: torch.optim.Optimizer, identity: str) -> None:
        self.trainer = run / "trainer.pt"
        self.weights = run / "space.safetensors"
        self.space = space
        self.optimizer = optimizer
        self.identity = identity

    def save(self, step: int) -> None:
        content = {
            "format": FORMAT,
            "step": step,
            "identity": self.identity,
            "fingerprint": self.space.fingerprint(),
            "space": self.space.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        # Serialised in memory first: a full disk is then an ordinary OSError of one write.
        buffer = BytesIO()
        torch.save(content, buffer)
        write_atomically(self.trainer, buffer.getvalue())
        save_weights(self.space, self.weights, step)

    def resume(self) -> int:
        """The step to go on from, with weights and optimizer of that step; 0 when there is no checkpoint."""
        if not self.trainer.is_file():
            return 0
        remedy = f"delete {self.trainer} to train from the start"
        try:
            content = torch.load(self.trainer, map_location="cpu", weights_only=True)
            step, identity = int(content["step"]), content["identity"]
        except (RuntimeError, OSError, ValueError, KeyError, TypeError, EOFError, pickle.UnpicklingError) as error:
            raise DataError(
                f"{self.trainer}: damaged, not readable as a checkpoint ({type(error).__name__}); {remedy}"
            ) from error
        if identity != self.identity:
            raise DataError(
                f"{self.trainer}: a run on other data or settings ({_difference(identity, self.identity)}); "
                f"use another run folder, the same settings, or {remedy}"
            )
        self.space.load_state_dict(content["space"])
        if self.space.fingerprint() != content["fingerprint"]:
            raise DataError(f"{self.trainer}: damaged, its weights do not have the recorded fingerprint; {remedy}")
        self.optimizer.load_state_dict(content["optimizer"])
        # A kill between the two writes of a checkpoint leaves the weight file one checkpoint behind.
        if not self.weights.is_file() or stored(self.weights).get("step") != step:
            save_weights(self.space, self.weights, step)
        log.info("%s: going on from step %d", self.trainer, step)
        return step


def _checked(name: str, samples: Sequence[Sample], space: SharedSpace) -> Sequence[Sample]:
    check_samples(name, samples, space.modalities)
    return samples


def _optimizer(space: SharedSpace, settings: FitSettings) -> torch.optim.AdamW:
    parameters = [parameter for parameter in space.parameters() if parameter.requires_grad]
    groups = [
        {
            "params": [parameter for parameter in parameters if parameter.ndim > 1],
            "weight_decay": settings.weight_decay,
        },
        {"params": [parameter for parameter in parameters if parameter.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=settings.learning_rate, fused=True)


def _schedule(step: int, settings: FitSettings) -> float:
    if step < settings.warmup:
        return (step + 1) / settings.warmup
    return 0.5 * (1 + math.cos(math.pi * (step - settings.warmup) / max(1, settings.steps - settings.warmup)))


def _warm(space: SharedSpace, samples: Sequence[Sample]) -> None:
    """Frozen features of all samples, always in the same chunks, since a feature's last bits depend on its batch."""
    for name, encoder in space.encoders.items():
        if not isinstance(encoder, Frozen):
            continue
        values = [sample[name] for sample in samples if sample.get(name) is not None]
        renderings = [one for value in values for one in (value if isinstance(value, tuple) else (value,))]
        for begin in range(0, len(renderings), WARM_CHUNK):
            encoder(gather(name, renderings[begin : begin + WARM_CHUNK]))


def _identity(space: SharedSpace, samples: Sequence[Sample], loss: Loss, settings: FitSettings) -> str:
    """What must be the same for a run to go on, as JSON."""
    digest = hashlib.sha256()
    for sample in samples:
        for name, value in sorted(sample.items()):
            for one in value if isinstance(value, tuple) else (value,):
                content = (
                    one.encode()
                    if isinstance(one, str)
                    else b""
                    if one is None
                    else np.ascontiguousarray(one).tobytes()
                )
                digest.update(f"{name} {len(content)} ".encode() + content)
    shapes = {name: list(value.shape) for name, value in space.state_dict().items()}
    chosen = {key: value for key, value in asdict(settings).items() if key not in ("checkpoint_every", "log_every")}
    parts = {
        "samples": len(samples),
        "data": digest.hexdigest()[:16],
        "space": hashlib.sha256(json.dumps(shapes, sort_keys=True).encode()).hexdigest()[:16],
        "frozen": space.frozen_identities(),
        "anchor": space.anchor,
        "loss": repr(loss) if not hasattr(loss, "__name__") else loss.__name__,
    }
    return json.dumps(chosen | parts, sort_keys=True)


def _difference(found: str, expected: str) -> str:
    ours, theirs = json.loads(expected), json.loads(found)
    changed = [key for key in sorted(ours) if theirs.get(key) != ours[key]]
    return ", ".join(f"{key} {theirs.get(key)!r} there, {ours[key]!r} now" for key in changed)
