"""The ridge engine and the sweeps beside their peers.

Run: bash launch/bench.sh brain

Processor seconds of one thread, not wall-clock, so that a busy machine changes little. Synthetic data. Equal alphas and
equal scores are part of each comparison.
"""

from collections.abc import Iterator

from tests.benchmarks import _brain_group, _brain_ridge, _brain_sweeps

SEEDS = (0,)
THREADS = 1


def measure() -> Iterator[dict[str, object]]:
    """Rows for `launch/bench.sh brain`."""
    for part in (_brain_sweeps, _brain_group, _brain_ridge):
        yield from part.rows()
