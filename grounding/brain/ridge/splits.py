"""How much of a score each band of features earns: the product measure, whose parts sum to the joint score.

The parts of correlated bands depend on each other and may be below 0. They say how the joint model divides its
prediction, not what a band could explain alone or what it alone explains; that is variance partitioning.
"""

import torch
from torch import Tensor

from grounding.brain.ridge.checks import ArgumentError
from grounding.brain.ridge.scores import Array, is_constant


def r2_split(actual: Array, predicted: Array) -> Array:
    """The part of each band in r², Σ_t (2 y − ŷ) ŷ_b / Σ_t y² for centred y and ŷ_b, where ŷ = Σ_b ŷ_b.

    After Hoffman (1960) and Pratt (1987), as used by Dupré la Tour et al. (2022). Where the mean of the predictions is
    off, which costs the joint score n (ȳ − mean ŷ)² / Σ y², every band bears an equal share, since which band a
    constant belongs to is arbitrary.

    Args:
        actual: (n, v) minus the model's constant (the mean of the training targets), numpy or torch.
        predicted: (B, n, v), what each band predicts beside that constant.

    Returns:
        (B, v) float64 whose sum over bands is `grounding.brain.ridge.scores.r2`; NaN where ``actual`` is constant.
    """
    return _split("r2", actual, predicted)


def correlation_split(actual: Array, predicted: Array) -> Array:
    """The part of each band in the correlation, cov(y, ŷ_b) / (sd(y) sd(ŷ)), where ŷ = Σ_b ŷ_b.

    Args:
        actual: (n, v), numpy or torch.
        predicted: (B, n, v), what each band predicts.

    Returns:
        (B, v) float64 whose sum over bands is `grounding.brain.ridge.scores.correlation`; NaN where ``actual`` is
        constant, 0 where only the joint prediction is.
    """
    return _split("correlation", actual, predicted)


def _split(scoring: str, actual: Array, predicted: Array) -> Array:
    if actual.ndim != 2 or predicted.ndim != 3 or predicted.shape[1:] != actual.shape:
        raise ArgumentError(
            f"actual and predicted: shapes {tuple(actual.shape)} and {tuple(predicted.shape)} found, expected "
            "(n, v) and (bands, n, v)"
        )
    y, parts = torch.as_tensor(actual).double(), torch.as_tensor(predicted).double()
    level, levels = y.mean(0), parts.mean(1, keepdim=True)
    y, parts = y - level, parts - levels
    joint = parts.sum(0)
    total = y.square().sum(0)
    if scoring == "r2":
        offset = len(y) * (level - levels.sum(0)[0]).square() / len(parts)
        score = (((2 * y - joint) * parts).sum(1) - offset) / total
    else:
        size = joint.square().sum(0)
        score = (y * parts).sum(1) / (total * size).sqrt()
        score[:, size == 0] = 0.0
    score[:, is_constant(torch.as_tensor(actual))] = torch.nan
    return score if isinstance(actual, Tensor) else score.numpy()
