"""Distances between series of points that run at different speeds: DTW, soft-DTW, Fréchet; and nearest neighbours.

A series is float (T, D), one point a row; of trajectories take the columns that matter, positions say. Dynamic time
warping (Sakoe and Chiba 1978) aligns two series monotonically, first with first and last with last, so that the sum of
squared distances of aligned points is least; the distance is the root of that sum, as in dtaidistance and tslearn.
"""

import math
from collections.abc import Sequence

import numba
import numpy as np
from numpy.typing import ArrayLike

from grounding.errors import InputError

SEGMENTS = 5
"""Into how many stretches a stored series is cut for its lower bound; each is held by the box around it."""


def dtw(a: ArrayLike, b: ArrayLike) -> float:
    """Dynamic time warping distance of series (T, D) and (T', D).

    >>> dtw([[0.0], [1.0], [2.0]], [[0.0], [0.0], [1.0], [2.0]])
    0.0

    Raises:
        InputError: something that is no series, or series of different width.
    """
    return float(dtw_matrix([a], [b])[0, 0])


def dtw_matrix(rows: Sequence[ArrayLike], columns: Sequence[ArrayLike] | None = None) -> np.ndarray:
    """Distances of all pairs, float64 (len(rows), len(columns)), computed on all cores.

    Args:
        rows: series, each (T, D).
        columns: further ones; the rows again if left out, of which each pair is then compared once.

    Raises:
        InputError: something that is no series, named by its number, or series of different width.
    """
    series = _checked([*rows, *([] if columns is None else columns)])
    if not len(rows) or (columns is not None and not len(columns)):
        return np.zeros((len(rows), len(rows) if columns is None else len(columns)))
    table, starts = _stacked(series)
    return np.sqrt(_matrix(table, np.ascontiguousarray(table.T), starts, len(rows), columns is None))


def soft_dtw(a: ArrayLike, b: ArrayLike, gamma: float = 1.0) -> float:
    """Soft-DTW: the softened least sum of squared distances over all alignments.

    With gamma towards 0 it becomes the square of :func:`dtw`; it can be negative. Cuturi and Blondel, Soft-DTW: a
    Differentiable Loss Function for Time-Series, 2017, equation 2.

    Args:
        a: float (T, D).
        b: float (T', D).
        gamma: how soft, positive, in squared units of the series.

    Raises:
        InputError: as :func:`dtw`, or a gamma that is not positive.
    """
    if not gamma > 0:
        raise InputError(f"gamma is {gamma!r}; expected a positive number, in squared units of the series")
    first, second = _checked([a, b])
    return float(_soft(first, second, gamma))


def frechet(a: ArrayLike, b: ArrayLike) -> float:
    """Discrete Fréchet distance: the least, over all monotone alignments, of the farthest pair's distance.

    Eiter and Mannila, Computing discrete Fréchet distance, 1994. Series as in :func:`dtw`.
    """
    first, second = _checked([a, b])
    return float(math.sqrt(_frechet(first, second)))


class NearestSeries:
    """The k nearest of many stored series by :func:`dtw`: the answers of comparing with every one, much sooner.

    Three bounds that can never exceed the distance rule most series out: the distances of the two first and the two
    last points; the distances of the query's points from the boxes around stretches of the stored series, aligned
    monotonically; and the part of the alignment computed so far. Series are tried in the order of the first bound.

    Args:
        series: each (T, D), all of one width D.

    Raises:
        InputError: no series, or something that is none, named by its number.

    >>> NearestSeries([[[0.0], [1.0]], [[5.0], [5.0]]]).search([[0.1], [0.9]], k=1)[0].tolist()
    [0]
    """

    def __init__(self, series: Sequence[ArrayLike]) -> None:
        if not len(series):
            raise InputError("no series given; expected at least one to search among")
        checked = _checked(series)
        self._table, self._starts = _stacked(checked)
        self._turned = np.ascontiguousarray(self._table.T)
        self._low, self._high, self._ends = _boxes(self._table, self._starts, SEGMENTS)

    def __len__(self) -> int:
        return len(self._starts) - 1

    def search(self, query: ArrayLike, k: int = 10) -> tuple[np.ndarray, np.ndarray]:
        """Rows int64 (k,) and distances float64 (k,) of the nearest series, nearest first; ties by row.

        Args:
            query: (T, D).
            k: how many; all of them where there are fewer.

        Raises:
            InputError: the query is no series of the stored width, or k is below 1.
        """
        if k < 1:
            raise InputError(f"k is {k}; expected at least 1")
        (asked,) = _checked([query])
        if asked.shape[1] != self._table.shape[1]:
            raise InputError(f"query has {asked.shape[1]} columns; expected {self._table.shape[1]}, as what is stored")
        bounds = _end_bounds(asked, self._table, self._starts)
        order = np.argsort(bounds, kind="stable")
        rows, squares = _nearest(
            asked, self._turned, self._starts, self._low, self._high, bounds, order, min(k, len(self))
        )
        return rows, np.sqrt(squares)


