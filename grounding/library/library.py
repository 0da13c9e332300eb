"""A searchable store of embedded demonstrations: exact search by cosine, filtered by metadata first."""

import os
import uuid
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from grounding.errors import DataError, InputError
from grounding.library import matrix, store
from grounding.library.entries import Entry, Hit, checked_vector, checked_weights
from grounding.trajectories import validate

PathLike = str | os.PathLike[str]
# Bounds the scores held at once by search_many: 256 queries x 100,000 rows x 4 bytes = 100 MB.
QUERIES_AT_ONCE = 256
COPY_SHARE = 4


class Space(Protocol):
    """What a library needs of a shared space."""

    def encode(self, **modalities: Any) -> dict[str, np.ndarray]:
        """Return float32 (B, dim), unit length, a modality given."""
        ...

    def fingerprint(self) -> str:
        """Return a text that changes whenever the embeddings do."""
        ...


class Library:
    """Stored demonstrations with their embeddings, searched by words, clouds, pictures, motions or any mix of them.

        library = Library.create("runs/panda/library", space)
        library.add(entries)
        hits = library.search(text="open the top drawer", points=cloud, k=5, where="task = 'OpenDrawer'")
        motion = library.get(hits[0].id).trajectory

    A folder with one SQLite file (the truth) and a memory-mapped matrix derived from it. One process writes while any
    number read. Make one with `create` or `open`.
    """

    def __init__(self, path: Path, space: Space) -> None:
        """Use `create` or `open` instead: they check the folder and the space."""
        self.path = path
        self.space = space
        self._file = path / store.FILE_NAME
        self._matrix: matrix.Matrix | None = None
        self._means: dict[tuple[str, ...], tuple[np.ndarray, np.ndarray]] = {}

    @classmethod
    def create(cls, path: PathLike, space: Space) -> "Library":
        """Make an empty library in the folder `path`, which records the fingerprint of `space`.

        A library without entries (left by a killed run) is made anew. Raises InputError when the folder holds a
        library with entries, StorageError when it cannot be written.
        """
        library = cls(Path(path), space)
        if library._file.exists():
            with store.connect(library._file) as connection:
                count = _count(connection)
            if count > 0:
                raise InputError(
                    f"{path}: already holds a library of {count} demonstrations; expected a new folder; open it with "
                    "Library.open, choose another folder or delete it"
                )
        store.create(library._file, space.fingerprint(), uuid.uuid4().hex[:12])
        return library

    @classmethod
    def open(cls, path: PathLike, space: Space) -> "Library":
        """Open the library in the folder `path`; `space` must be the one with which it was made.

        Raises DataError when there is none, it is damaged or its space is another one (naming both fingerprints).
        """
        library = cls(Path(path), space)
        if not library._file.is_file():
            raise DataError(f"{path}: no library here; expected {store.FILE_NAME}; run `grounding index` first")
        with store.connect(library._file) as connection:
            recorded = store.state(connection, library._file).fingerprint
        given = space.fingerprint()
        if recorded != given:
            raise DataError(
                f"{path}: was made with the space {recorded}, opened with the space {given}; use the run that made it, "
                "or delete that folder and run `grounding index` again"
            )
        return library

    def add(self, entries: Iterable[Entry]) -> int:
        """Store all entries or, when anything goes wrong, none, and return how many; safe against a kill at any moment.

        The first vector of a library sets its width. Raises InputError naming the entry that is not usable or whose id
        is stored already, StorageError when the disk is full or another process keeps writing.
        """
        with store.connect(self._file, writing=True) as connection:
            return store.insert(connection, self._file, entries)

    def __len__(self) -> int:
        with store.connect(self._file) as connection:
            return _count(connection)

    def ids(self) -> list[str]:
        """Return the ids of the stored demonstrations in the order in which they were added."""
        with store.connect(self._file) as connection:
            return [row[0] for row in connection.execute("SELECT id FROM demonstrations ORDER BY number")]

    def get(self, identifier: str) -> Entry:
        """Return the demonstration with that id. Raises InputError when there is none."""
        with store.connect(self._file) as connection:
            entry = store.fetch(connection, self._file, identifier)
        if entry is None:
            raise InputError(f"{self.path}: no demonstration {identifier!r}; expected one of Library.ids()")
        return entry

    @property
    def modalities(self) -> tuple[str, ...]:
        """The modalities of which vectors are stored."""
        with store.connect(self._file) as connection:
            return store.state(connection, self._file).modalities

    def vectors(self, modality: str) -> np.ndarray:
        """Return the embeddings of one modality, float32 (rows, dim) in the order of `ids`, NaN rows where missing.

        Raises InputError when the library has no vectors of that modality.
        """
        current = self._current()
        self._check_modalities((modality,), current)
        return np.array(current.vectors[:, current.state.modalities.index(modality)])

    def search(
        self,
        vectors: Mapping[str, np.ndarray] | None = None,
        *,
        text: str | None = None,
        points: np.ndarray | None = None,
        image: np.ndarray | None = None,
        trajectory: np.ndarray | None = None,
        k: int = 5,
        where: str | None = None,
        weights: Mapping[str, float] | None = None,
        against: Sequence[str] | None = None,
    ) -> list[Hit]:
        """Return the `k` best demonstrations, best first; fewer when fewer satisfy `where`.

        A query is any mix of `vectors` (modality -> (dim,)) and of things to be encoded: a `text`, `points` (N, 7), an
        `image` uint8 (H, W, 3), a `trajectory` (T, 8). The score of a demonstration is the sum over the query's
        modalities of weight times cosine, averaged over those of its own modalities that are in `against` (None: all
        that are stored). `weights` are scaled to sum 1; a modality not named in them counts 1 before scaling.
        `where` is an SQL condition over id, task, meaning, instruction, split, seed and rate, applied first.

        The search is exact; equal scores keep the order in which demonstrations were added. Raises InputError for a
        query that is empty, has NaN or another width, for k < 1, an unknown modality or a condition that SQLite does
        not accept, and DataError when the library is empty.
        """
        current = self._current()
        given = {"text": text, "points": points, "image": image, "trajectory": trajectory}
        query = self._query(vectors or {}, {name: value for name, value in given.items() if value is not None}, current)
        scale = checked_weights(weights, list(query))
        combined = np.einsum("q,qd->d", scale, np.stack(list(query.values())).astype(np.float64))
        return self._best(combined.astype(np.float32)[None], k, where, against, current)[0]

    def search_many(
        self, queries: np.ndarray, *, k: int = 5, where: str | None = None, against: Sequence[str] | None = None
    ) -> list[list[Hit]]:
        """Return the best demonstrations of each row of `queries` (Q, dim), as `search` with one vector each does."""
        current = self._current()
        rows = np.asarray(queries)
        if rows.ndim != 2 or len(rows) == 0:
            raise InputError(f"queries: shape {rows.shape}; expected (Q, {current.state.dim}) with Q >= 1")
        checked = [checked_vector(row, f"query {index}", current.state.dim) for index, row in enumerate(rows)]
        return self._best(np.stack(checked), k, where, against, current)

    def _current(self) -> matrix.Matrix:
        """The matrix of the library's present version. Raises DataError when the library is empty."""
        with store.connect(self._file) as connection:
            state = store.state(connection, self._file)
        if self._matrix is None or self._matrix.state != state:
            self._matrix = matrix.load(self._file)
            self._means = {}
        if self._matrix.vectors.size == 0:
            raise DataError(f"{self.path}: the library has no embedded demonstrations; run `grounding index` first")
        return self._matrix

    def _check_modalities(self, names: Sequence[str], current: matrix.Matrix) -> None:
        unknown = [name for name in names if name not in current.state.modalities]
        if unknown or not names:
            stored = ", ".join(current.state.modalities)
            raise InputError(f"{self.path}: no vectors of {unknown or 'no modality'}; expected some of: {stored}")

    def _query(
        self, vectors: Mapping[str, np.ndarray], given: Mapping[str, Any], current: matrix.Matrix
    ) -> dict[str, np.ndarray]:
        """Return modality -> unit vector (dim,), things encoded and vectors checked."""
        twice = sorted(set(vectors) & set(given))
        if twice:
            raise InputError(f"query: {twice} given both as vectors and to be encoded; give each once")
        if not vectors and not given:
            raise InputError("query: nothing to search for; give a text, points, an image, a trajectory or vectors")
        batch = {name: _batch_of_one(name, value) for name, value in given.items()}
        encoded = self.space.encode(**batch) if batch else {}
        if batch.keys() - encoded.keys():
            raise InputError(f"query: the space does not encode {sorted(batch.keys() - encoded.keys())}; leave it out")
        query = {**vectors, **{name: encoded[name][0] for name in given}}
        return {name: checked_vector(value, f"query {name}", current.state.dim) for name, value in query.items()}

    def _mean(self, against: tuple[str, ...], current: matrix.Matrix) -> tuple[np.ndarray, np.ndarray]:
        """The demonstrations int64 (M,) that have any of the modalities `against`, and the means of these (M, dim).

        A cosine averaged over modalities is the product with their mean, so that one product serves any query.
        """
        if against not in self._means:
            slots = [current.state.modalities.index(name) for name in against]
            chosen = current.vectors[:, slots]
            present = np.isfinite(chosen[..., 0])
            kept = present.any(axis=1)
            total = np.nan_to_num(chosen[kept]).sum(axis=1)
            mean = (total / present[kept].sum(axis=1, keepdims=True)).astype(np.float32)
            self._means[against] = (current.numbers[kept], mean)
        return self._means[against]

    def _best(
        self, queries: np.ndarray, k: int, where: str | None, against: Sequence[str] | None, current: matrix.Matrix
    ) -> list[list[Hit]]:
        if isinstance(k, bool) or not isinstance(k, int | np.integer) or k < 1:
            raise InputError(f"k is {k!r}; expected a whole number of at least 1")
        names = current.state.modalities if against is None else tuple(dict.fromkeys(against))
        self._check_modalities(names, current)
        numbers, mean = self._mean(names, current)
        allowed = None if where is None else np.flatnonzero(np.isin(numbers, store.matching(self._file, where)))
        # Copying the allowed rows pays only while they are few.
        copied = allowed is not None and len(allowed) * COPY_SHARE < len(numbers)
        rows = mean[allowed] if copied else mean
        kept = numbers if allowed is None else numbers[allowed]
        found: list[tuple[np.ndarray, np.ndarray]] = []
        for start in range(0, len(queries), QUERIES_AT_ONCE):
            for scores in queries[start : start + QUERIES_AT_ONCE] @ rows.T:
                scores = scores if copied or allowed is None else scores[allowed]
                order = _top(scores, int(k))
                found.append((kept[order], scores[order]))
        return self._hits(found)

    def _hits(self, found: list[tuple[np.ndarray, np.ndarray]]) -> list[list[Hit]]:
        wanted = sorted({int(number) for numbers, _ in found for number in numbers})
        rows: dict[int, tuple[str, str, str]] = {}
        with store.connect(self._file) as connection:
            for start in range(0, len(wanted), 500):
                block = wanted[start : start + 500]
                marks = ", ".join("?" * len(block))
                query = f"SELECT number, id, task, instruction FROM demonstrations WHERE number IN ({marks})"
                rows.update({number: rest for number, *rest in connection.execute(query, block)})
        return [
            [
                Hit(id=rows[number][0], score=score, task=rows[number][1], instruction=rows[number][2])
                for number, score in zip(numbers.tolist(), scores.tolist(), strict=True)
            ]
            for numbers, scores in found
        ]


