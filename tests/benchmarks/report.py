"""Run one module of measurements, print one table, and write the same numbers as JSON.

    bash launch/bench.sh space --json space.json

A module has `measure() -> Iterable[dict]`, each with `measure`, `ours`, `peer`, `peer_name`, `ratio` (above 1 where
ours is better), `unit` and `reach` (what was aimed at); a figure without a peer has None for `peer`, `peer_name` and
`ratio`. It names the seeds it used in `SEEDS`, and the number of threads in `THREADS` where it sets one itself.
"""

import importlib
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro
from rich.console import Console
from rich.table import Table

from grounding.errors import GroundingError, InputError
from grounding.files import write_atomically
from grounding.reports.environment import machine, versions

COLUMNS = ("measure", "ours", "peer", "peer_name", "ratio", "unit", "reach")
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Bench:
    """Measure one part side by side with its peers."""

    name: tyro.conf.Positional[str] = ""
    """Which measurements to run; without it they are listed."""
    json: Path | None = None
    """Also write the figures to this file."""


def names() -> list[str]:
    """The measurements there are."""
    return sorted(file.stem for file in Path(__file__).parent.glob("[a-z]*.py") if file.stem != "report")


def run(settings: Bench, console: Console) -> dict[str, Any]:
    """Measure, print, write; returns what was written."""
    if settings.name not in names():
        raise InputError(
            f"no measurements named {settings.name!r}; expected one of: {', '.join(names()) or 'none yet'}"
        )
    module = importlib.import_module(f"tests.benchmarks.{settings.name}")
    measures = []
    for entry in module.measure():
        measures.append(check(entry))
        # As it comes: a benchmark may take an hour.
        print(f"{entry['measure']}: {_show(entry['ours'])} {entry['unit']}", file=sys.stderr, flush=True)
    result = {
        "name": settings.name,
        "measures": measures,
        "machine": machine(),
        "versions": versions(),
        "threads": getattr(module, "THREADS", None) or threads(),
        "seeds": list(getattr(module, "SEEDS", ())),
    }
    console.print(table(result))
    if settings.json is not None:
        write(settings.json, result)
    return result


def check(entry: dict[str, Any]) -> dict[str, Any]:
    """The entry with its keys in order; a missing or unknown one is a defect of the module that measured."""
    if unlike := set(COLUMNS) ^ set(entry):
        raise ValueError(f"measure {entry.get('measure')!r}: missing or unknown {sorted(unlike)}; expected {COLUMNS}")
    return {column: entry[column] for column in COLUMNS}


def threads() -> dict[str, int]:
    """Threads that numerical libraries were limited to, and those that torch uses if it was loaded."""
    pinned = {name: int(os.environ[name]) for name in THREADS if name in os.environ}
    torch = sys.modules.get("torch")
    return pinned | ({"torch": torch.get_num_threads()} if torch else {})


def table(result: dict[str, Any]) -> Table:
    """One row a measure; the caption says where it was measured."""
    host = result["machine"]
    used = f"threads {result['threads'] or 'not pinned'}"
    shown = Table(
        title=f"{result['name']}: a ratio above 1 is in our favour",
        caption=f"{host['processor']}, {host['cores']} cores; {used}; seeds {result['seeds'] or 'none'}",
    )
    for column in COLUMNS:
        numeric = column in ("ours", "peer", "ratio", "reach")
        shown.add_column(column.replace("_", " "), justify="right" if numeric else "left", overflow="fold")
    for entry in result["measures"]:
        shown.add_row(*(_show(entry[column]) for column in COLUMNS))
    return shown


def write(path: Path, result: dict[str, Any]) -> None:
    """Write the JSON in one piece."""
    write_atomically(path, json.dumps(result, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def _show(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def main() -> int:
    """Entry point of `launch/bench.sh`."""
    settings = tyro.cli(Bench, prog="bench.sh")
    try:
        run(settings, Console())
    except GroundingError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
