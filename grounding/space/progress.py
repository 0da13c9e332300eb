"""What a training run tells: one line of `metrics.jsonl` a log step, TensorBoard, a progress bar."""

import json
import logging
from pathlib import Path
from types import TracebackType
from typing import Any

from grounding.files import unwritable, write_atomically

log = logging.getLogger(__name__)


class Progress:
    """Writes the numbers of a run that goes on at `step`; lines of later steps, from before a kill, are dropped.

    Use as a context manager. TensorBoard files are written where the package is installed.

    Raises:
        StorageError: the numbers cannot be written.
    """

    def __init__(self, run: Path, step: int, steps: int) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        self.file = run / "metrics.jsonl"
        _drop_after(self.file, step)
        self._bar = Bar(
            TextColumn("training"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[loss]}"),
        )
        self._task = self._bar.add_task("training", total=steps, completed=step, loss="")
        self._board = _board(run / "tensorboard", step)

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
