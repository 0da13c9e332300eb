"""What things, attributes and values are called: plain words, and others that differ by set of wordings.

``data/wordings/lexicon.toml`` lists for some nouns and values which other words say the same in the wordings of
training and which in those of evaluation only. The plain word is said in both, and alone where none is listed.
"""

import functools
import tomllib

import numpy as np

from sims.language.wordings import read_table

Table = dict[str, dict[str, dict[str, list[str]]]]


@functools.cache
def lexicon() -> Table:
    """The tables "nouns" and "words": plain word -> "train" or "test" -> other words for it."""
    return tomllib.loads(read_table("lexicon"))


def say_noun(noun: str, words: str, generator: np.random.Generator) -> str:
    """A word for a noun in the wordings ``words``: the plain one in half of all cases where there are others."""
    return _drawn(lexicon()["nouns"], noun, words, generator)


def say_word(value: str, words: str, generator: np.random.Generator) -> str:
    """A word for an attribute's or a request's value; see :func:`say_noun`."""
    return _drawn(lexicon()["words"], value, words, generator)


def _drawn(table: dict[str, dict[str, list[str]]], plain: str, words: str, generator: np.random.Generator) -> str:
    others = table.get(plain, {}).get("train" if words == "train" else "test", [])
    if not others or generator.random() < 0.5:
        return plain
    return others[int(generator.integers(len(others)))]
