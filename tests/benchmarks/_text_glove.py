"""Counted vectors and phrases: speed beside plain loops and gensim.

Run alone: GROUNDING_DATA=FOLDER python -m tests.benchmarks._text_glove

GloVe's peer is a loop that does what the authors' C program does, compiled too: every ordered pair of words by itself,
in one random order, double precision. Both fit the same co-occurrence counts, of the first million words of the
Standard Ebooks corpus, with one thread, and are compared by cells fitted per second, and by the time until the mean
loss over all cells is what the peer reaches in ten passes; measuring that loss does not count. Phrases are found in
the same million words and joined, ours from words to a new corpus, gensim's from words to words.

Processor seconds, not wall-clock; compiling does not count.
"""

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numba
import numpy as np

from grounding.text.corpus import Corpus
from grounding.text.phrases import find_phrases, join_phrases
from grounding.text.static.cooccurrence import count_cooccurrences
from grounding.text.static.glove import Cells, GloVe, GloVeSettings, Parameters, descend, fit
from tests.benchmarks._rows import row

SLICE = 1_000_000
PEER_EPOCHS = 10
PEER = "the authors' algorithm as a plain compiled loop"


def rows() -> list[dict[str, object]]:
    """Rows for `launch/bench.sh text`: measure, ours, peer, peer_name, ratio, unit, reach."""
    data = Path(os.environ["GROUNDING_DATA"]) / "text"
    _compile()
    with tempfile.TemporaryDirectory() as folder:
        corpus = Corpus.build(data / "standard_ebooks", Path(folder) / "corpus")
        part = _first(corpus, SLICE)
        return [_counting_row(corpus), *_fitting_rows(part), _phrases_row(part)]


def _compile() -> None:
    with tempfile.TemporaryDirectory() as folder:
        words = Path(folder) / "words.txt"
        words.write_text("open the top drawer\n" * 5)
        # From the disk, since kernels are compiled apart for read-only arrays.
        corpus = Corpus.build(words, Path(folder) / "corpus")
        GloVe.train(corpus, GloVeSettings(dim=2, epochs=1, threads=1))
        _published(
            *_parameters(4, 2, 0), *(array[:0] for array in _ordered_pairs(corpus, GloVeSettings(min_count=1))), 0.1
        )
        join_phrases(corpus, find_phrases(corpus))
        memory = Corpus.of(corpus)
        GloVe.train(memory, GloVeSettings(dim=2, epochs=1, threads=1))
        join_phrases(memory, find_phrases(memory))


def _first(corpus: Corpus, words: int) -> Corpus:
    """Whole documents of about so many words, in memory."""
    documents = int(np.searchsorted(corpus.starts, words, side="right")) - 1
    vocabulary = corpus.vocabulary.words
    bounds = zip(corpus.starts[:documents], corpus.starts[1 : documents + 1], strict=True)
    return Corpus.of([vocabulary[token] for token in corpus.tokens[a:b].tolist()] for a, b in bounds)


def _seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _counting_row(corpus: Corpus) -> dict[str, object]:
    words = len(corpus.vocabulary.cut(5))
    took = _seconds(lambda: count_cooccurrences(corpus, words, 10))
    what = f"co-occurrences counted, window 10, {words:,} words, Standard Ebooks"
    return row(what, len(corpus.tokens) / took, None, None, "words/CPU-s", None)


