"""What a training run keeps on disk to go on from, and the check that it is the same run."""

import json
import logging
import pickle
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from grounding.errors import DataError
from grounding.files import write_atomically
from grounding.space.batch import Sample
from grounding.space.catalogue import Catalogue, digest_of_samples
from grounding.space.checkpoint import PLAN, WEIGHTS, save_plan, save_weights, stored
from grounding.space.distributed import rank, wait
from grounding.space.gradients import Memory
from grounding.space.model import SharedSpace
from grounding.space.progress import Meter

if TYPE_CHECKING:
    from grounding.space.training import FitSettings

log = logging.getLogger(__name__)

FORMAT = "grounding-trainer-2"
FREE = ("checkpoint_every", "log_every", "chunk")  # settings that do not change what is learned


class Average:
    """Exponential moving average of the weights that are trained (Polyak averaging; EMA of the literature)."""

    def __init__(self, space: SharedSpace, decay: float) -> None:
        self.decay = decay
        self.trained = {name: value for name, value in space.named_parameters() if value.requires_grad}
        self.values = {name: value.detach().clone() for name, value in self.trained.items()}

    def update(self) -> None:
        """Take in the weights after an optimizer step."""
        with torch.no_grad():
            torch._foreach_lerp_(list(self.values.values()), list(self.trained.values()), 1 - self.decay)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """The space has the averaged weights within the block."""
        own = {name: value.detach().clone() for name, value in self.trained.items()}
        _copy(self.values, self.trained)
        try:
            yield
        finally:
            _copy(own, self.trained)


@dataclass
class Best:
    """The evaluation that counts for early stopping, and the weights it was made with."""

    score: float = -1.0
    step: int = 0
    weights: dict[str, Tensor] = field(default_factory=dict)


