"""What real recordings say, null results with them.

Run: GROUNDING_DATA=FOLDER bash launch/bench.sh brain_results

Nothing is tuned on these figures. Each row has its interval and, where there is one, its chance and p.
"""

import os
from collections.abc import Iterator

from grounding.errors import InputError
from tests.benchmarks import _brain_alice, _brain_results

SEEDS = (0,)
THREADS = 1


def measure() -> Iterator[dict[str, object]]:
    """Rows for `launch/bench.sh brain_results`."""
    if not os.environ.get("GROUNDING_DATA"):
        raise InputError("brain_results: GROUNDING_DATA is not set; expected the folder of real data sets")
    for part in (_brain_alice, _brain_results):
        yield from part.rows()
