"""GloVe: vectors whose products are logarithms of co-occurrence counts (Pennington, Socher and Manning, 2014)."""

import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

import numba
import numpy as np

from grounding.errors import InputError
from grounding.text.corpus import Corpus
from grounding.text.static.cooccurrence import count_cooccurrences
from grounding.text.static.embedding import StaticEmbedding
from grounding.text.static.training import State, identity_of, thread_count

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_CHUNK_CELLS = 1 << 18


@dataclass(frozen=True)
class GloVeSettings:
    """How GloVe vectors are trained.

    Attributes:
        dim: length of a vector.
        window: how many words to either side are context; a word at distance d counts 1 / d.
        epochs: passes over the cells of the co-occurrence matrix; far fewer leave the vectors untrained.
        min_count: rarer words get no vector.
        maximum: x_max, the count from which on cells weigh the same; made for billions of words. The authors' demo
            takes 10 for one of 17 million.
        power: α, the weight of a cell with a smaller count x is (x / maximum) ** power.
        rate: η, learning rate of AdaGrad.
        threads: trained at the same time; None for as many as there are processors.

    Raises:
        InputError: a setting that cannot be used.
    """

    dim: int = 100
    window: int = 10
    epochs: int = 25
    min_count: int = 5
    maximum: float = 100.0
    power: float = 0.75
    rate: float = 0.05
    threads: int | None = None

    def __post_init__(self) -> None:
        for name in ("dim", "window", "epochs", "min_count"):
            if getattr(self, name) < 1:
                raise InputError(f"{name}: {getattr(self, name)} found, expected 1 or more")
        for name in ("maximum", "power", "rate"):
            if not 0 < getattr(self, name) < math.inf:
                raise InputError(f"{name}: {getattr(self, name)} found, expected a number above 0")
        if self.threads is not None and self.threads < 1:
            raise InputError(f"threads: {self.threads} found, expected 1 or more, or None for all processors")


class GloVe(StaticEmbedding):
    """Vectors from a weighted least-squares fit of log co-occurrence counts.

    Word vectors w, context vectors v and biases a, b minimise the sum over all cells X_ij > 0 of
    ½ f(X_ij) (w_i · v_j + a_i + b_j − log X_ij)², f(x) = min(1, (x / x_max)^α). A word's vector is w + v.

    The descent is the authors' own: AdaGrad, one cell at a time, the sums of squared steps starting at 1. Cells come in
    random order, but those of neighbouring steps are sorted by their rarer word, whose numbers then stay in the
    processor's cache: twice as fast, to the same loss.

    Attributes:
        arrays: "contexts", the context vectors v, float32 (V, width), so that w is `matrix` − v; and "biases", a and b,
            float32 (V, 2).

    Example:
        >>> embedding = GloVe.train(corpus, GloVeSettings(dim=50), seed=0, run="runs/glove")
        >>> embedding.similar("king", k=2)
        [('prince', 0.71), ('queen', 0.69)]
    """

    Settings: ClassVar[type | None] = GloVeSettings

    @classmethod
    def train(
        cls,
        corpus: Corpus,
        settings: GloVeSettings = GloVeSettings(),
        seed: int = 0,
        run: str | Path | None = None,
        progress: bool = False,
    ) -> Self:
        """Count co-occurrences and fit vectors to them.

        With one thread the result depends on the arguments alone; more write to the same numbers without locks
        (Hogwild, Recht et al. 2011), and no two runs are quite equal.

        Args:
            corpus: what to train on.
            settings: see :class:`GloVeSettings`.
            seed: of the first vectors and the order of the cells.
            run: folder that gets `state.safetensors` and a line of `metrics.jsonl` after each epoch, and the embedding
                in the end; called again with the same arguments, training goes on from there. None keeps nothing.
            progress: show a bar with cells a second.

        Raises:
            InputError: no word is frequent enough, no two words are near each other, or the fit diverged.
            DataError: `run` has the state of another training, or a damaged one.
            StorageError: `run` cannot be written; the last state is kept.
        """
        words = corpus.vocabulary.cut(settings.min_count)
        generator = np.random.default_rng(seed)
        parameters = Parameters.random(len(words), settings.dim, generator)
        state = None
        if run is not None:
            state = State(Path(run), parameters.arrays(), identity_of(corpus, settings, seed))
        done = 0 if state is None else state.resume()
        if done < settings.epochs:
            threads = thread_count(settings.threads)
            counts = count_cooccurrences(corpus, len(words), settings.window, "harmonic", threads)
            fit(parameters, Cells.of(counts, settings, generator), settings, done, state, progress)
        vectors, contexts = parameters.vectors[:, 0], parameters.vectors[:, 1]
        biases = np.ascontiguousarray(parameters.biases[:, :2])
        embedding = cls(words, vectors + contexts, settings, {"contexts": contexts.copy(), "biases": biases})
        if run is not None:
            embedding.save(run)
        return embedding


