"""One training step of the word2vec family, in numba: some input rows against some output rows, all at once.

word2vec (Mikolov et al. 2013) trains one pair of words after another: two rows are loaded for a dot product and written
back after a small step, so that the processor mostly waits for memory. Here, as in pWord2Vec (Ji et al. 2016), all
context words of a window meet the same outputs, the centre word and one set of negative samples: every pair still
sees as many negatives, but the work becomes small matrix products whose rows stay in the nearest cache. All gradients
of a window are taken at the rows as they were before it.

A kernel that trains a stretch of the corpus gets a `Step`, made by `new_step` in Python, and goes:

    draw_negatives(objective, output, step)
    for each document:
        length = keep_words(tokens, first, last, keep, step)
        for each centre:
            count = ...                                       # input rows into step.inputs
            outputs = choose_outputs(objective, step.words[centre], output, bias, step)
            update(inputs, count, output, outputs, bias, rate, step)

`update` changes the rows `step.inputs` of any matrix. A model whose input is made of several rows, such as the mean of
a window (CBOW) or the subwords of a word (fastText), puts it into a matrix of its own and hands on the difference to
`step.before`, the rows as they were.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from grounding.text.static.compilation import INNER
from grounding.text.static.lanes import LANES, fetch_row, load, multiply_add, spread, store, total

# Output rows are worked on six at a time: with two input rows that fills the registers of common processors.
BLOCK = 6
WHOLE = 0xFFFFFFFF

_ZERO, _HALF, _ONE, _FOUR = np.float32(0), np.float32(0.5), np.float32(1), np.float32(4)
_A, _B, _C = np.float32(135135), np.float32(17325), np.float32(378)
_D, _E, _F = np.float32(62370), np.float32(3150), np.float32(28)
_GOLDEN, _MIX1, _MIX2 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_S27, _S30, _S31, _S32, _LOW = np.uint64(27), np.uint64(30), np.uint64(31), np.uint64(32), np.uint64(WHOLE)


class Objective(NamedTuple):
    """What a window is trained for; arrays that an objective does not use are empty.

    Attributes:
        negatives: negative samples a window; 0 for hierarchical softmax.
        accept: uint64 (V,) and
        alias: int64 (V,), the noise distribution as :func:`grounding.text.static.sampling.alias_table` gives it.
        log_noise: float32 (V,), log(negatives · noise probability) for noise-contrastive estimation.
        path_starts: int64 (V + 1,), where the path of each word begins, for hierarchical softmax, in
        path_nodes: int32 (P,), inner nodes of the tree, and
        path_labels: float32 (P,), 1 or 0 for which way the path goes there.
    """

    negatives: int
    accept: np.ndarray
    alias: np.ndarray
    log_noise: np.ndarray
    path_starts: np.ndarray
    path_nodes: np.ndarray
    path_labels: np.ndarray


class Step(NamedTuple):
    """Room to work in, of one thread.

    Attributes:
        random: uint64 (1,), state of the random numbers.
        words: int64 (N,), the words of a document that are trained on.
        context: int64 (I,), words around the centre, where they are not the input rows themselves.
        inputs: int64 (I,), input rows of the window.
        rows: int64 (O,), its output rows; O is a multiple of BLOCK.
        labels: float32 (O,), 1 for a true output, 0 for a negative.
        offsets: float32 (O,), added to the scores.
        drawn: int64 (negatives,), negatives of the next window.
        scores: float32 (I' · O + LANES,), scores of all pairs, then the steps along the other row.
        before: float32 (I', width), the input rows before the update; I' is I rounded up to an even number.
    """

    random: np.ndarray
    words: np.ndarray
    context: np.ndarray
    inputs: np.ndarray
    rows: np.ndarray
    labels: np.ndarray
    offsets: np.ndarray
    drawn: np.ndarray
    scores: np.ndarray
    before: np.ndarray


def new_step(objective: Objective, inputs: int, width: int, words: int, seed: int | np.uint64) -> Step:
    """Room for windows of at most `inputs` input rows, padded width `width`, in documents of at most `words` words."""
    lengths = np.diff(objective.path_starts)
    outputs = int(lengths.max()) if len(lengths) else objective.negatives + 1
    outputs, even = -(-outputs // BLOCK) * BLOCK, inputs + inputs % 2
    return Step(
        np.array([seed], dtype=np.uint64),
        np.zeros(words, dtype=np.int64),
        np.zeros(inputs, dtype=np.int64),
        np.zeros(inputs, dtype=np.int64),
        np.zeros(outputs, dtype=np.int64),
        np.zeros(outputs, dtype=np.float32),
        np.zeros(outputs, dtype=np.float32),
        np.zeros(objective.negatives, dtype=np.int64),
        np.zeros(even * outputs + LANES, dtype=np.float32),
        np.zeros((even, width), dtype=np.float32),
    )


@njit(**INNER)
def next_random(random):
    """64 random bits; `random`, uint64 (1,), is the state (SplitMix64, Steele et al. 2014)."""
    random[0] += _GOLDEN
    mixed = random[0]
    mixed = (mixed ^ (mixed >> _S30)) * _MIX1
    mixed = (mixed ^ (mixed >> _S27)) * _MIX2
    return mixed ^ (mixed >> _S31)


@njit(**INNER)
def below(bits, limit):
    """The upper half of random bits as an integer from 0 to below `limit`."""
    return np.int64(((bits >> _S32) * np.uint64(limit)) >> _S32)


@njit(**INNER)
def keep_words(tokens, first, last, keep, step):
    """Copy to `step.words` the words of a document that are known and survive subsampling; gives how many there are.

    Args:
        tokens: int32 (N,), of which those from `first` to below `last` are the document.
        keep: uint64 (V,), with what probability a word is kept, in units of 1/WHOLE.
        step: the room.
    """
    count = 0
    for position in range(first, last):
        word = tokens[position]
        if word < len(keep) and (next_random(step.random) >> _S32) <= keep[word]:
            step.words[count] = word
            count += 1
    return count


@njit(**INNER)
def draw_negatives(objective, output, step):
    """Draw the negatives of the next window and ask for their rows, so that memory delivers them meanwhile."""
    for k in range(objective.negatives):
        bits = next_random(step.random)
        word = below(bits, len(objective.alias))
        if (bits & _LOW) > objective.accept[word]:
            word = objective.alias[word]
        step.drawn[k] = word
        fetch_row(output, word)


@njit(**INNER)
def choose_outputs(objective, centre, output, bias, step):
    """Put the outputs of a window into `step`; gives their number.

    A negative that is the centre word itself stays: it belongs to the expectation that the objective is made of.
    """
    if len(objective.path_starts) > 0:
        first = objective.path_starts[centre]
        count = objective.path_starts[centre + 1] - first
        for k in range(count):
            step.rows[k] = objective.path_nodes[first + k]
            step.labels[k] = objective.path_labels[first + k]
    else:
        count = objective.negatives + 1
        step.rows[0] = centre
        step.labels[0] = _ONE
        for k in range(1, count):
            step.rows[k] = step.drawn[k - 1]
            step.labels[k] = _ZERO
        draw_negatives(objective, output, step)
    if len(objective.log_noise) > 0:
        for k in range(count):
            step.offsets[k] = bias[step.rows[k]] - objective.log_noise[step.rows[k]]
    return count


@njit(**INNER)
def update(inputs, count, output, outputs, bias, rate, step):
    """One step of gradient ascent on Σ label·log σ(s) + (1 − label)·log σ(−s) over all pairs of inputs and outputs.

    s is the dot product of the rows plus the offset of the output. Gives nothing; the steps rate·(label − σ(s)) of all
    pairs are left in `step.scores`, the input rows as they were in `step.before`.

    Args:
        inputs: float32 (·, width), of which the first `count` rows that `step.inputs` names are used and changed.
        output: float32 (·, width), of which the first `outputs` rows that `step.rows` names are used and changed.
        bias: float32 (·,), changed by the same steps; empty if there is none.
        rate: float32, learning rate.
        step: the window.
    """
    columns = (outputs + BLOCK - 1) // BLOCK * BLOCK
    for k in range(outputs, columns):
        step.rows[k] = step.rows[0]
    for i in range(count):
        for d in range(0, inputs.shape[1], LANES):
            store(step.before, i, d, load(inputs, step.inputs[i], d))
    if count % 2 == 1:
        for d in range(0, inputs.shape[1], LANES):
            store(step.before, count, d, spread(_ZERO))
    for i in range(0, count, 2):
        for k in range(0, columns, BLOCK):
            _scores(step, i, output, k, columns)
    _sigmoids(step.scores, (count * columns + LANES - 1) // LANES * LANES)
    for i in range(count + count % 2):
        for k in range(columns):
            known = i < count and k < outputs
            step.scores[i * columns + k] = rate * (step.labels[k] - step.scores[i * columns + k]) if known else _ZERO
    for i in range(count):
        for k in range(0, columns, BLOCK):
            _move_input(inputs, step, i, output, k, columns)
    for i in range(0, count, 2):
        for k in range(0, columns, BLOCK):
            _move_outputs(step, i, output, k, columns)
    if len(bias) > 0:
        for i in range(count):
            for k in range(outputs):
                bias[step.rows[k]] += step.scores[i * columns + k]


@njit(**INNER)
def loss(count, outputs, rate, step):
    """Minus the mean over inputs of the objective of the window just trained, from the steps that are in `step`."""
    columns = (outputs + BLOCK - 1) // BLOCK * BLOCK
    summed = 0.0
    for i in range(count):
        for k in range(outputs):
            probability = step.labels[k] - step.scores[i * columns + k] / rate
            summed -= math.log(probability if step.labels[k] > _ZERO else _ONE - probability)
    return summed / count


@njit(**INNER)
def _sigmoids(values, count):
    """σ(s) = (1 + tanh(s/2))/2 in place, with the continued fraction of tanh (Lambert 1768) up to its seventh term.

    Beyond |s| = 8 it stays what it is there, 0.0003 from 0 or 1; within, the error is below 2e-5.
    """
    for i in range(count):
        half = min(max(values[i] * _HALF, -_FOUR), _FOUR)
        q = half * half
        tanh = half * (_A + q * (_B + q * (_C + q))) / (_A + q * (_D + q * (_E + q * _F)))
        values[i] = _HALF + _HALF * tanh


@njit(**INNER)
def _scores(step, i, output, k, columns):
    """Scores of inputs i and i + 1 with the BLOCK outputs from k on."""
    before, rows, scores, offsets = step.before, step.rows, step.scores, step.offsets
    r0, r1, r2, r3, r4, r5 = rows[k], rows[k + 1], rows[k + 2], rows[k + 3], rows[k + 4], rows[k + 5]
    a0 = a1 = a2 = a3 = a4 = a5 = b0 = b1 = b2 = b3 = b4 = b5 = spread(_ZERO)
    for d in range(0, before.shape[1], LANES):
        x, y = load(before, i, d), load(before, i + 1, d)
        w0, w1, w2 = load(output, r0, d), load(output, r1, d), load(output, r2, d)
        a0, a1, a2 = multiply_add(x, w0, a0), multiply_add(x, w1, a1), multiply_add(x, w2, a2)
        b0, b1, b2 = multiply_add(y, w0, b0), multiply_add(y, w1, b1), multiply_add(y, w2, b2)
        w3, w4, w5 = load(output, r3, d), load(output, r4, d), load(output, r5, d)
        a3, a4, a5 = multiply_add(x, w3, a3), multiply_add(x, w4, a4), multiply_add(x, w5, a5)
        b3, b4, b5 = multiply_add(y, w3, b3), multiply_add(y, w4, b4), multiply_add(y, w5, b5)
    at, below_it = i * columns + k, (i + 1) * columns + k
    scores[at], scores[at + 1], scores[at + 2] = total(a0), total(a1), total(a2)
    scores[at + 3], scores[at + 4], scores[at + 5] = total(a3), total(a4), total(a5)
    scores[below_it], scores[below_it + 1], scores[below_it + 2] = total(b0), total(b1), total(b2)
    scores[below_it + 3], scores[below_it + 4], scores[below_it + 5] = total(b3), total(b4), total(b5)
    for j in range(BLOCK):
        scores[at + j] += offsets[k + j]
        scores[below_it + j] += offsets[k + j]


@njit(**INNER)
def _spread_six(scores, start):
    return (
        spread(scores[start]),
        spread(scores[start + 1]),
        spread(scores[start + 2]),
        spread(scores[start + 3]),
        spread(scores[start + 4]),
        spread(scores[start + 5]),
    )


@njit(**INNER)
def _move_input(inputs, step, i, output, k, columns):
    """Add to input i its steps along the BLOCK outputs from k on."""
    rows, row = step.rows, step.inputs[i]
    r0, r1, r2, r3, r4, r5 = rows[k], rows[k + 1], rows[k + 2], rows[k + 3], rows[k + 4], rows[k + 5]
    g0, g1, g2, g3, g4, g5 = _spread_six(step.scores, i * columns + k)
    for d in range(0, inputs.shape[1], LANES):
        x = multiply_add(g0, load(output, r0, d), load(inputs, row, d))
        x = multiply_add(g1, load(output, r1, d), x)
        x = multiply_add(g2, load(output, r2, d), x)
        x = multiply_add(g3, load(output, r3, d), x)
        x = multiply_add(g4, load(output, r4, d), x)
        store(inputs, row, d, multiply_add(g5, load(output, r5, d), x))


@njit(**INNER)
def _move_outputs(step, i, output, k, columns):
    """Add to the BLOCK outputs from k on their steps along inputs i and i + 1; a row may be among them repeatedly."""
    before, rows = step.before, step.rows
    r0, r1, r2, r3, r4, r5 = rows[k], rows[k + 1], rows[k + 2], rows[k + 3], rows[k + 4], rows[k + 5]
    g0, g1, g2, g3, g4, g5 = _spread_six(step.scores, i * columns + k)
    h0, h1, h2, h3, h4, h5 = _spread_six(step.scores, (i + 1) * columns + k)
    for d in range(0, before.shape[1], LANES):
        x, y = load(before, i, d), load(before, i + 1, d)
        # One row after another: what a repeated row gains must be stored before it is loaded again.
        store(output, r0, d, multiply_add(g0, x, multiply_add(h0, y, load(output, r0, d))))
        store(output, r1, d, multiply_add(g1, x, multiply_add(h1, y, load(output, r1, d))))
        store(output, r2, d, multiply_add(g2, x, multiply_add(h2, y, load(output, r2, d))))
        store(output, r3, d, multiply_add(g3, x, multiply_add(h3, y, load(output, r3, d))))
        store(output, r4, d, multiply_add(g4, x, multiply_add(h4, y, load(output, r4, d))))
        store(output, r5, d, multiply_add(g5, x, multiply_add(h5, y, load(output, r5, d))))
