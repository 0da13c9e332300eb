"""Ranks of the right answers when one set of vectors searches another, and what follows from them.

Ranks are counted, never sorted: the rank of a right answer is one more than the number of answers that are at least as
similar to the query. Similarities exist only a tile or a strip at a time, at most `LARGEST` numbers.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from grounding.space.distributed import gather_rows, share

LARGEST = 2**22
"""The most similarities that are in memory at a time (16 MB), unless the gallery alone is larger than that."""
TILE = (256, 1024)
FEW = 16
RARE = 0.05
INTERVAL = (2.5, 97.5)


@dataclass(frozen=True)
class Ranks:
    """How soon queries meet their positives; each field is (Q,), over the queries that have a positive.

    `query` int64 says which row of the queries it was, `first` int64 is the rank of the best positive (1 is perfect),
    `average_precision` float64 is mean_i(i / rank of the i-th positive), and `positives` int64 is how many there are.
    """

    query: np.ndarray
    first: np.ndarray
    average_precision: np.ndarray
    positives: np.ndarray


def rank_positives(a: Tensor, b: Tensor, codes_a: Tensor, codes_b: Tensor) -> tuple[Ranks, Ranks]:
    """Ranks of a's queries among b, and of b's queries among a.

    Similarity is the dot product; items with equal codes are each other's positives. A query's positives do not stand
    in each other's way: of a query with positives at ranks 1 and 2 of the whole gallery the average precision is 1.
    Ties count against the query: every equally similar negative is taken to come first.

    Queries with few positives share one product for both directions; with many (class labels for ids), each direction
    has its own. In several processes each counts its part, and all return the same.

    Args:
        a: vectors (A, dim) float32.
        b: vectors (B, dim) float32.
        codes_a: int64 (A,), equal for items of equal id.
        codes_b: int64 (B,).

    Example:
        >>> forth, back = rank_positives(pictures, captions, picture_ids, caption_ids)
        >>> recall_at_5 = (forth.first <= 5).mean()
    """
    order_a, order_b = torch.argsort(codes_a, stable=True), torch.argsort(codes_b, stable=True)
    left, right = _Side(a[order_a], codes_a[order_a].numpy()), _Side(b[order_b], codes_b[order_b].numpy())
    left.meet(right)
    right.meet(left)
    if max(left.most, right.most) <= FEW:
        forth, back = _rank_in_tiles(left, right)
    else:
        forth, back = _rank_in_strips(left, right), _rank_in_strips(right, left)
    return _in_order(forth, order_a.numpy()), _in_order(back, order_b.numpy())


class _Side:
    """Vectors and codes, sorted by code, so that a row's positives on the other side lie side by side.

    After `meet`, the positives of row r are `start[r]` up to `stop[r]`.
    """

    def __init__(self, vectors: Tensor, codes: np.ndarray) -> None:
        self.vectors = vectors
        self.codes = codes
        self.start = self.stop = np.zeros(len(codes), dtype=np.int64)

    def meet(self, other: "_Side") -> None:
        self.start = np.searchsorted(other.codes, self.codes, side="left")
        self.stop = np.searchsorted(other.codes, self.codes, side="right")

    @property
    def positives(self) -> np.ndarray:
        return self.stop - self.start

    @property
    def most(self) -> int:
        return int(self.positives.max(initial=0))


# ---- Few positives a query: one product for both directions


def _rank_in_tiles(left: _Side, right: _Side) -> tuple[Ranks, Ranks]:
    """Both directions from one product, in tiles: first the similarities of all positives, then, for each of them, how
    many negatives are at least as similar.

    Positives lie near the diagonal, since both sides are sorted, so the first pass computes few tiles.
    """
    tiles = _Tiles(left, right)
    # In ascending order; infinity, which nothing reaches, where a query has fewer positives than another.
    of_left = np.full((len(left.codes), max(1, left.most)), np.inf, dtype=np.float32)
    of_right = np.full((len(right.codes), max(1, right.most)), np.inf, dtype=np.float32)
    for (row, column), (r, c) in tiles.positives.items():
        values = tiles.product(row, column)[r, c]
        r, c = r + row * tiles.height, c + column * tiles.width
        of_left[r, c - left.start[r]] = values
        of_right[c, r - right.start[c]] = values
    of_left.sort(axis=1)
    of_right.sort(axis=1)

    mine = share(tiles.rows)
    ahead_left = np.zeros(of_left.shape, dtype=np.int64)
    ahead_right = np.zeros(of_right.shape, dtype=np.int64)
    for row in mine:
        for column in range(tiles.columns):
            similar = tiles.product(row, column)
            if (row, column) in tiles.positives:
                similar[tiles.positives[row, column]] = -np.inf
            rows, columns = tiles.slices(row, column)
            tiles.count_in_rows(similar, of_left[rows], ahead_left[rows])
            tiles.count_in_columns(similar, of_right[columns], ahead_right[columns])
    own = ahead_left[mine.start * tiles.height : mine.stop * tiles.height]
    ahead_left = gather_rows(torch.from_numpy(own)).numpy()
    ahead_right = gather_rows(torch.from_numpy(ahead_right)[None]).sum(0).numpy()
    return _ranks(left, ahead_left), _ranks(right, ahead_right)


class _Tiles:
    """The product of two sides in tiles of one shape, and counts over them, in buffers that are used again.

    The sides are padded with zeros: tiles of one shape are computed by the same instructions, so that a similarity has
    the same last bits in both passes, and equal vectors tie wherever they stand.

    `positives` has the tiles in which there are some, and the rows and columns within the tile where they are.
    """

    def __init__(self, left: _Side, right: _Side) -> None:
        self.left, self.right = left, right
        self.rows, self.height = _divided(len(left.codes), TILE[0])
        self.columns, self.width = _divided(len(right.codes), TILE[1])
        self.a = _padded(left.vectors, self.rows * self.height)
        self.b = _padded(right.vectors, self.columns * self.width)
        self.similar = torch.empty(self.height, self.width)
        self.flags = np.empty((self.height, self.width), dtype=bool)
        self.positives: dict[tuple[int, int], tuple[np.ndarray, np.ndarray]] = {}
        for row in range(self.rows):
            here = slice(row * self.height, (row + 1) * self.height)
            found = left.positives[here] > 0
            if found.any():
                begin, end = left.start[here][found].min(), left.stop[here][found].max()
                for column in range(begin // self.width, -(-end // self.width)):
                    rows, columns = self.slices(row, column)
                    equal = left.codes[rows, None] == right.codes[columns]
                    places = np.flatnonzero(equal)
                    if len(places):
                        self.positives[row, column] = places // equal.shape[1], places % equal.shape[1]

    def slices(self, row: int, column: int) -> tuple[slice, slice]:
        """What the tile covers on either side, without the padding."""
        r, c = row * self.height, column * self.width
        return (
            slice(r, min(r + self.height, len(self.left.codes))),
            slice(c, min(c + self.width, len(self.right.codes))),
        )

    def product(self, row: int, column: int) -> np.ndarray:
        """Similarities of a tile, in a buffer that the next call overwrites."""
        r, c = row * self.height, column * self.width
        # By torch, since numpy's OpenBLAS gives equal vectors similarities with other last bits at other places.
        torch.mm(self.a[r : r + self.height], self.b[c : c + self.width].T, out=self.similar)
        rows, columns = self.slices(row, column)
        return self.similar.numpy()[: rows.stop - rows.start, : columns.stop - columns.start]

    def count_in_rows(self, similar: np.ndarray, least: np.ndarray, counts: np.ndarray) -> None:
        """Add to counts (rows, P) how many similarities of a row are not below each of its `least` (rows, P)."""
        flags = self.flags[: similar.shape[0], : similar.shape[1]]
        if least.shape[1] > 1:
            np.greater_equal(similar, least[:, :1], out=flags)
            if np.count_nonzero(flags) < RARE * flags.size:
                # Whatever any positive has ahead is among these few, so the others need not be looked at again.
                places = np.flatnonzero(flags)  # many times as fast as np.nonzero
                rows, columns = places // flags.shape[1], places % flags.shape[1]
                reached = similar[rows, columns, None] >= least[rows]
                for place in range(least.shape[1]):
                    counts[:, place] += np.bincount(rows[reached[:, place]], minlength=len(counts))
                return
        for place in range(least.shape[1]):
            np.greater_equal(similar, least[:, place, None], out=flags)
            # 16 bits hold a tile's width and are summed far faster than numpy's own choice of 64.
            counts[:, place] += np.add.reduce(flags.view(np.uint8), axis=1, dtype=np.uint16)

    def count_in_columns(self, similar: np.ndarray, least: np.ndarray, counts: np.ndarray) -> None:
        """The same for the columns: least and counts are (columns, P)."""
        flags = self.flags[: similar.shape[0], : similar.shape[1]]
        for place in range(least.shape[1]):
            np.greater_equal(similar, least[:, place], out=flags)
            for start in range(0, len(flags), 255):  # as many as 8 bits can count
                counts[:, place] += np.add.reduce(flags[start : start + 255].view(np.uint8), axis=0, dtype=np.uint8)


def _divided(count: int, largest: int) -> tuple[int, int]:
    """Into how many equal parts, and of which size, to divide without much padding."""
    size = -(-count // max(1, -(-count // largest)))
    return -(-count // max(1, size)), size


def _padded(vectors: Tensor, length: int) -> Tensor:
    missing = length - len(vectors)
    return torch.nn.functional.pad(vectors, (0, 0, 0, missing)) if missing else vectors


def _ranks(side: _Side, ahead: np.ndarray) -> Ranks:
    """From the number of negatives ahead of each positive (Q, P), the worst positive first."""
    query = np.flatnonzero(side.positives)
    positives, ahead = side.positives[query], ahead[query]
    place = np.maximum(positives[:, None] - np.arange(ahead.shape[1]), 0)  # the i of the i-th best; 0 is none
    precision = (place / np.maximum(place + ahead, 1)).sum(1) / positives
    best = ahead[np.arange(len(query)), positives - 1]
    return Ranks(query, 1 + best, precision, positives)


# ---- Many positives a query: a strip of whole rows at a time


def _rank_in_strips(queries: _Side, gallery: _Side) -> Ranks:
    """One direction. Of a row, only the positives and those negatives that are not below all of them are put in order:
    finding hundreds of positives among ordered negatives is faster than to count for each.
    """
    parts, height = _divided(len(queries.codes), max(1, LARGEST // len(gallery.codes)))
    mine = share(parts)
    first = np.zeros(len(queries.codes), dtype=np.int64)
    precision = np.zeros(len(queries.codes))
    strip = torch.empty(height, len(gallery.codes))
    for part in mine:
        chunk = queries.vectors[part * height : (part + 1) * height]
        torch.mm(chunk, gallery.vectors.T, out=strip[: len(chunk)])
        for row, similar in enumerate(strip[: len(chunk)].numpy(), start=part * height):
            start, stop = queries.start[row], queries.stop[row]
            if start == stop:
                continue
            positives = np.sort(similar[start:stop])
            similar[start:stop] = -np.inf
            rivals = np.sort(similar[similar >= positives[0]])
            ahead = len(rivals) - np.searchsorted(rivals, positives, side="left")
            place = np.arange(stop - start, 0, -1)
            first[row] = 1 + ahead[-1]
            precision[row] = (place / (place + ahead)).sum() / len(place)
    own = slice(mine.start * height, mine.stop * height)
    first = gather_rows(torch.from_numpy(first[own])).numpy()
    precision = gather_rows(torch.from_numpy(precision[own])).numpy()
    query = np.flatnonzero(queries.positives)
    return Ranks(query, first[query], precision[query], queries.positives[query])


def _in_order(ranks: Ranks, order: np.ndarray) -> Ranks:
    """Queries as they were before they were sorted by code."""
    query = order[ranks.query]
    place = np.argsort(query)
    return Ranks(query[place], ranks.first[place], ranks.average_precision[place], ranks.positives[place])


# ---- What chance reaches, and how sure a mean is


def chance_recall(cut: int, positives: np.ndarray, gallery: int) -> float:
    """Mean probability that a random order of the gallery has one of a query's positives (Q,) among its first `cut`.

    Exact: one minus the hypergeometric probability of none.
    """
    missed = np.ones(len(positives))
    for drawn in range(min(cut, gallery)):
        missed *= np.clip(gallery - positives - drawn, 0, None) / (gallery - drawn)
    return float((1 - missed).mean())


def chance_precision(positives: np.ndarray, gallery: int) -> float:
    """Mean average precision that a random order of the gallery is expected to have, for positives (Q,) a query.

    Exact (Bestgen 2015): with m of N correct, H_N / N + (m - 1) / (N - 1) * (1 - H_N / N), H_N = 1 + 1/2 + ... + 1/N.
    """
    one = float((1 / np.arange(1, gallery + 1)).sum()) / gallery
    return float((one + (positives - 1) / max(1, gallery - 1) * (1 - one)).mean())


def bootstrap_intervals(values: np.ndarray, clusters: np.ndarray, resamples: int, seed: int) -> np.ndarray:
    """95 % percentile intervals of the means of values (Q, M), by resampling whole clusters (Q,): (M, 2) float64.

    Queries of one id (captions of one picture, repeated trials) resemble each other: resampling them one by one would
    pretend to more evidence than there is (Field & Welsh 2007, cluster bootstrap). A single cluster says nothing about
    others, so its interval is 0 to 1. Where all values are equal so are the bounds, however few the clusters.

    Args:
        values: one column a measure, within 0..1.
        clusters: int64, equal for the queries of one id.
        resamples: how often to draw as many clusters, with replacement, as there are.
        seed: of the draws.
    """
    _, cluster = np.unique(clusters, return_inverse=True)
    count = int(cluster.max()) + 1
    if count == 1:
        return np.tile([0.0, 1.0], (values.shape[1], 1))
    sums = np.zeros((count, values.shape[1] + 1))
    np.add.at(sums, cluster, np.column_stack([values, np.ones(len(values))]))
    generator = np.random.default_rng(seed)
    drawn = np.empty((resamples, sums.shape[1]))
    for number in range(resamples):
        times = np.bincount(generator.integers(count, size=count), minlength=count)
        drawn[number] = times @ sums
    return np.percentile(drawn[:, :-1] / drawn[:, -1:], INTERVAL, axis=0).T
