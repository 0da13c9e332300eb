"""The parts of the report that are tables, each made from the tables of `summary.json`."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from grounding.policies.results import ALL, SPLITS, rank
from grounding.reports.figures import method_color, tasks_of
from grounding.reports.markup import Markup, table, tag, text

Table = Mapping[str, Mapping[str, Any]]
CHANCE = "chance "
MOST_ACROSS = 6
"""More tasks than this, all tasks together included, are listed down a table instead of across."""
RATES = ("R@1", "R@5", "R@10", "mAP")
RETRIEVAL_COLUMNS = (*RATES, "median rank", "gap")
KINDS = {
    "paired": "paired: trained together",
    "emergent": "emergent: never trained together",
    "untrained": "untrained",
}
NOTHING = Markup('<span class="quiet">–</span>')


def section(title: str, explanation: str, *content: Markup) -> Markup:
    """A titled section that begins by saying what is seen."""
    return tag("section", tag("h2", text(title)), tag("p", text(explanation), cls="explanation"), *content)


def splits_of(success: Table) -> list[str]:
    """The splits that any method was tried on, in the customary order."""
    return sorted({split for splits in success.values() for split in splits}, key=lambda split: rank(split, SPLITS))


def percent(share: float) -> str:
    """A share as whole percent, without ever rounding to a certainty: 0.998 is 99.8 %."""
    value = 100 * share
    return f"{value:.1f} %" if 99 < value < 100 or 0 < value < 1 else f"{value:.0f} %"


def headline(summary: Mapping[str, Any]) -> Markup:
    """The few numbers to leave with: success of the first method by split, demonstrations, duration."""
    success = summary["success"]
    cards = []
    if success:
        method = next(iter(success))
        for split, row in success[method].items():
            cell = row[ALL]
            note = f"95 % interval {percent(cell['low'])} to {percent(cell['high'])}, {cell['n']} episodes"
            cards.append(_card(percent(cell["rate"]), f"success of “{method}” on {split}", note, _bar(cell, "")))
    cards.append(_card(f"{summary['demonstrations']:,}", "demonstrations in the library", "", Markup("")))
    cards.append(_card(_duration(summary["seconds"]), "for the whole run", "", Markup("")))
    return tag("div", *cards, cls="cards")


def success_tables(summary: Mapping[str, Any], notes: Mapping[str, str]) -> Markup:
    """One table a split, each cell a rate with its interval drawn: methods down, or tasks down where they are many."""
    success = summary["success"]
    if not success:
        return tag("p", text("No episode was run."), cls="quiet")
    tables = []
    for split in splits_of(success):
        tasks, methods = tasks_of(success, split), [method for method in success if split in success[method]]
        named = {method: _method(method, success, notes) for method in methods}
        counts = {method: text(success[method][split][ALL]["n"]) for method in methods}
        if len(tasks) > MOST_ACROSS:
            header = [text("task"), *named.values()]
            rows = [[text(_task(task)), *(_rate(success[one][split].get(task)) for one in methods)] for task in tasks]
            rows.append([text("episodes"), *counts.values()])
        else:
            header = [text("method"), *(text(_task(task)) for task in tasks), text("episodes")]
            rows = [
                [named[one], *(_rate(success[one][split].get(task)) for task in tasks), counts[one]] for one in methods
            ]
        tables.append(table(header, rows, caption=split, cls="rates"))
    return Markup("".join(tables))


def effort_table(summary: Mapping[str, Any]) -> Markup:
    """Execution time, path efficiency and whether the right kind of demonstration was found, by method and split."""
    header = [
        "method",
        "split",
        "time, mean",
        "time, median",
        "path efficiency",
        "… of successes",
        "right kind of demonstration",
        "DTW-MT, mean",
        "… under 10",
    ]
    rows = []
    for method, split in _pairs(summary["success"]):
        time, efficiency = summary["time"][method][split][ALL], summary["efficiency"][method][split][ALL]
        right = summary["right_task"].get(method, {}).get(split, {}).get(ALL)
        alike = summary["dtw_mt"].get(method, {}).get(split, {}).get(ALL) or {}
        rows.append(
            [
                _name(method, summary["success"]),
                text(split),
                _number(time["mean"], "{:.1f} s"),
                _number(time["median"], "{:.1f} s"),
                _number(efficiency["mean"], "{:.2f}"),
                _number(efficiency["of_successes"], "{:.2f}"),
                text(percent(right["rate"])) if right else NOTHING,
                _number(alike.get("mean"), "{:.1f}"),
                text(percent(alike["under_10"])) if alike else NOTHING,
            ]
        )
    return table([text(name) for name in header], rows, cls="figures")


def violations_table(summary: Mapping[str, Any]) -> Markup:
    """Shares of episodes with steps that a robot should not make, and contact forces, by method and split."""
    header = [
        "method",
        "split",
        "target out of reach",
        "joint at its limit",
        "too much force",
        "peak force, mean",
        "max",
    ]
    rows = []
    for method, split in _pairs(summary["success"]):
        found = summary["violations"][method][split][ALL]
        shares = [text(percent(found[name])) for name in ("reach", "joint", "force")]
        forces = [text(f"{found[name]:.0f} N") for name in ("peak_force_mean", "peak_force_max")]
        rows.append([_name(method, summary["success"]), text(split), *shares, *forces])
    return table([text(name) for name in header], rows, cls="figures")


def subgoals_table(summary: Mapping[str, Any]) -> Markup:
    """Progress in tasks of several sub-goals by method, split and task."""
    subgoals = summary["subgoals"]
    longest = max((len(cell["in_a_row"]) for *_, cell in _goals(subgoals)), default=0)
    header = ["method", "split", "task", "sub-goals met", "in a row", *(f"first {k}" for k in range(1, longest + 1))]
    rows = []
    for method, split, task, cell in _goals(subgoals):
        reached = [cell["in_a_row"].get(str(k)) for k in range(1, longest + 1)]
        rows.append(
            [
                _name(method, summary["success"]),
                text(split),
                text(_task(task)),
                text(percent(cell["rate"])),
                text(f"{cell['length']:.2f}"),
                *(NOTHING if share is None else text(percent(share)) for share in reached),
            ]
        )
    return table([text(name) for name in header], rows, cls="figures")


def _goals(subgoals: Table) -> list[tuple[str, str, str, Mapping[str, Any]]]:
    return [
        (method, split, task, cell)
        for method, splits in subgoals.items()
        for split, tasks in splits.items()
        for task, cell in tasks.items()
        if cell is not None
    ]


def failures(summary: Mapping[str, Any]) -> Markup:
    """Reasons of failure with their counts; the first method is shown open, the others fold away."""
    parts = []
    for place, (method, splits) in enumerate(summary["failures"].items()):
        total = sum(count for reasons in splits.values() for count in reasons.values())
        tried = sum(summary["success"][method][split][ALL]["n"] for split in splits)
        title = f"{method}: {total} of {tried} episodes failed"
        content = _reasons(splits) if total else tag("p", text("No failure to report."), cls="quiet")
        opened = {"open": "open"} if place == 0 else {}
        parts.append(tag("details", tag("summary", text(title)), content, **opened))
    return Markup("".join(parts))


def retrieval_table(retrieval: Mapping[str, Mapping[str, Any]]) -> Markup:
    """Recall and mean average precision for every ordered pair of modalities, with interval and beside chance."""
    columns = retrieval_columns(retrieval)
    header = [text("question → answer"), *(text(key) for key in columns)]
    rows = [[_searched(pair, row), *(_retrieved(row, key) for key in columns)] for pair, row in retrieval.items()]
    return table(header, rows, cls="rates")


def retrieval_columns(retrieval: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The figures that any pair has a column for; intervals and chances go with their rates."""
    return [key for key in RETRIEVAL_COLUMNS if any(key in row for row in retrieval.values())]


