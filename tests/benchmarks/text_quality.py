"""How good the vectors are that the text stack trains: words of every kind, sentences, and across languages.

Run: GROUNDING_DATA=FOLDER bash launch/bench.sh text_quality

One thread. Needs the folder of real data sets.
"""

import os
from collections.abc import Iterator

from grounding.errors import InputError
from tests.benchmarks import _text_crosslingual, _text_quality, _text_training
from tests.benchmarks._rows import one_thread

SEEDS = (0, 1, 2)
THREADS = {"torch": 1, "numba": 1}


def measure() -> Iterator[dict[str, object]]:
    """Rows for `launch/bench.sh text_quality`."""
    if not os.environ.get("GROUNDING_DATA"):
        raise InputError("text_quality: GROUNDING_DATA is not set; expected the folder of real data sets")
    with one_thread():
        for part in (_text_quality, _text_training, _text_crosslingual):
            yield from part.rows()
