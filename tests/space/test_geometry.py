"""Gap, alignment and uniformity against a look at every pair."""

import math

import pytest
import torch
from torch.nn import functional

from grounding.space.geometry import DRAWN, alignment, modality_gap, uniformity


def unit(count: int, seed: int = 0, dim: int = 6) -> torch.Tensor:
    return functional.normalize(torch.randn(count, dim, generator=torch.Generator().manual_seed(seed)), dim=1)


def test_gap() -> None:
    a = unit(50)
    assert modality_gap(a, a.flip(0)) == pytest.approx(0, abs=1e-7)
    there, opposite = torch.tensor([[1.0, 0]] * 3), torch.tensor([[-1.0, 0]] * 5)
    assert modality_gap(there, opposite) == 2.0


def test_alignment_is_the_mean_over_all_positives() -> None:
    a, b = unit(40, 1), unit(60, 2)
    codes_a, codes_b = torch.arange(40) % 9, torch.arange(60) % 7 + 4
    squares = torch.cdist(a.double(), b.double()).square()
    assert alignment(a, b, codes_a, codes_b) == pytest.approx(float(squares[codes_a[:, None] == codes_b].mean()))
    assert alignment(a, a, torch.arange(40), torch.arange(40)) == pytest.approx(0, abs=1e-6)
    assert math.isnan(alignment(a, b, torch.zeros(40, dtype=torch.int64), torch.ones(60, dtype=torch.int64)))


def test_uniformity_is_over_all_pairs_of_different_items() -> None:
    vectors = unit(80)
    expected = torch.exp(-2 * torch.pdist(vectors.double()).square()).mean().log()
    assert uniformity(vectors, seed=0) == pytest.approx(float(expected))
    assert uniformity(vectors[:1].repeat(7, 1), seed=0) == pytest.approx(0, abs=1e-6)
    assert math.isnan(uniformity(vectors[:1], seed=0))


def test_uniformity_of_many_vectors_draws_some() -> None:
    vectors = unit(3 * DRAWN, dim=64)
    drawn = uniformity(vectors, seed=0)
    assert drawn == uniformity(vectors, seed=0) != uniformity(vectors, seed=1)
    whole = torch.exp(-2 * torch.pdist(vectors.double()).square()).mean().log()
    assert drawn == pytest.approx(float(whole), abs=0.01)
    assert -4.0 < drawn < -3.8
