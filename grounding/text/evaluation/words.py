"""What is asked of word vectors here, and how words are looked up."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np


class Embedding(Protocol):
    """What is asked of word vectors here; `StaticEmbedding` has it."""

    @property
    def words(self) -> Any:
        """With `words`, the spellings in the order of the rows, the most frequent first, and `index`, their rows."""

    @property
    def matrix(self) -> np.ndarray:
        """float32 (V, width)."""

    def vectors(self, words: Sequence[str]) -> np.ndarray:
        """float32 (B, width); KeyError for a word that has none."""


def spell(word: str, ignore_case: bool) -> str:
    """What a word is looked up by."""
    return word.lower() if ignore_case else word


def rows_by_spelling(index: Mapping[str, int], ignore_case: bool) -> dict[str, int]:
    """The first row of each spelling."""
    rows: dict[str, int] = {}
    for word, row in sorted(index.items(), key=lambda item: item[1]):
        rows.setdefault(spell(word, ignore_case), row)
    return rows


def units(vectors: np.ndarray) -> np.ndarray:
    """Rows of unit length, zeros staying zeros."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.maximum(length, np.finfo(np.float32).tiny)
