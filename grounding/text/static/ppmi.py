"""Vectors by counting: positive pointwise mutual information, compressed by a singular value decomposition."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from grounding.errors import InputError
from grounding.text.corpus import Corpus
from grounding.text.static.cooccurrence import Weighting, count_cooccurrences, symmetric
from grounding.text.static.embedding import StaticEmbedding
from grounding.text.static.training import thread_count

if TYPE_CHECKING:
    from scipy.sparse import csr_array


@dataclass(frozen=True)
class PPMISettings:
    """How PPMI vectors are made; the names in brackets are those of Levy, Goldberg and Dagan (2015).

    Attributes:
        dim: length of a vector.
        window: how many words to either side are context (win).
        weighting: the weight of a context by its distance, as in `count_cooccurrences`; "linear" is the mean of
            word2vec's windows of random size (dyn).
        min_count: rarer words get no vector.
        smoothing: exponent of the context counts, below 1 so that rare contexts score less (cds).
        shift: log k is taken from each PMI; 1 for none, more for sparser and often worse vectors (neg).
        power: exponent of the singular values: 1 keeps the products of the rows of the matrix, 0.5 or 0 are better at
            similarity (eig).
        threads: used for counting; None for as many as there are processors.

    Raises:
        InputError: a setting that cannot be used.
    """

    dim: int = 100
    window: int = 5
    weighting: Weighting = "linear"
    min_count: int = 5
    smoothing: float = 0.75
    shift: float = 1.0
    power: float = 0.5
    threads: int | None = None

    def __post_init__(self) -> None:
        for name in ("dim", "window", "min_count"):
            if getattr(self, name) < 1:
                raise InputError(f"{name}: {getattr(self, name)} found, expected 1 or more")
        if not 0 < self.smoothing <= 1:
            raise InputError(f"smoothing: {self.smoothing} found, expected above 0, at most 1")
        if not 0 < self.shift < math.inf:
            raise InputError(f"shift: {self.shift} found, expected a number above 0; 1 shifts nothing")
        if not 0 <= self.power <= 1:
            raise InputError(f"power: {self.power} found, expected 0 to 1")
        if self.threads is not None and self.threads < 1:
            raise InputError(f"threads: {self.threads} found, expected 1 or more, or None for all processors")


class PPMI(StaticEmbedding):
    """Left singular vectors of the PPMI matrix M = U Σ Vᵀ, weighted: U Σ^power (Levy, Goldberg and Dagan, 2015).

    What word2vec's negative sampling factorises implicitly, here counted and decomposed: no epochs and no rate, and
    on small corpora as good. Words whose row of the matrix is all zero, which is rare, get a zero vector.

    Example:
        >>> embedding = PPMI.train(corpus, PPMISettings(dim=100), seed=0)
        >>> embedding.similar("king", k=2)
        [('prince', 0.82), ('queen', 0.79)]
    """

    Settings: ClassVar[type | None] = PPMISettings

    @classmethod
    def train(
        cls,
        corpus: Corpus,
        settings: PPMISettings = PPMISettings(),
        seed: int = 0,
        run: str | Path | None = None,
        progress: bool = False,
    ) -> Self:
        """Count co-occurrences and decompose their PPMI matrix.

        Args:
            corpus: what to train on.
            settings: see :class:`PPMISettings`.
            seed: of the vector that the decomposition starts from, which decides only the last digits.
            run: folder that gets the embedding, as `save` writes it; a decomposition cannot be resumed.
            progress: there is none to show, as nobody knows how long a decomposition takes.

        Raises:
            InputError: no word is frequent enough, there are fewer of them than numbers in a vector, or no two of them
                occur together more than by chance.
        """
        words = corpus.vocabulary.cut(settings.min_count)
        if settings.dim >= len(words):
            raise InputError(
                f"dim: {settings.dim} found, expected less than {len(words)}, the words that occur "
                f"{settings.min_count} times"
            )
        threads = thread_count(settings.threads)
        counts = count_cooccurrences(corpus, len(words), settings.window, settings.weighting, threads)
        matrix = positive_pmi(symmetric(counts), settings.smoothing, settings.shift)
        if matrix.nnz == 0:
            raise InputError("corpus: no two words occur together more than by chance; bring more text, or shift less")
        vectors, values = largest_singular(matrix, settings.dim, seed)
        embedding = cls(words, vectors * values**settings.power, settings)
        if run is not None:
            embedding.save(run)
        return embedding


def positive_pmi(counts: "csr_array", smoothing: float = 0.75, shift: float = 1.0) -> "csr_array":
    """The positive part of pointwise mutual information, float32 (V, C) in sparse rows.

    max(0, log P(w, c) / (P(w) P(c)) − log shift), with P(c) ∝ count(c)**smoothing (Levy, Goldberg and Dagan, 2015).

    Args:
        counts: float32 (V, C) in sparse rows: how often each word has each context.
        smoothing: exponent of the context counts; 1 for PMI itself.
        shift: 1 for none.
    """
    from scipy.sparse import csr_array

    words = counts.sum(axis=1, dtype=np.float64)
    contexts = counts.sum(axis=0, dtype=np.float64) ** smoothing
    with np.errstate(divide="ignore", invalid="ignore"):
        of_words = np.log(words)
        of_contexts = np.log(contexts / contexts.sum()) + math.log(shift)
    data = np.log(counts.data)
    data -= np.repeat(of_words, np.diff(counts.indptr)).astype(np.float32)
    data -= of_contexts.astype(np.float32)[counts.indices]
    matrix = csr_array((np.maximum(data, 0), counts.indices.copy(), counts.indptr.copy()), shape=counts.shape)
    matrix.eliminate_zeros()
    return matrix


def largest_singular(matrix: "csr_array", dim: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The left singular vectors (V, dim) of the largest singular values (dim,), falling, both float32.

    By Lanczos iteration to full precision: PPMI matrices have so many singular values of nearly the same size that a
    randomised decomposition needs more time for as good vectors. The entry of largest size in each is positive.

    Args:
        matrix: float32 (V, C) in sparse rows.
        dim: less than both V and C.
        seed: of the first vector of the iteration.
    """
    from scipy.sparse.linalg import svds

    start = np.random.default_rng(seed).standard_normal(min(matrix.shape)).astype(matrix.dtype)
    vectors, values, _ = svds(matrix, dim, v0=start)
    vectors, values = vectors[:, ::-1], values[::-1]
    largest = vectors[np.abs(vectors).argmax(axis=0), np.arange(dim)]
    return vectors * np.where(largest < 0, -1, 1).astype(matrix.dtype), values.copy()
