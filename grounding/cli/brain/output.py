"""What the brain commands write: a report of chapters, and tables as CSV and JSON."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from grounding.reports import Chapter

REPORT = "report.html"
SYNTHETIC = "Synthetic recording"


def write_page(out: Path, title: str, chapters: "Sequence[Chapter]", settings: Any, synthetic: bool) -> None:
    """Write the report and say where it is."""
    from dataclasses import asdict

    from grounding.reports import write_chapters

    lead = "\n\n".join(chapter.verdict for chapter in chapters if chapter.verdict)
    path = write_chapters(
        out / REPORT, title, lead, chapters, settings=asdict(settings), badge=SYNTHETIC if synthetic else ""
    )
    print(f"report: {path}")


def write_table(out: Path, name: str, rows: Sequence[Mapping[str, object]]) -> None:
    """Rows of plain values as NAME.csv and NAME.json."""
    from grounding.files import write_atomically
    from grounding.reports.content import plain

    written = io.StringIO()
    writer = csv.DictWriter(written, list(rows[0]) if rows else [])
    writer.writeheader()
    writer.writerows(rows)
    write_atomically(out / f"{name}.csv", written.getvalue())
    write_atomically(out / f"{name}.json", json.dumps(plain(list(rows)), indent=2, ensure_ascii=False) + "\n")


def write_arrays(out: Path, name: str, **arrays: Any) -> None:
    """Arrays as NAME.npz."""
    import numpy as np

    from grounding.files import atomic

    with atomic(out / f"{name}.npz") as path, path.open("wb") as stream:
        np.savez(stream, **arrays)
