"""References that mean one thing of a scene and nothing else, drawn at random."""

import functools
import itertools
from collections.abc import Iterable, Iterator, Sequence, Set
from typing import TypeVar

import numpy as np

from sims.language.references import (
    NEAREST,
    RELATIONS,
    SIDES,
    Beside,
    Nth,
    PartOf,
    Reference,
    The,
    denotation,
    kinds,
    refers,
    row,
    stands,
)
from sims.tasks.task import Thing
from sims.world import Part

T = TypeVar("T")

KINDS = ("attribute", "ordinal", "relation")
"""As :func:`sims.language.references.kinds` names them."""


def refer(
    target: Thing,
    things: Sequence[Thing],
    generator: np.random.Generator,
    combined: bool = False,
    relations: bool = True,
    avoid: Set[Part] = frozenset(),
) -> Reference:
    """A reference to ``target``: half of them by attributes, the rest by its place in a row or beside another thing.

    Args:
        target: what is meant.
        things: all that can be spoken of.
        generator: draws among what can be said.
        combined: tell it apart by two of the kinds at once, such as "the second red button from the left", which is
            never done otherwise. Where nothing of the sort can be said, by one.
        relations: whether relations to other things may be used.
        avoid: parts that it is not told from, such as the bin that it is to be put in.

    Raises:
        ValueError: nothing that can be said tells it from the others.
    """
    alike = [thing for thing in things if thing.noun == target.noun]
    others = [thing for thing in things if thing.part not in avoid and thing is not target]
    # What has no like of its noun is not told from others by where it stands.
    unwanted = KINDS[1:] if len(alike) == 1 else () if relations else ("relation",)
    kinds_tried = [kind for kind in _orderly(generator) if kind not in unwanted]
    for combining in (True, False) if combined else (False,):
        for kind in kinds_tried:
            for found in _candidates(kind, target, things, others, combining, generator):
                if (len(kinds(found)) > 1) == combining and refers(found, target, things):
                    return found
    raise ValueError(
        f"nothing that can be said tells the {target.noun} {dict(target.attributes)} from {len(alike) - 1} others: "
        "give the things of the scene other attributes, or stand them in a row or further apart"
    )


def _orderly(generator: np.random.Generator) -> list[str]:
    """The kinds of reference in the order in which they are tried."""
    attribute, *places = KINDS
    drawn = [places[index] for index in generator.permutation(len(places))]
    return [attribute, *drawn] if generator.random() < 0.5 else [*drawn, attribute]


def _candidates(
    kind: str,
    target: Thing,
    things: Sequence[Thing],
    others: Sequence[Thing],
    combined: bool,
    generator: np.random.Generator,
) -> Iterator[Reference]:
    """References of one kind that may do, in random order."""
    heads = _heads(target, things, combined, generator)
    if kind == "attribute":
        yield from () if combined else _by_attributes(target, things, generator)
    elif kind == "ordinal":
        for head, side in _shuffled(itertools.product(heads, SIDES), generator):
            counted = row(denotation(head, things), side)
            # Counted from the nearer end, as people do.
            if target in counted and len(counted) > 1 and 2 * counted.index(target) < len(counted):
                yield Nth(head, counted.index(target) + 1, side)
    else:
        for head, relation, other in _shuffled(itertools.product(heads, (*RELATIONS, NEAREST), others), generator):
            if _tells(head, target, relation, other, things):
                named = _other(other, things, combined, generator)
                if named is not None:
                    yield Beside(head, relation, named)


def _by_attributes(target: Thing, things: Sequence[Thing], generator: np.random.Generator) -> Iterator[Reference]:
    """As few attributes as do, or one more, of the thing itself or also of what it is part of."""
    whole = _whole(target, things)
    for one in _shuffled(_telling(target, tuple(things)), generator):
        yield PartOf(one, whole) if whole is not None and generator.random() < 0.5 else one
    if whole is not None:
        yield from (PartOf(one, whole) for one in _namings(target))


@functools.lru_cache(maxsize=64)
def _telling(target: Thing, things: tuple[Thing, ...]) -> tuple[The, ...]:
    """The sets of as few attributes as tell a thing from all others, and those of one more."""
    found = [one for one in _namings(target) if denotation(one, things) == [target]]
    return tuple(one for one in found if len(one.attributes) <= len(found[0].attributes) + 1)


def _namings(thing: Thing) -> list[The]:
    """Its noun with each set of its attributes, small sets first."""
    pairs = tuple(thing.attributes.items())
    counts = range(len(pairs) + 1)
    return [The(thing.noun, chosen) for count in counts for chosen in itertools.combinations(pairs, count)]


def _heads(
    target: Thing, things: Sequence[Thing], combined: bool, generator: np.random.Generator
) -> list[The | PartOf]:
    """The noun, with one attribute if kinds are combined, and the same as part of the whole."""
    # A word for a place would compete with what is said of the place.
    plain = [The(target.noun)]
    if combined:
        plain += [The(target.noun, (pair,)) for pair in target.attributes.items() if pair[0] != "position"]
    whole = _whole(target, things)
    return [*plain, *(PartOf(one, whole) for one in plain if whole is not None)]


def _tells(head: Reference, target: Thing, relation: str, other: Thing, things: Sequence[Thing]) -> bool:
    """Whether a relation may be worth saying: it holds, and if it compares distances there are some to compare."""
    if relation != NEAREST:
        return stands(target, relation, other)
    return len([found for found in denotation(head, things) if found is not other]) > 1


def _other(other: Thing, things: Sequence[Thing], combined: bool, generator: np.random.Generator) -> Reference | None:
    """How to name the other thing of a relation: by attributes, or if kinds are combined by its place in a row."""
    means = ("ordinal", "attribute") if combined and generator.random() < 0.5 else ("attribute",)
    for kind in means:
        for found in _candidates(kind, other, things, (), False, generator):
            if refers(found, other, things):
                return found
    return None


def _whole(target: Thing, things: Sequence[Thing]) -> The | None:
    """The least that tells what a thing is part of; None where that cannot be spoken of."""
    for whole in things:
        if whole.part == target.whole:
            return next(iter(_telling(whole, tuple(things))), None)
    return None


def _shuffled(found: Iterable[T], generator: np.random.Generator) -> list[T]:
    listed = list(found)
    return [listed[index] for index in generator.permutation(len(listed))]
