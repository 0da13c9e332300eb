from dataclasses import dataclass

import numpy as np
import pytest

from sims import TASK_NAMES
from sims.language import meaning_of, templates, utterances
from sims.language.forms import parse_request
from sims.language.references import kinds
from sims.splits import SPLITS
from sims.tasks import make_task
from sims.tasks.task import Request
from tests.sims.language.scenes import buttons, plainly, thing


@dataclass
class Scene:
    """As much of a task as words need."""

    name: str
    things: tuple
    requests: tuple


TWO_RED = Scene("PressButton", buttons("red", "red", "green"), (Request("PressButton", (2, -1)),))
DRAWER, BLOCK = thing(1, "drawer", (0.7, 0, 0.2), position="top"), thing(2, "block", (0.5, 0, 0.0), color="red")
LONG = Scene(
    "StoreInDrawer",
    (
        DRAWER,
        thing(3, "drawer", (0.7, 0, 0.1), position="bottom"),
        BLOCK,
        thing(4, "block", (0.5, 0.2, 0), color="blue"),
    ),
    (Request("OpenDrawer", (1, -1)), Request("PlaceIn", (2, -1), (1, -1)), Request("CloseDrawer", (1, -1))),
)


def speak(scene, *wanted, seed=0, **settings):
    return utterances(scene, wanted, np.random.default_rng(seed), **settings)


def built(world, name, seed):
    task = make_task(name)
    world.clear()
    task.build(world, np.random.default_rng([seed, 5]), SPLITS[seed % len(SPLITS)])
    return task


@pytest.mark.parametrize("name", TASK_NAMES)
def test_logical_forms_are_true_of_the_scene(world, name):
    for seed in range(4):
        task = built(world, name, seed)
        speaker = np.random.default_rng(seed)
        for words in ("train", "test", "composed"):
            for request in (None, *range(len(task.requests))) if len(task.requests) > 1 else (None,):
                asked = task.requests if request is None else (task.requests[request],)
                for utterance in utterances(task, None, speaker, words, request):
                    assert meaning_of(utterance.form, task.things) == asked
                    for said, meant in zip(parse_request(utterance.form), asked, strict=True):
                        assert [one.part for one in plainly(said.target, task.things)] == [meant.target]
                        assert words == "composed" or len(kinds(said.target)) <= 1
                    assert utterance.text.isascii() and utterance.text == utterance.text.lower()


# An appliance is spoken of in the wordings of its parts' tasks.
@pytest.mark.parametrize("name", [name for name in TASK_NAMES if name != "UseAppliance"])
def test_every_template_fits_some_scene(world, name):
    fitted = {words: set() for words in ("train", "test")}
    for seed in range(12):
        task = built(world, name, seed)
        for words, done in fitted.items():
            wanted = templates(name, words)
            for template in set(wanted) - done:
                try:
                    utterances(task, (template,), np.random.default_rng(seed), words)
                except ValueError as reason:
                    assert "ambiguous" in str(reason) or "none in this scene" in str(reason) or "nothing" in str(reason)
                else:
                    done.add(template)
        if all(len(done) == len(set(templates(name, words))) for words, done in fitted.items()):
            return
    raise AssertionError({words: set(templates(name, words)) - done for words, done in fitted.items()})


def test_an_ambiguous_template_is_left_out():
    scene = Scene("PressButton", TWO_RED.things, (Request("PressButton", (0, -1)),))
    (utterance,) = speak(scene, "press the {color} button", "press {target}")
    places = ("leftmost {}", "first {} from the left")
    nouns = ("button", "push button")
    assert utterance.text in ["press the " + place.format(noun) for place in places for noun in nouns]
    assert utterance.form == "PressButton(target=nth(the(button), 1, left))"
    with pytest.raises(ValueError, match=r"it tells the\(button, color=red\), which 2 things .* name it by"):
        speak(scene, "press the {color} button")
    with pytest.raises(ValueError, match=r"ambiguous: it tells the\(button\), which 3 things"):
        speak(scene, "press it")


