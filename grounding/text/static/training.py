"""Passes over a corpus that survive being killed: what word2vec and fastText training have in common.

A model brings its arrays and a function that trains them on a stretch of the corpus; everything else is here: cutting
the corpus into chunks, giving them to threads, the falling learning rate, checkpoints, progress and numbers.

    def update(tokens, starts, rate, seed):                  # a numba kernel with nogil=True
        return kernel(tokens, starts, rate, seed, vectors, output)

    train_passes(corpus, {"matrix": vectors, "output": output}, update, settings, seed=0, run=Path("runs/words"))
"""

import dataclasses
import hashlib
import json
import logging
import math
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from grounding.errors import DataError, InputError
from grounding.files import atomic, unwritable, write_atomically
from grounding.text.corpus import Corpus

log = logging.getLogger(__name__)

CHUNK_WORDS = 1 << 16
CHECKPOINT_WORDS = 1 << 26

Update = Callable[[np.ndarray, np.ndarray, float, np.uint64], float]


class PassSettings(Protocol):
    """What `train_passes` reads of a model's settings, a frozen dataclass."""

    @property
    def epochs(self) -> int:
        """Passes over the corpus."""

    @property
    def rate(self) -> float:
        """Learning rate at the first word."""

    @property
    def final_rate(self) -> float:
        """Learning rate at the last word; linear in between."""

    @property
    def threads(self) -> int | None:
        """Chunks trained at the same time; None for as many as there are processors."""


def check_pass_settings(settings: PassSettings) -> None:
    """Refuse settings that no training can use.

    Raises:
        InputError: the name of the setting, what was found and what is expected.
    """
    if settings.epochs < 1:
        raise InputError(f"epochs: {settings.epochs} found, expected 1 or more")
    if not 0 < settings.rate < math.inf:
        raise InputError(f"rate: {settings.rate} found, expected a number above 0, such as 0.025")
    if not 0 <= settings.final_rate <= settings.rate:
        raise InputError(f"final_rate: {settings.final_rate} found, expected 0 to the rate of {settings.rate}")
    if settings.threads is not None and settings.threads < 1:
        raise InputError(f"threads: {settings.threads} found, expected 1 or more, or None for all processors")


