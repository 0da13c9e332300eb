import numpy as np
import pytest

from sims.language.lexicon import lexicon
from sims.language.references import Beside, Nth, PartOf, The
from sims.language.speech import say

BUTTON = The("button")
CUBE = The("block", (("shape", "cube"), ("color", "red"), ("size", "small")))


def spoken(reference, words="train", count=80):
    return {say(reference, words, np.random.default_rng(seed)) for seed in range(count)}


@pytest.mark.parametrize(
    ("reference", "text"),
    [
        (CUBE, "the small red cube"),
        (The("block", (("color", "red"),)), "the red block"),
        (The("button", (("shape", "round"), ("color", "red"))), "the red round button"),
        (The("box", (("color", "blue"), ("height", "tall"))), "the tall blue box"),
        (Nth(BUTTON, 2, "left"), "the second button from the left"),
        (Nth(BUTTON, 1, "left"), "the leftmost button"),
        (Nth(PartOf(The("knob"), The("stove")), 2, "left"), "the second knob of the stove from the left"),
        (PartOf(The("drawer", (("position", "top"),)), The("desk")), "the top drawer of the desk"),
        (Beside(BUTTON, "left of", The("button", (("color", "blue"),))), "the button left of the blue one"),
        (Beside(BUTTON, "behind", Nth(BUTTON, 2, "right")), "the button behind the second one from the right"),
        (Beside(CUBE, "behind", The("mug", (("color", "red"),))), "the small red cube behind the red mug"),
    ],
)
def test_references_are_put_in_plain_english(reference, text):
    assert text in spoken(reference)


def test_synonyms_of_evaluation_are_not_those_of_training():
    train, test = spoken(CUBE), spoken(CUBE, "test")
    assert train == {"the small red cube", "the little red cube"}
    assert test == {"the small red cube", "the tiny red cube"} == spoken(CUBE, "composed")


@pytest.mark.parametrize("table", ["nouns", "words"])
def test_no_word_of_the_lexicon_stands_for_two_things(table):
    words = [word for plain, sets in lexicon()[table].items() for found in sets.values() for word in (*found, plain)]
    entries = {word: {plain for plain, sets in lexicon()[table].items() if word in (plain, *sum(sets.values(), []))}
               for word in words}  # fmt: skip
    assert all(len(plains) == 1 for plains in entries.values())
    for sets in lexicon()[table].values():
        assert set(sets) <= {"train", "test"}
        assert not set(sets.get("train", ())) & set(sets.get("test", ()))
        assert all(word == word.lower() and word.isascii() for found in sets.values() for word in found)
