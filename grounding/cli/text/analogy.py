"""``grounding text analogy``: a is to b as c is to what?"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro


@dataclass(frozen=True)
class Analogy:
    """What is to C as B is to A: `grounding text analogy man king woman`."""

    a: tyro.conf.Positional[str]
    """As in "man"."""
    b: tyro.conf.Positional[str]
    """As in "king"."""
    c: tyro.conf.Positional[str]
    """As in "woman"."""
    vectors: Path = Path("runs/words")
    """Folder that `grounding text train` wrote, or a file in word2vec, GloVe or fastText format."""
    method: Literal["add", "mul"] = "add"
    """3CosAdd (Mikolov 2013) or 3CosMul (Levy and Goldberg 2014)."""
    k: int = 5
    """How many to show."""
    json: bool = False
    """Print JSON instead of a table."""


def run(settings: Analogy) -> None:
    """Prints the best answers."""
    from grounding.cli.text.output import neighbours_json, neighbours_table, show
    from grounding.cli.text.vectors import known, read_vectors

    embedding = read_vectors(settings.vectors)
    known(embedding, (settings.a, settings.b, settings.c), settings.vectors)
    question = f"{settings.a} : {settings.b} = {settings.c} : ?"
    answers = embedding.analogy(settings.a, settings.b, settings.c, settings.k, settings.method)
    show(settings.json, neighbours_json({question: answers}), neighbours_table(question, answers))
