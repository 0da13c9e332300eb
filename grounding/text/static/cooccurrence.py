"""How often words occur near each other: what PPMI and GloVe are trained on."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Literal

import numba
import numpy as np

from grounding.errors import InputError
from grounding.text.corpus import Corpus

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Weighting = Literal["uniform", "linear", "harmonic"]

_BLOCK = 1 << 23


def count_cooccurrences(
    corpus: Corpus, words: int, window: int = 10, weighting: Weighting = "harmonic", threads: int = 1
) -> "csr_array":
    """The co-occurrence counts X of the `words` most frequent words, upper triangle of a symmetric matrix.

    X[i, j] sums a weight over every occurrence of word i and every occurrence of word j at most `window` words from it,
    on either side, in the same document. So X[i, i] has each pair of occurrences twice, and the sum of the symmetric
    matrix is that over all (word, context) pairs. Rarer words do not take part and take no place: as in word2vec,
    windows reach over them.

    The rows are counted one after another, each from the places of its word, into one row that is not sparse; so
    memory is twelve bytes a word of the corpus, plus the result and its transpose.

    Args:
        corpus: documents as word ids.
        words: V, the size of the vocabulary after its cut.
        window: how far apart two words may be.
        weighting: the weight at distance d: 1 ("uniform"); (window + 1 - d) / window ("linear"), which is what a
            window whose size is drawn anew for each word counts on average (word2vec, Mikolov et al. 2013); or
            1 / d ("harmonic", GloVe, Pennington et al. 2014).
        threads: rows counted at the same time; the result does not depend on it.

    Returns:
        float32 (V, V) in sparse rows, columns sorted, entries (i, j) with i ≤ j. `symmetric` gives the whole.

    Raises:
        InputError: a window or number of words or threads below 1, or an unknown weighting.
    """
    from scipy.sparse import csc_array

    weights = _weights(window, weighting)
    if not 1 <= words <= len(corpus.vocabulary):
        raise InputError(f"words: {words} found, expected 1 to {len(corpus.vocabulary)}, the size of the vocabulary")
    if threads < 1:
        raise InputError(f"threads: {threads} found, expected 1 or more")
    tokens = _frequent(corpus.tokens, corpus.starts, words)
    places, first = _places(tokens, words)
    with ThreadPoolExecutor(threads) as pool:
        blocks = list(
            pool.map(lambda rows: _count(tokens, places, first, rows[0], rows[1], weights), _row_blocks(first, window))
        )
    lengths, columns, counts = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    del blocks
    pointers = np.concatenate(([0], np.cumsum(lengths, dtype=np.int64)))
    # Rows of the lower triangle are columns of the upper one; the conversion brings each new row into order.
    return csc_array((counts, columns, pointers), shape=(words, words)).tocsr()


def symmetric(upper: "csr_array") -> "csr_array":
    """The whole symmetric matrix of an upper triangle, float32 (V, V) in sparse rows, columns sorted."""
    from scipy.sparse import triu

    return upper + triu(upper, k=1, format="csr").T.tocsr()


def _weights(window: int, weighting: str) -> np.ndarray:
    """The weight of each distance 0 … window, float64; that of 0 is not used."""
    if window < 1:
        raise InputError(f"window: {window} found, expected 1 or more words")
    distances = np.arange(window + 1)
    if weighting == "uniform":
        return np.ones(window + 1)
    if weighting == "linear":
        return (window + 1 - distances) / window
    if weighting == "harmonic":
        return 1 / np.maximum(distances, 1)
    raise InputError(f"weighting: {weighting!r} found, expected 'uniform', 'linear' or 'harmonic'")


def _row_blocks(first: np.ndarray, window: int) -> Iterator[tuple[int, int]]:
    """Ranges of rows that have at most about `_BLOCK` cells together, however the words occur."""
    rows = np.arange(len(first) - 1)
    most = np.cumsum(np.minimum(np.diff(first) * 2 * window, rows + 1))
    start = 0
    while start < len(rows):
        before = most[start - 1] if start else 0
        end = max(int(np.searchsorted(most, before + _BLOCK, side="right")), start + 1)
        yield start, end
        start = end


@numba.njit(nogil=True, cache=True)
def _frequent(tokens, starts, words):
    """The ids below `words`, a −1 before, between and after documents, int32."""
    kept = np.empty(len(tokens) + len(starts), dtype=np.int32)
    kept[0] = -1
    n = 1
    for document in range(len(starts) - 1):
        for position in range(starts[document], starts[document + 1]):
            if tokens[position] < words:
                kept[n] = tokens[position]
                n += 1
        if kept[n - 1] >= 0:
            kept[n] = -1
            n += 1
    return kept[:n]


@numba.njit(nogil=True, cache=True)
def _places(tokens, words):
    """Where each word occurs: positions, word by word, and where those of each word begin, int64 (V + 1,)."""
    first = np.zeros(words + 1, dtype=np.int64)
    for token in tokens:
        if token >= 0:
            first[token + 1] += 1
    for word in range(words):
        first[word + 1] += first[word]
    places = np.empty(first[words], dtype=np.int64)
    following = first[:-1].copy()
    for position in range(len(tokens)):
        token = tokens[position]
        if token >= 0:
            places[following[token]] = position
            following[token] += 1
    return places, first


@numba.njit(nogil=True, cache=True)
def _count(tokens, places, first, start, end, weights):
    """Rows `start` to `end` of the lower triangle: their lengths, columns (in the order met) and counts."""
    window = len(weights) - 1
    most = 0
    for row in range(start, end):
        most += min((first[row + 1] - first[row]) * 2 * window, row + 1)
    lengths = np.empty(end - start, dtype=np.int64)
    columns = np.empty(most, dtype=np.int32)
    counts = np.empty(most, dtype=np.float32)
    sums = np.zeros(end)
    filled = 0
    for row in range(start, end):
        begin = filled
        for k in range(first[row], first[row + 1]):
            for step in (-1, 1):
                position = places[k]
                for distance in range(1, window + 1):
                    position += step
                    context = tokens[position]
                    if context < 0:
                        break
                    if context <= row:
                        if sums[context] == 0:
                            columns[filled] = context
                            filled += 1
                        sums[context] += weights[distance]
        lengths[row - start] = filled - begin
        for cell in range(begin, filled):
            counts[cell] = sums[columns[cell]]
            sums[columns[cell]] = 0
    return lengths, columns[:filled].copy(), counts[:filled].copy()
