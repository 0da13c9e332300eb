"""Training of a shared space that survives being killed."""

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import torch
from torch import nn

from grounding.encoders import Frozen
from grounding.errors import DataError, InputError
from grounding.space.batch import Sample, check_samples, observed
from grounding.space.catalogue import Catalogue
from grounding.space.distributed import agree, from_first, rank, world
from grounding.space.evaluate import evaluate
from grounding.space.gradients import Memory, Objective, add_gradients, check_gradients, exchange
from grounding.space.losses import InfoNCE, Loss
from grounding.space.model import SharedSpace, pair_name
from grounding.space.progress import Progress
from grounding.space.sampling import MODEL, Sampler, seed_of
from grounding.space.state import Average, RunState, identity_of


@dataclass(frozen=True)
class FitSettings:
    """Settings of `fit`.

    Attributes:
        steps: optimizer steps.
        batch: samples with several modalities a step, of all processes together.
        extra: samples with a single modality a step, at most; such as segments that nobody talked about.
        learning_rate: the highest; reached after `warmup` steps, then a cosine to zero.
        warmup: steps.
        weight_decay: of weight matrices; not of biases, norms and temperatures.
        seed: of everything random.
        checkpoint_every: steps between checkpoints.
        log_every: steps between lines of `metrics.jsonl`.
        pair_weights: weight of a pair's loss by the name of the pair, such as {"image-points": 0.2}; 1 if not named,
            0 for a pair that is not trained.
        mix: weights of the data sets by name; empty for one pass through all of them together. A set with fewer samples
            than its share of a batch gives all it has.
        modality_dropout: chance that a modality of a sample is left out at a visit; never all of them.
        locked: modalities and fusions whose encoder and head are not trained: with `space.names`, taken before others
            are added, no vector of theirs changes. Pairs of which both are locked are left out.
        accumulate: batches a step, each with its own negatives.
        chunk: samples encoded at a time (gradient caching): the same gradient in the memory of one chunk.
        precision: of encoders and heads. "auto" is bfloat16 on a GPU that has it and float32 otherwise; a processor
            gains by bfloat16 only where it has instructions for it (AMX, AVX-512 BF16).
        ema: decay of an exponential moving average of the weights, such as 0.999, which the run then gives; 0 for none.
        memory: vectors of earlier batches kept as further negatives, of each modality; 0 for none.
        evaluate_every: steps between evaluations on the validation samples, if `fit` is given some.
        patience: evaluations without an improvement after which training stops; 0 to go on to the end.
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
    mix: Mapping[str, float] = field(default_factory=dict)
    modality_dropout: float = 0.0
    locked: tuple[str, ...] = ()
    accumulate: int = 1
    chunk: int | None = None
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    ema: float = 0.0
    memory: int = 0
    evaluate_every: int = 50
    patience: int = 0

    def __post_init__(self) -> None:
        from_one = ("steps", "batch", "checkpoint_every", "log_every", "accumulate", "evaluate_every")
        for name in (*from_one, "extra", "warmup", "memory", "patience", "seed"):
            value, least = getattr(self, name), int(name in from_one)
            if not isinstance(value, int):
                raise InputError(f"{name}: {value!r} found, expected a whole number")
            if value < least:
                raise InputError(f"{name}: {value} found, expected at least {least}")
        for name in ("weight_decay", "learning_rate"):
            if not 0 <= getattr(self, name) < math.inf:
                raise InputError(f"{name}: {getattr(self, name)} found, expected a number of at least 0")
        if self.chunk is not None and self.chunk < 1:
            raise InputError(f"chunk: {self.chunk} found, expected at least 1, or None")
        if any(not 0 <= weight < math.inf for weight in self.pair_weights.values()):
            raise InputError(f"pair_weights: {dict(self.pair_weights)} found, expected numbers of at least 0")
        if self.batch < 2:
            raise InputError(f"batch: {self.batch} found, expected at least 2, since the others are the negatives")
        for name in ("modality_dropout", "ema"):
            if not 0 <= getattr(self, name) < 1:
                raise InputError(f"{name}: {getattr(self, name)} found, expected a number from 0 to below 1")
        if self.precision not in ("auto", "float32", "bfloat16"):
            raise InputError(f"precision: {self.precision!r} found, expected auto, float32 or bfloat16")


@dataclass(frozen=True)
class Training:
    """What `fit` did.

    Attributes:
        steps: steps of the whole run, fewer than asked for if it stopped early.
        resumed_from: the step that this call went on from.
        seconds: of this call.
        loss: last mean loss.
        best_step: the step whose weights were the best on the validation samples, if there were any.
        best_score: their mean recall.
    """

    steps: int
    resumed_from: int
    seconds: float
    loss: float
    best_step: int | None = None
    best_score: float | None = None


def fit(
    space: SharedSpace,
    data: Mapping[str, Sequence[Sample]],
    loss: Loss = InfoNCE(),
    *,
    run: Path | str,
    settings: FitSettings = FitSettings(),
    validation: Sequence[Sample] | None = None,
) -> Training:
    """Train a space on samples of which each may lack modalities; the space is changed in place.

    The loss of a step is the mean of `loss` over every pair of modalities that the batch observes, weighted by
    `settings.pair_weights`; a pair it does not observe adds nothing, which is logged. AdamW (Loshchilov and Hutter,
    2019) with warm-up and cosine. Ids hold across data sets.

    The folder `run` gets `space.toml` and `space.safetensors` (what `SharedSpace.load` reads), `trainer.pt` (weights,
    optimizer, step), `metrics.jsonl`, TensorBoard files and `features/`, where frozen encoders that have no cache of
    their own keep theirs. Called again with the same arguments after a kill at any moment, it goes on from the last
    checkpoint to the same weights as an uninterrupted run (bit-equal on a CPU with one thread): every draw is made from
    a generator that is seeded by the settings and the step. A finished run is read back at once.

    Within `grounding.space.distributed.processes()` all processes train together: each encodes its share of every
    batch, all see all negatives, and the gradient is that of one process with the whole batch.

    With `validation`, mean recall (R@1, 5 and 10, both directions of the trained pairs) is taken every
    `settings.evaluate_every` steps; the run gives the weights that had the highest, and stops early after
    `settings.patience` evaluations without an improvement.

    Raises:
        DataError: samples that cannot be trained on, a loss or gradient that is not finite, a damaged checkpoint, or a
            folder with a run on other data or settings.
        InputError: settings that name pairs, data sets or modalities that are not there.
        StorageError: the folder cannot be written; the last checkpoint is kept.
    """
    began = time.monotonic()
    run = Path(run)
    _check_settings(space, settings)
    weights = _weights(space, settings)
    for encoder in space.encoders.values():
        if isinstance(encoder, Frozen):
            encoder.keep_in(run / "features")
    catalogue = Catalogue(space, data)
    _check_trainable(space, weights, catalogue.ids_by_modality(), "training")
    if validation is not None:
        check_samples("validation", validation, space.modalities)
        # Retrieval is between two modalities, so one trained with itself has no score.
        between = weights | dict.fromkeys((pair_name((name, name)) for name in space.intra), 0.0)
        _check_trainable(space, between, _ids_by_modality(validation), "validation")
    sampler = Sampler(
        catalogue,
        settings.batch,
        settings.extra,
        settings.seed,
        settings.mix,
        settings.modality_dropout,
        space.intra,
    )
    objective = Objective(loss, weights, catalogue.ids, Memory(settings.memory) if settings.memory else None)
    with _locked(space, settings.locked), torch.random.fork_rng(devices=[]):
        optimizer = _optimizer(space, settings)
        average = Average(space, settings.ema) if settings.ema else None
        identity = identity_of(space, catalogue, loss, settings, validation)
        agree(identity)
        # Whoever builds a space without a seed has other first weights in every process.
        from_first(space.state_dict().values())
        state = RunState(run, space, optimizer, identity, objective.memory, average)
        start = state.resume()
        last, done = math.nan, start
        if start < settings.steps and not _is_stuck(state, start, settings, validation):
            with Progress(run, start, settings.steps) as progress:
                last, done = _loop(space, sampler, objective, settings, start, state, progress, validation)
        state.finish()
    space.eval()
    found = state.best if state.best.weights else None
    return Training(
        done, start, time.monotonic() - began, last, found.step if found else None, found.score if found else None
    )


def _loop(
    space: SharedSpace,
    sampler: Sampler,
    objective: Objective,
    settings: FitSettings,
    start: int,
    state: RunState,
    progress: Progress,
    validation: Sequence[Sample] | None,
) -> tuple[float, int]:
    meter = state.meter
    optimizer = state.optimizer
    precision = _precision(settings, space.device)
    for step in range(start, settings.steps):
        _train_mode(space, settings.locked)
        for group in optimizer.param_groups:
            group["lr"] = settings.learning_rate * _schedule(step, settings)
        optimizer.zero_grad(set_to_none=True)
        for number in range(step * settings.accumulate, (step + 1) * settings.accumulate):
            draw = sampler(number)
            total, terms = add_gradients(
                space,
                draw,
                objective,
                chunk=settings.chunk,
                precision=precision,
                seed=seed_of(settings.seed, number, MODEL, rank()),
                factor=1 / settings.accumulate,
            )
            if terms:
                meter.add(total, terms, len(draw.codes))
        exchange(space)
        check_gradients(space)
        optimizer.step()
        space.clamp_scales()
        if state.average is not None:
            state.average.update()
        done = step + 1
        ends = done == settings.steps
        numbers: dict[str, float] = {}
        if validation is not None and (done % settings.evaluate_every == 0 or ends):
            numbers["validation recall"] = state.consider(done, lambda: _score(space, objective.weights, validation))
            ends = ends or _is_stuck(state, done, settings, validation)
        if done % settings.log_every == 0 or ends or numbers:
            progress.write(done, meter.numbers(space, optimizer) | numbers)
        progress.advance()
        if done % settings.checkpoint_every == 0 or ends:
            state.save(done)
        if ends:
            return meter.last, done
    return meter.last, settings.steps


def _is_stuck(state: RunState, step: int, settings: FitSettings, validation: Sequence[Sample] | None) -> bool:
    """Whether the evaluations have not improved for as long as the settings bear."""
    if validation is None or not settings.patience or not state.best.weights:
        return False
    return step - state.best.step >= settings.patience * settings.evaluate_every


def _score(space: SharedSpace, weights: Mapping[str, float], validation: Sequence[Sample]) -> float:
    """Mean recall over cuts and both directions of the pairs that are trained."""
    trained = {frozenset(pair) for pair in space.all_pairs() if weights.get(pair_name(pair), 1.0) > 0}
    pairs = evaluate(space, validation, resamples=0).pairs
    kept = [found for name, found in pairs.items() if frozenset(name.split("->")) in trained]
    if not kept:
        raise DataError(
            f"validation: only {', '.join(pairs)} found, expected a trained pair; a fusion needs samples with two parts"
        )
    return sum(sum(found.recall.values()) / len(found.recall) for found in kept) / len(kept)


def _check_settings(space: SharedSpace, settings: FitSettings) -> None:
    if unknown := sorted(set(settings.pair_weights) - set(space.log_scales)):
        raise InputError(f"pair_weights: {unknown} found, expected some of {', '.join(space.log_scales)}")
    if unknown := sorted(set(settings.locked) - set(space.names)):
        raise InputError(f"locked: {unknown} found, expected some of {', '.join(space.names)}")
    if settings.batch < world():
        raise InputError(f"batch: {settings.batch} found, expected at least one sample for each of {world()} processes")


@contextmanager
def _locked(space: SharedSpace, names: Sequence[str]) -> Iterator[None]:
    """No gradient for the encoders and heads of these modalities within the block."""
    modules = [module for name in names for module in _modules(space, name)]
    held = [parameter for module in modules for parameter in module.parameters() if parameter.requires_grad]
    for parameter in held:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in held:
            parameter.requires_grad_(True)


def _train_mode(space: SharedSpace, locked: Sequence[str]) -> None:
    space.train()
    for name in locked:
        for module in _modules(space, name):
            module.eval()


def _modules(space: SharedSpace, name: str) -> list[nn.Module]:
    """The head of a modality or fusion, and the encoder of a modality."""
    return [group[name] for group in (space.heads, space.encoders) if name in group]


def _weights(space: SharedSpace, settings: FitSettings) -> dict[str, float]:
    """Of the pairs; those of which nothing is trained have none."""
    still = [pair_name(pair) for pair in space.all_pairs() if set(pair) <= set(settings.locked)]
    return dict(settings.pair_weights) | dict.fromkeys(still, 0.0)


def _check_trainable(space: SharedSpace, weights: Mapping[str, float], ids: Mapping[str, set[str]], what: str) -> None:
    if len(set().union(*ids.values())) < 2:
        raise DataError(
            f"{what}: one id found in all samples, expected at least two, so that something can be told apart"
        )
    wanted = {pair for pair in space.all_pairs() if weights.get(pair_name(pair), 1.0) > 0}
    if not wanted & set(space.observed_pairs(ids)):
        found = ", ".join(f"{name} of {len(those)} ids" for name, those in sorted(ids.items()))
        raise DataError(
            f"{what}: {found} found, but no id in both modalities of a trained pair, so nothing can be matched; "
            f"expected one of {', '.join(sorted(map(pair_name, wanted))) or 'no pair: all are locked or of weight 0'}"
        )


def _ids_by_modality(samples: Sequence[Sample]) -> dict[str, set[str]]:
    ids: dict[str, set[str]] = {}
    for sample in samples:
        for name in observed(sample):
            ids.setdefault(name, set()).add(sample["id"])
    return ids


def _precision(settings: FitSettings, device: torch.device) -> torch.dtype:
    if settings.precision == "auto":
        return torch.bfloat16 if device.type == "cuda" and torch.cuda.is_bf16_supported() else torch.float32
    return torch.bfloat16 if settings.precision == "bfloat16" else torch.float32


def _optimizer(space: SharedSpace, settings: FitSettings) -> torch.optim.AdamW:
    # By name: the order in which modalities joined must not decide which state belongs to which weight on resuming.
    parameters = [parameter for _, parameter in sorted(space.named_parameters()) if parameter.requires_grad]
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
