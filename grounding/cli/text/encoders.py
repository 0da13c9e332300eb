"""Sentence encoders by name or folder, for the commands."""

from pathlib import Path
from typing import Any


def open_encoder(name: str, dimensions: int | None = None, unknown: str = "error") -> Any:
    """The `SentenceEncoder` of a name or folder; a folder of word vectors gives one that averages them.

    Args:
        name: of an encoder, or a folder.
        dimensions: how many leading ones to keep; None for all.
        unknown: what a sentence without any known word gets, "error" or "zeros".

    Raises:
        WeightsError, DataError: nothing of that name is found, or it is damaged.
    """
    from grounding.text import SentenceEncoder

    if (Path(name) / "embedding.toml").is_file():
        from grounding.text.static.embedding import StaticEmbedding

        return SentenceEncoder(StaticEmbedding.load(name), dimensions=dimensions, unknown=unknown)
    return SentenceEncoder(name, dimensions=dimensions)
