"""The kernels beside plain references: gradients from automatic differentiation, and a whole chunk pair by pair."""

import numpy as np
import pytest
import torch
from numba import njit

from grounding.text.static import window_kernels
from grounding.text.static.lanes import padded
from grounding.text.static.sampling import alias_table, huffman_paths, thresholds
from grounding.text.static.window_kernels import Objective, new_step
from grounding.text.static.word2vec_kernels import train_chunk

FLOATS, INTS = np.zeros(0, dtype=np.float32), np.zeros(0, dtype=np.int64)
COUNTS = np.array([40, 22, 15, 9, 7, 4, 2])
SIZE, WIDTH = len(COUNTS), padded(20)


@njit
def update(inputs, count, output, outputs, bias, rate, step):
    window_kernels.update(inputs, count, output, outputs, bias, rate, step)
    return window_kernels.loss(count, outputs, rate, step)


@njit
def draw(objective, output, tokens, keep, times, step):
    """How often each word is drawn as a negative, and how often each survives subsampling."""
    drawn, kept = np.zeros(len(keep), np.int64), np.zeros(len(keep), np.int64)
    for _ in range(times):
        window_kernels.draw_negatives(objective, output, step)
        for word in step.drawn:
            drawn[word] += 1
        for position in range(window_kernels.keep_words(tokens, 0, len(tokens), keep, step)):
            kept[step.words[position]] += 1
    return drawn, kept


def objective_of(name, negatives=5):
    if name == "hierarchical-softmax":
        return Objective(0, INTS.astype(np.uint64), INTS, FLOATS, *huffman_paths(COUNTS))
    noise = COUNTS**0.75 / (COUNTS**0.75).sum()
    log_noise = np.log(negatives * noise).astype(np.float32) if name == "nce" else FLOATS
    return Objective(negatives, *alias_table(noise), log_noise, INTS, INTS.astype(np.int32), FLOATS)


def rows(generator, count, width=WIDTH):
    return generator.normal(0, 0.4, (count, width)).astype(np.float32)


@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize(
    ("inputs", "outputs"),
    [([2], [3, 1]), ([0, 1, 2], [4, 0, 5, 1, 2, 6]), ([3, 3, 1, 3], [1, 1, 2, 1, 6, 6, 0]), ([5] * 5, [*range(7)] * 2)],
)
def test_a_step_follows_the_gradient(generator, inputs, outputs, biased):
    """Whatever the numbers of rows, and with rows that are there several times."""
    vectors, output = rows(generator, SIZE), rows(generator, SIZE)
    bias = rows(generator, SIZE, 1)[:, 0] if biased else FLOATS
    step = new_step(objective_of("negative-sampling", len(outputs) - 1), len(inputs), WIDTH, 1, seed=0)
    step.inputs[:], step.rows[: len(outputs)] = inputs, outputs
    step.labels[: len(outputs)] = generator.integers(2, size=len(outputs))
    step.offsets[: len(outputs)] = rows(generator, len(outputs), 1)[:, 0]

    leaves = [torch.tensor(array, dtype=torch.float64, requires_grad=True) for array in (vectors, output, bias)]
    offsets = torch.tensor(step.offsets[: len(outputs)], dtype=torch.float64)
    if biased:
        offsets = offsets - leaves[2].detach()[outputs] + leaves[2][outputs]
    scores = leaves[0][inputs] @ leaves[1][outputs].T + offsets
    labels = torch.tensor(step.labels[: len(outputs)], dtype=torch.float64).expand_as(scores)
    loss = torch.nn.functional.binary_cross_entropy_with_logits(scores, labels, reduction="sum")
    loss.backward()

    before = vectors[inputs]
    arrays = [array.copy() for array in (vectors, output, bias)]
    found = update(arrays[0], len(inputs), arrays[1], len(outputs), arrays[2], np.float32(0.1), step)
    assert found == pytest.approx(float(loss.detach()) / len(inputs), rel=1e-3)
    np.testing.assert_array_equal(step.before[: len(inputs)], before)
    for array, moved, leaf in zip((vectors, output, bias), arrays, leaves, strict=True):
        if len(array):
            np.testing.assert_allclose(moved, array - 0.1 * leaf.grad.numpy(), atol=2e-5)
    assert np.abs(arrays[0] - vectors)[inputs].max() > 0.01


def test_sigmoids_are_close_and_never_quite_0_or_1():
    scores = np.linspace(-20, 20, 401)
    vectors, output = np.zeros((1, 16), dtype=np.float32), np.zeros((1, 16), dtype=np.float32)
    for score in scores.astype(np.float32):
        step = new_step(objective_of("negative-sampling", 0), 1, 16, 1, seed=0)
        step.offsets[0] = score
        update(vectors, 1, output, 1, FLOATS, np.float32(1), step)
        assert -step.scores[0] == pytest.approx(1 / (1 + np.exp(-np.clip(score, -8, 8))), abs=2e-5)