def train_passes(
    corpus: Corpus,
    arrays: dict[str, np.ndarray],
    update: Update,
    settings: PassSettings,
    *,
    seed: int,
    run: str | Path | None = None,
    progress: bool = False,
) -> None:
    """Train `arrays` in place by `settings.epochs` passes of `update` over the corpus.

    Threads work on different chunks and write to the same arrays without locks; that two of them change the same
    number at once is rare and does little harm (Hogwild, Recht et al. 2011), but makes no two runs equal. With one
    thread the result depends on the arguments alone.

    With a folder `run`, the arrays are written to `state.safetensors` after every pass (and every 67 million words),
    and a line to `metrics.jsonl`. Called again with the same arguments it goes on from there, and with one thread
    reaches, bit for bit, what an uninterrupted run does; of a finished run it only reads the arrays.

    Args:
        corpus: what to train on; a chunk ends where a document ends, except within documents longer than a chunk.
        arrays: everything that `update` changes, by name; of any shape, float32 or int.
        update: called as `update(tokens, starts, rate, seed)` with the word ids int32 (n,) of some documents, where
            each of them begins in it, int64 (d + 1,), the learning rate and a seed of its own, uint64. It changes the
            arrays and gives the mean loss of what it saw, or nan. It must release the interpreter's lock to gain from
            threads, and skip ids that are not in its vocabulary.
        settings: see :class:`PassSettings`; all its fields but `threads` tell runs apart.
        seed: of all that is random.
        run: folder for checkpoints; None to keep none.
        progress: show a bar with words a second.

    Raises:
        DataError: the folder has the state of another run, or a damaged one.
        InputError: settings that cannot be used.
        StorageError: the folder cannot be written; the last state is kept.
    """
    check_pass_settings(settings)
    cuts = chunks_of(corpus.starts, min(max(len(corpus.tokens) // 64, 256), CHUNK_WORDS))
    state = None if run is None else State(Path(run), arrays, identity_of(corpus, settings, seed))
    total = settings.epochs * len(corpus.tokens)
    chunks = len(cuts) - 1

    def work(number: int) -> float:
        epoch, chunk = divmod(number, chunks)
        first, last = int(cuts[chunk]), int(cuts[chunk + 1])
        done = (epoch * len(corpus.tokens) + first) / total
        inner = corpus.starts[np.searchsorted(corpus.starts, first, "right") : np.searchsorted(corpus.starts, last)]
        # A copy, so that kernels see one kind of array, whether the corpus is in memory or a read-only map.
        tokens = np.array(corpus.tokens[first:last], dtype=np.int32)
        starts = np.concatenate(([first], inner, [last])) - first
        rate = settings.rate + (settings.final_rate - settings.rate) * done
        return update(tokens, starts, rate, np.random.SeedSequence([seed, number]).generate_state(1, np.uint64)[0])

    begin = 0 if state is None else state.resume()
    words = np.diff(cuts)
    with _Meter(total, begin, words, progress) as meter, ThreadPoolExecutor(thread_count(settings.threads)) as pool:
        for first, last in _rounds(words, settings.epochs, begin):
            for number, loss in zip(range(first, last), pool.map(work, range(first, last)), strict=True):
                meter.add(int(words[number % chunks]), loss)
            if state is not None:
                state.save(last, {"epoch": last / chunks, **meter.numbers()})


def thread_count(threads: int | None) -> int:
    """How many threads to use: the given number, or that of the processors this process may use."""
    if threads is not None:
        return threads
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def chunks_of(starts: np.ndarray, size: int) -> np.ndarray:
    """Where to cut a corpus into chunks of at most `size` words, int64 (C + 1,).

    Documents are kept whole where they fit into a chunk.

    Args:
        starts: int64 (D + 1,), where documents begin; the last entry is the end.
        size: words.
    """
    cuts, end = [0], int(starts[-1])
    while cuts[-1] < end:
        limit = cuts[-1] + size
        whole = int(starts[np.searchsorted(starts, limit, "right") - 1])
        cuts.append(whole if whole > cuts[-1] else min(limit, end))
    return np.array(cuts, dtype=np.int64)


def _rounds(words: np.ndarray, epochs: int, begin: int) -> Iterator[tuple[int, int]]:
    """Ranges of chunk numbers after each of which the state is written; numbers count on over the epochs."""
    chunks = len(words)
    parts = max(1, math.ceil(words.sum() / CHECKPOINT_WORDS))
    ends = [epoch * chunks + chunks * (part + 1) // parts for epoch in range(epochs) for part in range(parts)]
    for end in ends:
        if end > begin:
            yield begin, end
            begin = end


def identity_of(corpus: Corpus, settings: Any, seed: int) -> str:
    """Digest of all that decides the result of a training: corpus, seed, and settings but `threads`."""
    chosen = {name: value for name, value in dataclasses.asdict(settings).items() if name != "threads"}
    digest = hashlib.sha256(json.dumps([type(settings).__name__, chosen, seed], sort_keys=True).encode())
    digest.update("\n".join(corpus.vocabulary.words).encode())
    digest.update(np.ascontiguousarray(corpus.starts).data)
    digest.update(np.ascontiguousarray(corpus.tokens).data)
    return digest.hexdigest()


class State:
    """The checkpoint of a training in a run folder: `state.safetensors`, and the lines of `metrics.jsonl` up to it."""

    def __init__(self, run: Path, arrays: dict[str, np.ndarray], identity: str) -> None:
        self.file = run / "state.safetensors"
        self.metrics = run / "metrics.jsonl"
        self.arrays = arrays
        self.identity = identity

    def save(self, done: int, numbers: dict[str, float]) -> None:
        """Write the arrays as they are after `done` chunks, and a line of numbers.

        Raises:
            StorageError: the folder cannot be written.
        """
        from safetensors.numpy import save_file

        with atomic(self.file) as temporary:
            save_file(self.arrays, temporary, {"done": str(done), "identity": self.identity})
        try:
            with self.metrics.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps({"chunks": done, **numbers}) + "\n")
        except OSError as error:
            raise unwritable(self.metrics, error) from error

    def resume(self) -> int:
        """How many chunks were done, with the arrays as they were then; 0 when there is no checkpoint.

        Raises:
            DataError: a damaged checkpoint, or one of another run.
        """
        from safetensors import SafetensorError, safe_open

        if not self.file.exists():
            self._drop_lines_after(0)
            return 0
        try:
            with safe_open(self.file, framework="numpy") as stored:
                about = stored.metadata() or {}
                if about.get("identity") != self.identity:
                    raise DataError(
                        f"{self.file}: the state of a training with another corpus, settings or seed found; "
                        "choose another run folder, or delete this one"
                    )
                for name, array in self.arrays.items():
                    array[...] = stored.get_tensor(name)
        except (OSError, SafetensorError) as error:
            raise DataError(f"{self.file}: not readable ({error}); delete it to start the training anew") from error
        done = int(about["done"])
        self._drop_lines_after(done)
        log.info("%s: going on after %d chunks", self.file, done)
        return done

    def _drop_lines_after(self, done: int) -> None:
        """Of a folder that was written to until a kill, keep the numbers that belong to the state."""
        if not self.metrics.is_file():
            return
        kept = []
        for line in self.metrics.read_bytes().splitlines(keepends=True):
            try:
                if line.endswith(b"\n") and json.loads(line)["chunks"] <= done:
                    kept.append(line)
            except (ValueError, KeyError, TypeError):
                continue
        write_atomically(self.metrics, b"".join(kept))


class _Meter:
    """Progress bar, speed and mean loss; a context manager."""

    def __init__(self, total: int, begin: int, words: np.ndarray, progress: bool) -> None:
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        epochs, chunk = divmod(begin, len(words))
        done = epochs * int(words.sum()) + int(words[:chunk].sum())
        self._bar = Progress(
            TextColumn("training"),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[speed]}"),
            refresh_per_second=2,
            disable=not progress,
        )
        self._task = self._bar.add_task("training", total=total, completed=done, speed="")
        self._began = time.monotonic()
        self._words, self._loss, self._seen = 0, 0.0, 0

    def __enter__(self) -> "_Meter":
        self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.stop()

    def add(self, words: int, loss: float) -> None:
        """A chunk of so many words is done."""
        self._words += words
        if not math.isnan(loss):
            self._loss += loss * words
            self._seen += words
        speed = self._words / max(time.monotonic() - self._began, 1e-9)
        self._bar.update(self._task, advance=words, speed=f"{speed:,.0f} words/s")

    def numbers(self) -> dict[str, float]:
        """Words a second of this call, and the mean loss since the last time this was asked."""
        speed = self._words / max(time.monotonic() - self._began, 1e-9)
        numbers: dict[str, float] = {"words per second": round(speed)}
        if self._seen:
            numbers["loss"] = self._loss / self._seen
        self._loss, self._seen = 0.0, 0
        return numbers
