"""Which objects belong to which split: disjoint by construction.

Every object has a kind (of handle, knob, cap or block) and a key that names its kind, colours and size class.
Kinds held back appear in ``novel-shape`` only. Of the other kinds, a fifth of all keys, chosen by a hash of the
key, appears in ``novel-instance`` only and the rest in ``train`` only.
"""

import hashlib
from collections.abc import Callable
from typing import Protocol, TypeVar

import numpy as np

SPLITS = ("train", "novel-instance", "novel-shape")


class Keyed(Protocol):
    """Anything drawn for a scene whose ``kind`` and ``key`` decide its split."""

    @property
    def kind(self) -> str:
        """The kind of shape, such as "bar"."""

    @property
    def key(self) -> str:
        """Kind, colours and size class in one text."""


T = TypeVar("T", bound=Keyed)


def split_of(kind: str, key: str, novel_kinds: tuple[str, ...]) -> str:
    """The split to which an object belongs."""
    if kind in novel_kinds:
        return "novel-shape"
    held_out = hashlib.sha256(key.encode()).digest()[0] % 5 == 0
    return "novel-instance" if held_out else "train"


def draw(
    make: Callable[[np.random.Generator, str], T],
    kinds: tuple[str, ...],
    novel_kinds: tuple[str, ...],
    split: str,
    generator: np.random.Generator,
) -> T:
    """Draws objects with ``make(generator, kind)`` until one belongs to ``split``."""
    pool = novel_kinds if split == "novel-shape" else kinds
    while True:
        made = make(generator, pool[generator.integers(len(pool))])
        if split_of(made.kind, made.key, novel_kinds) == split:
            return made