def test_draws_follow_their_distributions():
    objective, keep = objective_of("negative-sampling"), np.array([0.1, 0.3, 0.5, 0.7, 0.9, 1.0, 0.0])
    tokens, times = np.array([*range(SIZE), SIZE, SIZE + 5], dtype=np.int32), 40_000
    step = new_step(objective, 2, 16, len(tokens), seed=3)
    drawn, kept = draw(objective, np.zeros((SIZE, 16), np.float32), tokens, thresholds(keep), times, step)
    expected = COUNTS**0.75 / (COUNTS**0.75).sum() * 5 * times
    # The 99.9 % point of chi-square with six degrees of freedom.
    assert ((drawn - expected) ** 2 / expected).sum() < 22.5
    assert np.abs(kept - keep * times).max() < 4 * np.sqrt(times * 0.25)
    assert kept[5] == times and kept[6] <= 1


class Bits:
    """SplitMix64 in plain integers."""

    def __init__(self, seed):
        self.state = seed

    def next(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) % 2**64
        mixed = self.state
        mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 % 2**64
        mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB % 2**64
        return mixed ^ mixed >> 31

    def below(self, limit):
        return (self.next() >> 32) * limit >> 32


def reference_chunk(tokens, starts, rate, vectors, output, bias, keep, objective, window, averaged, seed):
    """`train_chunk` in float64, window by window, pair by pair; gives the number of windows."""
    bits, drawn, windows = Bits(seed), [], 0

    def draw_negatives():
        for _ in range(objective.negatives):
            word = bits.next()
            column = (word >> 32) * len(objective.alias) >> 32
            drawn.append(column if word % 2**32 <= objective.accept[column] else objective.alias[column])

    draw_negatives()
    for first, last in zip(starts[:-1], starts[1:], strict=True):
        words = [word for word in tokens[first:last] if word < len(keep) and bits.next() >> 32 <= keep[word]]
        for at, centre in enumerate(words):
            reach = 1 + bits.below(window)
            context = words[max(0, at - reach) : at] + words[at + 1 : at + reach + 1]
            if not context:
                continue
            windows += 1
            if len(objective.path_starts):
                path = slice(*objective.path_starts[centre : centre + 2])
                pairs = list(zip(objective.path_nodes[path], objective.path_labels[path], strict=True))
            else:
                pairs = [(centre, 1), *((word, 0) for word in drawn)]
                drawn.clear()
                draw_negatives()
            sources = [vectors[context].mean(axis=0)] if averaged else list(vectors[context])
            targets, biases = output.copy(), bias.copy()
            for number, source in enumerate(sources):
                gained = np.zeros_like(source)
                for row, label in pairs:
                    score = source @ targets[row]
                    if len(biases):
                        score += biases[row] - objective.log_noise[row]
                    step = rate * (label - 1 / (1 + np.exp(-score)))
                    gained += step * targets[row]
                    output[row] += step * source
                    if len(biases):
                        bias[row] += step
                if averaged:
                    for word in context:
                        vectors[word] += gained / len(context)
                else:
                    vectors[context[number]] += gained
    return windows


@pytest.mark.parametrize("averaged", [False, True], ids=["skip-gram", "cbow"])
@pytest.mark.parametrize("name", ["negative-sampling", "hierarchical-softmax", "nce"])
def test_a_chunk_is_trained_as_pair_by_pair(generator, name, averaged):
    objective, window, seed = objective_of(name), 3, 12345678901234567890
    # Ids beyond the vocabulary are rare words; the empty document and the single word have no windows.
    tokens = generator.integers(SIZE + 2, size=190).astype(np.int32)
    starts = np.array([0, 40, 40, 41, 190])
    keep = thresholds(np.array([0.5, 0.7, 1, 1, 1, 1, 1]))
    arrays = [rows(generator, SIZE), rows(generator, SIZE), rows(generator, SIZE, 1)[:, 0] if name == "nce" else FLOATS]
    expected = [array.astype(np.float64) for array in arrays]
    windows = reference_chunk(tokens, starts, 0.1, *expected, keep, objective, window, averaged, seed)
    step = new_step(objective, 2 * window, WIDTH, len(tokens), seed)
    mean = np.zeros((int(averaged), WIDTH), dtype=np.float32)
    summed, measured = train_chunk(tokens, starts, 0.1, *arrays, keep, objective, window, mean, step)
    for found, wanted in zip(arrays, expected, strict=True):
        np.testing.assert_allclose(found, wanted, atol=5e-4)
    assert measured == windows // 64 > 0
    assert 0 < summed / measured < 20