def _fitting_rows(corpus: Corpus) -> list[dict[str, object]]:
    settings = GloVeSettings(threads=1)
    words = len(corpus.vocabulary.cut(settings.min_count))
    generator = np.random.default_rng(0)
    ours = Parameters.random(words, settings.dim, generator)
    cells = Cells.of(count_cooccurrences(corpus, words, settings.window), settings, generator)
    pairs = _ordered_pairs(corpus, settings)
    peer = _parameters(words, settings.dim, seed=0)
    peer_took = _seconds(lambda: [_published(*peer, *pairs, settings.rate) for _ in range(PEER_EPOCHS)])
    goal = _published(*peer, *pairs, 0.0) / len(pairs[0])
    took, epochs, loss = 0.0, 0, np.inf
    while loss > goal:
        took += _seconds(lambda: fit(ours, cells, settings, done=settings.epochs - 1))
        epochs += 1
        # A rate of 0 changes nothing.
        loss = sum(descend(ours.vectors, ours.biases, *chunk, np.float32(0)) for chunk in cells.chunks()) / len(
            pairs[0]
        )
    speeds = [n * len(pairs[0]) / each for n, each in ((epochs, took), (PEER_EPOCHS, peer_took))]
    what = f"GloVe, dim {settings.dim}, window {settings.window}, {len(pairs[0]):,} cells of {words:,} words"
    until = f"{what}, until the mean loss is {goal:.4f} (ours {epochs} epochs, peer {PEER_EPOCHS})"
    return [row(what, *speeds, PEER, "cells/CPU-s", None), row(until, took, peer_took, PEER, "CPU-s", None)]


def _parameters(words: int, dim: int, seed: int) -> tuple[np.ndarray, ...]:
    """Vectors and biases of words and of contexts, each float64 (2, V, dim + 1): values, then sums of squares."""
    generator = np.random.default_rng(seed)
    first = [(generator.random((words, dim + 1)) - 0.5) / (dim + 1) for _ in range(2)]
    return tuple(np.stack([values, np.ones_like(values)]) for values in first)


def _ordered_pairs(corpus: Corpus, settings: GloVeSettings) -> tuple[np.ndarray, ...]:
    """Rows, columns, logarithms and weights of all cells of the whole matrix, in one random order."""
    words = len(corpus.vocabulary.cut(settings.min_count))
    upper = count_cooccurrences(corpus, words, settings.window).tocoo()
    off = upper.row != upper.col
    i = np.concatenate([upper.row, upper.col[off]])
    j = np.concatenate([upper.col, upper.row[off]])
    counts = np.concatenate([upper.data, upper.data[off]]).astype(np.float64)
    order = np.random.default_rng(0).permutation(len(counts))
    weights = np.minimum((counts / settings.maximum) ** settings.power, 1)
    return i[order], j[order], np.log(counts[order]), weights[order]


@numba.njit(nogil=True, error_model="numpy")
def _published(word, context, rows, columns, logs, weights, rate):
    """One pass of AdaGrad over ordered pairs (Pennington et al. 2014); gives the loss, summed before the steps."""
    loss, dim = 0.0, word.shape[2] - 1
    for n in range(len(rows)):
        i, j = rows[n], columns[n]
        error = word[0, i, dim] + context[0, j, dim] - logs[n]
        for d in range(dim):
            error += word[0, i, d] * context[0, j, d]
        step = weights[n] * error
        loss += 0.5 * step * error
        step *= rate
        for d in range(dim):
            a, b = step * context[0, j, d], step * word[0, i, d]
            word[0, i, d] -= a / np.sqrt(word[1, i, d])
            context[0, j, d] -= b / np.sqrt(context[1, j, d])
            word[1, i, d] += a * a
            context[1, j, d] += b * b
        word[0, i, dim] -= step / np.sqrt(word[1, i, dim])
        context[0, j, dim] -= step / np.sqrt(context[1, j, dim])
        word[1, i, dim] += step * step
        context[1, j, dim] += step * step
    return loss


def _phrases_row(corpus: Corpus) -> dict[str, object]:
    """A row, after making sure that both find the same."""
    from gensim.models.phrases import Phrases as Peer

    documents = list(corpus)

    def ours() -> list[list[str]]:
        words = Corpus.of(documents)
        return list(join_phrases(words, find_phrases(words)))

    def theirs() -> list[list[str]]:
        found = Peer(documents, min_count=5, threshold=10.0).freeze()
        return [found[document] for document in documents]

    results: list[list[list[str]]] = []
    took = [_seconds(lambda work=work: results.append(work())) for work in (ours, theirs)]
    assert results[0] == results[1], "phrases joined differ from gensim's"
    speeds = [len(corpus.tokens) / each for each in took]
    return row(
        f"phrases found and joined, {len(corpus.tokens):,} words", *speeds, "gensim Phrases", "words/CPU-s", None
    )


if __name__ == "__main__":
    for entry in rows():
        print(entry)