class RunState:
    """The checkpoint of a run. `trainer.pt` alone decides where to go on, so that two files can never disagree.

    Only the first of several processes writes; all read.
    """

    def __init__(
        self,
        run: Path,
        space: SharedSpace,
        optimizer: torch.optim.Optimizer,
        identity: str,
        memory: Memory | None,
        average: Average | None,
    ) -> None:
        self.run = run
        self.trainer = run / "trainer.pt"
        self.space = space
        self.optimizer = optimizer
        self.identity = identity
        self.memory = memory
        self.average = average
        self.best = Best()
        self.meter = Meter()

    def save(self, step: int) -> None:
        """Write the checkpoint of a step, and the weights as the run would give them if it ended here."""
        if rank() == 0:
            content = {
                "format": FORMAT,
                "step": step,
                "identity": self.identity,
                "fingerprint": self.space.fingerprint(),
                "space": self.space.state_dict(),
                "trained": self.space.trained,
                "optimizer": self.optimizer.state_dict(),
                "memory": self.memory.held if self.memory is not None else {},
                "average": self.average.values if self.average is not None else {},
                "best": asdict(self.best),
                "meter": self.meter.sums,
            }
            # Serialised in memory first: a full disk is then an ordinary OSError of one write.
            buffer = BytesIO()
            torch.save(content, buffer)
            write_atomically(self.trainer, buffer.getvalue())
            self._save_result(step)
        wait()

    def resume(self) -> int:
        """The step to go on from, with everything as it was then; 0 when there is no checkpoint.

        Raises:
            DataError: a damaged checkpoint, or one of another run.
        """
        if not self.trainer.is_file():
            self._save_plan()
            return 0
        remedy = f"delete {self.trainer} to train from the start"
        try:
            content = torch.load(self.trainer, map_location="cpu", weights_only=True)
            step, identity = int(content["step"]), content["identity"]
        except (RuntimeError, OSError, ValueError, KeyError, TypeError, EOFError, pickle.UnpicklingError) as error:
            raise DataError(
                f"{self.trainer}: damaged, not readable as a checkpoint ({type(error).__name__}); {remedy}"
            ) from error
        if content.get("format") != FORMAT or identity != self.identity:
            raise DataError(
                f"{self.trainer}: a run on other data or settings ({_difference(identity, self.identity)}); "
                f"use another run folder, the same settings, or {remedy}"
            )
        self.space.load_state_dict(content["space"])
        if self.space.fingerprint() != content["fingerprint"]:
            raise DataError(f"{self.trainer}: damaged, its weights do not have the recorded fingerprint; {remedy}")
        self.space.trained = content["trained"]
        self.optimizer.load_state_dict(content["optimizer"])
        self.best = Best(**content["best"])
        self.meter.sums = content["meter"]
        if self.memory is not None:
            device = self.space.device
            self.memory.held = {name: (a.to(device), b.to(device)) for name, (a, b) in content["memory"].items()}
        if self.average is not None:
            _copy(content["average"], self.average.values)
        # A kill between the two writes of a checkpoint leaves the weight file one checkpoint behind.
        if rank() == 0 and stored(self.run / WEIGHTS).get("step") != step:
            self._save_result(step)
        self._save_plan()
        log.info("%s: going on from step %d", self.trainer, step)
        return step

    def consider(self, step: int, score: Callable[[], float]) -> float:
        """Evaluate the weights that the run would give; keep them if they are the best so far. Returns their score."""
        with self._result():
            found = score()
            if found > self.best.score:
                weights = {name: value.detach().cpu().clone() for name, value in self.space.state_dict().items()}
                self.best = Best(found, step, weights)
        return found

    def finish(self) -> None:
        """Leave the space with the weights that the run gives: the best of its evaluations, or the averaged ones."""
        if self.best.weights:
            self.space.load_state_dict(self.best.weights)
        elif self.average is not None:
            _copy(self.average.values, self.average.trained)

    def _save_plan(self) -> None:
        if rank() == 0:
            save_plan(self.space, self.run / PLAN)

    @contextmanager
    def _result(self) -> Iterator[None]:
        if self.average is None:
            yield
        else:
            with self.average.in_place():
                yield

    def _save_result(self, step: int) -> None:
        if not self.best.weights:
            with self._result():
                save_weights(self.space, self.run / WEIGHTS, step)
            return
        own = {name: value.detach().clone() for name, value in self.space.state_dict().items()}
        self.space.load_state_dict(self.best.weights)
        try:
            save_weights(self.space, self.run / WEIGHTS, step)
        finally:
            self.space.load_state_dict(own)


def identity_of(
    space: SharedSpace,
    catalogue: Catalogue,
    loss: object,
    settings: "FitSettings",
    validation: Sequence[Sample] | None,
) -> str:
    """What must be the same for a run to go on, as JSON."""
    chosen = {
        one.name: dict(value) if isinstance(value, Mapping) else value
        for one in fields(settings)
        if one.name not in FREE
        for value in [getattr(settings, one.name)]
    }
    parts = {
        "samples": len(catalogue),
        "sets": {name: len(positions) for name, positions in catalogue.sets.items()},
        "data": catalogue.digest[:16],
        "space": {name: list(value.shape) for name, value in space.state_dict().items()},
        "frozen": space.frozen_identities(),
        "anchor": space.anchor,
        "dropout": space.dropout,
        "intra": list(space.intra),
        "fusions": space.fusions,
        # A function shows its address, which is another one in the next process.
        "loss": re.sub(r" at 0x[0-9a-f]+", "", repr(loss)),
        "validation": digest_of_samples(validation) if validation is not None else "none",
    }
    return json.dumps(chosen | parts, sort_keys=True, default=str)


def _difference(found: str, expected: str) -> str:
    try:
        theirs = json.loads(found)
    except ValueError:
        return "it does not say which"
    ours = json.loads(expected)
    changed = [key for key in sorted(ours) if theirs.get(key) != ours[key]]
    return ", ".join(f"{key} {_short(theirs.get(key))} there, {_short(ours[key])} now" for key in changed)


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 80 else f"{shown[:77]}..."


def _copy(source: Mapping[str, Tensor], target: Mapping[str, Tensor]) -> None:
    with torch.no_grad():
        for name, value in target.items():
            value.copy_(source[name])
