"""Reading the files of a published data set, with errors that say what is missing and where it comes from."""

import csv
import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from grounding.errors import DataError

LARGE_FILE_POINTER = b"version https://git-lfs"


@dataclass(frozen=True)
class Layout:
    """The files of a data set as published.

    Attributes:
        name: of the set, for messages.
        files: the layout in one line.
        source: where the set comes from.
    """

    name: str
    files: str
    source: str

    def path(self, folder: Path | str, *parts: str) -> Path:
        """The path of a file of the set.

        Raises:
            DataError: it is not there, is empty, or is a pointer to a large file that was never fetched.
        """
        path = Path(folder, *parts)
        if not path.is_file():
            raise DataError(
                f"{self.name}: {path} not found; expected in {folder}: {self.files}; get the set from {self.source}"
            )
        with path.open("rb") as stream:
            beginning = stream.read(len(LARGE_FILE_POINTER))
        if not beginning:
            raise DataError(f"{self.name}: {path} is empty; get the set again from {self.source}")
        if beginning == LARGE_FILE_POINTER:
            raise DataError(
                f"{self.name}: {path} is a Git LFS pointer, not the file; run git lfs pull in its repository"
            )
        return path

    def matching(self, folder: Path | str, pattern: str) -> list[Path]:
        """The files that match a glob pattern, in order of their names.

        Raises:
            DataError: there is none.
        """
        if found := sorted(Path(folder).glob(pattern)):
            return found
        raise DataError(
            f"{self.name}: no {pattern} in {folder}; expected there: {self.files}; get the set from {self.source}"
        )


def read_numbers(path: Path, columns: int, *, rows: int | None = None) -> np.ndarray:
    """(rows, columns) float64 of a text file of numbers parted by white space.

    Raises:
        DataError: something else than numbers, or another shape.
    """
    try:
        values = np.loadtxt(path, ndmin=2)
    except ValueError as error:
        raise DataError(f"{path}: not readable as numbers ({error}); get the file again") from error
    if values.shape[1] != columns or (rows is not None and len(values) != rows):
        expected = f"({'rows' if rows is None else rows}, {columns})"
        raise DataError(f"{path}: {values.shape} numbers found, expected {expected}; get the file again")
    return values


def read_matlab(path: Path, name: str) -> Any:
    """One variable of a MATLAB file (version 7 or older).

    Raises:
        DataError: the file or the variable cannot be read.
    """
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        return loadmat(path)[name]
    # A file of another kind makes scipy stumble in many ways.
    except (MatReadError, ValueError, KeyError, IndexError, NotImplementedError, TypeError) as error:
        raise DataError(f"{path}: no variable {name!r} can be read ({error}); get the file again") from error


def read_table(path: Path, columns: Sequence[str], *, delimiter: str = ",") -> dict[str, list[str]]:
    """All columns of a text table with a header, as strings by name; the file may be compressed by gzip.

    Raises:
        DataError: a column of ``columns`` is missing, a row has another length than the header, or there are no rows.
    """
    try:
        with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8", newline="") as stream:
            header, *rows = list(csv.reader(stream, delimiter=delimiter))
    except (ValueError, OSError, EOFError, csv.Error) as error:
        raise DataError(f"{path}: not readable as a table ({error}); get the file again") from error
    if missing := [name for name in columns if name not in header]:
        raise DataError(f"{path}: no column {', '.join(missing)}; found {', '.join(header)[:200]}")
    if not rows:
        raise DataError(f"{path}: a header and no rows found; get the file again")
    for number, row in enumerate(rows):
        if len(row) != len(header):
            raise DataError(f"{path}, line {number + 2}: {len(row)} values found, expected {len(header)}")
    return {name: list(values) for name, values in zip(header, zip(*rows, strict=True), strict=True)}


def read_numeric_table(path: Path, columns: Sequence[str]) -> dict[str, np.ndarray]:
    """All columns of a table of numbers with a header, (rows,) float64 by name, NaN where one is empty or says NA.

    Raises:
        DataError: as `read_table`, or a value is no number.
    """
    header, values = [""], np.empty((0, 0))
    try:
        with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8") as stream:
            first, *lines = stream.read().splitlines() or [""]
        header = [name.strip('"') for name in first.split(",")]
        if lines:
            values = np.loadtxt(lines, delimiter=",", ndmin=2)
    except (ValueError, OSError, EOFError):
        pass  # told below
    if values.shape[1:] == (len(header),) and len(values) and set(columns) <= set(header):
        return dict(zip(header, values.T, strict=True))
    # Slower by far, but bears with gaps and names what is wrong.
    table = read_table(path, columns)
    return {name: as_numbers(path, table, name) for name in table}


def as_numbers(path: Path, table: dict[str, list[str]], name: str) -> np.ndarray:
    """(rows,) float64: a column as numbers, NaN where it is empty or says NA.

    Raises:
        DataError: a value is no number.
    """
    try:
        return np.array(table[name], dtype=np.float64)
    except ValueError:
        pass  # a value is missing, or is no number
    values = np.empty(len(table[name]))
    for row, text in enumerate(table[name]):
        try:
            values[row] = np.nan if text in ("", "NA", "NaN") else float(text)
        except ValueError as error:
            raise DataError(f"{path}, line {row + 2}: {name} is {text!r}, expected a number") from error
    return values
