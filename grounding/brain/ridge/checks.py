"""What the estimators here ask of their arguments."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from grounding.brain.folds import Fold, Folding, Folds
from grounding.brain.rows import Rows
from grounding.errors import InputError


class ArgumentError(InputError, ValueError):
    """An argument is not usable; also the `ValueError` that scikit-learn's tools expect of an estimator."""


class AlphaEdgeWarning(UserWarning):
    """Many targets want an alpha at the edge of the grid, where the best one may not have been tried."""


def as_tensor(array: Any) -> Tensor:
    """The array as a tensor, which shares memory unless torch cannot read or must not write to it."""
    if isinstance(array, Tensor):
        return array
    array = np.asarray(array)
    native = np.dtype(np.float64) if array.dtype.char == "g" else array.dtype.newbyteorder("=")
    if min(array.strides, default=0) < 0:
        array = np.ascontiguousarray(array)
    return torch.from_numpy(np.require(array, native, "W"))


def check_whole(value: Any, name: str, least: int) -> int:
    """A whole number from ``least``.

    Raises:
        ArgumentError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise ArgumentError(f"{name}: {value!r} found, expected a whole number from {least}")
    return int(value)


def check_unmasked(values: Any, name: str) -> None:
    """Refuse masked values, which would count like any other.

    Raises:
        ArgumentError: a value is masked.
    """
    if np.ma.is_masked(values):
        raise ArgumentError(f"{name}: masked values found, expected finite numbers. Leave such columns or rows out")


def check_finite(values: Tensor, name: str, first_column: int = 0) -> None:
    """Refuse NaN and infinity, naming the columns.

    Args:
        values: (n, columns).
        name: of the matrix, for the message.
        first_column: number of the first of these columns in the whole matrix.

    Raises:
        ArgumentError: a value is NaN or infinite.
    """
    # A sum is finite only if every term is; the slow search is for the message alone.
    if bool(torch.isfinite(values.sum(dtype=torch.float64))):
        return
    bad = (~torch.isfinite(values)).any(0).nonzero().flatten().tolist()
    if bad:
        named = ", ".join(str(first_column + column) for column in bad[:5]) + (", ..." if len(bad) > 5 else "")
        raise ArgumentError(
            f"{name}: NaN or inf in {len(bad)} of its columns {first_column} to {first_column + values.shape[1] - 1} "
            f"({named}); expected finite numbers. Leave such columns out and report them"
        )


def check_alphas(alphas: Any, name: str = "alphas") -> np.ndarray:
    """Penalties as float64 (A,), in the order given.

    Raises:
        ArgumentError: none at all, not numbers, or one that is not finite and above 0.
    """
    try:
        values = np.atleast_1d(np.asarray(alphas, dtype=np.float64))
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"{name}: {alphas!r} found, expected numbers above 0") from error
    if values.ndim != 1 or not len(values):
        raise ArgumentError(f"{name}: shape {values.shape} found, expected a number or (A,) with at least one")
    if wrong := [float(value) for value in values if not (np.isfinite(value) and value > 0)]:
        raise ArgumentError(f"{name}: {wrong[0]} found, expected finite numbers above 0; a tiny one is nearly none")
    return values


def resolve_folds(folds: Folding | Folds | Iterable[Any], n: int, rows: Rows | None) -> Folds:
    """The folds of n rows.

    Args:
        folds: a way to part rows (`Contiguous`, `LeaveOneOut`, ...), folds already made, or pairs (train, test) of
            index arrays.
        n: number of rows.
        rows: what the rows are; None takes them as one run in order of time.

    Raises:
        ArgumentError: the folds cannot be made, or they name rows that do not exist, or train on a row that they test.
    """
    if rows is not None and len(rows) != n:
        raise ArgumentError(f"rows: labels of {len(rows)} rows found, expected {n} as X has")
    split = getattr(folds, "split", None)
    try:
        if isinstance(folds, Folds):
            made = folds
        elif split is not None:
            made = split(Rows.of_run("", np.arange(n)) if rows is None else rows)
        else:
            made = _from_pairs(folds)
    except InputError as error:
        raise ArgumentError(str(error)) from error
    if not len(made):
        raise ArgumentError("folds: none found, expected at least one")
    for number, fold in enumerate(made):
        _check_fold(fold, number, n)
    return made


def _from_pairs(pairs: Any) -> Folds:
    try:
        folds = tuple(_as_fold(pair) for pair in pairs)
    except (TypeError, ValueError) as error:
        raise ArgumentError(
            f"folds: {pairs!r} found, expected Contiguous(5) or another way to part rows, or pairs (train, test) of "
            "index arrays; a splitter of scikit-learn gives such pairs by `list(splitter.split(X))`"
        ) from error
    return Folds(folds, f"{len(folds)} folds as given")


def _as_fold(pair: Any) -> Fold:
    if isinstance(pair, Fold):
        return pair
    train, test = (np.asarray(part) for part in pair)
    train, test = (np.flatnonzero(part) if part.dtype == bool else part for part in (train, test))
    return Fold(np.sort(train), np.sort(test))


def _check_fold(fold: Fold, number: int, n: int) -> None:
    for name, part in (("train", fold.train), ("test", fold.test)):
        if part.ndim != 1 or part.dtype.kind not in "iu" or not len(part):
            raise ArgumentError(
                f"folds: the {name} part of fold {number} has shape {part.shape} and {part.dtype}, expected places of "
                "at least one row"
            )
        if part.min() < 0 or part.max() >= n:
            raise ArgumentError(f"folds: the {name} part of fold {number} names a row beyond the {n} there are")
        if len(np.unique(part)) < len(part):
            raise ArgumentError(f"folds: the {name} part of fold {number} names a row twice")
    if both := np.intersect1d(fold.train, fold.test).tolist():
        raise ArgumentError(f"folds: row {both[0]} is both trained on and tested in fold {number}")
    if len(fold.train) < 2:
        raise ArgumentError(f"folds: fold {number} trains on one row, expected at least two")
