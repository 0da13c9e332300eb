"""What the text commands print: tables for people, or the same as JSON."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

Neighbours = Sequence[tuple[str, float]]


def show(as_json: bool, value: Any, *tables: Table) -> None:
    """Print the value as JSON, or the tables."""
    if as_json:
        print(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))
    else:
        for table in tables:
            Console().print(table)


def neighbours_table(title: str, neighbours: Neighbours) -> Table:
    """Words with their scores, under what they answer."""
    table = Table()
    # Words and names of files may have brackets, which rich takes for its own marks.
    table.add_column(escape(title))
    table.add_column("score", justify="right")
    for word, score in neighbours:
        table.add_row(escape(word), f"{score:.3f}")
    return table


def neighbours_json(found: Mapping[str, Neighbours]) -> dict[str, list[dict[str, Any]]]:
    """The same as plain values."""
    return {
        title: [{"word": word, "score": round(score, 6)} for word, score in neighbours]
        for title, neighbours in found.items()
    }


def scores_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """A score a row, with its 95 % interval and how much of the test was covered."""
    table = Table()
    table.add_column("test", overflow="fold")
    table.add_column("measure", overflow="fold")
    for name in ("value", "95 % interval", "covered"):
        table.add_column(name, justify="right")
    for row in rows:
        interval = f"{row['low']:.3f} to {row['high']:.3f}"
        covered = f"{row['covered']:,} of {row['total']:,}"
        table.add_row(escape(row["test"]), row["measure"], f"{row['value']:.3f}", interval, covered)
    return table
