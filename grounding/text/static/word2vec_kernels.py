"""Skip-gram and CBOW over a stretch of a corpus, in numba; see `window_kernels` for what happens in a window."""

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


@njit(**OPTIONS)
def train_chunk(tokens, starts, rate, vectors, output, bias, keep, objective, window, mean, step):
    """Train word2vec on some documents; gives the loss of some inputs, summed, and their number.

    Around each centre word, `1 … window` words to both sides are its context. Skip-gram: each context vector predicts
    the centre word. CBOW: their mean does, and each takes its share of the step.

    Args:
        tokens: int32 (N,), word ids; those beyond the vocabulary are left out, before windows are formed.
        starts: int64 (D + 1,), where documents begin in it.
        rate: learning rate.
        vectors: float32 (V, padded width), input vectors, trained in place.
        output: float32 (·, padded width), output vectors, of words or, for hierarchical softmax, of inner nodes.
        bias: float32 (V,), of outputs, for noise-contrastive estimation; else empty.
        keep: uint64 (V,), see `keep_words`.
        objective: an `Objective`.
        window: largest distance of a context word.
        mean: float32 (1, padded width), room for the mean of a context, which makes it CBOW; (0, ·) for skip-gram.
        step: room for 2 · window inputs and len(tokens) words.
    """
    averaged, words = len(mean) > 0, step.words
    context, inputs = (step.context, mean) if averaged else (step.inputs, vectors)
    rate = np.float32(rate)
    windows, summed, measured = 0, 0.0, 0
    draw_negatives(objective, output, step)
    for document in range(len(starts) - 1):
        length = keep_words(tokens, starts[document], starts[document + 1], keep, step)
        for centre in range(length):
            reach = 1 + below(next_random(step.random), window)
            size = 0
            for position in range(max(0, centre - reach), min(length, centre + reach + 1)):
                if position != centre:
                    context[size] = words[position]
                    size += 1
            if centre + window + 1 < length:
                fetch_row(vectors, words[centre + window + 1])
            if size == 0:
                continue
            outputs = choose_outputs(objective, words[centre], output, bias, step)
            if centre + 1 < length and len(objective.path_starts) == 0:
                fetch_row(output, words[centre + 1])
            count = 1 if averaged else size
            if averaged:
                step.inputs[0] = 0
                _mean(vectors, context, size, mean)
            update(inputs, count, output, outputs, bias, rate, step)
            if averaged:
                _share(vectors, context, size, mean, step.before)
            windows += 1
            if windows % LOSS_EVERY == 0:
                summed += loss(count, outputs, rate, step)
                measured += 1
    return summed, measured


@njit(**INNER)
def _mean(vectors, context, size, mean):
    """The mean of the context rows, into the only row of `mean`."""
    share = spread(_ONE / np.float32(size))
    for d in range(0, vectors.shape[1], LANES):
        summed = spread(_ZERO)
        for i in range(size):
            summed = multiply_add(share, load(vectors, context[i], d), summed)
        store(mean, 0, d, summed)


@njit(**INNER)
def _share(vectors, context, size, mean, before):
    """Give every context row its part of what the mean gained."""
    share, minus = spread(_ONE / np.float32(size)), spread(-_ONE)
    for d in range(0, vectors.shape[1], LANES):
        gained = multiply_add(minus, load(before, 0, d), load(mean, 0, d))
        for i in range(size):
            store(vectors, context[i], d, multiply_add(share, gained, load(vectors, context[i], d)))


renew(train_chunk)
