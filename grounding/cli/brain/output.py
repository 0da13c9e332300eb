"""What the brain commands write and show: a report of chapters, a summary, tables as CSV and JSON, progress."""

import csv
import io
import json
import sys
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from grounding.reports import Chapter

REPORT = "report.html"
SUMMARY = "summary.json"
SYNTHETIC = "Synthetic recording"


@contextmanager
def working(on: str) -> Iterator[None]:
    """Within the block a terminal shows what is worked on, and warnings of the same kind are told once, behind it."""
    from rich.console import Console

    console = Console(stderr=True)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("default")
        with console.status(f"{on} …") if console.is_terminal else nullcontext():
            yield
    kinds = Counter(type(one.message).__name__ for one in told if issubclass(one.category, UserWarning))
    for kind, count in kinds.items():
        first = next(one for one in told if type(one.message).__name__ == kind)
        more = f" (the first of {count} like it)" if count > 1 else ""
        print(f"warning: {' '.join(str(first.message).split())}{more}", file=sys.stderr)


def write_page(
    out: Path, title: str, chapters: "Sequence[Chapter]", settings: Any, synthetic: bool, numbers: object
) -> None:
    """Write the report and its summary, and say where the report is.

    Args:
        out: folder.
        title: of the report.
        chapters: of the report.
        settings: of the command, a dataclass.
        synthetic: whether a generator made the recording.
        numbers: what was found, as values that JSON can hold.
    """
    from dataclasses import asdict

    from grounding.files import write_atomically
    from grounding.reports import machine, versions, write_chapters
    from grounding.reports.content import plain

    summary = {
        "title": title,
        "synthetic": synthetic,
        "verdicts": {chapter.title: chapter.verdict for chapter in chapters},
        "results": numbers,
        "settings": asdict(settings),
        "versions": versions(),
        "machine": machine(),
    }
    written = json.dumps(plain(summary), indent=2, ensure_ascii=False, allow_nan=False)
    write_atomically(out / SUMMARY, written + "\n")
    # A single chapter says its verdict itself.
    lead = "\n\n".join(f"{one.title}: {one.verdict}" for one in chapters if one.verdict) if len(chapters) > 1 else ""
    path = write_chapters(
        out / REPORT, title, lead, chapters, settings=asdict(settings), badge=SYNTHETIC if synthetic else ""
    )
    print(f"report: {path}")


def write_table(out: Path, name: str, rows: Sequence[Mapping[str, object]]) -> None:
    """Rows of plain values as NAME.csv, whose nested values become columns such as "rates pairwise", and NAME.json."""
    from grounding.files import write_atomically
    from grounding.reports.content import plain

    written = io.StringIO()
    flat = [_flat(plain(row)) for row in rows]
    writer = csv.DictWriter(written, list(dict.fromkeys(name for row in flat for name in row)), lineterminator="\n")
    writer.writeheader()
    writer.writerows(flat)
    write_atomically(out / f"{name}.csv", written.getvalue())
    write_atomically(out / f"{name}.json", json.dumps(plain(list(rows)), indent=2, ensure_ascii=False) + "\n")


def write_arrays(out: Path, name: str, **arrays: Any) -> None:
    """Arrays as NAME.npz."""
    import numpy as np

    from grounding.files import atomic

    with atomic(out / f"{name}.npz") as path, path.open("wb") as stream:
        np.savez(stream, **arrays)


def _flat(row: Mapping[str, Any], before: str = "") -> dict[str, object]:
    """Nested values under the names that lead to them; lists, which have no place in a row, are left to JSON."""
    found: dict[str, object] = {}
    for name, value in row.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{before}{name} ")
        elif not isinstance(value, list):
            found[f"{before}{name}"] = value
    return found
