"""Ranks by counting against a full sort; chance against simulation and enumeration; the bootstrap's coverage."""

import subprocess
import sys
from itertools import combinations

import numpy as np
import pytest
import torch
from scipy.stats import hypergeom
from sklearn.metrics import average_precision_score
from torch import Tensor
from torch.nn import functional

from grounding.space import retrieval
from grounding.space.retrieval import Ranks, bootstrap_intervals, chance_precision, chance_recall, rank_positives


def exact_vectors(count: int, generator: torch.Generator, dim: int = 24) -> Tensor:
    """Nearly unit vectors on a grid so coarse that dot products are exact in float32, in any order of summation."""
    vectors = functional.normalize(torch.randn(count, dim, generator=generator), dim=1)
    return (vectors * 4096).round() / 4096


def codes(count: int, different: int, generator: torch.Generator) -> Tensor:
    return torch.randint(different, (count,), generator=generator)


# Few positives a query, some queries without any; class labels with a hundred; several tiles and one.
SITUATIONS = {"few": (700, 2300, 1000), "labels": (300, 900, 8), "small": (9, 5, 4)}


@pytest.fixture(params=SITUATIONS)
def situation(request: pytest.FixtureRequest) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    a, b, different = SITUATIONS[request.param]
    return (
        exact_vectors(a, generator),
        exact_vectors(b, generator),
        codes(a, different, generator),
        codes(b, different, generator),
    )


def check_against_sort(ranks: Ranks, queries: Tensor, gallery: Tensor, of_queries: Tensor, of_gallery: Tensor) -> None:
    similar = (queries.double() @ gallery.double().T).numpy()
    correct = (of_queries[:, None] == of_gallery).numpy()
    assert ranks.query.tolist() == np.flatnonzero(correct.any(1)).tolist()
    for query, first, precision, positives in zip(
        ranks.query, ranks.first, ranks.average_precision, ranks.positives, strict=True
    ):
        scores, right = similar[query], correct[query]
        found = 1 + np.flatnonzero(right[np.lexsort((right, -scores))])  # negatives first where scores are equal
        assert first == found[0] and positives == len(found)
        assert precision == pytest.approx(np.mean(np.arange(1, len(found) + 1) / found), rel=1e-12)
        if query % 20 == 0 and len(np.unique(scores)) == len(scores):
            assert precision == pytest.approx(average_precision_score(right, scores), rel=1e-12)


def test_ranks_are_those_of_a_full_sort(situation: tuple[Tensor, Tensor, Tensor, Tensor]) -> None:
    a, b, codes_a, codes_b = situation
    forth, back = rank_positives(a, b, codes_a, codes_b)
    assert 0 < len(forth.query) and (len(a) == 300 or len(forth.query) < len(a))
    check_against_sort(forth, a, b, codes_a, codes_b)
    check_against_sort(back, b, a, codes_b, codes_a)


