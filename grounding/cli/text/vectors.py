"""Word vectors from wherever they lie, for the commands that look into them."""

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from grounding.errors import DataError, InputError

if TYPE_CHECKING:
    from grounding.text.static.embedding import StaticEmbedding


COMPARED = 100_000
"""Of the most frequent words, how many are looked through for those that are spelt alike."""


def read_vectors(path: Path) -> "StaticEmbedding":
    """A folder that was saved here, or a file in word2vec, GloVe or fastText format.

    Raises:
        DataError: it is none of these, or damaged.
    """
    from grounding.text.static.embedding import StaticEmbedding
    from grounding.text.static.formats import FASTTEXT, read_word2vec

    if not path.exists():
        raise DataError(f"{path}: no such folder or file, expected vectors; run `grounding text train` first")
    if not path.is_file():
        return StaticEmbedding.load(path)
    with path.open("rb") as stream:
        if stream.read(len(FASTTEXT)) == FASTTEXT:
            from grounding.text.static.fasttext_format import read_fasttext

            return read_fasttext(path)
    return read_word2vec(path)


def known(embedding: "StaticEmbedding", words: Iterable[str], path: Path) -> None:
    """Refuse words without a vector.

    Raises:
        InputError: names the word, and words that are spelt alike.
    """
    for word in words:
        try:
            embedding.vectors([word])
        except KeyError:
            # All the millions of words of published vectors would take many seconds.
            alike = difflib.get_close_matches(word, embedding.words.words[:COMPARED], n=3, cutoff=0.75)
            remedy = f"did you mean {', '.join(alike)}?" if alike else "words rarer than min_count have no vector"
            raise InputError(f"{word!r} is not among the {len(embedding):,} words of {path}; {remedy}") from None
