"""fastText over a stretch of a corpus, in numba; see `window_kernels` for what happens in a window."""

from typing import NamedTuple

import numpy as np
from numba import njit

from grounding.text.static.compilation import INNER, OPTIONS, renew
from grounding.text.static.lanes import LANES, fetch_row, load, multiply_add, spread, store
from grounding.text.static.window_kernels import (
    below,
    choose_outputs,
    draw_negatives,
    keep_words,
    loss,
    next_random,
    update,
)

# The loss of every 64th window is enough for a curve, and costs nothing.
LOSS_EVERY = 64

_ONE, _ZERO = np.float32(1), np.float32(0)


class Reach(NamedTuple):
    """Room for the words around a centre; the word at a position of the document has row `position % (2·window + 1)`.

    Attributes:
        means: float32 (2·window + 1, padded width), the mean of the rows of each word, as trained so far.
        taken: float32, same shape, that mean as it was when the word came within reach.
        context: int32 (2·window,), rows of `means` that are the context.
        mean: float32 (1, padded width), the mean of the context, which makes it CBOW; (0, ·) for skip-gram.
    """

    means: np.ndarray
    taken: np.ndarray
    context: np.ndarray
    mean: np.ndarray


def new_reach(window: int, width: int, cbow: bool) -> Reach:
    """Room for windows of `window` words to both sides and the padded width `width`."""
    means = np.zeros((2 * window + 1, width), dtype=np.float32)
    context = np.zeros(2 * window, dtype=np.int32)
    return Reach(means, means.copy(), context, np.zeros((1 if cbow else 0, width), dtype=np.float32))


@njit(**OPTIONS)
def train_chunk(tokens, starts, rate, inputs, output, keep, objective, rows, row_starts, window, reach, step):
    """Train fastText on some documents; gives the loss of some inputs, summed, and their number.

    As word2vec, with the mean of several rows in the place of the vector of a context word. That mean is taken once,
    when its word comes within reach of the centre, trained as if it were a vector while the window passes over it, and
    then what it gained is added to each of its rows, which moves their mean by just that. So the many rows of a word
    are read and written once, not once a pair of words; and where a word or n-gram occurs twice within reach, neither
    occurrence sees what the other learns before that one has left.

    Args:
        tokens: int32 (N,), word ids; those beyond the vocabulary are left out, before windows are formed.
        starts: int64 (D + 1,), where documents begin in it.
        rate: learning rate.
        inputs: float32 (R, padded width), rows of words and n-grams, trained in place.
        output: float32 (V, padded width), output vectors, trained in place.
        keep: uint64 (V,), see `keep_words`.
        objective: an `Objective` with negatives.
        rows: int32 (·,), the rows of each word in `inputs`, those of a word together.
        row_starts: int64 (V + 1,), where in it those of each word begin.
        window: largest distance of a context word.
        reach: a `Reach`.
        step: room for 2 · window inputs and len(tokens) words.
    """
    words, context, places = step.words, reach.context, 2 * window + 1
    cbow = len(reach.mean) > 0
    # Negative sampling has none, and this is empty.
    bias = objective.log_noise
    rate = np.float32(rate)
    windows, summed, measured = 0, 0.0, 0
    draw_negatives(objective, output, step)
    for document in range(len(starts) - 1):
        length = keep_words(tokens, starts[document], starts[document + 1], keep, step)
        # The centre follows `window` words behind the word that comes within reach.
        for coming in range(length + window):
            if coming + 1 < length:
                for k in range(row_starts[words[coming + 1]], row_starts[words[coming + 1] + 1]):
                    fetch_row(inputs, rows[k])
            if coming < length:
                place = coming % places
                _mean(inputs, rows, row_starts[words[coming]], row_starts[words[coming] + 1], reach.means, place)
                for d in range(0, inputs.shape[1], LANES):
                    store(reach.taken, place, d, load(reach.means, place, d))
            centre = coming - window
            if centre < 0:
                continue
            distance = 1 + below(next_random(step.random), window)
            size = 0
            for position in range(max(0, centre - distance), min(length, centre + distance + 1)):
                if position != centre:
                    context[size] = position % places
                    size += 1
            if size > 0:
                outputs = choose_outputs(objective, words[centre], output, bias, step)
                if centre + 1 < length:
                    fetch_row(output, words[centre + 1])
                count = 1 if cbow else size
                if cbow:
                    step.inputs[0] = 0
                    _mean(reach.means, context, 0, size, reach.mean, 0)
                    update(reach.mean, count, output, outputs, bias, rate, step)
                    _add_gain(reach.means, context, 0, size, reach.mean, step.before, 0)
                else:
                    for i in range(size):
                        step.inputs[i] = context[i]
                    update(reach.means, count, output, outputs, bias, rate, step)
                windows += 1
                if windows % LOSS_EVERY == 0:
                    summed += loss(count, outputs, rate, step)
                    measured += 1
            # At the end of the document, all words that are still within reach leave it.
            leaving = max(0, centre - window)
            remaining = length if centre == length - 1 else leaving + (1 if centre >= window else 0)
            for gone in range(leaving, remaining):
                first, last = row_starts[words[gone]], row_starts[words[gone] + 1]
                _add_gain(inputs, rows, first, last, reach.means, reach.taken, gone % places)
    return summed, measured


@njit(**INNER)
def _mean(matrix, rows, first, last, means, place):
    """The mean of the rows of a matrix that `rows[first:last]` names, into row `place` of `means`."""
    share = spread(_ONE / np.float32(last - first))
    for d in range(0, matrix.shape[1], LANES):
        summed = spread(_ZERO)
        for k in range(first, last):
            summed = multiply_add(share, load(matrix, rows[k], d), summed)
        store(means, place, d, summed)


@njit(**INNER)
def _add_gain(matrix, rows, first, last, after, before, place):
    """Add the difference of row `place` of two matrices to each row of a third that `rows[first:last]` names."""
    one, minus = spread(_ONE), spread(-_ONE)
    for d in range(0, matrix.shape[1], LANES):
        gain = multiply_add(minus, load(before, place, d), load(after, place, d))
        for k in range(first, last):
            store(matrix, rows[k], d, multiply_add(one, gain, load(matrix, rows[k], d)))


renew(train_chunk)