def test_ranks_do_not_depend_on_the_size_of_a_piece(
    situation: tuple[Tensor, Tensor, Tensor, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = rank_positives(*situation)
    for tile, largest in (((33, 130), 2000), ((700, 11), 1), ((3, 2300), 10**9)):
        monkeypatch.setattr(retrieval, "TILE", tile)
        monkeypatch.setattr(retrieval, "LARGEST", largest)
        for ranks, again in zip(whole, rank_positives(*situation), strict=True):
            for field in ("query", "first", "average_precision", "positives"):
                assert np.array_equal(getattr(ranks, field), getattr(again, field)), (tile, field)


def test_both_ways_of_counting_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = torch.Generator().manual_seed(1)
    data = exact_vectors(400, generator), exact_vectors(1500, generator)
    labels = codes(400, 300, generator), codes(1500, 300, generator)
    tiles = rank_positives(*data, *labels)
    monkeypatch.setattr(retrieval, "FEW", 0)
    for ranks, again in zip(tiles, rank_positives(*data, *labels), strict=True):
        assert np.array_equal(ranks.first, again.first)
        np.testing.assert_allclose(ranks.average_precision, again.average_precision, rtol=1e-14)


def test_ties_count_against_the_query() -> None:
    queries = torch.tensor([[1.0, 0], [1.0, 0], [0, 1.0]])
    gallery = torch.tensor([[0.5, 0], [0.9, 0], [0.7, 0], [0.9, 0]])
    ranks, back = rank_positives(queries, gallery, torch.tensor([0, 1, 7]), torch.tensor([0, 1, 0, 2]))
    assert ranks.query.tolist() == [0, 1]
    assert ranks.first.tolist() == [3, 2] and ranks.positives.tolist() == [2, 1]
    assert ranks.average_precision.tolist() == [(1 / 3 + 2 / 4) / 2, 1 / 2]
    assert back.query.tolist() == [0, 1, 2] and back.first.tolist() == [2, 2, 2]


@pytest.mark.parametrize("dim", [3, 100, 256, 500])
@pytest.mark.parametrize("different", [1500, 20])
def test_a_collapsed_space_is_no_better_than_last(dim: int, different: int) -> None:
    # Not on a grid: the last bits of equal products must agree wherever in a tile they are computed.
    vector = functional.normalize(torch.randn(1, dim, generator=torch.Generator().manual_seed(0)), dim=1)
    labels = torch.arange(1500) % different
    a, b = vector.repeat(601, 1), vector.repeat(1500, 1)
    for ranks, others in zip(rank_positives(a, b, labels[:601], labels), (labels, labels[:601]), strict=True):
        assert ranks.first.tolist() == (1 + len(others) - ranks.positives).tolist()


@pytest.mark.parametrize("different", [300, 12])
def test_duplicates_tie_wherever_they_stand(different: int) -> None:
    generator = torch.Generator().manual_seed(2)
    unique_a, unique_b = torch.randn(90, 256, generator=generator), torch.randn(110, 256, generator=generator)
    copy_a, copy_b = codes(300, 90, generator), codes(1100, 110, generator)
    labels_a, labels_b = codes(300, different, generator), codes(1100, different, generator)
    forth, back = rank_positives(unique_a[copy_a], unique_b[copy_b], labels_a, labels_b)
    # Which vectors are copies of each other is known here, so equal is told from nearly equal.
    similar = unique_a.double() @ unique_b.double().T
    for ranks, order, mine, labels, others, copies, theirs in (
        (forth, similar, copy_a, labels_a, labels_b, copy_b, 110),
        (back, similar.T, copy_b, labels_b, labels_a, copy_a, 90),
    ):
        for place, query in enumerate(ranks.query.tolist()):
            position = torch.empty(theirs, dtype=torch.int64)
            position[order[mine[query]].argsort(descending=True)] = torch.arange(theirs)
            right = others == labels[query]
            reached = position[copies[right]].sort().values
            ahead = (position[copies[~right]][:, None] <= reached).sum(0)
            steps = torch.arange(1, len(reached) + 1)
            assert ranks.first[place] == 1 + ahead[0]
            assert ranks.average_precision[place] == pytest.approx(float((steps / (steps + ahead).double()).mean()))


MEMORY = """
import torch
from grounding.space.retrieval import rank_positives

def peak():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) / 1024

torch.set_num_threads(1)
generator = torch.Generator().manual_seed(0)
vectors = torch.randn(4500, 4, generator=generator)
rank_positives(vectors[:600], vectors[:600], torch.arange(600), torch.arange(600))
before = peak()
for labels in (torch.arange(4500), torch.arange(4500) % 40):
    rank_positives(vectors, vectors, labels, labels)
print(peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads peak memory where Linux keeps it")
def test_similarities_are_never_all_in_memory() -> None:
    grown = subprocess.run([sys.executable, "-c", MEMORY], capture_output=True, text=True, check=True).stdout
    assert float(grown) < 40, "MB; all 4,500 x 4,500 similarities are 77 MB"


def test_chance_recall_is_hypergeometric() -> None:
    positives = np.array([1, 3, 7])
    for cut in (1, 5, 10):
        expected = np.mean([1 - hypergeom(12, count, cut).pmf(0) for count in positives])
        assert chance_recall(cut, positives, 12) == pytest.approx(expected, rel=1e-12)
    assert chance_recall(10, np.array([1]), 4) == 1.0


@pytest.mark.parametrize(("gallery", "positives"), [(7, 1), (7, 3), (6, 6), (1, 1)])
def test_chance_precision_is_the_mean_over_all_orders(gallery: int, positives: int) -> None:
    precisions = [
        np.mean([i / rank for i, rank in enumerate(ranks, start=1)])
        for ranks in combinations(range(1, gallery + 1), positives)
    ]
    assert chance_precision(np.array([positives]), gallery) == pytest.approx(np.mean(precisions), rel=1e-12)
    both = chance_precision(np.array([positives, 1]), gallery)
    assert both == pytest.approx((np.mean(precisions) + chance_precision(np.array([1]), gallery)) / 2, rel=1e-12)


def test_random_vectors_reach_chance() -> None:
    generator = torch.Generator().manual_seed(0)
    for different in (2000, 20):
        labels = codes(3000, different, generator)
        vectors = torch.randn(6000, 8, generator=generator)
        ranks, _ = rank_positives(vectors[:3000], vectors[3000:], labels, labels)
        for cut in (1, 10):
            expected = chance_recall(cut, ranks.positives, 3000)
            error = (expected * (1 - expected) / len(ranks.first)) ** 0.5
            assert abs((ranks.first <= cut).mean() - expected) < 4 * error
        error = ranks.average_precision.std() / len(ranks.first) ** 0.5
        assert abs(ranks.average_precision.mean() - chance_precision(ranks.positives, 3000)) < 4 * error


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    generator = np.random.default_rng(0)
    covered = {"by id": 0, "by query": 0}
    trials, ids, each = 200, 50, 6
    for trial in range(trials):
        # Queries of one id succeed with the same probability, drawn around 0.4.
        hits = generator.random((ids, each)) < generator.beta(1, 1.5, (ids, 1))
        values, clusters = hits.reshape(-1, 1).astype(float), np.repeat(np.arange(ids), each)
        for way, groups in (("by id", clusters), ("by query", np.arange(ids * each))):
            low, high = bootstrap_intervals(values, groups, resamples=200, seed=trial)[0]
            covered[way] += low <= 0.4 <= high
    assert 0.90 <= covered["by id"] / trials <= 0.98
    assert covered["by query"] / trials < 0.85, "queries of one id are not independent, and this must show here"


def test_intervals_of_several_measures() -> None:
    generator = np.random.default_rng(0)
    values, clusters = generator.random((200, 3)), np.repeat(np.arange(50), 4) * 7
    bounds = bootstrap_intervals(values, clusters, resamples=500, seed=0)
    assert bounds.shape == (3, 2)
    assert (bounds[:, 0] < values.mean(0)).all() and (values.mean(0) < bounds[:, 1]).all()
    assert np.array_equal(bounds, bootstrap_intervals(values, clusters, resamples=500, seed=0))
    assert not np.array_equal(bounds, bootstrap_intervals(values, clusters, resamples=500, seed=1))
    assert np.array_equal(bounds[1:2], bootstrap_intervals(values[:, 1:2], clusters, resamples=500, seed=0))


def test_one_id_says_nothing_about_others() -> None:
    assert bootstrap_intervals(np.ones((5, 2)), np.full(5, 3), resamples=100, seed=0).tolist() == [[0, 1], [0, 1]]
