"""Tables that word2vec kernels draw from: subsampling, negative samples, and the tree of hierarchical softmax."""

import heapq
from typing import NamedTuple

import numpy as np

from grounding.errors import InputError

_WHOLE = 2**32 - 1


class Paths(NamedTuple):
    """The way from the root of a binary tree to each word.

    Attributes:
        starts: int64 (V + 1,), where the path of each word begins in the other two; the last entry is their length P.
        nodes: int32 (P,), inner nodes, numbered from 0 to V - 2, from the word up to the root.
        labels: float32 (P,), which of its two branches the path takes at the node, 1 or 0.
    """

    starts: np.ndarray
    nodes: np.ndarray
    labels: np.ndarray


def thresholds(probabilities: np.ndarray) -> np.ndarray:
    """Probabilities as uint64, in units of 2⁻³²: true with such a probability is `random 32 bits <= threshold`."""
    return np.floor(np.clip(probabilities, 0, 1) * _WHOLE).astype(np.uint64)


def alias_table(probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Table from which one of V outcomes is drawn in constant time (Walker 1977, Vose 1991).

    Draw a column from 0 to V - 1, each equally likely, and 32 random bits: the outcome is the column if the bits are
    at most its threshold, else its alias.

    Args:
        probabilities: (V,), sum 1.

    Returns:
        Thresholds uint64 (V,) and aliases int64 (V,).
    """
    size = len(probabilities)
    left = (np.asarray(probabilities, dtype=np.float64) * size).tolist()
    accept, alias = np.ones(size), np.arange(size)
    small = [i for i in range(size) if left[i] < 1]
    large = [i for i in range(size) if left[i] >= 1]
    while small and large:
        poor, rich = small.pop(), large.pop()
        accept[poor], alias[poor] = left[poor], rich
        left[rich] -= 1 - left[poor]
        (small if left[rich] < 1 else large).append(rich)
    return thresholds(accept), alias


def huffman_paths(counts: np.ndarray) -> Paths:
    """The binary tree in which the mean length of a path, weighted by `counts`, is least (Huffman 1952).

    Args:
        counts: int64 (V,), how often each word occurs.

    Raises:
        InputError: fewer than two words.
    """
    size = len(counts)
    if size < 2:
        raise InputError(f"hierarchical softmax: {size} word found, expected two or more; use negative sampling")
    parent, label = np.zeros(2 * size - 1, dtype=np.int64), np.zeros(2 * size - 1, dtype=np.float32)
    queue = [(count, leaf) for leaf, count in enumerate(counts.tolist())]
    heapq.heapify(queue)
    for node in range(size, 2 * size - 1):
        (few, first), (more, second) = heapq.heappop(queue), heapq.heappop(queue)
        parent[first] = parent[second] = node
        label[second] = 1
        heapq.heappush(queue, (few + more, node))
    words, nodes, labels = [], [], []
    root, at, climbing = 2 * size - 2, np.arange(size), np.arange(size)
    while len(climbing):
        words.append(climbing)
        nodes.append(parent[at] - size)
        labels.append(label[at])
        at = parent[at]
        at, climbing = at[at != root], climbing[at != root]
    word = np.concatenate(words)
    order = np.argsort(word, kind="stable")
    starts = np.concatenate(([0], np.cumsum(np.bincount(word, minlength=size))))
    return Paths(starts, np.concatenate(nodes)[order].astype(np.int32), np.concatenate(labels)[order])
