"""Small vectors: equality with sentence-transformers, and what may be lost."""

import numpy as np
import pytest

from grounding.errors import InputError
from grounding.text.quantisation import Kind, Quantised, hamming, quantise, search, similarity, truncate


@pytest.fixture
def vectors(generator: np.random.Generator) -> np.ndarray:
    found = generator.standard_normal((400, 60)).astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def test_codes_are_those_of_sentence_transformers(vectors: np.ndarray) -> None:
    peer = pytest.importorskip("sentence_transformers.util.quantization").quantize_embeddings
    corpus, queries = vectors[:300], vectors[300:]
    np.testing.assert_array_equal(quantise(corpus, "int8").codes, peer(corpus, "int8"))
    ranges = quantise(corpus, "int8").ranges
    assert ranges is not None
    np.testing.assert_array_equal(quantise(queries, "int8", ranges).codes, peer(queries, "int8", ranges=ranges))
    np.testing.assert_array_equal(quantise(corpus, "binary").codes, peer(corpus, "ubinary"))


def test_int8_restores_within_half_a_step(vectors: np.ndarray) -> None:
    small = quantise(vectors, "int8")
    assert small.codes.dtype == np.int8 and small.codes.nbytes * 4 == vectors.nbytes
    step = (vectors.max(axis=0) - vectors.min(axis=0)) / 255
    assert (np.abs(small.restored() - vectors) <= step / 2 * 1.001).all()
    assert small.codes.min() == -128 and small.codes.max() == 127


def test_values_beyond_the_ranges_get_the_last_step_and_a_dimension_without_range_stays(vectors: np.ndarray) -> None:
    ranges = np.array([[-1.0, 0.25], [1.0, 0.25]], dtype=np.float32)
    small = quantise(np.array([[-9.0, 0.25], [9.0, 0.25]]), "int8", ranges)
    assert small.codes[:, 0].tolist() == [-128, 127]
    np.testing.assert_allclose(small.restored()[:, 1], 0.25)


def test_binary_is_the_sign_of_each_dimension(vectors: np.ndarray) -> None:
    small = quantise(vectors, "binary")
    assert small.codes.dtype == np.uint8 and small.codes.shape == (400, 8)
    np.testing.assert_array_equal(small.restored(), np.where(vectors > 0, 1.0, -1.0))
    expected = ((vectors[:5, None] > 0) != (vectors[None] > 0)).sum(axis=2)
    np.testing.assert_array_equal(hamming(vectors[:5], small), expected)


@pytest.mark.parametrize("kind", ["int8", "binary"])
def test_similarity_is_the_dot_product_with_the_restored(vectors: np.ndarray, kind: Kind) -> None:
    small = quantise(vectors, kind)
    scale = 1 if kind == "int8" else 60**-0.5
    np.testing.assert_allclose(similarity(vectors[:7], small), vectors[:7] @ small.restored().T * scale, atol=1e-5)
    if kind == "int8":
        np.testing.assert_allclose(similarity(vectors[:7], small), vectors[:7] @ vectors.T, atol=0.02)


@pytest.mark.parametrize("kind", ["int8", "binary"])
def test_search_finds_the_planted_neighbour(vectors: np.ndarray, generator: np.random.Generator, kind: Kind) -> None:
    rows = generator.permutation(400)[:50]
    noise = generator.standard_normal((50, 60)).astype(np.float32) * 0.04
    places, scores = search(vectors[rows] + noise, quantise(vectors, kind), k=3)
    assert places.shape == scores.shape == (50, 3) and places.dtype == np.int64
    np.testing.assert_array_equal(places[:, 0], rows)
    assert (np.diff(scores, axis=1) <= 0).all()


def test_comparing_again_finds_what_signs_alone_lose(vectors: np.ndarray) -> None:
    exact = np.argsort(-(vectors[:100] @ vectors.T), axis=1)[:, :10]
    small = quantise(vectors, "binary")

    def recall(candidates: int) -> float:
        found = search(vectors[:100], small, k=10, candidates=candidates)[0]
        return float(np.mean([len(set(a) & set(b)) / 10 for a, b in zip(found, exact, strict=True)]))

    assert recall(8) > recall(1) + 0.05


def test_more_neighbours_than_there_are_and_ties(vectors: np.ndarray) -> None:
    assert search(vectors[:2], quantise(vectors[:4], "int8"), k=9)[0].shape == (2, 4)
    same = Quantised(np.zeros((6, 1), dtype=np.uint8), 8, None)
    np.testing.assert_array_equal(search(np.ones((1, 8), dtype=np.float32), same, k=6)[0], [[0, 1, 2, 3, 4, 5]])


def test_truncation_keeps_the_leading_dimensions_at_unit_length(vectors: np.ndarray) -> None:
    short = truncate(vectors, 20)
    assert short.shape == (400, 20) and short.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(short, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(short / short[:, :1], vectors[:, :20] / vectors[:, :1], rtol=1e-3)
    assert not truncate(np.zeros((1, 4)), 2).any()


def test_what_cannot_be_quantised_is_refused(vectors: np.ndarray) -> None:
    small = quantise(vectors, "int8")
    bad = vectors.copy()
    bad[3, 1] = np.nan
    for message, call in {
        "kind: 'int4'": lambda: quantise(vectors, "int4"),  # type: ignore[arg-type]
        "not finite found in row 3": lambda: quantise(bad, "int8"),
        "expected floats": lambda: quantise(small.codes, "int8"),
        "1 found to take ranges from": lambda: quantise(vectors[:1], "int8"),
        "ranges: found with 'binary'": lambda: quantise(vectors, "binary", small.ranges),
        r"ranges: shape \(2, 60\) found, expected \(2, 20\)": lambda: quantise(vectors[:, :20], "int8", small.ranges),
        "queries: width 20": lambda: similarity(vectors[:, :20], small),
        "'int8' found, expected 'binary'": lambda: hamming(vectors, small),
        "k, candidates: 0, 4": lambda: search(vectors, small, k=0),
        "dimensions: 61": lambda: truncate(vectors, 61),
    }.items():
        with pytest.raises(InputError, match=message):
            call()
