"""What a training run tells: one line of `metrics.jsonl` a log step, TensorBoard, a progress bar."""

import json
import logging
import math
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import torch
from torch import Tensor

from grounding.files import unwritable, write_atomically
from grounding.space.distributed import rank
from grounding.space.model import SharedSpace, pair_name

log = logging.getLogger(__name__)


class Meter:
    """Means over the steps since the last line.

    Attributes:
        last: the loss of the last line.
        sums: of the loss and of each pair's loss, and how many went into them, by name.
    """

    def __init__(self) -> None:
        self.last = math.nan
        self._reset()

    def _reset(self) -> None:
        self.sums: dict[str, tuple[Tensor, int]] = {}
        self._samples = 0
        self._began = time.monotonic()

    def add(self, total: Tensor, terms: dict[str, Tensor], samples: int) -> None:
        """Take in the loss of a batch and of its pairs."""
        self._samples += samples
        for name, value in {"loss": total, **{f"loss/{pair}": term for pair, term in terms.items()}}.items():
            before, count = self.sums.get(name, (torch.zeros((), dtype=torch.float64, device=value.device), 0))
            self.sums[name] = before + value, count + 1

    def numbers(self, space: SharedSpace, optimizer: torch.optim.Optimizer) -> dict[str, float]:
        """What a line tells; the next one starts anew."""
        numbers = {"loss": self.last}
        numbers |= {name: float(value) / count for name, (value, count) in self.sums.items()}
        numbers |= {f"scale/{pair_name(pair)}": value for pair, value in space.scales.items()}
        numbers["learning rate"] = optimizer.param_groups[0]["lr"]
        numbers["samples per second"] = self._samples / max(time.monotonic() - self._began, 1e-9)
        self.last = numbers["loss"]
        self._reset()
        return numbers


class Progress:
    """Writes the numbers of a run that goes on at `step`; lines of later steps, from before a kill, are dropped.

    Use as a context manager. TensorBoard files are written where the package is installed. Of several processes only
    the first writes and shows anything.

    Raises:
        StorageError: the numbers cannot be written.
    """

    def __init__(self, run: Path, step: int, steps: int) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        self.file = run / "metrics.jsonl"
        self._first = rank() == 0
        if self._first:
            _drop_after(self.file, step)
        self._bar = Bar(
            TextColumn("training"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[loss]}"),
            refresh_per_second=2,
            disable=not self._first,
        )
        self._task = self._bar.add_task("training", total=steps, completed=step, loss="")
        self._board = _board(run / "tensorboard", step) if self._first else None

    def __enter__(self) -> "Progress":
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()
        if self._board is not None:
            self._board.close()

    def advance(self) -> None:
        """One step is done."""
        self._bar.advance(self._task)

    def write(self, step: int, numbers: dict[str, float]) -> None:
        """Write the numbers of a log step."""
        if not self._first:
            return
        self._bar.update(self._task, loss=f"loss {numbers['loss']:.3f}")
        try:
            with self.file.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps({"step": step} | numbers) + "\n")
            if self._board is not None:
                for name, value in numbers.items():
                    self._board.add_scalar(name, value, step)
        except OSError as error:
            raise unwritable(self.file, error) from error


def _drop_after(file: Path, step: int) -> None:
    if not file.is_file():
        return
    kept = []
    for line in file.read_bytes().splitlines(keepends=True):
        try:
            if line.endswith(b"\n") and json.loads(line)["step"] <= step:
                kept.append(line)
        except (ValueError, KeyError, TypeError):
            continue
    write_atomically(file, b"".join(kept))


def _board(folder: Path, step: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        log.info("tensorboard is not installed; numbers are in metrics.jsonl only")
        return None
    try:
        return SummaryWriter(str(folder), purge_step=step + 1)
    except OSError as error:
        raise unwritable(folder, error) from error
