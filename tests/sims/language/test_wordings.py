import re
import tomllib
from pathlib import Path

import pytest

from sims.language import wordings

FOLDER = Path(__file__).parents[3] / "data/wordings"
FILES = sorted(path.stem for path in FOLDER.glob("[A-Z]*.toml"))
POSITION = {"position": "top"}


def said(text: str) -> str:
    """The words alone: no case, no punctuation."""
    return " ".join(re.findall(r"[a-z0-9{}']+", text.lower()))


@pytest.mark.parametrize("task", FILES)
def test_enough_wordings_and_none_of_evaluation_in_training(task):
    tables = tomllib.loads((FOLDER / f"{task}.toml").read_text())
    assert set(tables) == {"train", "handwritten", "test"}
    assert len(tables["train"]) >= 8 and len(tables["handwritten"]) >= 2 and len(tables["test"]) >= 5
    everything = [said(template) for table in tables.values() for template in table]
    assert len(set(everything)) == len(everything)
    assert wordings.templates(task, "train") == (*tables["train"], *tables["handwritten"])
    assert wordings.templates(task, "test") == tuple(tables["test"])


@pytest.mark.parametrize("task", FILES)
def test_wordings_are_plain_text(task):
    for template in (*wordings.templates(task, "train"), *wordings.templates(task, "test")):
        assert template.isascii() and template == template.lower().strip() and "  " not in template
        # A referring expression brings its own article and carries no ending.
        assert not re.search(r"\b(the|an?|this) \{(target|anchor)|\{(target|anchor)\d*\}'", template)


def test_open_wordings_are_those_that_leave_the_reference_open():
    assert set(wordings.templates("OpenDrawer", "composed")) < set(wordings.templates("OpenDrawer", "test"))
    assert all("{target}" in template for template in wordings.templates("OpenDrawer", "composed"))


def test_an_unknown_set_or_task_is_named():
    with pytest.raises(
        ValueError, match="unknown set of wordings 'handwritten': expected one of train, test, composed"
    ):
        wordings.templates("OpenDrawer", "handwritten")
    with pytest.raises(ValueError, match="no wordings for task 'OpenDoors': expected one of .*OpenDrawer"):
        wordings.templates("OpenDoors", "test")


@pytest.mark.parametrize(
    "template",
    ["open the {place} drawer", "open the {} drawer", "open {0}", "open {position.__class__}", "open {position!r}",
     "open {position:>900000000}", "open {position[0]}"],
)  # fmt: skip
def test_slots_are_names_and_nothing_cleverer(template):
    with pytest.raises(ValueError, match=r"names a slot .*; the slots of this task are \{position\}"):
        wordings.fill(template, POSITION)


@pytest.mark.parametrize(
    ("template", "problem"),
    [(7, "is a int; expected a text"), ("open {position", "expected '}'.* write the slots of this task as"),
     (" ... ", "holds no words"), ("open " * 100 + "{position}", "makes 50[0-9] characters; expected at most 400")],
)  # fmt: skip
def test_what_makes_no_instruction_is_refused(template, problem):
    with pytest.raises(ValueError, match=problem):
        wordings.fill(template, POSITION)


def test_braces_may_be_said_twice_to_be_said():
    assert wordings.fill(" open {{x}} the {position} drawer ", POSITION) == "open {x} the top drawer"


def test_the_article_fits_the_word_that_follows():
    template = "give the knob a {direction} turn"
    assert wordings.fill(template, {"direction": "clockwise"}) == "give the knob a clockwise turn"
    assert wordings.fill(template, {"direction": "anticlockwise"}) == "give the knob an anticlockwise turn"
