"""The training of a sentence encoder that survives being killed: steps, schedule, checkpoint, numbers."""

import hashlib
import json
import logging
import math
import pickle
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from grounding.errors import DataError, InputError
from grounding.files import write_atomically
from grounding.settings import write_settings
from grounding.text.training.encoder import TrainableEncoder
from grounding.text.training.progress import Progress, State

log = logging.getLogger(__name__)

FORMAT = "grounding-sentence-trainer-1"
FREE = ("checkpoint_every", "log_every")  # settings that do not change what is learned
BUCKET = 32  # batches that are drawn together and sorted by length
ORDER, MODEL = 0, 1  # purposes of random numbers


@dataclass(frozen=True)
class TrainingSettings:
    """Settings of `fine_tune` and `distil`.

    Attributes:
        epochs: passes through the examples.
        batch: examples a step.
        learning_rate: the highest; reached linearly after the share `warmup` of the steps, then linearly to zero.
        warmup: share of the steps, 0 to 1.
        weight_decay: of weight matrices; not of biases and norms.
        clip: longest gradient; a longer one is shortened to it.
        seed: of the order of the examples and of dropout.
        checkpoint_every: steps between checkpoints.
        log_every: steps between lines of `metrics.jsonl`.
        evaluate_every: steps between evaluations, if there is validation data.
    """

    epochs: int = 1
    batch: int = 32
    learning_rate: float = 2e-5
    warmup: float = 0.1
    weight_decay: float = 0.01
    clip: float = 1.0
    seed: int = 0
    checkpoint_every: int = 500
    log_every: int = 20
    evaluate_every: int = 100

    def __post_init__(self) -> None:
        for name in ("epochs", "batch", "checkpoint_every", "log_every", "evaluate_every"):
            if not isinstance(getattr(self, name), int) or getattr(self, name) < 1:
                raise InputError(f"{name}: {getattr(self, name)!r} found, expected a whole number of at least 1")
        if not isinstance(self.seed, int) or self.seed < 0:
            raise InputError(f"seed: {self.seed!r} found, expected a whole number of at least 0")
        for name in ("learning_rate", "clip"):
            if not 0 < getattr(self, name) < math.inf:
                raise InputError(f"{name}: {getattr(self, name)} found, expected a number above 0")
        if not 0 <= self.weight_decay < math.inf:
            raise InputError(f"weight_decay: {self.weight_decay} found, expected a number of at least 0")
        if not 0 <= self.warmup <= 1:
            raise InputError(f"warmup: {self.warmup} found, expected a share of the steps, 0 to 1")


@dataclass(frozen=True)
class Trained:
    """What a training did.

    Attributes:
        folder: the trained encoder, for `load_encoder(folder)`, and but for an LSTM for `SentenceEncoder(folder)`.
        steps: of the whole run.
        resumed_from: the step that this call went on from.
        loss: the last that was logged.
        best_step: the step whose weights were the best on the validation data, if there was any.
        best_score: their score.
    """

    folder: Path
    steps: int
    resumed_from: int
    loss: float
    best_step: int | None = None
    best_score: float | None = None


