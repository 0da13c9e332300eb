import numpy as np
import pytest

from sims.language.generation import refer
from sims.language.references import Beside, Nth, PartOf, The, kinds
from tests.sims.language.scenes import buttons, plainly, thing


def drawn(target, things, count=60, **settings):
    return {refer(target, things, np.random.default_rng(seed), **settings) for seed in range(count)}


def scattered(generator):
    """Five blocks and a mug somewhere on the table."""
    looks = [(size, color) for size in ("small", "large") for color in ("red", "blue", "green")]
    chosen = [looks[index] for index in generator.permutation(len(looks))]
    return tuple(
        thing(
            n, "mug" if n == 5 else "block", (*generator.uniform((0.35, -0.3), (0.65, 0.3)), 0.02), size=size, color=c
        )
        for n, (size, c) in enumerate(chosen)
    )


def test_all_ways_to_refer_are_used():
    things = buttons("red", "blue", "green")
    first, middle = drawn(things[0], things), drawn(things[1], things)
    assert The("button", (("color", "red"),)) in first and Nth(The("button"), 1, "left") in first
    assert Beside(The("button"), "left of", The("button", (("color", "blue"),))) in first
    assert Nth(The("button"), 2, "left") in middle and Nth(The("button"), 2, "right") in middle
    # Two stand left of the green one, but one is the nearest to it.
    assert {found.relation for found in middle if isinstance(found, Beside)} == {"nearest to"}


def test_what_is_said_means_the_target_alone(generator):
    for _ in range(60):
        things = scattered(generator)
        for combined in (False, True):
            found = refer(things[0], things, generator, combined)
            assert plainly(found, things) == [things[0]]


def test_attributes_are_no_more_than_one_over_the_fewest():
    things = tuple(
        thing(n, "block", (0.5, 0.0, 0.0), size=size, color=color, shape=shape)
        for n, (size, color, shape) in enumerate((("small", "red", "cube"), ("large", "red", "ball")))
    )
    found = drawn(things[0], things)
    assert {len(one.attributes) for one in found} == {1, 2}
    assert The("block", (("color", "red"),)) not in found


def test_training_never_combines_kinds_and_the_combined_always_does_where_it_can():
    things = buttons("red", "blue", "green")
    assert all(len(kinds(found)) <= 1 for target in things for found in drawn(target, things))
    combined = {found for target in things for found in drawn(target, things, combined=True)}
    assert {kinds(found) for found in combined} == {
        frozenset(["attribute", "relation"]),
        frozenset(["ordinal", "relation"]),
        frozenset(["attribute", "ordinal", "relation"]),
    }
    lone = (thing(0, "knob", (0.5, 0, 0), color="red"),)
    assert drawn(lone[0], lone, combined=True) == {The("knob"), The("knob", (("color", "red"),))}


def test_what_is_alike_is_told_by_its_place():
    things = buttons("red", "red", "red")
    assert drawn(things[0], things) == {Nth(The("button"), 1, "left")}


def test_parts_are_named_with_their_whole():
    stove = thing(9, "stove", (0.6, 0, 0))
    things = (stove, *buttons("red", "blue"))
    assert PartOf(The("button", (("color", "red"),)), The("stove")) in drawn(things[1], things)


def test_a_thing_is_not_told_from_what_it_is_moved_to():
    things = (*buttons("red", "red"), thing(7, "bin", (0.5, 0.25, 0.0)))
    assert any(isinstance(found, Beside) for found in drawn(things[0], things))
    assert not any(isinstance(found, Beside) for found in drawn(things[0], things, avoid={(7, -1)}))
    assert not any(isinstance(found, Beside) for found in drawn(things[0], things, relations=False))


def test_what_cannot_be_told_apart_is_refused():
    twins = tuple(thing(n, "block", (0.5, 0.01 * n, 0.0), color="red") for n in range(2))
    with pytest.raises(
        ValueError, match="nothing that can be said tells the block {'color': 'red'} from 1 others: give"
    ):
        refer(twins[0], twins, np.random.default_rng(0))
