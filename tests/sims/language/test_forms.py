import pytest

from sims.language.forms import Ask, form, parse, parse_request
from sims.language.references import Beside, Nth, PartOf, The

RED = The("block", (("color", "red"), ("shape", "cube")))
REFERENCES = {
    "the(block, color=red, shape=cube)": RED,
    "nth(part(the(drawer), the(desk)), 2, bottom)": Nth(PartOf(The("drawer"), The("desk")), 2, "bottom"),
    "beside(the(block), in front of, nth(the(block), 1, left))": Beside(
        The("block"), "in front of", Nth(The("block"), 1, "left")
    ),
}


@pytest.mark.parametrize("text", REFERENCES)
def test_references_are_written_and_read_back(text):
    assert form(REFERENCES[text]) == text
    assert parse(text) == REFERENCES[text]


def test_requests_are_written_and_read_back():
    asked = (
        Ask("PlaceBeside", RED, The("box"), {"relation": "left of"}),
        Ask("TurnKnob", The("knob"), None, {"direction": "clockwise"}),
        Ask("CloseDrawer", The("drawer")),
    )
    text = (
        "PlaceBeside(target=the(block, color=red, shape=cube), anchor=the(box), relation=left of); "
        "TurnKnob(target=the(knob), direction=clockwise); CloseDrawer(target=the(drawer))"
    )
    assert "; ".join(form(ask) for ask in asked) == text
    assert parse_request(text) == asked


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("the(block", "expected ')' at character 9"),
        ("a(block)", "expected one of the, part, nth, beside at character 0, found 'a"),
        ("nth(the(block), 0, left)", "expected one of 1, 2"),
        ("nth(the(block), 1, middle)", "expected one of left, right, top, bottom at character 19"),
        ("beside(the(block), under, the(mug))", "expected one of left of"),
        ("the(block, color)", "expected '=' at character 16"),
        ("the(block) and", "expected the end at character 11"),
        ("", "expected one of the"),
    ],
)
def test_what_is_no_form_is_refused_with_the_place(text, place):
    with pytest.raises(ValueError, match=place.replace("(", r"\(").replace(")", r"\)")):
        parse(text)


def test_a_request_without_a_target_is_refused():
    with pytest.raises(ValueError, match="expected one of target at character 9"):
        parse_request("TurnKnob(direction=clockwise)")


@pytest.mark.parametrize("word", ["red, green", "a=b", "", "(x"])
def test_words_that_would_not_be_read_back_are_refused(word):
    with pytest.raises(ValueError, match="cannot stand in a logical form"):
        form(The("block", (("color", word),)))
