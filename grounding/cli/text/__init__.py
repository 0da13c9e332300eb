"""``grounding text``: train word vectors, look into them, embed sentences, evaluate both."""

from dataclasses import dataclass

COMMANDS = (
    "grounding.cli.text.train",
    "grounding.cli.text.similar",
    "grounding.cli.text.analogy",
    "grounding.cli.text.embed",
    "grounding.cli.text.evaluate",
)


@dataclass(frozen=True)
class Text:
    """Train word vectors, look into them, embed sentences, and evaluate both."""