def provenance(summary: Mapping[str, Any]) -> Markup:
    """Settings, seeds, versions and machine, each folded away."""
    parts = []
    for title, key in (("Settings", "settings"), ("Seeds", "seeds"), ("Versions", "versions"), ("Machine", "machine")):
        rows = [[text(name), text(value)] for name, value in flatten(summary[key])]
        if rows:
            grid = table([text("name"), text("value")], rows, cls="pairs")
            parts.append(tag("details", tag("summary", text(title)), grid))
    return Markup("".join(parts))


def flatten(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested mappings as pairs of a dotted name and a readable value."""
    pairs = []
    for name, value in values.items():
        if isinstance(value, Mapping):
            pairs += flatten(value, f"{prefix}{name}.")
        elif isinstance(value, list):
            pairs.append((prefix + name, ", ".join(map(str, value)) or "none"))
        else:
            pairs.append((prefix + name, "none" if value is None else str(value)))
    return pairs


def _card(value: str, label: str, note: str, drawing: Markup) -> Markup:
    lines = [tag("div", text(value), cls="value"), tag("div", text(label), cls="label"), drawing]
    if note:
        lines.append(tag("div", text(note), cls="note"))
    return tag("div", *lines, cls="card")


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _task(task: str) -> str:
    return "all tasks" if task == ALL else task


def _method(method: str, success: Table, notes: Mapping[str, str]) -> Markup:
    note = tag("span", text(notes[method]), cls="note") if method in notes else Markup("")
    return Markup(_name(method, success) + note)


def _name(method: str, success: Table) -> Markup:
    color = method_color(method, list(success))
    return Markup(tag("span", cls="swatch", style=f"background:{color}") + tag("b", text(method)))


def _rate(cell: Mapping[str, Any] | None) -> Markup:
    if cell is None:
        return NOTHING
    interval = f"{100 * cell['low']:.0f} to {100 * cell['high']:.0f}"
    number = tag("span", text(percent(cell["rate"])), cls="number")
    line = tag("div", number, tag("span", text(interval), cls="count"), cls="line")
    return Markup(line + _bar(cell, f"95 % interval {interval} %, {cell['n']} episodes"))


def _bar(cell: Mapping[str, Any], title: str) -> Markup:
    low, high, rate = (100 * cell[key] for key in ("low", "high", "rate"))
    band = tag("i", style=f"left:{low:.1f}%;width:{high - low:.1f}%")
    point = tag("b", style=f"left:{rate:.1f}%")
    return tag("div", band, point, cls="bar", **({"title": title} if title else {}))


def _pairs(success: Table) -> Iterable[tuple[str, str]]:
    return ((method, split) for split in splits_of(success) for method in success if split in success[method])


def _number(value: float | None, form: str) -> Markup:
    return NOTHING if value is None else text(form.format(value))


def _reasons(splits: Mapping[str, Mapping[str, int]]) -> Markup:
    largest = max((count for reasons in splits.values() for count in reasons.values()), default=1)
    rows: list[Sequence[Markup]] = []
    for split, reasons in splits.items():
        for reason, count in reasons.items():
            bar = tag("div", tag("i", style=f"left:0;width:{100 * count / largest:.1f}%"), cls="bar count-bar")
            rows.append([text(reason), text(split), text(count), bar])
    return table([text(name) for name in ("reason", "split", "episodes", "")], rows, cls="reasons")


def _searched(pair: str, row: Mapping[str, Any]) -> Markup:
    """The name of a pair, its kind, how much was searched, and a word where the figures say nothing."""
    notes = [KINDS.get(row["kind"], row["kind"])] if "kind" in row else []
    notes.append(f"{row['n']:,} questions among {row['gallery']:,}")
    if row.get(CHANCE + "R@1") == 1:
        notes.append("nothing but right answers to be found")
    named = tag("b", text(pair.replace("->", " → ")))
    return Markup(named + Markup("").join(tag("span", text(note), cls="note") for note in notes))


def _retrieved(row: Mapping[str, Any], key: str) -> Markup:
    value, chance = row.get(key), row.get(CHANCE + key)
    if value is None:
        return NOTHING
    if key not in RATES:
        return text(f"{value:.2f}" if key == "gap" else f"{value:g}")
    line, mark, below = tag("span", text(percent(value)), cls="number"), Markup(""), Markup("")
    if f"{key} low" in row:
        line = Markup(line + tag("span", text(interval(row, key)), cls="count"))
    if chance is not None:
        mark = tag("b", style=f"left:{100 * chance:.1f}%")
        below = tag("div", text(f"chance {percent(chance)}"), cls="count")
    fill = tag("i", style=f"left:0;width:{100 * value:.1f}%")
    return Markup(tag("div", line, cls="line") + tag("div", fill, mark, cls="bar") + below)


def interval(row: Mapping[str, Any], key: str) -> str:
    """The 95 % interval of a rate in percent, such as "25 to 38"."""
    return f"{100 * row[f'{key} low']:.0f} to {100 * row[f'{key} high']:.0f}"