def test_a_template_that_leaves_a_value_unsaid_is_refused():
    knob = (thing(0, "knob", (0.5, 0, 0), color="red"),)
    scene = Scene("TurnKnob", knob, (Request("TurnKnob", (0, -1), None, {"direction": "clockwise"}),))
    assert speak(scene, "turn {target}", "turn it {direction}")[0].form == (
        "TurnKnob(target=the(knob), direction=clockwise)"
    )
    with pytest.raises(ValueError, match=r"'turn it' does not say the direction; add \{direction\}"):
        speak(scene, "turn it")


def test_unknown_slots_are_named_even_where_other_templates_fit():
    with pytest.raises(ValueError, match=r"names a slot 'colour'; the slots of this task are \{color\}, \{shape\}"):
        speak(TWO_RED, "press {target}", "press the {colour} button")
    with pytest.raises(ValueError, match="speaks of a direction, of which there is none in this scene"):
        speak(TWO_RED, "press {target} {direction}")
    with pytest.raises(ValueError, match="no instruction templates for PressButton"):
        speak(TWO_RED)
    with pytest.raises(ValueError, match="unknown set of wordings 'validation': expected one of train"):
        speak(TWO_RED, "press {target}", words="validation")


def test_several_requests_are_said_in_one_sentence():
    (utterance,) = speak(LONG, "put the {color2} block in the {position} drawer and close it")
    assert utterance.text in (
        "put the red block in the top drawer and close it",
        "put the red block in the upper drawer and close it",
    )
    assert utterance.form == (
        "OpenDrawer(target=the(drawer, position=top)); "
        "PlaceIn(target=the(block, color=red), anchor=the(drawer, position=top)); "
        "CloseDrawer(target=the(drawer, position=top))"
    )
    assert meaning_of(utterance.form, LONG.things) == LONG.requests


def test_one_of_several_requests_is_said_by_itself():
    (utterance,) = speak(LONG, "put {target} into {anchor}", request=1)
    assert meaning_of(utterance.form, LONG.things) == LONG.requests[1:2]


def test_a_thing_without_a_shape_is_called_by_its_noun():
    mug = (thing(0, "mug", (0.5, 0, 0), color="red"),)
    (utterance,) = speak(Scene("Move", mug, (Request("Move", (0, -1)),)), "move the {color} {shape}")
    assert utterance.text == "move the red mug"


def test_relations_are_not_said_of_things_that_are_placed_by_relation():
    row = buttons("red", "red", "red")
    request = Request("PlaceBeside", (1, -1), (0, -1), {"relation": "left of"})
    texts = {speak(Scene("PlaceBeside", row, (request,)), "put {target} {relation} {anchor}", seed=n)[0].form
             for n in range(30)}  # fmt: skip
    assert all("beside" not in text for text in texts)


def test_the_same_generator_says_the_same():
    wanted = ("press {target}", "push {target}")
    assert speak(TWO_RED, *wanted, seed=3) == speak(TWO_RED, *wanted, seed=3)
    assert speak(TWO_RED, *wanted, seed=3) != speak(TWO_RED, *wanted, seed=4)


def test_forms_that_mean_no_single_thing_are_refused():
    with pytest.raises(
        ValueError, match=r"the\(button, color=red\) means 2 things of this scene; expected exactly one"
    ):
        meaning_of("PressButton(target=the(button, color=red))", TWO_RED.things)


def test_requests_about_what_is_not_there_are_refused():
    with pytest.raises(ValueError, match=r"PressButton speaks of part \(7, -1\), which is none of the 3 things"):
        speak(Scene("PressButton", TWO_RED.things, (Request("PressButton", (7, -1)),)), "press {target}")


def test_scenes_speak_the_wordings_asked_for(make):
    for asked in ("train", "test"):
        env = make("TurnKnob", obs=(), instructions=asked)
        literal = {template.split("{")[0].strip() for template in templates("TurnKnob", asked)}
        heard = {env.reset(seed=seed)[0]["instruction"] for seed in range(12)}
        assert all(any(text.startswith(start) for start in literal) for text in heard) and len(heard) > 6


def test_the_scene_does_not_depend_on_how_many_wordings_there_are(make):
    scenes = [
        make("PlaceInBin", obs=("image",), instructions=asked).reset(seed=3)[0]["image"].tobytes()
        for asked in ("train", "test", ["put {target} away"])
    ]
    assert len(set(scenes)) == 1
