"""The same summary for the terminal."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from grounding.policies.results import ALL
from grounding.reports.figures import tasks_of
from grounding.reports.sections import CHANCE, MOST_ACROSS, RATES, percent, retrieval_columns, splits_of

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


def print_summary(console: "Console", summary: Mapping[str, Any]) -> None:
    """Print success, effort, progress, failures and retrieval of a `summary.json` as tables.

    Tables of a part that the summary lacks are left out.
    """
    success = summary.get("success", {})
    if summary.get("simulated"):
        console.print(summary["simulated"], style="yellow", highlight=False)
    for split in splits_of(success):
        console.print(_success(success, split))
    if success:
        console.print(_effort(summary))
    if summary.get("subgoals"):
        console.print(_subgoals(summary["subgoals"]))
    for method, splits in list(summary.get("failures", {}).items())[:1]:
        for split, reasons in splits.items():
            listed = ", ".join(f"{reason} {count}" for reason, count in reasons.items()) or "none"
            console.print(f"Failures of {method} on {split}: {listed}", highlight=False, markup=False)
    retrieval = summary.get("retrieval", {})
    for kind in dict.fromkeys(row.get("kind", "") for row in retrieval.values()):
        console.print(_retrieval(kind, {pair: row for pair, row in retrieval.items() if row.get("kind", "") == kind}))


def _table(title: str, *columns: str) -> "Table":
    from rich import box
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for number, name in enumerate(columns):
        table.add_column(name, justify="left" if number == 0 else "right", no_wrap=True)
    return table


def _success(success: Mapping[str, Any], split: str) -> "Table":
    tasks = tasks_of(success, split)
    methods = [method for method in success if split in success[method]]
    if len(tasks) > MOST_ACROSS:
        return _success_down(success, split, tasks, methods)
    names = ["all tasks" if task == ALL else task for task in tasks]
    table = _table(f"Success on {split} in percent, with its Wilson 95 % interval", "method", *names, "n")
    for method in methods:
        cells = [_rate(success[method][split].get(task)) for task in tasks]
        first = method == next(iter(success))
        table.add_row(method, *cells, str(success[method][split][ALL]["n"]), style="bold" if first else "")
    return table


def _success_down(success: Mapping[str, Any], split: str, tasks: list[str], methods: list[str]) -> "Table":
    """Many tasks, one a row; the interval of the first method alone, since all would not fit."""
    table = _table(f"Success on {split} in percent", "task", *methods, "n")
    for task in tasks:
        found = [success[method][split].get(task) for method in methods]
        shares = ["–" if cell is None else f"{100 * cell['rate']:.0f}" for cell in found]
        count = "–" if found[0] is None else str(found[0]["n"])
        style = "bold" if task == ALL else ""
        table.add_row("all tasks" if task == ALL else task, _rate(found[0]), *shares[1:], count, style=style)
    return table


def _rate(cell: Mapping[str, Any] | None) -> str:
    return "–" if cell is None else f"{100 * cell['rate']:.0f} {100 * cell['low']:.0f}–{100 * cell['high']:.0f}"


def _effort(summary: Mapping[str, Any]) -> "Table":
    """Time and path; likeness to the expert; shares of episodes that reached, pressed or bent too far, in percent."""
    columns = ("time", "efficiency", "DTW-MT", "reach", "joint", "force")
    table = _table("Simulated seconds to success, path efficiency, DTW-MT, percent with violations", "method", "split")
    table.columns[1].justify = "left"
    for name in columns:
        table.add_column(name, justify="right", no_wrap=True)
    for method, splits in summary["success"].items():
        for split in splits:
            seconds = summary["time"][method][split][ALL]["mean"]
            efficiency = summary["efficiency"][method][split][ALL]["mean"]
            alike = summary["dtw_mt"].get(method, {}).get(split, {}).get(ALL)
            violations = summary["violations"][method][split][ALL]
            table.add_row(
                method,
                split,
                "–" if seconds is None else f"{seconds:.1f}",
                f"{efficiency:.2f}",
                "–" if alike is None else f"{alike['mean']:.1f}",
                *(f"{100 * violations[name]:.0f}" for name in ("reach", "joint", "force")),
            )
    return table


def _subgoals(subgoals: Mapping[str, Any]) -> "Table":
    longest = max(len(splits[split][ALL]["in_a_row"]) for splits in subgoals.values() for split in splits)
    ranks = [str(k) for k in range(1, longest + 1)]
    table = _table("Sub-goals met, and first ones met in a row, in percent", "method", "split", "met", *ranks, "n")
    table.columns[1].justify = "left"
    for method, splits in subgoals.items():
        for split, tasks in splits.items():
            cell = tasks[ALL]
            shares = [f"{100 * cell['in_a_row'][k]:.0f}" if k in cell["in_a_row"] else "–" for k in ranks]
            table.add_row(method, split, f"{100 * cell['rate']:.0f}", *shares, str(cell["n"]))
    return table


def _retrieval(kind: str, retrieval: Mapping[str, Mapping[str, Any]]) -> "Table":
    columns = [key for key in retrieval_columns(retrieval) if key in (*RATES, "gap")]
    named = f"Retrieval, {kind}," if kind else "Retrieval"
    table = _table(f"{named} in percent with 95 % interval (chance)", "question → answer", *columns)
    for pair, row in retrieval.items():
        table.add_row(pair.replace("->", " → "), *(_retrieved(row, key) for key in columns))
    return table


def _retrieved(row: Mapping[str, Any], key: str) -> str:
    if row.get(key) is None:
        return "–"
    if key not in RATES:
        return f"{row[key]:.2f}"
    # One interval is enough to judge the others by, and all would not fit.
    between = f" {100 * row['R@1 low']:.0f}–{100 * row['R@1 high']:.0f}" if key == "R@1" and "R@1 low" in row else ""
    chance = row.get(CHANCE + key)
    behind = "" if chance is None else f" ({percent(chance).removesuffix(' %')})"
    return f"{percent(row[key]).removesuffix(' %')}{between}{behind}"