def _count(connection: Any) -> int:
    return int(connection.execute("SELECT COUNT(*) FROM demonstrations").fetchone()[0])


def _top(scores: np.ndarray, k: int) -> np.ndarray:
    """Return the indices of the `k` highest scores, highest first, equal ones in their order."""
    if k < len(scores):
        threshold = np.partition(scores, len(scores) - k)[len(scores) - k]
        candidates = np.flatnonzero(scores >= threshold)
    else:
        candidates = np.arange(len(scores))
    return candidates[np.argsort(-scores[candidates], kind="stable")][:k]


def _batch_of_one(name: str, value: Any) -> Any:
    """Return what `encode` takes for one query. Raises InputError when it is empty, has NaN or another shape."""
    if name == "text":
        if not isinstance(value, str) or not any(character.isalnum() for character in value):
            raise InputError(f"query text is {value!r}; expected an instruction with words in it")
        return [value]
    if name == "trajectory":
        return [validate(value, "query trajectory")]
    array = np.asarray(value)
    axes, channels, shape = (2, 7, "(N, 7)") if name == "points" else (3, 3, "(H, W, 3)")
    if array.ndim != axes or array.shape[-1] != channels or array.size == 0:
        raise InputError(f"query {name}: shape {array.shape}; expected {shape}")
    if not np.issubdtype(array.dtype, np.number) or not np.isfinite(array).all():
        raise InputError(f"query {name}: has NaN, infinity or no numbers; expected finite numbers of shape {shape}")
    return array[None]