def _checked(series: Sequence[ArrayLike]) -> list[np.ndarray]:
    found: list[np.ndarray] = []
    for index, one in enumerate(series):
        try:
            array = np.ascontiguousarray(one, np.float64)
        except (TypeError, ValueError) as error:
            raise InputError(f"series {index}: not an array of numbers ({error}); expected float (T, D)") from error
        if array.ndim != 2 or 0 in array.shape:
            raise InputError(f"series {index}: shape {array.shape}; expected (T, D), both at least 1")
        if not np.isfinite(array).all():
            raise InputError(f"series {index}: NaN or infinity in it; expected finite numbers; drop or repair its rows")
        if found and array.shape[1] != found[0].shape[1]:
            raise InputError(
                f"series {index}: {array.shape[1]} columns; expected {found[0].shape[1]}, as the first has"
            )
        found.append(array)
    return found


def _stacked(series: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    starts = np.concatenate([[0], np.cumsum([len(one) for one in series])]).astype(np.int64)
    return np.concatenate(series), starts


@numba.njit(nogil=True, cache=True, inline="always")
def _square(a, i, b, j):
    total = 0.0
    for column in range(a.shape[1]):
        difference = a[i, column] - b[j, column]
        total += difference * difference
    return total


@numba.njit(nogil=True, cache=True)
def _dtw(a, turned, costs, squares, limit):
    """The least sum of squares, or infinity as soon as it is known to exceed `limit`.

    `turned` is the other series with its columns one below the other, so that squared distances are computed several
    at a time; `costs` and `squares` are scratch of its length or more.
    """
    width = turned.shape[1]
    costs[:width] = np.inf
    start = 0.0
    for i in range(len(a)):
        squares[:width] = 0.0
        for column in range(turned.shape[0]):
            value = a[i, column]
            for j in range(width):
                difference = value - turned[column, j]
                squares[j] += difference * difference
        corner, left, least = start, np.inf, np.inf
        start = np.inf
        for j in range(width):
            above = costs[j]
            before = corner if corner < above else above
            left = (before if before < left else left) + squares[j]
            corner = above
            costs[j] = left
            least = left if left < least else least
        if least > limit:
            return np.inf
    return costs[width - 1]


@numba.njit(nogil=True, cache=True, parallel=True)
def _matrix(table, turned, starts, rows, same):
    columns = rows if same else len(starts) - 1 - rows
    offset = 0 if same else rows
    longest = np.max(np.diff(starts))
    found = np.zeros((rows, columns))
    for row in numba.prange(rows):
        costs, squares = np.empty(longest), np.empty(longest)
        a = table[starts[row] : starts[row + 1]]
        for column in range(row + 1 if same else 0, columns):
            b = turned[:, starts[offset + column] : starts[offset + column + 1]]
            found[row, column] = _dtw(a, b, costs, squares, np.inf)
    if same:
        for row in range(rows):
            for column in range(row):
                found[row, column] = found[column, row]
    return found


@numba.njit(nogil=True, cache=True)
def _soft(a, b, gamma):
    width = len(b)
    costs = np.full(width + 1, np.inf)
    costs[0] = 0.0
    for i in range(len(a)):
        corner = costs[0]
        costs[0] = np.inf
        for j in range(width):
            above, left = costs[j + 1], costs[j]
            least = min(corner, above, left)
            weight = math.exp((least - corner) / gamma) + math.exp((least - above) / gamma)
            weight += math.exp((least - left) / gamma)
            corner = above
            costs[j + 1] = _square(a, i, b, j) + least - gamma * math.log(weight)
    return costs[width]


@numba.njit(nogil=True, cache=True)
def _frechet(a, b):
    width = len(b)
    costs = np.full(width + 1, np.inf)
    costs[0] = 0.0
    for i in range(len(a)):
        corner = costs[0]
        costs[0] = np.inf
        for j in range(width):
            above = costs[j + 1]
            costs[j + 1] = max(_square(a, i, b, j), min(corner, above, costs[j]))
            corner = above
    return costs[width]


@numba.njit(nogil=True, cache=True)
def _boxes(table, starts, segments):
    """Corners of the boxes (N, segments, D) around stretches of each series, and where each stretch ends."""
    count, width = len(starts) - 1, table.shape[1]
    low, high = np.empty((count, segments, width)), np.empty((count, segments, width))
    ends = np.empty((count, segments), np.int64)
    for series in range(count):
        length = starts[series + 1] - starts[series]
        for segment in range(segments):
            begin = min(segment * length // segments, length - 1)
            end = max((segment + 1) * length // segments, begin + 1)
            ends[series, segment] = end
            for column in range(width):
                least, most = np.inf, -np.inf
                for row in range(starts[series] + begin, starts[series] + end):
                    least, most = min(least, table[row, column]), max(most, table[row, column])
                low[series, segment, column], high[series, segment, column] = least, most
    return low, high, ends


@numba.njit(nogil=True, cache=True)
def _end_bounds(query, table, starts):
    count, last = len(starts) - 1, len(query) - 1
    found = np.empty(count)
    for series in range(count):
        total = _square(query, 0, table, starts[series])
        # One cell of an alignment must not be counted twice.
        if last > 0 or starts[series + 1] - starts[series] > 1:
            total += _square(query, last, table, starts[series + 1] - 1)
        found[series] = total
    return found


@numba.njit(nogil=True, cache=True)
def _box_bound(query, low, high, limit):
    """Least sum over the query's points of squared distances from boxes, taken in their order; see `NearestSeries`."""
    segments = len(low)
    costs = np.full(segments, np.inf)
    costs[0] = 0.0
    for i in range(len(query)):
        before = np.inf
        least = np.inf
        for segment in range(segments):
            # A step may pass over boxes that only other points of the query were aligned with.
            before = min(before, costs[segment])
            outside = 0.0
            for column in range(query.shape[1]):
                value = query[i, column]
                difference = max(low[segment, column] - value, value - high[segment, column], 0.0)
                outside += difference * difference
            costs[segment] = before + outside
            least = min(least, costs[segment])
        if least > limit:
            return np.inf
    return least


@numba.njit(nogil=True, cache=True)
def _nearest(query, turned, starts, low, high, bounds, order, k):
    rows, squares = np.full(k, -1, np.int64), np.full(k, np.inf)
    longest = np.max(np.diff(starts))
    costs, scratch = np.empty(longest), np.empty(longest)
    for series in order:
        worst = squares[k - 1]
        if bounds[series] > worst:
            break
        if _box_bound(query, low[series], high[series], worst) > worst:
            continue
        found = _dtw(query, turned[:, starts[series] : starts[series + 1]], costs, scratch, worst)
        place = k
        while place > 0 and (
            found < squares[place - 1] or (found == squares[place - 1] and found < np.inf and series < rows[place - 1])
        ):
            place -= 1
        if place < k:
            for later in range(k - 1, place, -1):
                rows[later], squares[later] = rows[later - 1], squares[later - 1]
            rows[place], squares[place] = series, found
    return rows, squares
