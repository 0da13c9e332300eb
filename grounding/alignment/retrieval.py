"""The best matching rows of another set, by cosine or by scores that do not fall for hubs.

In spaces of many dimensions some rows are near to everything; found by cosine, they crowd out the right answers. CSLS
(Conneau et al. 2018) and the ratio margin (Artetxe and Schwenk 2019) measure how near a pair is in comparison with
the neighbourhoods of both.

Similarities exist a block of queries at a time, at most `LARGEST` of them, so that 100,000 vectors can search 100,000.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from grounding.alignment.checks import check_matrix, check_same_width
from grounding.alignment.maps import unit_rows
from grounding.errors import InputError

LARGEST = 2**24
"""The most similarities in memory at a time (64 MB), unless one query alone has more."""
METHODS = ("cosine", "csls", "margin")
FLOOR = 1e-3
"""The least mean similarity of a neighbourhood that a margin is measured by; ratios to less mean nothing."""


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The best keys of each query, the best first.

    Attributes:
        indices: int64 (Q, k), rows of the keys.
        scores: float32 (Q, k).
    """

    indices: np.ndarray
    scores: np.ndarray


def nearest(
    queries: np.ndarray,
    keys: np.ndarray,
    k: int = 1,
    *,
    method: str = "cosine",
    neighbours: int = 10,
    background: np.ndarray | None = None,
) -> Neighbours:
    """The k best keys of every query. Lengths do not matter.

    Equal scores come in the order of the keys; but where more keys than there is room for have the score of the last
    one, it is open, for a `k` above 1, which of these are given.

    With r(x) the mean cosine of x to its `neighbours` nearest rows of the other side, the scores are

        cosine    cos(x, y)
        csls      2 cos(x, y) - r(x) - r(y)               (Conneau et al. 2018, 10 neighbours)
        margin    cos(x, y) / (r(x) / 2 + r(y) / 2)       (Artetxe and Schwenk 2019, 4 neighbours)

    Args:
        queries: vectors (Q, D).
        keys: vectors (K, D), in the same space.
        k: how many keys a query, at most K.
        method: "cosine", "csls" or "margin".
        neighbours: how many rows make up a neighbourhood.
        background: the rows (N, D) that r of the keys is measured with; None for the queries. Give the whole
            vocabulary where the queries are a few words of it: hubs do not show among few.

    Raises:
        InputError: shapes that do not fit, NaN or infinity, a row of zeros, an unknown method, or a k or a number of
            neighbours out of range.

    Example:
        >>> nearest(rotation.apply(german), english, k=5, method="csls").indices.shape
        (20000, 5)
    """
    queries, keys = check_matrix(queries, "queries"), check_matrix(keys, "keys")
    check_same_width(queries, keys, "queries and keys")
    if method not in METHODS:
        raise InputError(f"method: {method!r} found, expected one of {', '.join(METHODS)}")
    if not 1 <= k <= len(keys):
        raise InputError(f"k: {k} found, expected 1 to {len(keys)}, the number of keys")
    queries, keys = as_directions(queries, "queries"), as_directions(keys, "keys")
    if method == "cosine":
        return search(queries, keys, k)
    if background is not None:
        background = check_matrix(background, "background")
        check_same_width(background, keys, "background and keys")
    others = queries if background is None else as_directions(background, "background")
    if not 1 <= neighbours <= min(len(keys), len(others)):
        raise InputError(f"neighbours: {neighbours} found, expected 1 to {min(len(keys), len(others))}, the rows given")
    crowding = search(keys, others, neighbours).scores.mean(1)
    return search(queries, keys, k, method=method, crowding=crowding, neighbours=neighbours)


def as_directions(X: np.ndarray, name: str) -> np.ndarray:
    """Rows of unit length, float32. Raises InputError naming a row of zeros."""
    return unit_rows(X, name).astype(np.float32)


def search(
    queries: np.ndarray,
    keys: np.ndarray,
    k: int,
    *,
    method: str = "cosine",
    crowding: np.ndarray | None = None,
    neighbours: int = 10,
) -> Neighbours:
    """`nearest` for unit rows in float32, unchecked, with r of the keys as `crowding` (K,)."""
    indices = np.empty((len(queries), k), dtype=np.int64)
    scores = np.empty((len(queries), k), dtype=np.float32)
    for block, similar in similarity_blocks(queries, keys):
        if crowding is not None:
            own = np.take_along_axis(similar, largest(similar, neighbours), axis=1).mean(1, keepdims=True)
            if method == "csls":
                similar *= 2
                similar -= own
                similar -= crowding
            else:
                similar /= np.maximum((own + crowding) / 2, FLOOR)
        indices[block] = largest(similar, k)
        scores[block] = np.take_along_axis(similar, indices[block], axis=1)
    return Neighbours(indices, scores)


def similarity_blocks(queries: np.ndarray, keys: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Products of queries and keys, a block (rows, K) of queries at a time, in memory that is used again."""
    rows = min(len(queries), max(1, LARGEST // len(keys)))
    buffer = np.empty((rows, len(keys)), dtype=np.float32)
    for start in range(0, len(queries), rows):
        block = slice(start, min(start + rows, len(queries)))
        yield block, np.matmul(queries[block], keys.T, out=buffer[: block.stop - start])


def largest(values: np.ndarray, k: int) -> np.ndarray:
    """Columns of the k largest values of each row of (Q, K), the largest first, equal ones in order: int64 (Q, k).

    Which of several columns are chosen whose values equal the k-th largest is open for a `k` above 1.
    """
    if k == 1:
        return values.argmax(axis=1)[:, None]
    stride = math.isqrt(values.shape[1] // k)
    if stride > 3:
        candidates = _promising(values, k, stride)
    elif k < values.shape[1]:
        candidates = np.argpartition(values, values.shape[1] - k, axis=1)[:, -k:]
    else:
        candidates = np.broadcast_to(np.arange(values.shape[1]), values.shape)
    candidates = np.sort(candidates, axis=1)
    order = np.argsort(-np.take_along_axis(values, candidates, axis=1), axis=1, kind="stable")[:, :k]
    return np.take_along_axis(candidates, order, axis=1)


def _promising(values: np.ndarray, k: int, stride: int) -> np.ndarray:
    """Columns among which the k largest of each row are, without partitioning whole rows.

    Columns are dealt into groups of `stride`; the k largest values lie in the k groups of the largest maxima. Maxima
    across a row take one pass of vector instructions, many times less than a partition.
    """
    groups = values.shape[1] // stride
    dealt = values[:, : groups * stride].reshape(len(values), stride, groups)
    best = np.argpartition(dealt.max(axis=1), groups - k, axis=1)[:, -k:]
    members = (best[:, None, :] + groups * np.arange(stride)[:, None]).reshape(len(values), -1)
    rest = np.arange(groups * stride, values.shape[1])
    members = np.concatenate([members, np.broadcast_to(rest, (len(values), len(rest)))], axis=1)
    chosen = np.argpartition(np.take_along_axis(values, members, axis=1), members.shape[1] - k, axis=1)[:, -k:]
    return np.take_along_axis(members, chosen, axis=1)
