"""Reading HDF5 files that others wrote: what is missing, of another kind or damaged is told with file and key.

Nothing is unpickled: of Python objects only texts are read.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from grounding.errors import DataError

if TYPE_CHECKING:
    import h5py


@contextmanager
def opened(path: Path) -> Iterator["h5py.File"]:
    """The file, open for reading.

    Raises:
        DataError: it is missing, no HDF5 file, or cut; also what is found unreadable within the block.
    """
    import h5py

    if not path.is_file():
        raise DataError(f"{path}: no such file; expected an HDF5 file of demonstrations")
    try:
        with h5py.File(path, "r") as file:
            yield file
    except (OSError, RuntimeError) as error:
        raise DataError(f"{path}: cannot be read as HDF5 ({error}); restore or replace it") from error


def group(parent: "h5py.Group", name: str) -> "h5py.Group":
    """The group of a name.

    Raises:
        DataError: there is none.
    """
    import h5py

    found = parent.get(name)
    if not isinstance(found, h5py.Group):
        there = ", ".join(sorted(parent)) or "nothing"
        raise DataError(f"{place(parent, name)}: no such group; {there} found beside it")
    return found


def array(parent: "h5py.Group", name: str, *shape: int | None) -> np.ndarray:
    """The numbers of a data set, of a shape in which None stands for any length.

    Raises:
        DataError: no such data set, no numbers, another shape, NaN or infinity.
    """
    stored = dataset(parent, name)
    values = stored[()]
    fits = np.ndim(values) == len(shape) and all(
        wanted is None or found == wanted for found, wanted in zip(np.shape(values), shape, strict=True)
    )
    if not fits or stored.dtype.kind not in "biuf":
        expected = f"({', '.join('any' if length is None else str(length) for length in shape)})"
        raise DataError(
            f"{place(parent, name)}: {stored.dtype} of shape {np.shape(values)}; expected numbers of shape {expected}"
        )
    if not np.isfinite(values).all():
        raise DataError(f"{place(parent, name)}: NaN or infinity in it; expected finite numbers; repair the file")
    return np.asarray(values)


def dataset(parent: "h5py.Group", name: str) -> "h5py.Dataset":
    """The data set of a name, not yet read.

    Raises:
        DataError: there is none.
    """
    import h5py

    found = parent.get(name)
    if not isinstance(found, h5py.Dataset):
        there = ", ".join(sorted(parent)) or "nothing"
        raise DataError(f"{place(parent, name)}: no such data set; {there} found beside it")
    return found


def place(parent: "h5py.Group", name: str) -> str:
    """File and key, for messages."""
    return f"{parent.file.filename}: {parent.name.rstrip('/')}/{name}"


def text(value: object) -> str:
    """A stored text, which may come as bytes."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