class Batches:
    """Which examples each step sees: every one once an epoch, in random order, in batches of similar length.

    A function of settings and step alone, so that a run can go on from anywhere.

    Args:
        lengths: int (N,), tokens of each example.
        settings: with the size of a batch, the epochs and the seed.
    """

    def __init__(self, lengths: Sequence[int] | np.ndarray, settings: TrainingSettings) -> None:
        self._lengths = np.asarray(lengths)
        self._settings = settings
        self.a_pass = -(-len(self._lengths) // settings.batch)
        self.steps = self.a_pass * settings.epochs
        self._epoch: tuple[int, list[np.ndarray]] = -1, []

    def __call__(self, step: int) -> np.ndarray:
        """Positions of the examples of a step."""
        epoch, place = divmod(step, self.a_pass)
        if self._epoch[0] != epoch:
            self._epoch = epoch, self._drawn(epoch)
        return self._epoch[1][place]

    def _drawn(self, epoch: int) -> list[np.ndarray]:
        generator = np.random.default_rng([self._settings.seed, ORDER, epoch])
        order = generator.permutation(len(self._lengths))
        size = self._settings.batch
        batches = []
        for start in range(0, len(order), BUCKET * size):
            bucket = order[start : start + BUCKET * size]
            bucket = bucket[np.argsort(self._lengths[bucket], kind="stable")]
            batches += [bucket[at : at + size] for at in range(0, len(bucket), size)]
        return [batches[place] for place in generator.permutation(len(batches))]


def train(
    encoder: TrainableEncoder,
    batches: Batches,
    loss_of: Callable[[np.ndarray], Tensor],
    *,
    run: Path | str,
    settings: TrainingSettings,
    identity: Mapping[str, Any],
    score: Callable[[], float] | None = None,
    columns: int = 1,
) -> Trained:
    """Make `loss_of` small over the batches; the encoder is changed in place and saved in `run/encoder`.

    AdamW (Loshchilov and Hutter, 2019). The folder `run` gets `config.toml` (the settings), `trainer.pt` (weights,
    optimizer, step, best weights) and `metrics.jsonl`. Called again with the same arguments after a kill at any moment,
    it goes on from the last checkpoint to the same weights as an uninterrupted run (bit-equal on a CPU with one
    thread).

    Args:
        encoder: to be trained.
        batches: which examples each step sees.
        loss_of: the loss of the examples at these positions.
        run: the folder of the run.
        settings: of the training.
        identity: what must be the same for a run to go on, besides settings and shapes of weights.
        score: how good the encoder is now, more is better; the weights that had the highest are kept. Without it, the
            last are.
        columns: sentences of an example, for the speed that is shown.

    Raises:
        DataError: a loss that is not finite, a damaged checkpoint, or a folder with another run.
        StorageError: the folder cannot be written; the last checkpoint is kept.
    """
    run = Path(run)
    file, known = run / "trainer.pt", _identity(encoder, settings, identity)
    optimizer = _optimizer(encoder, settings)
    state = _resume(file, known, encoder, optimizer)
    write_settings(settings, run / "config.toml")
    began = state.step
    encoder.train()
    with torch.random.fork_rng(devices=[]), Progress(run, began, batches.steps) as progress:
        for step in range(began, batches.steps):
            positions = batches(step)
            _step(encoder, optimizer, loss_of, positions, step, batches.steps, settings, state)
            progress.advance(len(positions) * columns)
            ends = state.step == batches.steps
            numbers = {}
            if score is not None and (state.step % settings.evaluate_every == 0 or ends):
                numbers["validation"] = _consider(encoder, score, state)
            if state.step % settings.log_every == 0 or ends or numbers:
                progress.write(state, {"learning rate": optimizer.param_groups[0]["lr"], **numbers})
            if state.step % settings.checkpoint_every == 0 or ends:
                _save(file, known, encoder, optimizer, state)
    if state.best:
        encoder.load_state_dict(state.best)
    encoder.eval()
    encoder.trained = True
    encoder.save(run / "encoder")
    found = (state.best_step, state.best_score) if state.best else (None, None)
    return Trained(run / "encoder", batches.steps, began, state.last, *found)


def _step(
    encoder: TrainableEncoder,
    optimizer: torch.optim.Optimizer,
    loss_of: Callable[[np.ndarray], Tensor],
    positions: np.ndarray,
    step: int,
    steps: int,
    settings: TrainingSettings,
    state: State,
) -> None:
    for group in optimizer.param_groups:
        group["lr"] = settings.learning_rate * schedule(step, steps, settings.warmup)
    _reseed(settings.seed, step, encoder.device)
    optimizer.zero_grad(set_to_none=True)
    loss = loss_of(positions)
    value = float(loss.detach())
    if not math.isfinite(value):
        raise DataError(f"step {step + 1}: a loss of {value} found; lower learning_rate, or look for odd examples")
    loss.backward()
    torch.nn.utils.clip_grad_norm_(encoder.parameters(), settings.clip)
    optimizer.step()
    state.step = step + 1
    state.total, state.counted = state.total + value, state.counted + 1


def schedule(step: int, steps: int, warmup: float) -> float:
    """Share of the highest learning rate at a step: a line up during the share `warmup` of the steps, a line to 0."""
    rising = max(1, round(warmup * steps))
    if step < rising:
        return (step + 1) / rising
    return (steps - step) / max(1, steps - rising + 1)


def _consider(encoder: TrainableEncoder, score: Callable[[], float], state: State) -> float:
    encoder.eval()
    found = score()
    encoder.train()
    if found > state.best_score:
        state.best = {name: value.detach().cpu().clone() for name, value in encoder.state_dict().items()}
        state.best_score, state.best_step = found, state.step
    return found


def _optimizer(encoder: TrainableEncoder, settings: TrainingSettings) -> torch.optim.AdamW:
    parameters = [parameter for _, parameter in sorted(encoder.named_parameters())]
    groups = [
        {"params": [one for one in parameters if one.ndim > 1], "weight_decay": settings.weight_decay},
        {"params": [one for one in parameters if one.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=settings.learning_rate, fused=True)


def _reseed(seed: int, step: int, device: torch.device) -> None:
    drawn = int(np.random.SeedSequence([seed, MODEL, step]).generate_state(1, np.uint64)[0] >> 1)
    # `torch.manual_seed` asks for every kind of accelerator there could be, which takes long.
    torch.default_generator.manual_seed(drawn)
    if device.type == "cuda":
        torch.cuda.manual_seed(drawn)


def _identity(encoder: TrainableEncoder, settings: TrainingSettings, more: Mapping[str, Any]) -> str:
    chosen = {name: value for name, value in asdict(settings).items() if name not in FREE}
    shapes = {name: list(value.shape) for name, value in encoder.state_dict().items()}
    own = {"encoder": type(encoder).__name__, "origin": encoder.origin[:16], "shapes": shapes}
    return json.dumps(chosen | own | dict(more), sort_keys=True, default=str)


def _save(file: Path, identity: str, encoder: TrainableEncoder, optimizer: torch.optim.Optimizer, state: State) -> None:
    content = {
        "format": FORMAT,
        "identity": identity,
        "encoder": encoder.state_dict(),
        "optimizer": optimizer.state_dict(),
        "state": vars(state),
    }
    # Serialised in memory first: a full disk is then an ordinary error of one write.
    buffer = BytesIO()
    torch.save(content, buffer)
    write_atomically(file, buffer.getvalue())


def _resume(file: Path, identity: str, encoder: TrainableEncoder, optimizer: torch.optim.Optimizer) -> State:
    if not file.is_file():
        return State()
    remedy = f"delete {file} to train from the start"
    try:
        content = torch.load(file, map_location="cpu", weights_only=True)
        state, theirs = State(**content["state"]), content["identity"]
    except (RuntimeError, OSError, ValueError, KeyError, TypeError, EOFError, pickle.UnpicklingError) as error:
        raise DataError(f"{file}: damaged, not readable as a checkpoint ({type(error).__name__}); {remedy}") from error
    if content.get("format") != FORMAT or theirs != identity:
        raise DataError(
            f"{file}: a run on other data or settings ({_difference(theirs, identity)}); use another run folder, the "
            f"same settings, or {remedy}"
        )
    encoder.load_state_dict(content["encoder"])
    optimizer.load_state_dict(content["optimizer"])
    log.info("%s: going on from step %d", file, state.step)
    return state


def _difference(found: str, expected: str) -> str:
    theirs, ours = json.loads(found), json.loads(expected)
    changed = [key for key in sorted(ours) if theirs.get(key) != ours[key]]
    return ", ".join(f"{key} {str(theirs.get(key))[:60]} there, {str(ours[key])[:60]} now" for key in changed)


def digest_of(values: Sequence[Any]) -> str:
    """sha256 of strings and numbers, the same in every process."""
    digest = hashlib.sha256()
    for value in values:
        digest.update(repr(value).encode())
    return digest.hexdigest()
