"""The form of a measurement, shared by the modules that measure."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

LESS_IS_BETTER = ("CPU-s", "MiB")


def row(
    measure: str, ours: float, peer: float | None, peer_name: str | None, unit: str, reach: float | None
) -> dict[str, object]:
    """One measurement as `tests.benchmarks.report` prints it; a ratio above 1 is in our favour."""
    ratio = None if peer is None else (peer / ours if unit in LESS_IS_BETTER else ours / peer)
    return {
        "measure": measure,
        "ours": float(f"{ours:.4g}"),
        "peer": None if peer is None else float(f"{peer:.4g}"),
        "peer_name": peer_name,
        "ratio": None if ratio is None else round(ratio, 3),
        "unit": unit,
        "reach": reach,
    }


@contextmanager
def one_thread() -> Iterator[None]:
    """Within the block torch uses one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
