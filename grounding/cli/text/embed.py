"""``grounding text embed``: vectors of sentences."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import tyro

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Embed:
    """Vectors of sentences, one a line of a file or of standard input."""

    sentences: tyro.conf.Positional[Path] = Path("-")
    """UTF-8 file with a sentence a line, plain or .gz; - for standard input."""
    encoder: str = "all-MiniLM-L6-v2"
    """Name or folder of a sentence encoder, or of vectors that `grounding text train` wrote."""
    out: Path | None = None
    """A .npy file to write, (sentences, width); without it the vectors are printed as JSON, one a line."""
    dimensions: int | None = None
    """Keep only so many leading dimensions, for encoders trained for that."""


def run(settings: Embed) -> None:
    """Writes or prints the vectors."""
    from grounding.errors import DataError
    from grounding.text import SentenceEncoder
    from grounding.text.reading import read_documents

    if settings.sentences == Path("-"):
        sentences = [line for line in _standard_input().split("\n") if line.strip()]
    else:
        sentences = list(read_documents(settings.sentences))
    if not sentences:
        raise DataError("standard input: no sentences found, expected one a line")
    encoder = SentenceEncoder(settings.encoder, dimensions=settings.dimensions)
    vectors = encoder.encode(sentences)
    if settings.out is None:
        _print(sentences, vectors)
    else:
        _write(settings.out, vectors)
        print(f"{len(vectors):,} vectors of width {vectors.shape[1]} are in {settings.out}", file=sys.stderr)


def _standard_input() -> str:
    from grounding.errors import DataError

    try:
        text = sys.stdin.read()
        # In a locale without an encoding of its own, other bytes come through as halves of characters.
        text.encode()
    except UnicodeError as error:
        raise DataError(
            f"standard input: not UTF-8 ({error}); convert it, for example with: iconv -f LATIN1 -t UTF-8"
        ) from error
    return text


def _print(sentences: list[str], vectors: "np.ndarray") -> None:
    import json

    for sentence, vector in zip(sentences, vectors.tolist(), strict=True):
        print(json.dumps({"sentence": sentence, "vector": vector}, ensure_ascii=False))


def _write(path: Path, vectors: "np.ndarray") -> None:
    import numpy as np

    from grounding.files import atomic

    with atomic(path) as temporary, temporary.open("wb") as stream:
        np.save(stream, vectors, allow_pickle=False)
