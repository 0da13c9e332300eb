import itertools

import numpy as np
import pytest

from grounding.errors import InputError
from grounding.text.static.sampling import alias_table, huffman_paths, thresholds


def codes(paths):
    """The branches from the root to each word, and the nodes on the way."""
    bounds = list(itertools.pairwise(paths.starts.tolist()))
    return (
        [tuple(paths.labels[first:last][::-1].tolist()) for first, last in bounds],
        [tuple(paths.nodes[first:last][::-1].tolist()) for first, last in bounds],
    )


def test_thresholds_are_probabilities_of_32_bits():
    found = thresholds(np.array([0.0, 0.25, 1.0, 1.5]))
    assert found.dtype == np.uint64
    np.testing.assert_allclose(found / 2**32, [0, 0.25, 1, 1], atol=1e-9)


@pytest.mark.parametrize("size", [1, 2, 1000])
def test_alias_table_holds_exactly_the_distribution(generator, size):
    probabilities = generator.random(size) ** 4
    probabilities /= probabilities.sum()
    accept, alias = alias_table(probabilities)
    kept = (accept.astype(np.float64) + 1) / 2**32
    held = (kept + np.bincount(alias, weights=1 - kept, minlength=size)) / size
    np.testing.assert_allclose(held, probabilities, atol=1e-9)


@pytest.mark.parametrize("counts", [[1, 1], [9, 4, 2, 1], [5, 5, 5, 5, 5], [40, 12, 11, 3, 2, 1]])
def test_huffman_paths_have_the_least_mean_length(counts):
    lengths = np.diff(huffman_paths(np.array(counts)).starts)
    # Every set of code lengths that a prefix code can have (Kraft 1949), tried one by one.
    possible = (
        np.dot(counts, one)
        for one in itertools.product(range(1, len(counts)), repeat=len(counts))
        if sum(2.0**-length for length in one) <= 1
    )
    assert np.dot(counts, lengths) == min(possible)


def test_huffman_paths_form_a_tree(generator):
    counts = np.sort(generator.integers(1, 10_000, 300))[::-1]
    words, nodes = codes(huffman_paths(counts))
    assert len(set(words)) == 300
    assert sum(2.0 ** -len(word) for word in words) == 1
    for one, other in itertools.combinations(words, 2):
        assert one[: len(other)] != other and other[: len(one)] != one
    # A node stands for one beginning of the codes, and there is one for each.
    beginnings = {node: word[:depth] for word, way in zip(words, nodes, strict=True) for depth, node in enumerate(way)}
    assert sorted(beginnings) == list(range(299))
    for word, way in zip(words, nodes, strict=True):
        assert [beginnings[node] for node in way] == [word[:depth] for depth in range(len(way))]


def test_huffman_paths_need_two_words():
    with pytest.raises(InputError, match="1 word found, expected two or more"):
        huffman_paths(np.array([3]))
