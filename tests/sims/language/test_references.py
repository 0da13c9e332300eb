import pytest

from sims.language.references import Beside, Nth, PartOf, The, denotation, kinds, refers
from tests.sims.language.scenes import buttons, thing

BUTTON = The("button")


def red(noun="button"):
    return The(noun, (("color", "red"),))


def test_attributes_pick_what_has_them_all():
    small, large = (thing(n, "block", (0, 0, 0), size=size, color="red") for n, size in enumerate(("small", "large")))
    mug = thing(2, "mug", (0, 0, 0), size="small", color="red")
    things = (small, large, mug)
    assert denotation(red("block"), things) == [small, large]
    assert denotation(The("block", (("color", "red"), ("size", "large"))), things) == [large]
    assert denotation(The("block", (("shape", "cube"),)), things) == []


@pytest.mark.parametrize(
    ("number", "side", "color"),
    [(1, "left", "red"), (2, "left", "blue"), (3, "left", "green"), (1, "right", "green"), (3, "right", "red")],
)
def test_rows_are_counted_from_the_operators_left_and_right(number, side, color):
    (found,) = denotation(Nth(BUTTON, number, side), buttons("red", "blue", "green"))
    assert found.attributes["color"] == color


def test_there_is_no_fourth_of_three():
    assert denotation(Nth(BUTTON, 4, "left"), buttons("red", "blue", "green")) == []


def test_heights_are_an_order_among_parts_of_one_whole_only():
    parts = [thing(n, "drawer", (0.7, 0, 0.1 + 0.15 * n), (9, -1)) for n in range(3)]
    assert denotation(Nth(The("drawer"), 1, "top"), parts) == [parts[2]]
    assert denotation(Nth(The("drawer"), 2, "bottom"), parts) == [parts[1]]
    assert denotation(Beside(The("drawer"), "above", Nth(The("drawer"), 1, "bottom")), parts) == parts[1:]
    free = [thing(n, "block", (0.5, 0, 0.02 + 0.05 * n)) for n in range(3)]
    assert denotation(Nth(The("block"), 1, "top"), free) == []


def test_a_row_whose_order_is_unclear_is_not_counted():
    level = (thing(0, "block", (0.4, 0.1, 0)), thing(1, "block", (0.6, 0.11, 0)), thing(2, "block", (0.5, -0.1, 0)))
    assert denotation(Nth(The("block"), 1, "right"), level) == []


@pytest.mark.parametrize(
    ("relation", "offset"),
    [("left of", (0, 0.1, 0)), ("right of", (0, -0.1, 0)), ("behind", (0.1, 0, 0)), ("in front of", (-0.1, 0, 0))],
)
def test_directions_are_the_operators(relation, offset):
    other = thing(0, "mug", (0.5, 0, 0))
    there, opposite = (thing(n, "block", [0.5 * (k == 0) + sign * v for k, v in enumerate(offset)])
                       for n, sign in ((1, 1), (2, -1)))  # fmt: skip
    assert denotation(Beside(The("block"), relation, The("mug")), (other, there, opposite)) == [there]


def test_what_stands_aslant_is_borderline():
    mug, clear = thing(0, "mug", (0.5, 0, 0)), thing(1, "block", (0.5, 0.1, 0))
    aslant = thing(2, "block", (0.4, 0.1, 0))
    left = Beside(The("block"), "left of", The("mug"))
    assert denotation(left, (mug, clear, aslant)) == [clear]
    assert denotation(left, (mug, clear, aslant), generous=True) == [clear, aslant]
    assert refers(left, clear, (mug, clear)) and not refers(left, clear, (mug, clear, aslant))


def test_what_is_hardly_nearer_is_not_the_nearest():
    mug, near = thing(0, "mug", (0.5, 0, 0)), thing(1, "block", (0.5, 0.1, 0))
    nearest = Beside(The("block"), "nearest to", The("mug"))
    assert refers(nearest, near, (mug, near, thing(2, "block", (0.5, -0.2, 0))))
    assert len(denotation(nearest, (mug, near, thing(2, "block", (0.5, -0.11, 0))))) == 2


def test_a_relation_to_what_is_not_one_thing_means_nothing():
    things = buttons("red", "red", "green")
    assert denotation(Beside(BUTTON, "right of", red()), things) == []


def test_parts_belong_to_the_whole_that_is_named():
    stoves = [thing(n, "stove", (0.5, 0.3 * n, 0), color=color) for n, color in ((0, "white"), (1, "black"))]
    knobs = [thing(10 + n, "knob", (0.4, 0.3 * n, 0.1), (n, -1)) for n in (0, 1)]
    black = PartOf(The("knob"), The("stove", (("color", "black"),)))
    assert denotation(black, (*stoves, *knobs)) == [knobs[1]]
    assert denotation(PartOf(The("knob"), The("stove")), (*stoves, *knobs)) == knobs


def test_kinds_of_reference():
    assert kinds(BUTTON) == frozenset()
    assert kinds(Nth(red(), 2, "left")) == {"attribute", "ordinal"}
    assert kinds(Beside(BUTTON, "left of", red())) == {"relation"}
    assert kinds(PartOf(Beside(BUTTON, "left of", Nth(BUTTON, 1, "left")), The("stove"))) == {"relation", "ordinal"}
