"""Batches are a pure function of seed and step."""

from collections import Counter

import numpy as np
import pytest

from grounding.errors import DataError
from grounding.space.sampling import Sampler, seed_of
from tests.space.small import small_samples


def test_batches_hold_full_and_single_samples_and_repeat_by_seed() -> None:
    samples = small_samples()
    sampler = Sampler(samples, batch=8, extra=3, seed=0)
    batch = sampler(5)
    assert len(batch.ids) == 11
    assert batch.fields["text"].rows.tolist() == list(range(8))
    again = Sampler(samples, batch=8, extra=3, seed=0)(5)
    assert again.ids == batch.ids and again.fields["text"].data == batch.fields["text"].data
    assert Sampler(samples, batch=8, extra=3, seed=1)(5).ids != batch.ids


def test_every_sample_is_visited_once_a_pass() -> None:
    samples = [{"id": str(i), "text": "x", "signal": np.zeros(6)} for i in range(10)]
    sampler = Sampler(samples, batch=4, extra=4, seed=0)
    visited = [name for step in range(5) for name in sampler(step).ids]
    assert Counter(visited) == {str(i): 2 for i in range(10)}


def test_fewer_samples_than_a_batch() -> None:
    sampler = Sampler(small_samples(9), batch=100, extra=100, seed=0)
    assert len(sampler(0).ids) == 9


def test_nothing_to_match_is_refused() -> None:
    with pytest.raises(DataError, match="no sample has two modalities"):
        Sampler([{"id": "a", "text": "x"}], batch=4, extra=0, seed=0)


def test_seeds_of_neighbours_differ() -> None:
    seeds = {seed_of(seed, step, purpose) for seed in range(5) for step in range(50) for purpose in range(4)}
    assert len(seeds) == 1000 and all(0 <= seed < 2**63 for seed in seeds)
