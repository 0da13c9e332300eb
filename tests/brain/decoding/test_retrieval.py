"""Ranks, rates, chance, intervals and p-values, against the slow plain form and under the null."""

import numpy as np
import pytest

from grounding.brain.decoding.intervals import intervals
from grounding.brain.decoding.retrieval import Scored, families, standing, summarise, within
from grounding.brain.folds import Fold, Folds
from grounding.brain.rows import Rows
from grounding.errors import InputError

ITEMS = [f"i{number}" for number in range(8)]


def rows_of(subjects: int, items: int = 8) -> Rows:
    return Rows.joined([
        Rows.of_run(f"s{s}", np.arange(items), subject=f"s{s}", word=ITEMS[:items]) for s in range(subjects)
    ])  # fmt: skip


def summary(similarity: np.ndarray, subjects: int, seed: int = 0, permutations: int = 199):
    rows = rows_of(subjects)
    tests = np.split(np.arange(len(rows)), subjects)
    folds = Folds(tuple(Fold(np.setdiff1d(np.arange(len(rows)), test), test) for test in tests), "by hand")
    scored = [Scored(test, ITEMS, similarity[test]) for test in tests]
    settings = {"synthetic": True, "permutations": permutations, "resamples": 20, "seed": seed}
    return summarise("a decoder", folds, scored, rows, rows.word, **settings)


def test_standing_counts_better_and_equal_candidates(generator: np.random.Generator):
    similarity = generator.integers(0, 4, (6, 5)).astype(float)
    ahead, equal = standing(similarity)
    for row in range(6):
        for column in range(5):
            assert ahead[row, column] == sum(similarity[row] > similarity[row, column])
            assert equal[row, column] == sum(similarity[row] == similarity[row, column])


def test_rates_are_those_of_ties_broken_by_lot(generator: np.random.Generator):
    similarity = generator.integers(0, 3, (16, 8)).astype(float)
    found = summary(similarity, 2, permutations=0)
    truth = np.tile(np.arange(8), 2)
    drawn = []
    for _ in range(4000):
        noisy = similarity + 1e-3 * generator.random(similarity.shape)
        rank = 1 + (noisy > noisy[np.arange(16), truth][:, None]).sum(1)
        drawn.append([(rank <= 1).mean(), (rank <= 5).mean(), (1 - (rank - 1) / 7).mean()])
    ours = [found.rates[name].value for name in ("top-1", "top-5", "pairwise")]
    np.testing.assert_allclose(ours, np.mean(drawn, 0), atol=0.01)
    assert [found.rates[name].chance for name in ("top-1", "top-5", "pairwise")] == [1 / 8, 5 / 8, 0.5]
    assert all(np.isnan(rate.p) for rate in found.rates.values())


def test_perfect_similarity_is_perfect():
    found = summary(np.tile(np.eye(8), (3, 1)), 3)
    assert found.rates["top-1"].value == found.rates["pairwise"].value == 1 and found.median_rank == 1
    assert found.rates["top-1"].p == 1 / 200
    assert found.by_subject() == {"s0": 1.0, "s1": 1.0, "s2": 1.0}
    assert "SYNTHETIC" in str(found) and found.as_dict()["synthetic"] is True and found.as_dict()["top-1"] == 1
    assert found.as_dict()["resampled"] == "subjects and items"


def test_arbitrary_vectors_do_not_pass_because_subjects_agree(generator: np.random.Generator):
    """Every subject has the same similarities, made of noise: there is one draw, not five, and p must know."""
    p = [
        summary(np.tile(generator.normal(size=(8, 8)), (5, 1)), 5, permutations=39).rates["pairwise"].p
        for _ in range(60)
    ]
    assert sum(value <= 0.05 for value in p) <= 8  # Binomial(60, 0.05) is above that with probability 0.003


def test_arbitrary_vectors_do_not_pass_where_subjects_that_agree_lack_one_word_each(generator: np.random.Generator):
    """The same draw in eight subjects, each without another word, so that no two have the same candidates."""
    rows = rows_of(8)
    tests = [np.delete(np.arange(8), s) + 8 * s for s in range(8)]
    folds = Folds(tuple(Fold(np.arange(8), test) for test in tests), "by hand")
    p = []
    for seed in range(60):
        similarity = generator.normal(size=(8, 8))
        scored = [
            Scored(
                test, np.delete(ITEMS, s).tolist(), similarity[np.ix_(np.delete(range(8), s), np.delete(range(8), s))]
            )
            for s, test in enumerate(tests)
        ]
        found = summarise("d", folds, scored, rows, rows.word, synthetic=True, permutations=39, resamples=2, seed=seed)
        p.append(found.rates["pairwise"].p)
    assert sum(value <= 0.05 for value in p) <= 8


def test_a_permutation_within_some_places_follows_what_leads_out_of_them(generator: np.random.Generator):
    order = np.array([3, 0, 4, 1, 2])  # 0 to 3 to 1 to 0, and 2 to 4 to 2
    assert within(order, np.array([0, 1, 4])).tolist() == [1, 0, 4]
    assert within(order, np.arange(5)).tolist() == order.tolist()
    drawn = [tuple(within(generator.permutation(7), np.array([1, 4, 5])).tolist()) for _ in range(1200)]
    assert set(map(len, map(set, drawn))) == {3} and all(150 < drawn.count(one) < 250 for one in set(drawn))
    assert families([("a", "b"), ("c",), ("b", "d"), ("e", "c")]) == [
        [("b", "d"), ("a", "b")], [("e", "c"), ("c",)]]  # fmt: skip


def test_a_single_candidate_is_refused():
    rows = rows_of(1, 2)
    fold = Fold(np.array([0]), np.array([1]))
    with pytest.raises(InputError, match="1 candidate in a fold"):
        summarise(
            "d", Folds((fold,), ""), [Scored(fold.test, ["i1"], np.ones((1, 1)))], rows, rows.word,
            synthetic=False, permutations=9, resamples=9, seed=0,
        )  # fmt: skip


def test_intervals_cover_the_mean_of_other_people_and_items(generator: np.random.Generator):
    """Values have an effect of the subject and one of the item: intervals that resampled rows would miss half."""
    rows = Rows.joined([Rows.of_run(f"s{s}", np.arange(12), subject=f"s{s}") for s in range(12)])
    items = np.array([f"i{number:02d}" for number in range(12)] * 12)
    hits = 0
    for seed in range(50):
        noise = generator.normal(size=(12, 1)) + generator.normal(size=12) + generator.normal(size=(12, 12))
        values = np.clip(0.5 + 0.05 * noise, 0, 1).reshape(-1, 1)
        ((low, high),), what = intervals(values, rows, items, 100, seed)
        hits += low <= 0.5 <= high
    assert what == "subjects and items" and hits >= 42  # Binomial(50, 0.95) reaches 42 with probability 0.998


def test_what_is_resampled_follows_from_the_rows():
    values = np.linspace(0, 1, 16)[:, None]
    assert intervals(values, rows_of(2), None, 9, 0)[1] == "subjects"
    assert intervals(values[:8], rows_of(1), None, 9, 0)[1] == "runs"
    assert intervals(values[:8], rows_of(1), np.array(ITEMS), 9, 0)[1] == "items"
