"""How the vectors of a shared space lie: how far apart modalities are, and how well each uses the sphere."""

import math

import numpy as np
import torch
from torch import Tensor

DRAWN = 1024
"""The most vectors of a modality that uniformity looks at; it takes every pair of them."""


def modality_gap(a: Tensor, b: Tensor) -> float:
    """Distance between the mean vectors of two modalities (A, dim) and (B, dim): ||mean_a - mean_b|| (Liang et al.
    2022); 0 where both lie around the same centre, 2 at most.
    """
    return float((a.mean(0) - b.mean(0)).norm())


def alignment(a: Tensor, b: Tensor, codes_a: Tensor, codes_b: Tensor) -> float:
    """Mean squared distance of positives, E ||za - zb||^2 (Wang & Isola 2020): 0 is perfect, 2 is that of vectors at
    right angles. NaN without a single positive.

    The mean is over all pairs of vectors with equal codes, exactly: within a code it follows from sums of vectors and
    of their squares, without a look at each pair.

    Args:
        a: vectors (A, dim).
        b: vectors (B, dim).
        codes_a: int64 (A,), from 0, equal for items of equal id.
        codes_b: int64 (B,).
    """
    codes = 1 + int(max(codes_a.max(), codes_b.max()))
    count_a, sum_a, square_a = _moments(a, codes_a, codes)
    count_b, sum_b, square_b = _moments(b, codes_b, codes)
    pairs = (count_a * count_b).sum()
    total = (count_b * square_a + count_a * square_b - 2 * (sum_a * sum_b).sum(1)).sum()
    return float(total / pairs)


def uniformity(vectors: Tensor, seed: int) -> float:
    """How evenly unit vectors (n, dim) lie on the sphere: log E exp(-2 ||z - z'||^2) over pairs of different items
    (Wang & Isola 2020); 0 is collapse to one point, about -4 is a uniform spread in many dimensions.

    Of more than 1,024 vectors so many are drawn with the seed. NaN for a single vector.
    """
    count = len(vectors)
    if count < 2:
        return math.nan
    if count > DRAWN:
        drawn = np.random.default_rng(seed).choice(count, DRAWN, replace=False)
        vectors, count = vectors[torch.from_numpy(drawn)], DRAWN
    squares = vectors.square().sum(1)
    distances = (squares[:, None] + squares - 2 * vectors @ vectors.T).clamp_(min=0)
    # The diagonal, of items with themselves, is known to add one each.
    total = torch.exp(-2 * distances.fill_diagonal_(0)).sum() - count
    return float(torch.log(total / (count * (count - 1))))


def _moments(vectors: Tensor, codes: Tensor, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """By code: how many vectors, their sum, and the sum of their squared lengths; float64."""
    squares = torch.linalg.vecdot(vectors, vectors).double()
    return (
        torch.bincount(codes, minlength=count).double(),
        torch.zeros(count, vectors.shape[1]).index_add_(0, codes, vectors).double(),
        torch.zeros(count, dtype=torch.float64).index_add_(0, codes, squares),
    )
