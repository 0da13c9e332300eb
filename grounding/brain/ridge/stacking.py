"""Bands of features, as callers pass them, side by side in one matrix."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from grounding.brain.ridge.checks import ArgumentError, as_tensor, check_finite, check_unmasked


def stack_bands(X: Any, groups: Any) -> tuple[Any, tuple[Any, ...], np.ndarray]:
    """Bands side by side: the matrix (n, P), the names of the bands, and (P,) int64 which band each column is of.

    Raises:
        ArgumentError: no band, a band that is no matrix or has no column, bands of different numbers of rows or of
            different libraries, labels that do not fit X.
    """
    if isinstance(X, (Mapping, list, tuple)) and not _is_table(X):
        if groups is not None:
            raise ArgumentError("groups: labels of columns found beside bands; give one X, or leave groups out")
        names = tuple(X) if isinstance(X, Mapping) else tuple(range(len(X)))
        parts = list(X.values()) if isinstance(X, Mapping) else list(X)
        return _side_by_side(names, parts)
    if groups is None:
        width = X.shape[1] if len(getattr(X, "shape", ())) == 2 else 0
        return X, (0,), np.zeros(width, dtype=np.int64)
    labels = np.asarray(groups)
    shape = tuple(getattr(X, "shape", np.shape(X)))
    if len(shape) != 2 or labels.shape != (shape[1],):
        raise ArgumentError(f"groups: shape {labels.shape} found for X {shape}, expected a label for each column")
    found, band = np.unique(labels, return_inverse=True)
    return X, tuple(found.tolist()), band.astype(np.int64)


def _is_table(X: Any) -> bool:
    """Whether a list is a matrix of numbers and not a list of bands."""
    return isinstance(X, (list, tuple)) and (not len(X) or not len(np.shape(X[0])) == 2)


def _side_by_side(names: tuple[Any, ...], parts: Sequence[Any]) -> tuple[Any, tuple[Any, ...], np.ndarray]:
    if not parts:
        raise ArgumentError("X: no band found, expected at least one")
    kinds = {isinstance(part, Tensor) for part in parts}
    if len(kinds) > 1:
        raise ArgumentError("X: bands of numpy and of torch found, expected one library")
    for name, part in zip(names, parts, strict=True):
        check_unmasked(part, f"X: band {name!r}")
    parts = parts if isinstance(parts[0], Tensor) else [np.asarray(part) for part in parts]
    for name, part in zip(names, parts, strict=True):
        if part.ndim != 2 or 0 in part.shape:
            raise ArgumentError(
                f"X: band {name!r} has shape {tuple(part.shape)}, expected (n, p) with at least one of each"
            )
        if len(part) != len(parts[0]):
            raise ArgumentError(
                f"X: band {name!r} has {len(part)} rows, expected {len(parts[0])} as band {names[0]!r} has"
            )
        check_finite(as_tensor(part), f"X: band {name!r}")
    matrix = torch.cat(list(parts), 1) if isinstance(parts[0], Tensor) else np.concatenate(parts, 1)
    return matrix, names, np.repeat(np.arange(len(parts)), [part.shape[1] for part in parts])
