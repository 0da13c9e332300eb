"""Text tables as data sets ship them: TSV, CSV, columns parted by white space; and a check that a file is a file."""

import csv
from pathlib import Path

import numpy as np

from grounding.errors import DataError

MISSING = ("", "n/a", "NA", "na", "nan", "NaN", "N/A")


def existing_file(path: str | Path, expected: str) -> Path:
    """The path, once it is known to name a file with something in it.

    Args:
        expected: what it should be, for the message: "an events table".

    Raises:
        DataError: no such file, a folder, an empty file, or the pointer that Git LFS leaves where a file was not
            downloaded.
    """
    path = Path(path)
    if not path.is_file():
        found = "a folder" if path.is_dir() else "no file"
        raise DataError(f"{path}: {found} found, expected {expected}; check the path")
    with path.open("rb") as stream:
        head = stream.read(64)
    if not head:
        raise DataError(f"{path}: the file is empty, expected {expected}; copy or download it again")
    if head.startswith(b"version https://git-lfs"):
        raise DataError(f"{path}: a Git LFS pointer, not the file itself; fetch it with `git lfs pull`")
    return path


def read_columns(path: str | Path, expected: str = "a table with a header line") -> dict[str, list[str]]:
    """The columns of a table with a header line, as text, by name.

    Tabs part the cells unless the name ends in ``.csv`` (then commas), as BIDS has it.

    Raises:
        DataError: as `existing_file`; no row, a row of another length than the header, or text that is not UTF-8.
    """
    lines = _lines(existing_file(path, expected))
    if Path(path).suffix.lower() == ".csv":
        cells = list(csv.reader(lines))
    else:
        # BIDS tables do not quote, and a quotation mark may itself be an annotated word.
        cells = [line.split("\t") for line in lines]
    names = [name.strip() for name in cells[0]]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise DataError(f"{path}: two columns are named {twice[0]!r}, expected distinct names")
    if len(cells) < 2:
        raise DataError(f"{path}: a header and no row below it, expected {expected}")
    for number, row in enumerate(cells[1:], 2):
        if len(row) != len(names):
            raise DataError(f"{path}, row {number}: {len(row)} cells found, expected {len(names)} as the header has")
    return {name: [row[place].strip() for row in cells[1:]] for place, name in enumerate(names)}


def numbers(path: str | Path, name: str, cells: list[str], *, missing: bool = False) -> np.ndarray:
    """One column as float64; a missing value (empty or n/a) becomes NaN where ``missing`` allows it.

    Raises:
        DataError: a cell that is no finite number, with its row.
    """
    values = np.empty(len(cells))
    for place, cell in enumerate(cells):
        try:
            values[place] = np.nan if missing and cell in MISSING else float(cell)
        except ValueError:
            values[place] = np.inf
        if not np.isfinite(values[place]) and not (missing and cell in MISSING):
            raise DataError(f"{path}, row {place + 2}, column {name!r}: {cell!r} found, expected a finite number")
    return values


def read_matrix(path: str | Path, expected: str = "a table of numbers") -> tuple[np.ndarray, tuple[str, ...] | None]:
    """A table of numbers with or without a header line, cells parted by tabs, commas or blanks.

    Returns:
        values: (rows, columns) float64; missing values (n/a) are NaN.
        names: of the columns, or None without a header.

    Raises:
        DataError: as `existing_file`; rows of unequal length, a cell that is no number, no row.
    """
    lines = _lines(existing_file(path, expected))
    suffix = Path(path).suffix.lower()
    delimiter = "," if suffix == ".csv" or ("," in lines[0] and "\t" not in lines[0]) else None
    rows = [[cell.strip().strip('"') for cell in line.split(delimiter)] for line in lines]
    names = None
    if not all(_is_number(cell) for cell in rows[0]):
        names, rows = tuple(rows[0]), rows[1:]
    if not rows:
        raise DataError(f"{path}: a header and no row below it, expected {expected}")
    first = 1 if names is None else 2
    for number, row in enumerate(rows, first):
        if len(row) != len(rows[0]) or (names and len(row) != len(names)):
            raise DataError(f"{path}, row {number}: {len(row)} cells found, expected {len(names or rows[0])}")
        if bad := [cell for cell in row if not _is_number(cell)]:
            raise DataError(f"{path}, row {number}: {bad[0]!r} found, expected a number or n/a")
    values = [[np.nan if cell in MISSING else float(cell) for cell in row] for row in rows]
    return np.array(values, dtype=np.float64), names


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 text ({error.reason} at byte {error.start}); save it as UTF-8") from error
    lines = [line for line in text.split("\n") if line.strip()]
    if not lines:
        raise DataError(f"{path}: only blank lines found, expected a table")
    return lines


def _is_number(cell: str) -> bool:
    if cell in MISSING:
        return True
    try:
        float(cell)
    except ValueError:
        return False
    return True
