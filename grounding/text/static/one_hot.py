"""One axis a word: the embedding that knows nothing, as a baseline for all others."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from grounding.errors import InputError
from grounding.settings import write_settings
from grounding.text.corpus import Corpus
from grounding.text.static.embedding import Header, StaticEmbedding
from grounding.text.vocabulary import Vocabulary


@dataclass(frozen=True)
class OneHotSettings:
    """Which words get an axis.

    Attributes:
        min_count: rarer words get none.

    Raises:
        InputError: a count below 1.
    """

    min_count: int = 5

    def __post_init__(self) -> None:
        if self.min_count < 1:
            raise InputError(f"min_count: {self.min_count} found, expected 1 or more")


class OneHot(StaticEmbedding):
    """A unit axis for each word, so that `width` is the size of the vocabulary and any two words are orthogonal.

    Means of such vectors are bags of words, which is a baseline worth beating. Between words there is nothing to
    measure: every cosine is 0, so what `similar` and `analogy` give are ties and mean nothing.

    `matrix` is the identity, as a read-only view of 2 V − 1 numbers: rows taken out of it are ordinary arrays, but a
    product or a copy of all of it takes V² numbers. On the disk there are only the words.

    Example:
        >>> embedding = OneHot.train(Corpus.of([["red", "blue", "red"]]), OneHotSettings(min_count=1))
        >>> embedding.vectors(["blue"])
        array([[0., 1.]], dtype=float32)
    """

    Settings: ClassVar[type | None] = OneHotSettings

    def __init__(
        self,
        words: Vocabulary,
        matrix: np.ndarray | None = None,
        settings: Any = OneHotSettings(),
        arrays: dict[str, np.ndarray] | None = None,
    ) -> None:
        """The words are all there is; the other arguments are those of any embedding, and arrays are not looked at."""
        axis = np.zeros(2 * len(words) - 1, dtype=np.float32)
        axis[len(words) - 1] = 1
        self.words = words
        # Row i is the axis seen through a window that begins V − 1 − i numbers in.
        self.matrix = np.lib.stride_tricks.sliding_window_view(axis, len(words))[::-1]
        self.settings = settings
        self.arrays = {}

    @classmethod
    def train(
        cls,
        corpus: Corpus,
        settings: OneHotSettings = OneHotSettings(),
        seed: int = 0,
        run: str | Path | None = None,
        progress: bool = False,
    ) -> Self:
        """An axis for each frequent word of a corpus; nothing is random, and nothing takes time.

        Args:
            corpus: whose words.
            settings: see :class:`OneHotSettings`.
            seed: changes nothing, as all embeddings take one.
            run: folder that gets the embedding, as `save` writes it.
            progress: there is none to show.

        Raises:
            InputError: no word is frequent enough.
        """
        embedding = cls(corpus.vocabulary.cut(settings.min_count), settings=settings)
        if run is not None:
            embedding.save(run)
        return embedding

    def fingerprint(self) -> str:
        """Digest of the words."""
        words = "\n".join(self.words.words)
        return f"OneHot-{hashlib.sha256(words.encode()).hexdigest()}"

    def save(self, folder: str | Path) -> None:
        """Write the words, and vectors without numbers, into a folder that `load` reads.

        Raises:
            StorageError: the folder cannot be written.
        """
        StaticEmbedding(self.words, np.empty((len(self), 0), dtype=np.float32), self.settings).save(folder)
        write_settings(Header("OneHot"), Path(folder) / "embedding.toml")

    @property
    def _units(self) -> np.ndarray:
        return self.matrix
