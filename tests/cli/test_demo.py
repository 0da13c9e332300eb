"""`grounding demo` from nothing to a report, and once more."""

import json
import re

import pytest

from grounding.datasets.lerobot import read
from grounding.policies.results import METHODS, read_episodes
from tests.cli.conftest import start

TASKS = {"OpenDrawer", "PressButton", "TurnKnob", "PlaceInBin"}
SPLITS = {"novel-instance", "novel-shape"}
PAIRS = {
    f"{a}->{b}" for a in ("text", "image", "points", "trajectory") for b in ("text", "image", "points", "trajectory")
}
PAIRS -= {f"{name}->{name}" for name in ("text", "image", "points", "trajectory")}
SMALL = ("--demonstrations", "2", "--heldout", "1", "--steps", "4", "--episodes", "4", "--baseline-episodes", "4",
         "--workers", "1")  # fmt: skip


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The folder of a finished demo and what it said."""
    folder = tmp_path_factory.mktemp("demo") / "my run"
    process = start("demo", "--run", folder, *SMALL)
    said, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    assert errors == ""
    return folder, said


@pytest.mark.slow
def test_the_terminal_shows_the_summary_and_where_the_report_is(demo):
    folder, said = demo
    for method in METHODS:
        assert re.search(rf"^ ?{method} ", said, re.MULTILINE), method
    for words in ("novel-instance", "novel-shape", "OpenDrawer", "Simulated", "text → points"):
        assert words in said
    assert str(folder / "report.html") in "".join(said.split("\n"))


@pytest.mark.slow
def test_the_folder_holds_everything(demo):
    folder, _ = demo
    assert len(read(folder / "demonstrations")) == 8 and len(read(folder / "heldout")) == 4
    for name in ("config.toml", "space.safetensors", "trainer.pt", "metrics.jsonl", "library/library.sqlite"):
        assert (folder / name).is_file()
    assert len(read_episodes(folder / "episodes.jsonl")) == 6 * 2 * 4
    assert not list(folder.rglob(".*")), "temporary files are left"


@pytest.mark.slow
def test_the_summary_has_the_form_that_was_agreed(demo):
    folder, _ = demo
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["seconds"] > 0 and summary["demonstrations"] == 8
    assert set(summary["success"]) == set(METHODS)
    for method in METHODS:
        assert set(summary["success"][method]) == SPLITS
        for split in SPLITS:
            cells = summary["success"][method][split]
            assert set(cells) == TASKS | {"all"}
            for task, cell in cells.items():
                assert set(cell) == {"rate", "low", "high", "n"} and cell["n"] == (4 if task == "all" else 1)
                assert 0 <= cell["low"] <= cell["rate"] <= cell["high"] <= 1
    assert summary["success"]["expert"]["novel-instance"]["all"]["rate"] >= 0.75
    assert set(summary["retrieval"]) == PAIRS
    assert summary["versions"]["torch"] and summary["machine"] and summary["seeds"] and summary["settings"]


@pytest.mark.slow
def test_the_report_opens_offline(demo):
    folder, _ = demo
    page = (folder / "report.html").read_text()
    assert page.startswith("<!doctype html>") and page.rstrip().endswith("</html>")
    assert not re.search(r"""(src|href|srcset)=["'](?!data:|#)""", page) and "<script" not in page
    assert "url(http" not in page and "@import" not in page
    for words in ("novel-instance", "novel-shape", "Wilson", "Successes", "Failures", "A map of the space", *METHODS):
        assert words in page
    assert page.count("data:image/jpeg;base64,") >= 6


@pytest.mark.slow
def test_run_again_it_goes_straight_to_the_same_numbers(demo, run):
    folder, _ = demo
    before = json.loads((folder / "summary.json").read_text())
    played, weights = (folder / "episodes.jsonl").read_bytes(), (folder / "space.safetensors").read_bytes()
    said = run("demo", "--run", folder, *SMALL)
    assert said.count("is complete already") == 2 and "(0 new)" in said
    assert (folder / "episodes.jsonl").read_bytes() == played
    assert (folder / "space.safetensors").read_bytes() == weights
    after = json.loads((folder / "summary.json").read_text())
    # What was done before still counts: a demo run again does not pretend to have taken a second.
    assert after["seconds"] > 0.8 * before["seconds"]
    before.pop("seconds"), after.pop("seconds")
    assert after == before
