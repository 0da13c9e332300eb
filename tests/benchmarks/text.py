"""The text stack beside its peers: word vectors, phrases, sentences, words in context.

Run: GROUNDING_DATA=FOLDER bash launch/bench.sh text

Processor seconds of the whole job, not wall-clock, so that a busy machine changes little. Needs the folder of real data
sets.
"""

import os
from collections.abc import Iterator

from grounding.errors import InputError
from tests.benchmarks import (
    _text_contextual,
    _text_fasttext,
    _text_glove,
    _text_sentences,
    _text_static,
)

SEEDS = (0, 1, 2)


def measure() -> Iterator[dict[str, object]]:
    """Rows for `launch/bench.sh text`."""
    if not os.environ.get("GROUNDING_DATA"):
        raise InputError("text: GROUNDING_DATA is not set; expected the folder of real data sets")
    for part in (_text_static, _text_fasttext, _text_glove, _text_sentences, _text_contextual):
        yield from part.rows()
