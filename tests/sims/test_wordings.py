import re
import tomllib
from pathlib import Path

import pytest

from sims import TASK_NAMES, wordings
from sims.sampling import PALETTE

SLOTS = {
    "OpenDrawer": {"position": "top"},
    "PressButton": {"color": "red"},
    "TurnKnob": {"direction": "clockwise"},
    "PlaceInBin": {"size": "small", "color": "blue", "shape": "cube"},
}


def said(text: str) -> str:
    """The words alone: no case, no punctuation."""
    return " ".join(re.findall(r"[a-z{}']+", text.lower()))


@pytest.mark.parametrize("task", TASK_NAMES)
def test_enough_wordings_and_none_of_evaluation_in_training(task):
    train, test = wordings.templates(task, "train"), wordings.templates(task, "test")
    assert len(train) >= 8 and len(test) >= 5
    everything = [said(template) for template in (*train, *test)]
    assert len(set(everything)) == len(everything)


@pytest.mark.parametrize("task", TASK_NAMES)
def test_every_wording_says_all_that_matters(task):
    for template in (*wordings.templates(task, "train"), *wordings.templates(task, "test")):
        text = wordings.fill(template, SLOTS[task])
        assert all(value in text for value in SLOTS[task].values()) and "{" not in text
        assert text.isascii() and text == text.strip() and len(text) <= wordings.LONGEST


def test_the_file_names_the_tasks_and_nothing_else():
    tables = tomllib.loads((Path(__file__).parents[2] / "data/wordings.toml").read_text())
    assert set(tables) == {"train", "handwritten", "test"}
    assert all(tuple(table) == TASK_NAMES for table in tables.values())


def test_scenes_speak_the_wordings_asked_for(make):
    for asked in ("train", "test"):
        env = make("PressButton", obs=(), instructions=asked)
        allowed = {
            wordings.fill(template, {"color": color})
            for template in wordings.templates("PressButton", asked)
            for color in PALETTE
        }
        heard = {env.reset(seed=seed)[0]["instruction"] for seed in range(30)}
        assert heard <= allowed and len(heard) > 10


def test_the_scene_does_not_depend_on_how_many_wordings_there_are(make):
    scenes = [
        make("PlaceInBin", obs=("image",), instructions=asked).reset(seed=3)[0]["image"].tobytes()
        for asked in ("train", "test", ["put the {size} {color} {shape} away"])
    ]
    assert len(set(scenes)) == 1


def test_an_unknown_set_or_task_is_named():
    with pytest.raises(ValueError, match="unknown set of wordings 'handwritten': expected one of train, test"):
        wordings.templates("OpenDrawer", "handwritten")
    with pytest.raises(ValueError, match="no wordings for task 'CloseDrawer': expected one of OpenDrawer"):
        wordings.templates("CloseDrawer", "test")


@pytest.mark.parametrize(
    "template",
    ["open the {place} drawer", "open the {} drawer", "open {0}", "open {position.__class__}", "open {position!r}",
     "open {position:>900000000}", "open {position[0]}"],
)  # fmt: skip
def test_slots_are_names_and_nothing_cleverer(template):
    with pytest.raises(ValueError, match=r"names a slot .*; the slots of this task are \{position\}"):
        wordings.fill(template, SLOTS["OpenDrawer"])


def test_braces_may_be_said_twice_to_be_said():
    assert wordings.fill(" open {{x}} the {position} drawer ", SLOTS["OpenDrawer"]) == "open {x} the top drawer"
