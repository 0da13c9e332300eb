"""What a library stores and what a search returns."""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from grounding.errors import InputError
from grounding.trajectories import validate


@dataclass(frozen=True, eq=False)
class Entry:
    """One stored demonstration with its embeddings."""

    id: str
    """Unique name of the demonstration."""
    task: str
    meaning: str
    """Canonical form of what was asked, such as "OpenDrawer top"."""
    instruction: str
    trajectory: np.ndarray
    """float32 (T, 8); `metadata` may say in which frame."""
    rate: float
    """Rows of the trajectory per second (Hz)."""
    metadata: dict[str, Any] = field(default_factory=dict)
    """Anything that JSON can hold; "split" (text) and "seed" (integer) can be filtered on."""
    vectors: dict[str, np.ndarray] = field(default_factory=dict)
    """Modality -> embedding (dim,), stored at unit length as float32; a modality that was not observed is absent."""
    extras: dict[str, np.ndarray] = field(default_factory=dict)
    """Further named arrays, such as the cloud of the part."""


@dataclass(frozen=True)
class Hit:
    """One answer of a search; `score` is a cosine, 1 for the same direction."""

    id: str
    score: float
    task: str
    instruction: str


def checked_vector(vector: Any, name: str, dim: int | None) -> np.ndarray:
    """Return `vector` as float32 (dim,) at unit length. `dim` None accepts any length.

    Raises InputError naming `name` when it has another shape, NaN, infinity or no direction.
    """
    try:
        array = np.asarray(vector, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name}: not a vector of numbers ({error}); encode it with the library's space") from error
    if array.ndim != 1 or array.size == 0 or (dim is not None and array.size != dim):
        raise InputError(f"{name}: shape {array.shape}; expected ({dim or 'dim'},); encode it with the library's space")
    if not np.isfinite(array).all():
        raise InputError(f"{name}: {int((~np.isfinite(array)).sum())} values are NaN or infinite; expected finite ones")
    length = np.linalg.norm(array)
    if length == 0:
        raise InputError(f"{name}: all zeros; expected a vector with a direction")
    return (array / length).astype(np.float32)


def entry_columns(entry: Entry) -> tuple[Any, ...]:
    """Return the columns (id, task, meaning, instruction, split, seed, rate, metadata, trajectory) of an entry.

    Raises InputError naming the entry and the field when something cannot be stored.
    """
    for name in ("id", "task", "meaning", "instruction"):
        value = getattr(entry, name)
        if not isinstance(value, str) or not value.strip():
            raise InputError(f"entry {entry.id!r}: {name} is {value!r}; expected a text with words in it")
    if not np.isfinite(entry.rate) or entry.rate <= 0:
        raise InputError(f"entry {entry.id!r}: rate is {entry.rate!r}; expected a positive number of rows per second")
    split, seed = entry.metadata.get("split"), entry.metadata.get("seed")
    if not isinstance(split, str | None) or not isinstance(seed, int | np.integer | None):
        raise InputError(f"entry {entry.id!r}: split is {split!r}, seed is {seed!r}; expected a text and an integer")
    try:
        metadata = json.dumps(entry.metadata, ensure_ascii=False, default=_plain)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"entry {entry.id!r}: metadata cannot be stored as JSON ({error}); use plain values"
        ) from error
    trajectory = array_bytes(validate(entry.trajectory, f"trajectory of entry {entry.id!r}"))
    words = (entry.id, entry.task, entry.meaning, entry.instruction)
    return (*words, split, None if seed is None else int(seed), float(entry.rate), metadata, trajectory)


def array_bytes(array: np.ndarray) -> bytes:
    """Return the array in the .npy format."""
    buffer = io.BytesIO()
    np.save(buffer, np.asarray(array), allow_pickle=False)
    return buffer.getvalue()


def array_from_bytes(content: bytes) -> np.ndarray:
    """Return the array that `array_bytes` wrote; raises ValueError when the bytes are not one."""
    return np.load(io.BytesIO(content), allow_pickle=False)


def checked_weights(weights: Mapping[str, float] | None, modalities: list[str]) -> np.ndarray:
    """Return one weight a query modality, float64, summing to 1; those not named count 1, None means equal ones.

    Raises InputError for a name that is not among the query's modalities and for weights that are negative, not
    finite or all zero.
    """
    given = dict(weights or {})
    unknown = sorted(set(given) - set(modalities))
    if unknown:
        raise InputError(f"weights name {unknown}; expected only the modalities of the query, {modalities}")
    values = np.array([given.get(name, 1.0) for name in modalities], dtype=np.float64)
    if not np.isfinite(values).all() or (values < 0).any() or values.sum() == 0:
        raise InputError(f"weights are {given}; expected numbers of at least 0, one of them greater")
    return values / values.sum()


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is not a JSON value")
