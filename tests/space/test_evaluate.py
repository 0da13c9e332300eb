"""Recall by counting ranks."""

import json
from itertools import permutations

import numpy as np
import pytest
import torch

from grounding.errors import DataError
from grounding.space import evaluate
from grounding.space.evaluate import chance_of, rank_of_first
from tests.space.small import small_samples, small_space


def test_ranks_are_those_of_a_full_sort() -> None:
    generator = torch.Generator().manual_seed(0)
    queries, gallery = torch.randn(2100, 8, generator=generator), torch.randn(150, 8, generator=generator)
    query_codes = torch.randint(0, 40, (2100,), generator=generator)
    gallery_codes = torch.randint(0, 30, (150,), generator=generator)
    ranks, counts = rank_of_first(queries, gallery, query_codes, gallery_codes)
    order = (queries @ gallery.T).argsort(dim=1, descending=True)
    correct = query_codes[:, None] == gallery_codes[order]
    kept = correct.any(1)
    assert 0 < kept.sum() < 2100
    assert torch.equal(ranks, correct.int().argmax(1)[kept] + 1)
    assert torch.equal(counts, correct.sum(1)[kept])


def test_several_positives_are_all_correct_and_ties_count_against() -> None:
    queries = torch.tensor([[1.0, 0], [1.0, 0]])
    gallery = torch.tensor([[0.5, 0], [0.9, 0], [0.7, 0], [0.9, 0]])
    ranks, counts = rank_of_first(queries, gallery, torch.tensor([0, 1]), torch.tensor([0, 1, 0, 2]))
    assert ranks.tolist() == [3, 2] and counts.tolist() == [2, 1]
    same = torch.ones(5, 2)
    assert rank_of_first(same, same, torch.arange(5), torch.arange(5))[0].tolist() == [5] * 5


def test_chance_is_what_a_random_order_reaches() -> None:
    generator = np.random.default_rng(0)
    positives = np.array([1, 3, 7])
    for cut in (1, 5, 10):
        simulated = np.mean(
            [[(generator.permutation(12)[:count] < cut).any() for count in positives] for _ in range(4000)]
        )
        assert abs(chance_of(cut, positives, 12) - simulated) < 0.02
    assert chance_of(10, np.array([1]), 4) == 1.0


def test_every_ordered_pair_is_reported() -> None:
    samples = small_samples(96)
    table = evaluate(small_space(), samples)
    numbers = json.loads(json.dumps(table.as_dict()))
    assert set(numbers) == {f"{a}->{b}" for a, b in permutations(("points", "signal", "text"), 2)}
    row = numbers["text->points"]
    assert set(row) >= {"R@1", "R@5", "R@10", "chance R@1", "median rank", "n", "gallery"}
    assert 0 <= row["R@1"] <= row["R@5"] <= row["R@10"] <= 1
    assert row["n"] == sum("text" in sample for sample in samples)
    assert row["gallery"] == sum("points" in sample for sample in samples)
    assert "text->points" in str(table)


def test_a_pair_without_common_ids_is_left_out() -> None:
    signal = np.ones(6, np.float32)
    samples = [
        {"id": "a", "text": "x"},
        {"id": "a", "signal": signal},
        {"id": "b", "points": np.ones((4, 3), np.float32)},
    ]
    assert set(evaluate(small_space(), samples).pairs) == {"text->signal", "signal->text"}
    with pytest.raises(DataError, match="no id is seen in two modalities"):
        evaluate(small_space(), samples[1:])
    with pytest.raises(DataError, match="no samples"):
        evaluate(small_space(), [])
