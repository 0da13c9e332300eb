import base64
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from grounding.errors import InputError, StorageError
from grounding.policies.results import Episode
from grounding.reports import Chapter, Filmstrip, Report, SpaceMap, write_report
from grounding.reports.html import render
from tests.reports.conftest import long_episodes

VOID = {"meta", "img", "source", "br", "link", "hr"}


class Checker(HTMLParser):
    """Collects the text, the addresses and the pictures, and fails on tags that do not nest."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.words: list[str] = []
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        if tag not in VOID:
            self.open.append(tag)
        self.addresses += [value for name, value in attributes if name in ("src", "srcset", "href", "action")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("style", "script"):
            self.words.append(data)


@pytest.fixture(scope="module")
def page() -> str:
    from tests.reports.conftest import example_report

    return render(example_report())


def test_one_file_that_fetches_nothing(page):
    checker = Checker(page)
    assert checker.addresses and all(address.startswith("data:image/") for address in checker.addresses)
    assert "<script" not in page and "url(" not in page and "@import" not in page
    assert not re.search(r"https?://", page)


def test_pictures_can_be_opened(page):
    for address in Checker(page).addresses:
        header, _, content = address.partition(",")
        with Image.open(io.BytesIO(base64.b64decode(content, validate=True))) as picture:
            picture.load()
            assert f"data:image/{picture.format.lower()};base64" == header


def test_says_what_a_newcomer_needs(page):
    words = " ".join(Checker(page).words)
    for part in (
        "Simulated:", "Wilson 95 % interval", "novel-instance", "novel-shape", "OpenDrawer", "all tasks",
        "Path efficiency", "Successes", "Failures", "the gripper missed the part", "text → points", "chance",
        "mAP", "gap", "paired: trained together", "emergent: never trained together", "1,000 questions among 120",
        "train.learning_rate", "0.0003", "Seeds", "numpy", "processor", "6 min 52 s", "320",
    ):  # fmt: skip
        assert part in words, part


def test_retrieval_shows_each_rate_with_interval_and_chance(report):
    row = {"kind": "emergent", "R@1": 0.25, "R@1 low": 0.201, "R@1 high": 0.318, "chance R@1": 0.01, "median rank": 3.0,
           "n": 40, "gallery": 100, "gap": 0.514}  # fmt: skip
    alone = row | {"chance R@1": 1.0, "gallery": 1}
    words = " ".join(Checker(render(replace(report, retrieval={"a->b": row, "b->a": alone}))).words)
    for part in ("25 %", "20 to 32", "chance 1 %", "0.51", "40 questions among 100"):
        assert part in words, part
    assert words.count("nothing but right answers to be found") == 1
    del row["kind"], row["R@1 low"], row["R@1 high"]
    words = " ".join(Checker(render(replace(report, retrieval={"a->b": row}))).words)
    assert "25 %" in words and "20 to 32" not in words and "never trained together" not in words


def test_tasks_of_several_steps_show_how_far_they_got(report, page):
    assert "How far, in tasks of several steps?" not in page and "How carefully?" in page
    shown = render(replace(report, episodes=long_episodes(21), filmstrips=(), space_map=None))
    words = " ".join(Checker(shown).words)
    for part in ("How far, in tasks of several steps?", "first 3", "33 %", "1.00", "met 1 of 3 sub-goals", "12.0"):
        assert part in words, part
    # Tasks go down where they are many: each heads a row.
    assert all(f'<th scope="row">Task{number:02}</th>' in shown for number in range(21))


def test_text_is_escaped(page):
    hostile = "<script>alert('x')</script>"
    report = Report(title=hostile, lead=hostile, episodes=[], seconds=1, demonstrations=0, settings={hostile: hostile})
    assert "<script" not in render(report)


def test_summary_json(report, tmp_path):
    path = write_report(tmp_path / "run", report)
    assert path == tmp_path / "run" / "report.html"
    assert sorted(file.name for file in path.parent.iterdir()) == ["report.html", "summary.json"]
    summary = json.loads((path.parent / "summary.json").read_text())
    assert summary["seconds"] == 412.3 and summary["demonstrations"] == 320
    cell = summary["success"]["ours"]["novel-shape"]["all"]
    assert set(cell) == {"rate", "low", "high", "n"} and cell["n"] == 80
    assert summary["settings"]["wordings"] is None and summary["simulated"]
    assert set(summary["retrieval"]["text->points"]) >= {"R@1", "R@5", "R@10"}


def test_equal_input_gives_equal_bytes(report, tmp_path):
    first = write_report(tmp_path / "a", report).read_bytes()
    assert write_report(tmp_path / "b", report).read_bytes() == first


def test_numpy_numbers_paths_and_nan_become_json(report, tmp_path):
    odd = {"a": np.float32(0.5), "b": np.arange(2), "c": tmp_path, "d": float("nan"), "e": np.bool_(True)}
    settings = replace(report, settings=odd).summary()["settings"]
    assert settings == {"a": 0.5, "b": [0, 1], "c": str(tmp_path), "d": None, "e": True}


def test_an_empty_report_still_reads(tmp_path):
    page = render(Report(title="Nothing", lead="", episodes=[], seconds=0.4, demonstrations=0))
    assert "No episode was run." in page
    Checker(page)


def test_splits_and_tasks_that_a_method_lacks():
    one = Episode("ours", "TurnKnob", "train", 0, "turn it", True, 2.0, 0.5, 0.4)
    other = Episode("expert", "PressButton", "novel-shape", 0, "press", False, 2.0, 0.5, 0.4, failure="")
    page = render(Report(title="t", lead="l", episodes=[one, other], seconds=1, demonstrations=1))
    Checker(page)
    assert "not recorded" in page


def test_a_folder_that_is_a_file(report, tmp_path):
    (tmp_path / "run").write_text("")
    with pytest.raises(StorageError, match="cannot be written"):
        write_report(tmp_path / "run", report)


def test_wrong_shapes_are_named():
    with pytest.raises(InputError, match="frame 1 is float64"):
        Filmstrip([np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4, 3))], "x", True)
    with pytest.raises(InputError, match="space map"):
        SpaceMap(np.zeros((3, 2)), ["a"] * 3, ["text"], "x")


def test_chapters_stand_in_the_report(report, tmp_path):
    chapter = Chapter("Synthetic ECoG: which layer?", "What was asked.", badge="Synthetic recording")
    page = write_report(tmp_path, replace(report, chapters=[chapter])).read_text(encoding="utf-8")
    assert page.index("Synthetic ECoG: which layer?") < page.index("How these numbers were made")
    assert "Synthetic recording" in page
