"""The memory-mapped matrix derived from a library: disposable, rebuilt when its version is not the library's."""

import sqlite3
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from grounding.errors import StorageError
from grounding.files import atomic
from grounding.library import store


@dataclass(frozen=True)
class Matrix:
    """The embeddings of one version of a library."""

    state: store.State
    numbers: np.ndarray
    """int64 (rows,), ascending: the demonstration of each row."""
    vectors: np.ndarray
    """float32 (rows, modalities, dim), unit length, NaN where a modality was not observed; memory-mapped."""


def load(path: Path) -> Matrix:
    """Return the matrix of the library file at `path` as it is now, building it first when there is none."""
    with store.connect(path) as connection:
        # One read transaction: version, rows and vectors belong together whatever a writer does meanwhile.
        connection.execute("BEGIN")
        state = store.state(connection, path)
        rows = connection.execute("SELECT number FROM demonstrations ORDER BY number").fetchall()
        numbers = np.array([row[0] for row in rows], dtype=np.int64)
        shape = (len(numbers), len(state.modalities), state.dim or 0)
        file = _file(path, state)
        vectors = _mapped(file, shape)
        if vectors is None:
            vectors = _build(connection, state, numbers, shape)
            _save(vectors, file)
            mapped = _mapped(file, shape)
            vectors = vectors if mapped is None else mapped
    return Matrix(state, numbers, vectors)


def _file(path: Path, state: store.State) -> Path:
    return path.with_name(f"matrix-{state.created}-{state.version}.npy")


def _mapped(file: Path, shape: tuple[int, ...]) -> np.ndarray | None:
    """The file's array, or None when the file is absent, damaged or of another shape."""
    if 0 in shape:
        return None
    try:
        array = np.load(file, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return array if array.shape == shape and array.dtype == np.float32 else None


def _build(
    connection: sqlite3.Connection, state: store.State, numbers: np.ndarray, shape: tuple[int, ...]
) -> np.ndarray:
    vectors = np.full(shape, np.nan, dtype=np.float32)
    slots = {modality: slot for slot, modality in enumerate(state.modalities)}
    places = {number: place for place, number in enumerate(numbers.tolist())}
    for number, modality, content in connection.execute("SELECT number, modality, content FROM vectors"):
        vectors[places[number], slots[modality]] = np.frombuffer(content, dtype="<f4")
    return vectors


def _save(vectors: np.ndarray, file: Path) -> None:
    """Put the file in place in one step and drop those of other versions; when that fails, memory has to do."""
    if vectors.size == 0:
        return
    with suppress(StorageError, OSError):
        with atomic(file, contended=True) as temporary, temporary.open("wb") as stream:
            np.save(stream, vectors, allow_pickle=False)
        for other in file.parent.glob("matrix-*.npy"):
            if other != file:
                other.unlink(missing_ok=True)
