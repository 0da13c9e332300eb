"""``grounding text similar``: the words nearest to a word."""

from dataclasses import dataclass
from pathlib import Path

import tyro


@dataclass(frozen=True)
class Similar:
    """The words whose vectors are nearest to that of each given word, by cosine."""

    words: tyro.conf.Positional[tuple[str, ...]]
    """One word or more, written as in the vocabulary (trained here: lower-cased)."""
    vectors: Path = Path("runs/words")
    """Folder that `grounding text train` wrote, or a file in word2vec, GloVe or fastText format."""
    k: int = 10
    """How many to show."""
    json: bool = False
    """Print JSON instead of a table."""


def run(settings: Similar) -> None:
    """Prints a table a word."""
    from grounding.cli.text.output import neighbours_json, neighbours_table, show
    from grounding.cli.text.vectors import known, read_vectors
    from grounding.errors import InputError

    if not settings.words:
        raise InputError("similar: no word found, expected one or more, such as: grounding text similar king")
    embedding = read_vectors(settings.vectors)
    known(embedding, settings.words, settings.vectors)
    found = {word: embedding.similar(word, settings.k) for word in settings.words}
    show(settings.json, neighbours_json(found), *(neighbours_table(word, near) for word, near in found.items()))
