"""The shared space beside its peers: losses, gradient caching, retrieval, training, encoders, and real data.

Run: bash launch/bench.sh space

One thread; processor seconds, not wall-clock, so that a busy machine changes little.
"""

import os

from tests.benchmarks import (
    _space_emergent,
    _space_encoders,
    _space_losses,
    _space_retrieval,
    _space_training,
)
from tests.benchmarks._rows import one_thread

SEEDS = (0,)
THREADS = {"torch": 1}


def measure() -> list[dict[str, object]]:
    """Rows for `launch/bench.sh space`; those on real data where GROUNDING_DATA names their folder."""
    with one_thread():
        return [
            *_space_losses.rows(),
            *_space_training.rows(),
            *_space_retrieval.rows(),
            *_space_encoders.rows(),
            *(_space_emergent.rows() if os.environ.get("GROUNDING_DATA") else []),
        ]
