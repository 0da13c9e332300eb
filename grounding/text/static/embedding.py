"""What all static embeddings have in common: a vector for each word, whatever its context."""

import hashlib
import importlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np

from grounding.errors import DataError, InputError
from grounding.files import atomic
from grounding.settings import read_settings, write_settings
from grounding.text.vocabulary import Vocabulary

_CLASSES = {
    "StaticEmbedding": "grounding.text.static.embedding",
    "OneHot": "grounding.text.static.one_hot",
    "PPMI": "grounding.text.static.ppmi",
    "GloVe": "grounding.text.static.glove",
    "Word2Vec": "grounding.text.static.word2vec",
    "FastText": "grounding.text.static.fasttext",
}


@dataclass(frozen=True)
class Header:
    """What a saved embedding is: the name of its class."""

    kind: str


class StaticEmbedding:
    """Words and their vectors, from wherever they came; the base of all that are trained here.

    Attributes:
        words: the vocabulary, most frequent first.
        matrix: float32 (V, width), one row a word.
        settings: the frozen dataclass it was trained with; None for vectors from elsewhere.
        arrays: further arrays that belong to it, such as the output vectors of word2vec.

    Example:
        >>> embedding = Word2Vec.train(corpus, Word2VecSettings(epochs=5), seed=0)
        >>> embedding.similar("king", k=3)
        [('prince', 0.78), ('queen', 0.75), ('emperor', 0.72)]
        >>> embedding.analogy("man", "king", "woman", k=1)
        [('queen', 0.71)]

    Raises:
        InputError: the matrix has not one row a word, or has values that are not finite.
    """

    Settings: ClassVar[type | None] = None

    def __init__(
        self, words: Vocabulary, matrix: np.ndarray, settings: Any = None, arrays: dict[str, np.ndarray] | None = None
    ) -> None:
        if matrix.ndim != 2 or len(matrix) != len(words):
            raise InputError(f"matrix: shape {matrix.shape} found, expected ({len(words)}, width): one row a word")
        with np.errstate(over="ignore"):
            matrix = np.ascontiguousarray(matrix, dtype=np.float32)
        if not np.isfinite(matrix).all():
            row = int(np.flatnonzero(~np.isfinite(matrix).all(axis=1))[0])
            raise InputError(f"matrix: the vector of {words.words[row]!r} is not finite; train with a lower rate")
        self.words = words
        self.matrix = matrix
        self.settings = settings
        self.arrays = arrays or {}

    @property
    def width(self) -> int:
        """Length of a vector."""
        return self.matrix.shape[1]

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        return word in self.words

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self):,} words, width {self.width})"

    def vectors(self, words: Sequence[str]) -> np.ndarray:
        """The vectors of words, float32 (N, width).

        Raises:
            KeyError: a word without a vector, by name.
            InputError: one string instead of a list.
        """
        if isinstance(words, str):
            raise InputError(f"words: the string {words!r} found, expected a list of words; write vectors([word])")
        return self.matrix[self.words.ids(words)]

    def similar(self, query: str | np.ndarray, k: int = 10) -> list[tuple[str, float]]:
        """The `k` words whose vectors have the highest cosine with that of a word, or with a vector (width,).

        A word is not similar to itself here.

        Raises:
            KeyError: a word without a vector.
            InputError: a vector of another width or that is not finite, or a `k` below 1.
        """
        if isinstance(query, str):
            return self._best(self._units @ _unit(self.vectors([query])[0]), k, {query})
        query = np.asarray(query)
        if query.shape != (self.width,):
            raise InputError(f"query: shape {query.shape} found, expected a word or a vector ({self.width},)")
        if query.dtype.kind not in "iuf" or not np.isfinite(query).all():
            raise InputError(f"query: {query} found, expected a word or a vector of finite numbers")
        return self._best(self._units @ _unit(query), k, set())

    def analogy(
        self, a: str, b: str, c: str, k: int = 10, method: Literal["add", "mul"] = "add"
    ) -> list[tuple[str, float]]:
        """The words that are to `c` what `b` is to `a`, the three themselves left out.

        Scored by cos(x, b) − cos(x, a) + cos(x, c), written as the cosine with the sum of unit vectors ("add", 3CosAdd,
        Mikolov et al. 2013), or by cos(x, b)·cos(x, c) / (cos(x, a) + 0.001) with cosines moved to 0…1 ("mul", 3CosMul,
        Levy and Goldberg 2014).

        Raises:
            KeyError: a word without a vector.
            InputError: an unknown method, or a `k` below 1.
        """
        units = np.stack([_unit(vector) for vector in self.vectors([a, b, c])])
        if method == "add":
            scores = self._units @ _unit(units[1] - units[0] + units[2])
        elif method == "mul":
            to_a, to_b, to_c = (1 + units @ self._units.T) / 2
            scores = to_b * to_c / (to_a + 0.001)
        else:
            raise InputError(f"method: {method!r} found, expected 'add' or 'mul'")
        return self._best(scores, k, {a, b, c})

    def fingerprint(self) -> str:
        """Digest of the words and their vectors."""
        digest = hashlib.sha256("\n".join(self.words.words).encode())
        for name, array in sorted({"matrix": self.matrix, **self.arrays}.items()):
            digest.update(name.encode())
            digest.update(np.ascontiguousarray(array).data)
        return f"{type(self).__name__}-{digest.hexdigest()}"

    def save(self, folder: str | Path) -> None:
        """Write `embedding.toml`, `settings.toml`, `words.tsv` and `vectors.safetensors` into a folder.

        Raises:
            StorageError: the folder cannot be written.
        """
        from safetensors.numpy import save_file

        folder = Path(folder)
        with atomic(folder / "vectors.safetensors") as temporary:
            save_file({"matrix": self.matrix, **self.arrays}, temporary)
            # A kill from here on must not leave new vectors beside old words that are taken for one embedding.
            (folder / "embedding.toml").unlink(missing_ok=True)
        self.words.save(folder / "words.tsv")
        if self.settings is not None:
            write_settings(self.settings, folder / "settings.toml")
        write_settings(Header(type(self).__name__), folder / "embedding.toml")

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read what `save` wrote; `StaticEmbedding.load` gives an object of the class that was saved.

        Raises:
            DataError: the folder is no embedding, or one of another class, or its files do not fit together.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        folder = Path(folder)
        kind = read_settings(Header, folder / "embedding.toml").kind
        if kind not in _CLASSES:
            raise DataError(f"{folder / 'embedding.toml'}: kind {kind!r} found, expected one of {', '.join(_CLASSES)}")
        saved = getattr(importlib.import_module(_CLASSES[kind]), kind)
        if not issubclass(saved, cls):
            raise DataError(f"{folder}: {kind} found, expected {cls.__name__}; load it with {kind}.load")
        words = Vocabulary.load(folder / "words.tsv")
        try:
            arrays = load_file(folder / "vectors.safetensors")
            matrix = arrays.pop("matrix")
        except (OSError, SafetensorError, KeyError) as error:
            raise DataError(f"{folder / 'vectors.safetensors'}: not readable ({error}); save it again") from error
        trained = saved.Settings is not None and (folder / "settings.toml").is_file()
        try:
            settings = read_settings(saved.Settings, folder / "settings.toml") if trained else None
            return saved(words, matrix, settings, arrays)
        except InputError as error:
            raise DataError(f"{folder}: {error}") from error

    @cached_property
    def _units(self) -> np.ndarray:
        return self.matrix / np.maximum(np.linalg.norm(self.matrix, axis=1, keepdims=True), np.finfo(np.float32).tiny)

    def _best(self, scores: np.ndarray, k: int, left_out: Iterable[str]) -> list[tuple[str, float]]:
        if k < 1:
            raise InputError(f"k: {k} found, expected 1 or more")
        scores[[self.words.index[word] for word in left_out if word in self.words.index]] = -np.inf
        least = np.partition(scores, -k)[-k] if k < len(scores) else -np.inf
        best = np.flatnonzero((scores >= least) & (scores > -np.inf))
        # Equal scores in the order of the vocabulary, the more frequent word first.
        best = best[np.argsort(-scores[best], kind="stable")][:k]
        return [(self.words.words[i], float(scores[i])) for i in best.tolist()]


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / max(float(np.linalg.norm(vector)), 1e-30)
