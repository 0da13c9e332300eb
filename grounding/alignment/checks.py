"""What every function here asks of its matrices."""

import numpy as np

from grounding.errors import InputError


def check_matrix(matrix: np.ndarray, name: str) -> np.ndarray:
    """The matrix as floating-point numbers: float32 and float64 stay as they are, other numbers become float64.

    Raises:
        InputError: not two dimensions, no rows or columns, no numbers, or a NaN or infinity among them.
    """
    matrix = np.asarray(matrix)
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise InputError(f"{name}: shape {matrix.shape} found, expected (rows, width) with at least one of each")
    if matrix.dtype not in (np.float32, np.float64):
        if matrix.dtype.kind not in "iufb":
            raise InputError(f"{name}: {matrix.dtype} found, expected real numbers")
        matrix = matrix.astype(np.float64)
    finite = np.isfinite(matrix).all(axis=1)
    if not finite.all():
        raise InputError(
            f"{name}: row {int(finite.argmin())} has NaN or infinity ({int((~finite).sum())} rows have); "
            "leave such rows out"
        )
    return matrix


def check_pair(X: np.ndarray, Y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both matrices, whose rows belong together.

    Raises:
        InputError: as `check_matrix`, or their numbers of rows differ, or they have one row only.
    """
    X, Y = check_matrix(X, "X"), check_matrix(Y, "Y")
    if len(X) != len(Y):
        raise InputError(f"X and Y: {len(X)} and {len(Y)} rows found, expected pairs: row i of X and row i of Y")
    if len(X) < 2:
        raise InputError("X and Y: one pair found, expected at least two, and better more than their width")
    return X, Y


def check_same_width(X: np.ndarray, Y: np.ndarray, names: str) -> None:
    """Raise InputError when the rows cannot be compared."""
    if X.shape[1] != Y.shape[1]:
        raise InputError(
            f"{names}: widths {X.shape[1]} and {Y.shape[1]} found, expected the same; "
            "`ridge` and `cca` map between different widths"
        )
