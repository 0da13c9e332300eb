"""Where numbers were made: the versions of the libraries behind them and the machine."""

import importlib.metadata
import os
import platform
from collections.abc import Sequence
from pathlib import Path

LIBRARIES = (
    "grounding", "torch", "torchvision", "transformers", "open3d", "pybullet", "gymnasium", "numpy", "scipy",
    "scikit-learn", "pyarrow", "safetensors",
)  # fmt: skip


def versions(libraries: Sequence[str] = LIBRARIES) -> dict[str, str]:
    """Version of Python and of each installed distribution among `libraries`; those not installed are left out."""
    found = {"python": platform.python_version()}
    for name in libraries:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def machine() -> dict[str, str | int]:
    """Processor, usable cores, memory in GiB and operating system; no host name and no user name."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        "memory_gib": round(memory / 2**30),
        "system": f"{platform.system()} {platform.machine()}",
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()
