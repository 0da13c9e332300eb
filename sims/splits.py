"""Which objects belong to which split: disjoint by construction.

Every object has a category (a cabinet, a desk), a kind within it (of handle, knob, cap or block) and a key that names
both with its colours and size class. Categories held back appear in ``novel-category`` only, kinds held back in
``novel-shape`` only. Of what is left, a fifth of all keys, chosen by a hash of the key, appears in ``novel-instance``
only and the rest in ``train`` only: a key of ``novel-instance`` is a combination of attributes never met in training,
each of which was.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np

SPLITS = ("train", "novel-instance", "novel-shape", "novel-category")


class Keyed(Protocol):
    """Anything drawn for a scene whose ``category``, ``kind`` and ``key`` decide its split."""

    @property
    def category(self) -> str:
        """The category, such as "cabinet"."""

    @property
    def kind(self) -> str:
        """The kind of shape within the category, such as "bar"."""

    @property
    def key(self) -> str:
        """Category, kind, colours and size class in one text."""


@dataclass(frozen=True)
class Family:
    """The categories and kinds that one sort of object comes in, and which of them are held back from training."""

    categories: tuple[str, ...]
    novel_categories: tuple[str, ...]
    kinds: tuple[str, ...]
    novel_kinds: tuple[str, ...]

    def split_of(self, one: Keyed) -> str:
        """The split to which an object of this family belongs."""
        if one.category in self.novel_categories:
            return "novel-category"
        if one.kind in self.novel_kinds:
            return "novel-shape"
        held_out = hashlib.sha256(one.key.encode()).digest()[0] % 5 == 0
        return "novel-instance" if held_out else "train"


T = TypeVar("T", bound=Keyed)


def draw(
    make: Callable[[np.random.Generator, str, str], T], family: Family, split: str, generator: np.random.Generator
) -> T:
    """Draws objects with ``make(generator, category, kind)`` until one belongs to ``split``.

    Objects of a novel category come in the kinds of training, so that the category alone is new.
    """
    categories = family.novel_categories if split == "novel-category" else family.categories
    kinds = family.novel_kinds if split == "novel-shape" else family.kinds
    while True:
        category = categories[generator.integers(len(categories))]
        made = make(generator, category, kinds[generator.integers(len(kinds))])
        if family.split_of(made) == split:
            return made
