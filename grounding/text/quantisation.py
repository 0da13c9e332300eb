"""Sentence vectors in a quarter or a thirty-second of their size, and how to compare with them.

int8      each dimension is cut into 256 steps between the smallest and largest value of a calibration set
binary    each dimension is its sign; eight of them are packed into a byte

Queries stay float32: only what is stored is made small.

    corpus = quantise(encoder.encode(sentences), "int8")
    scores = similarity(encoder.encode(["open the drawer"]), corpus)
    places, scores = search(encoder.encode(["open the drawer"]), quantise(vectors, "binary"), k=10)
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from grounding.errors import InputError

Kind = Literal["int8", "binary"]
STEPS = 255
ROWS_AT_ONCE = 4096


@dataclass(frozen=True)
class Quantised:
    """Small vectors, and what is needed to read them.

    Attributes:
        codes: "int8": int8 (N, width); "binary": uint8 (N, width / 8, rounded up), 1 for values above 0, the first
            dimension in the highest bit.
        width: of the vectors that were quantised.
        ranges: "int8": the smallest and largest value of each dimension, float32 (2, width); None for "binary".
    """

    codes: np.ndarray
    width: int
    ranges: np.ndarray | None

    def __len__(self) -> int:
        """How many vectors there are."""
        return len(self.codes)

    def restored(self, rows: slice | np.ndarray = slice(None)) -> np.ndarray:
        """Vectors float32 (N, width) as far as they can be told: the middle of each step; -1 and 1 for "binary"."""
        codes = self.codes[rows]
        if self.ranges is None:
            signs = np.unpackbits(codes, axis=-1, count=self.width)
            return signs.astype(np.float32) * 2 - 1
        lowest, step = _steps(self.ranges)
        return (codes.astype(np.float32) + 128.5) * step + lowest


def quantise(vectors: np.ndarray, kind: Kind, ranges: np.ndarray | None = None) -> Quantised:
    """Make vectors small.

    Args:
        vectors: floating point (N, width).
        kind: "int8" or "binary".
        ranges: for "int8", the `ranges` of other vectors, so that both share their steps; values beyond them get the
            first or last step. None for the ranges of these vectors, of which there should then be many.

    Raises:
        InputError: an unknown kind, vectors that are not (N, width) finite floats, ranges that do not fit.

    Example:
        >>> quantise(np.array([[0.0, -1.0], [1.0, 1.0], [0.5, 0.0]]), "int8").codes
        array([[-128, -128], [ 127,  127], [  -1,   -1]], dtype=int8)
    """
    if kind not in get_args(Kind):
        raise InputError(f"kind: {kind!r} found, expected one of {', '.join(get_args(Kind))}")
    vectors = _checked(vectors, "vectors")
    width = vectors.shape[1]
    if kind == "binary":
        if ranges is not None:
            raise InputError("ranges: found with 'binary', expected them with 'int8' alone; leave them out")
        return Quantised(np.packbits(vectors > 0, axis=-1), width, None)
    ranges = _ranges(vectors) if ranges is None else _checked(ranges, "ranges")
    if ranges.shape != (2, width) or (ranges[0] > ranges[1]).any():
        raise InputError(
            f"ranges: shape {ranges.shape} found, expected (2, {width}): smallest and largest value of each dimension"
        )
    lowest, step = _steps(ranges)
    codes = np.clip(np.floor((vectors - lowest) / np.where(step == 0, np.float32(1), step)), 0, STEPS) - 128
    return Quantised(codes.astype(np.int8), width, ranges)


def similarity(queries: np.ndarray, corpus: Quantised) -> np.ndarray:
    """Dot products of queries with restored vectors, float32 (Q, N).

    For "binary" they are those with vectors of -1 and 1, divided by the root of the width, so that they are cosines if
    the queries have unit length.

    Args:
        queries: floating point (Q, width), not quantised.
        corpus: what is searched.

    Raises:
        InputError: queries of another width.
    """
    queries = _checked_queries(queries, corpus)
    scores = np.empty((len(queries), len(corpus)), dtype=np.float32)
    for start in range(0, len(corpus), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        if corpus.ranges is None:
            scores[:, rows] = queries @ corpus.restored(rows).T / np.float32(corpus.width**0.5)
        else:
            # The steps go into the queries, so that the codes need not be restored.
            lowest, step = _steps(corpus.ranges)
            centred = corpus.codes[rows].astype(np.float32)
            scores[:, rows] = (queries * step) @ centred.T + queries @ (lowest + 128.5 * step)[:, None]
    return scores


def hamming(queries: np.ndarray, corpus: Quantised) -> np.ndarray:
    """In how many dimensions the signs of queries and corpus differ, int64 (Q, N); "binary" alone.

    Raises:
        InputError: queries of another width, or a corpus of another kind.
    """
    if corpus.ranges is not None:
        raise InputError("corpus: 'int8' found, expected 'binary'; use similarity")
    codes = quantise(_checked_queries(queries, corpus), "binary").codes
    # One query at a time: all differences at once would take more memory than the vectors.
    return np.stack([np.bitwise_count(corpus.codes ^ code).sum(axis=1, dtype=np.int64) for code in codes])


def search(
    queries: np.ndarray, corpus: Quantised, k: int = 10, *, candidates: int = 4
) -> tuple[np.ndarray, np.ndarray]:
    """The k best of a corpus for each query: their rows, int64 (Q, k), and similarities, float32 (Q, k), best first.

    In a "binary" corpus `candidates * k` vectors are found by the signs alone, and these are compared again with the
    query as it is (Yamada et al., 2021), which costs little and finds most of what was lost.

    Args:
        queries: floating point (Q, width).
        corpus: what is searched.
        k: how many; all, if there are fewer.
        candidates: how many times k are compared again.

    Raises:
        InputError: queries of another width; k or candidates below 1.
    """
    if k < 1 or candidates < 1:
        raise InputError(f"k, candidates: {k}, {candidates} found, expected 1 or more")
    queries = _checked_queries(queries, corpus)
    k = min(k, len(corpus))
    if corpus.ranges is None:
        found = _smallest(hamming(queries, corpus), min(k * candidates, len(corpus)))
        scores = np.stack(
            [corpus.restored(rows) @ query for rows, query in zip(found, queries, strict=True)]
        ) / np.float32(corpus.width**0.5)
    else:
        scores = similarity(queries, corpus)
        found = _smallest(-scores, k)
        scores = np.take_along_axis(scores, found, axis=1)
    best = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(found, best, axis=1), np.take_along_axis(scores, best, axis=1)


def truncate(vectors: np.ndarray, dimensions: int) -> np.ndarray:
    """The leading dimensions at unit length, float32 (N, dimensions); zero stays zero.

    For encoders trained so that the first dimensions say most (Matryoshka representations, Kusupati et al., 2022).

    Raises:
        InputError: more dimensions than there are, or fewer than 1.
    """
    vectors = _checked(vectors, "vectors")
    if not 1 <= dimensions <= vectors.shape[1]:
        raise InputError(f"dimensions: {dimensions} found, expected 1 to {vectors.shape[1]}")
    leading = vectors[:, :dimensions]
    length = np.linalg.norm(leading, axis=1, keepdims=True)
    return leading / np.where(length == 0, 1, length)


def _steps(ranges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the steps of each dimension begin, and how high they are: 0 where all values are the same."""
    return ranges[0], (ranges[1] - ranges[0]) / np.float32(STEPS)


