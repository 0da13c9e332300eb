"""Fits spread over processes and machines: blocks of targets, and recordings of several subjects.

The work goes to joblib, which runs it here unless told otherwise:

    with joblib.parallel_config(backend="loky", n_jobs=4):            # processes of this machine
        model = fit_blocks(RidgeCV(folds=folds), X, Y, rows)
    with dask_cluster("tcp://HOST:8786"):                             # started by launch/dask.sh
        model = fit_blocks(RidgeCV(folds=folds), X, Y, rows)

Blocks have a width that does not depend on the number of workers, so neither does the result.
"""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from grounding.brain.ridge.alphas import edge_of, least_signal
from grounding.brain.ridge.checks import AlphaEdgeWarning, ArgumentError, check_whole
from grounding.brain.rows import Rows
from grounding.cluster import dask_cluster
from grounding.errors import DataError, InputError

__all__ = ["PER_TARGET", "WIDTH", "dask_cluster", "fit_blocks", "map_recordings"]

WIDTH = 4096
"""Targets of a block."""

PER_TARGET = (
    "coef_",
    "intercept_",
    "alpha_",
    "cv_scores_",
    "constant_",
    "Y_mean_",
    "draw_",
    "band_weights_",
    "deltas_",
)
"""What a fit learns of each target; the last axis is that of targets."""

Estimator = TypeVar("Estimator", bound=Any)
Result = TypeVar("Result")


def fit_blocks(estimator: Estimator, X: Any, Y: Any, rows: Rows | None = None, *, width: int = WIDTH) -> Estimator:
    """A copy of the estimator, fitted to all targets block by block, wherever joblib sends the blocks.

    A memory-mapped Y is opened by the workers from its file, which each machine must see under the same path; of any
    other Y each worker is sent its columns. X is sent to each once. Alphas are never extended beyond the grid that was
    asked for: a block for itself would otherwise extend it, and results would depend on how targets were cut.

    Args:
        estimator: a `Ridge` with one alpha, `RidgeCV` or `GroupRidgeCV`, not fitted; its settings hold in each block.
        X: features as the estimator's ``fit`` takes them.
        Y: (n, v) targets.
        rows: as in ``fit``; left out for `Ridge`.
        width: targets of a block.

    Raises:
        ArgumentError: what ``fit`` refuses, with the block's targets named; a width below 1; coefficients in a file.
        DataError: a worker cannot open the file of Y.

    Warns:
        AlphaEdgeWarning: many targets choose the edge of the grid.
    """
    import joblib
    from sklearn.base import clone

    check_whole(width, "width", 1)
    if isinstance(getattr(estimator, "coef", True), (str, Path)):
        raise ArgumentError("coef: a file found, which blocks would overwrite for each other; expected True or False")
    if len(getattr(Y, "shape", ())) != 2 or not Y.shape[1]:
        raise ArgumentError(f"Y: shape {tuple(np.shape(Y))} found, expected (n, v) with at least one target")
    one = clone(estimator)
    if "extend" in one.get_params():
        one.set_params(extend=False)
    names, bands = _taken_apart(X)
    file = _file_of(Y)
    jobs = []
    for start in range(0, Y.shape[1], width):
        columns = slice(start, min(start + width, Y.shape[1]))
        part = file if file is not None else Y[:, columns]
        jobs.append(joblib.delayed(_fit_block)(one, columns, part, rows, names, *bands))
    model = _joined(clone(estimator), joblib.Parallel()(jobs))
    if hasattr(model, "edge_"):
        signal = least_signal(model.scoring, model.folds_)
        model.edge_ = edge_of(model.alpha_, model.alphas_, model.cv_scores_, signal)
    return model


def map_recordings(function: Callable[[Any], Result], recordings: Mapping[str, Any]) -> dict[str, Result]:
    """The function of each recording, by name and in their order, wherever joblib sends them.

    Args:
        function: of one recording, defined at the top of a module so that other processes can import it.
        recordings: by subject; or paths, read by the function, which spares sending data.

    Raises:
        InputError, DataError: as the function raises them, with the name in front.
    """
    import joblib

    results = joblib.Parallel()(joblib.delayed(_named)(function, name, one) for name, one in recordings.items())
    return dict(zip(recordings, results, strict=True))


@dataclass(frozen=True)
class _File:
    """A matrix within a file, as another process can open it."""

    path: str
    dtype: str
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int

    def columns(self, chosen: slice) -> np.ndarray:
        try:
            mapped = np.memmap(self.path, dtype=np.uint8, mode="r")
            matrix = np.ndarray(self.shape, self.dtype, buffer=mapped, offset=self.offset, strides=self.strides)
        except (OSError, ValueError, TypeError) as error:
            raise DataError(
                f"{self.path}: a worker cannot open the targets ({error}); put the file where all machines see it "
                "under this path, and do not change it meanwhile"
            ) from error
        return np.array(matrix[:, chosen])


def _file_of(Y: Any) -> _File | None:
    """Where a memory map lies in its file; None for other arrays and for maps whose changes are not in the file."""
    if not isinstance(Y, np.memmap) or Y.mode == "c" or Y.filename is None or min(Y.strides) < 0:
        return None
    if Y.mode != "r":
        Y.flush()
    root = Y
    while isinstance(root.base, np.memmap):
        root = root.base
    offset = Y.__array_interface__["data"][0] - root.__array_interface__["data"][0] + root.offset
    return _File(str(Y.filename), Y.dtype.str, Y.shape, Y.strides, offset)


def _taken_apart(X: Any) -> tuple[tuple[Any, ...] | None, list[Any]]:
    """Names and bands, since joblib sends an array that several jobs share only once, but not a mapping of arrays."""
    if isinstance(X, Mapping):
        return tuple(X), list(X.values())
    if isinstance(X, (list, tuple)):
        return tuple(range(len(X))), list(X)
    return None, [X]


def _fit_block(
    estimator: Any, columns: slice, part: Any, rows: Rows | None, names: tuple[Any, ...] | None, *bands: Any
) -> dict[str, Any]:
    """What the estimator learns of these targets."""
    from sklearn.base import clone

    is_list = names == tuple(range(len(bands)))
    X = bands[0] if names is None else list(bands) if is_list else dict(zip(names, bands, strict=True))
    Y = part.columns(columns) if isinstance(part, _File) else part
    model = clone(estimator)
    try:
        with warnings.catch_warnings():
            # Of all targets together it is said once.
            warnings.simplefilter("ignore", AlphaEdgeWarning)
            model.fit(X, Y) if rows is None else model.fit(X, Y, rows=rows)
    except ArgumentError as error:
        raise ArgumentError(f"targets {columns.start} to {columns.stop - 1}: {error}") from error
    return {name: value for name, value in vars(model).items() if name.endswith("_") and not name.startswith("_")}


def _joined(model: Any, blocks: list[dict[str, Any]]) -> Any:
    for name, value in blocks[0].items():
        if name in PER_TARGET and value is not None:
            parts = [block[name] for block in blocks]
            value = torch.cat(parts, -1) if isinstance(value, Tensor) else np.concatenate(parts, -1)
        setattr(model, name, value)
    if "float32_error_" in blocks[0]:
        model.float32_error_ = max(block["float32_error_"] for block in blocks)
        model.dtype_ = max(block["dtype_"] for block in blocks)  # "float64" where any block needed it
    return model


def _named(function: Callable[[Any], Result], name: str, recording: Any) -> Result:
    try:
        return function(recording)
    except (InputError, DataError) as error:
        raise type(error)(f"{name}: {error}") from error
