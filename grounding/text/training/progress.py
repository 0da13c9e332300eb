"""What the training of a sentence encoder tells: one line of `metrics.jsonl` a log step, and a bar."""

import json
import math
import time
from dataclasses import dataclass, field
from pathlib import Path

from torch import Tensor

from grounding.files import unwritable, write_atomically


@dataclass
class State:
    """What goes on from step to step besides weights and optimizer.

    Attributes:
        step: steps done.
        total: sum of the losses since the last line.
        counted: how many.
        last: mean loss of the last line.
        best_score: of the evaluations so far.
        best_step: its step.
        best: the weights of that step, by name.
    """

    step: int = 0
    total: float = 0.0
    counted: int = 0
    last: float = math.nan
    best_score: float = -math.inf
    best_step: int = 0
    best: dict[str, Tensor] = field(default_factory=dict)


class Progress:
    """Shows a bar with the sentences a second and writes lines, from `step` on; later lines are of before a kill.

    Use as a context manager.

    Raises:
        StorageError: the numbers cannot be written.
    """

    def __init__(self, run: Path, step: int, steps: int) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self.file = run / "metrics.jsonl"
        _drop_after(self.file, step)
        columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.fields[told]}"))
        self._bar = Progress(TextColumn("training"), *columns, refresh_per_second=2)
        self._task = self._bar.add_task("training", total=steps, completed=step, told="")
        self._sentences, self._began = 0, time.monotonic()

    def __enter__(self) -> "Progress":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def advance(self, sentences: int) -> None:
        """One step is done."""
        self._sentences += sentences
        self._bar.advance(self._task)

    def write(self, state: State, numbers: dict[str, float]) -> None:
        """Write what happened since the last line."""
        now = time.monotonic()
        speed = self._sentences / max(now - self._began, 1e-9)
        self._sentences, self._began = 0, now
        if state.counted:
            state.last, state.total, state.counted = state.total / state.counted, 0.0, 0
        line = {"step": state.step, "loss": state.last, "sentences per second": speed, **numbers}
        self._bar.update(self._task, told=f"loss {state.last:.4f}, {speed:.0f} sentences/s")
        try:
            with self.file.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(line) + "\n")
        except OSError as error:
            raise unwritable(self.file, error) from error


def _drop_after(file: Path, step: int) -> None:
    """Leave out lines of steps after the last checkpoint, and half a line that a kill left."""
    lines = file.read_bytes().splitlines(keepends=True) if file.is_file() else []
    kept = [line for line in lines if line.endswith(b"\n") and json.loads(line)["step"] <= step]
    write_atomically(file, b"".join(kept))
