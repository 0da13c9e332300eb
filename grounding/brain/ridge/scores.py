"""How well predictions fit, one number a target.

A target that does not vary has nothing to predict: its score is NaN. A prediction that does not vary predicts nothing:
its correlation is 0.
"""

from typing import Literal, TypeVar

import numpy as np
import torch
from torch import Tensor

from grounding.brain.ridge.checks import ArgumentError, as_tensor

Scoring = Literal["r2", "correlation"]
Array = TypeVar("Array", np.ndarray, Tensor)


def correlation(actual: Array, predicted: Array) -> Array:
    """Pearson's correlation of each target over the rows.

    Args:
        actual: (n, v), numpy or torch.
        predicted: (n, v).

    Returns:
        (v,) float64 as an array of the same library; NaN where ``actual`` is constant, 0 where only the prediction is.
    """
    return _score("correlation", actual, predicted)


def r2(actual: Array, predicted: Array) -> Array:
    """Share of each target's variance over the rows that is explained, 1 − Σ(y − ŷ)² / Σ(y − ȳ)².

    It is below 0 where the mean of these rows would have predicted better.

    Args:
        actual: (n, v), numpy or torch.
        predicted: (n, v).

    Returns:
        (v,) float64 as an array of the same library; NaN where ``actual`` is constant.
    """
    return _score("r2", actual, predicted)


def check_scoring(scoring: str) -> None:
    """Raises ArgumentError: a name of no score."""
    if scoring not in ("r2", "correlation"):
        raise ArgumentError(f"scoring: {scoring!r} found, expected 'r2' or 'correlation'")


def is_constant(values: Tensor) -> Tensor:
    """(v,) bool: which columns of (n, v) hold one value only."""
    lowest, highest = torch.aminmax(values, dim=0)
    return lowest == highest


def score_block(scoring: Scoring, actual: Tensor, predicted: Tensor) -> Tensor:
    """(v,) float64 of (n, v) tensors; see `correlation` and `r2`."""
    actual64 = actual.double()
    centred = actual64 - actual64.mean(0)
    total = centred.square().sum(0)
    if scoring == "r2":
        score = 1 - (actual64 - predicted).square().sum(0) / total
    else:
        spread = predicted.double()
        rounding = 4 * torch.finfo(predicted.dtype).eps * spread.abs().amax(0)
        spread = spread - spread.mean(0)
        size = spread.square().sum(0)
        score = (centred * spread).sum(0) / (total * size).sqrt()
        score[size <= len(predicted) * rounding.square()] = 0.0
    score[is_constant(actual)] = torch.nan
    return score


def _score(scoring: Scoring, actual: Array, predicted: Array) -> Array:
    if actual.shape != predicted.shape or actual.ndim != 2:
        raise ArgumentError(
            f"actual and predicted: shapes {tuple(actual.shape)} and {tuple(predicted.shape)} found, expected the same "
            "(n, v)"
        )
    if isinstance(actual, Tensor):
        return score_block(scoring, actual, predicted)
    return score_block(scoring, as_tensor(actual), as_tensor(predicted)).numpy()
