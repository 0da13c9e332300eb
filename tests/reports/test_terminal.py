import io
from dataclasses import replace

from rich.console import Console

from grounding.reports import print_summary
from tests.reports.conftest import long_episodes


def printed(summary, width: int = 80) -> str:
    console = Console(width=width, record=True, file=io.StringIO())
    print_summary(console, summary)
    return console.export_text()


def test_fits_eighty_columns(report):
    shown = printed(report.summary())
    assert "…" not in shown
    assert all(len(line) <= 80 for line in shown.splitlines())


def test_same_numbers_as_the_summary(report):
    summary = report.summary()
    shown = printed(summary)
    cell = summary["success"]["ours"]["novel-shape"]["all"]
    assert f"{100 * cell['rate']:.0f} {100 * cell['low']:.0f}–{100 * cell['high']:.0f}" in shown
    assert "Simulated" in shown and "text → points" in shown and "Failures of ours on novel-shape" in shown
    assert shown.index("Retrieval, paired") < shown.index("text → points") < shown.index("Retrieval, emergent")
    row = summary["retrieval"]["image->points"]
    expected = f"{100 * row['R@1']:.0f} {100 * row['R@1 low']:.0f}–{100 * row['R@1 high']:.0f} (0.8)"
    assert expected in shown[shown.index("Retrieval, emergent") :] and f"{row['gap']:.2f}" in shown


def test_many_tasks_stand_below_each_other_and_progress_is_told(report):
    summary = replace(report, episodes=long_episodes(21)).summary()
    shown = printed(summary)
    assert "…" not in shown and all(len(line) <= 80 for line in shown.splitlines())
    assert all(f"Task{number:02}" in shown for number in range(21)) and "all tasks" in shown
    progress = shown[shown.index("Sub-goals met") :].splitlines()
    assert [line.split() for line in progress if "novel-category" in line][:2] == [
        ["ours", "novel-category", "33", "100", "0", "0", "21"],
        ["expert", "novel-category", "100", "100", "100", "100", "21"],
    ]
    effort = next(line.split() for line in shown.splitlines() if line.split()[:2] == ["ours", "novel-category"])
    assert effort[2:] == ["–", "0.00", "12.0", "0", "0", "0"]


def test_summary_without_parts():
    assert printed({"success": {}, "failures": {}}) == ""
