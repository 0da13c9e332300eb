"""``grounding brain``: what part of a brain recording an embedding explains, and what can be read from it."""

from dataclasses import dataclass

COMMANDS = (
    "grounding.cli.brain.encode",
    "grounding.cli.brain.decode",
    "grounding.cli.brain.layers",
    "grounding.cli.brain.rsa",
    "grounding.cli.brain.simulate",
)


@dataclass(frozen=True)
class Brain:
    """Hold embeddings against fMRI, EEG and ECoG recordings, with honest folds and an audit."""