def _ranges(vectors: np.ndarray) -> np.ndarray:
    if len(vectors) < 2:
        raise InputError(f"vectors: {len(vectors)} found to take ranges from, expected many; give ranges instead")
    return np.stack([vectors.min(axis=0), vectors.max(axis=0)])


def _smallest(values: np.ndarray, k: int) -> np.ndarray:
    """The columns of the k smallest values of each row, sorted by column so that ties fall alike everywhere."""
    if k == values.shape[1]:
        return np.broadcast_to(np.arange(k), values.shape).copy()
    return np.sort(np.argpartition(values, k - 1, axis=1)[:, :k], axis=1)


def _checked_queries(queries: np.ndarray, corpus: Quantised) -> np.ndarray:
    queries = _checked(queries, "queries")
    if queries.shape[1] != corpus.width:
        raise InputError(f"queries: width {queries.shape[1]} found, expected {corpus.width} as the corpus")
    return queries


def _checked(vectors: np.ndarray, name: str) -> np.ndarray:
    """float32, (N, width)."""
    vectors = np.asarray(vectors)
    if vectors.ndim != 2 or not len(vectors) or not np.issubdtype(vectors.dtype, np.floating):
        raise InputError(f"{name}: {vectors.dtype} of shape {vectors.shape} found, expected floats (N, width), N > 0")
    if not np.isfinite(vectors).all():
        raise InputError(
            f"{name}: values that are not finite found in row {int(np.argwhere(~np.isfinite(vectors))[0, 0])}"
        )
    return vectors.astype(np.float32, copy=False)