@dataclass(frozen=True)
class Parameters:
    """All numbers that training changes; those of a word lie together, because each step needs them together.

    Attributes:
        vectors: float32 (V, 4, dim): word vector, context vector, and their sums of squared steps.
        biases: float32 (V, 4): bias as a word, bias as a context, and their sums of squared steps.
    """

    vectors: np.ndarray
    biases: np.ndarray

    @classmethod
    def random(cls, words: int, dim: int, generator: np.random.Generator) -> Self:
        """Vectors and biases uniform within ±½ / (dim + 1), sums of squares 1."""
        vectors = np.ones((words, 4, dim), dtype=np.float32)
        biases = np.ones((words, 4), dtype=np.float32)
        for array in (vectors, biases):
            array[:, :2] = (generator.random(array[:, :2].shape, dtype=np.float32) - np.float32(0.5)) / (dim + 1)
        return cls(vectors, biases)

    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays by name."""
        return {"vectors": self.vectors, "biases": self.biases}


@dataclass(frozen=True)
class Cells:
    """The cells of a co-occurrence matrix above 0, in the order in which they are visited.

    A cell (i, j), i ≠ j, stands for (j, i) too.

    Attributes:
        rows: int32 (N,), i.
        columns: int32 (N,), j.
        logs: float32 (N,), log X_ij.
        weights: float32 (N,), f(X_ij).
        chunk: cells that are visited one after another by one thread.
    """

    rows: np.ndarray
    columns: np.ndarray
    logs: np.ndarray
    weights: np.ndarray
    chunk: int

    @classmethod
    def of(cls, counts: "csr_array", settings: GloVeSettings, generator: np.random.Generator) -> Self:
        """From the upper triangle of the counts.

        Raises:
            InputError: there is no cell.
        """
        if counts.nnz == 0:
            raise InputError("corpus: no two words of one document are near each other; bring longer documents")
        order = generator.permutation(counts.nnz)
        chunk = min(_CHUNK_CELLS, math.ceil(counts.nnz / 64))
        # Each chunk is a random sample of all cells, whatever the order within it; sorted, it keeps the cache warm.
        for start in range(0, len(order), chunk):
            part = order[start : start + chunk]
            part[:] = part[np.argsort(counts.indices[part], kind="stable")]
        values = counts.data[order]
        rows = np.repeat(np.arange(counts.shape[0], dtype=np.int32), np.diff(counts.indptr))
        weights = np.minimum((values / np.float32(settings.maximum)) ** np.float32(settings.power), 1)
        return cls(rows[order], counts.indices[order].astype(np.int32), np.log(values), weights, chunk)

    def chunks(self) -> list[tuple[np.ndarray, ...]]:
        """The arguments of `descend` for one chunk after another."""
        arrays = (self.rows, self.columns, self.logs, self.weights)
        return [tuple(a[start : start + self.chunk] for a in arrays) for start in range(0, len(self.rows), self.chunk)]


def fit(
    parameters: Parameters,
    cells: Cells,
    settings: GloVeSettings,
    done: int = 0,
    state: State | None = None,
    progress: bool = False,
) -> float:
    """Change `parameters` by the epochs that are not yet `done`; gives the mean loss of a cell in the last of them.

    Raises:
        InputError: the rate is so high that the fit diverges.
    """
    chunks, rate = cells.chunks(), np.float32(settings.rate)
    total = 2 * len(cells.rows) - int((cells.rows == cells.columns).sum())
    mean = math.nan
    with (
        _bar(total, settings.epochs, done, progress) as bar,
        ThreadPoolExecutor(thread_count(settings.threads)) as pool,
    ):
        for epoch in range(done, settings.epochs):
            began, loss = time.monotonic(), 0.0
            for part in pool.map(lambda chunk: descend(parameters.vectors, parameters.biases, *chunk, rate), chunks):
                loss += part
                bar(total / len(chunks))
            mean = loss / total
            if not math.isfinite(mean):
                raise InputError(f"rate: {settings.rate} found, with which the fit diverges; expected a lower one")
            if state is not None:
                speed = round(total / (time.monotonic() - began))
                state.save(epoch + 1, {"epoch": epoch + 1, "cells per second": speed, "loss": mean})
    return mean


@numba.njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def descend(vectors, biases, rows, columns, logs, weights, rate):
    """One step of AdaGrad for each cell, in both of its directions, in place; gives the loss summed before the steps.

    Args:
        vectors: float32 (V, 4, dim), as in :class:`Parameters`.
        biases: float32 (V, 4), as in :class:`Parameters`.
        rows: int32 (n,).
        columns: int32 (n,).
        logs: float32 (n,), logarithms of the counts.
        weights: float32 (n,).
        rate: float32, η. A number with gradient g and sum of squares s becomes less by η g / √s, then s more by (η g)².
    """
    loss = 0.0
    for n in range(len(rows)):
        i, j = rows[n], columns[n]
        for _ in range(1 if i == j else 2):
            error = biases[i, 0] + biases[j, 1] - logs[n]
            for d in range(vectors.shape[2]):
                error += vectors[i, 0, d] * vectors[j, 1, d]
            step = weights[n] * error
            loss += np.float32(0.5) * step * error
            step *= rate
            for d in range(vectors.shape[2]):
                word, context = vectors[i, 0, d], vectors[j, 1, d]
                vectors[i, 0, d] = word - step * context / math.sqrt(vectors[i, 2, d])
                vectors[j, 1, d] = context - step * word / math.sqrt(vectors[j, 3, d])
                vectors[i, 2, d] += (step * context) ** 2
                vectors[j, 3, d] += (step * word) ** 2
            biases[i, 0] -= step / math.sqrt(biases[i, 2])
            biases[j, 1] -= step / math.sqrt(biases[j, 3])
            biases[i, 2] += step * step
            biases[j, 3] += step * step
            i, j = j, i
    return loss


@contextmanager
def _bar(total: int, epochs: int, done: int, progress: bool) -> Iterator[Callable[[float], None]]:
    """A progress bar over the cells of all epochs; gives a function that advances it."""
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (BarColumn(), TaskProgressColumn(), TimeRemainingColumn(), TextColumn("{task.fields[speed]}"))
    with Progress(TextColumn("training"), *columns, refresh_per_second=2, disable=not progress) as bar:
        task = bar.add_task("training", total=total * epochs, completed=total * done, speed="")
        began, cells = time.monotonic(), 0.0

        def advance(more: float) -> None:
            nonlocal cells
            cells += more
            bar.update(task, advance=more, speed=f"{cells / max(time.monotonic() - began, 1e-9):,.0f} cells/s")

        yield advance
