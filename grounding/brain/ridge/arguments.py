"""From what callers pass to tensors, and back."""

from typing import Any

import numpy as np
import torch
from sklearn.utils.validation import validate_data
from torch import Tensor

from grounding.brain.ridge.checks import ArgumentError, as_tensor, check_finite, check_unmasked
from grounding.brain.ridge.targets import Targets


def as_features(estimator: Any, X: Any, reset: bool) -> Tensor:
    """(n, p) float32 or float64 tensor of the features, which shares memory where it can.

    Args:
        estimator: whose `n_features_in_` and `feature_names_in_` are set or compared.
        X: numpy, torch, or what numpy makes an array of.
        reset: True in fit.

    Raises:
        ArgumentError: not two dimensions, fewer than 2 rows in fit, another width than in fit, NaN or infinity.
    """
    if isinstance(X, Tensor):
        _check_tensor(estimator, X, reset)
        features = X.detach() if X.dtype in (torch.float32, torch.float64) else X.detach().double()
    else:
        check_unmasked(X, "X")
        try:
            array = validate_data(
                estimator,
                X,
                reset=reset,
                dtype=[np.float64, np.float32],
                ensure_all_finite=False,
                ensure_min_samples=2 if reset else 1,
            )
        except ValueError as error:
            raise ArgumentError(f"X: {error}") from error
        features = as_tensor(array)
    check_finite(features, "X")
    return features


def as_targets(Y: Any, features: Tensor, dtype: torch.dtype | None = None) -> Targets:
    """The targets of the rows of ``features``, not read yet.

    Args:
        Y: (n, v) or (n,): numpy, torch, a memory map, or what gives columns by slices and has a shape and a dtype.
        features: (n, p).
        dtype: to compute in; None takes float32 if features and targets are float32, else float64.

    Raises:
        ArgumentError: none, no numbers, not one or two dimensions, another number of rows, no target.
    """
    if Y is None:
        raise ArgumentError("Y: None found; the model requires y to be passed, but the target y is None")
    check_unmasked(Y, "Y")
    data = Y if hasattr(Y, "shape") and hasattr(Y, "dtype") and not hasattr(Y, "iloc") else np.asarray(Y)
    if isinstance(data, Tensor):
        data = data.detach()
    if len(data.shape) not in (1, 2) or 0 in data.shape:
        raise ArgumentError(f"Y: shape {tuple(data.shape)} found, expected (n, v) or (n,) with at least one target")
    if len(data) != len(features):
        raise ArgumentError(f"X and Y: inconsistent numbers of samples, {len(features)} and {len(data)} rows found")
    one = len(data.shape) == 1
    if not isinstance(data, Tensor):
        data = _real(data)
    if dtype is None:
        single = features.dtype == torch.float32 and str(data.dtype).endswith("float32")
        dtype = torch.float32 if single else torch.float64
    data = data[:, None] if one else data
    return Targets(data, data.shape[0], data.shape[1], dtype, features.device, one)


def like(X: Any, values: Tensor) -> Any:
    """The values as torch where X is torch, else as numpy."""
    return values if isinstance(X, Tensor) else values.cpu().numpy()


def _check_tensor(estimator: Any, X: Tensor, reset: bool) -> None:
    if X.ndim != 2 or 0 in X.shape:
        raise ArgumentError(f"X: shape {tuple(X.shape)} found, expected (n, p) with at least one of each")
    if X.is_complex():
        raise ArgumentError(f"X: {X.dtype} found, expected real numbers")
    if reset:
        if len(X) < 2:
            raise ArgumentError("X: one row found, expected at least 2")
        estimator.n_features_in_ = X.shape[1]
    elif X.shape[1] != estimator.n_features_in_:
        raise ArgumentError(f"X: {X.shape[1]} features found, expected {estimator.n_features_in_} as in fit")


def _real(data: Any) -> Any:
    kind = np.dtype(data.dtype).kind
    if kind == "O":
        try:
            return np.asarray(data, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise ArgumentError(f"Y: objects found, expected numbers ({error})") from error
    if kind not in "fiub":
        raise ArgumentError(f"Y: {data.dtype} found, expected real numbers")
    return data
