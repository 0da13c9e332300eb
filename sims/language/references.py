"""Ways to refer to a thing by words, and which things of a scene they denote.

Directions are the operator's, who stands where the robot stands and looks along +x, as the static cameras do: left is
+y, behind is further away (+x), in front of is nearer, above is +z. Nothing borderline is said: see
:func:`denotation`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from sims.tasks.task import Thing

SIDES = {"left": (1, -1.0), "right": (1, 1.0), "top": (2, -1.0), "bottom": (2, 1.0)}
"""Ends of a row to count from: the axis along which it lies, and the sign by which positions ascend from that end."""
RELATIONS = {
    "left of": (1, 1.0),
    "right of": (1, -1.0),
    "in front of": (0, -1.0),
    "behind": (0, 1.0),
    "above": (2, 1.0),
    "below": (2, -1.0),
}
"""Relations with a direction: the axis, and the sign of the offset from the other thing."""
NEAREST = "nearest to"

_STEP = 0.025
"""Two things less than this apart (m) along a row have no order worth speaking of."""
_CLEAR, _GENEROUS = math.tan(math.radians(38.0)), math.tan(math.radians(62.0))


@dataclass(frozen=True)
class The:
    """Whatever is called ``noun`` and has all ``attributes``, pairs of name and value: "the red cube"."""

    noun: str
    attributes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class PartOf:
    """Of what ``one`` may be, the parts of ``whole``: "the top drawer of the desk"."""

    one: "Reference"
    whole: "Reference"


@dataclass(frozen=True)
class Nth:
    """The ``number``-th (from 1) of a row, counted from one of :data:`SIDES`: "the second button from the left"."""

    of: "Reference"
    number: int
    side: str


@dataclass(frozen=True)
class Beside:
    """Of what ``one`` may be, what stands in a relation (of :data:`RELATIONS`, or "nearest to") to one other thing."""

    one: "Reference"
    relation: str
    other: "Reference"


Reference = The | PartOf | Nth | Beside


def denotation(reference: Reference, things: Sequence[Thing], generous: bool = False) -> list[Thing]:
    """The things that a reference may mean, in their order.

    Args:
        reference: what is said.
        things: all that can be spoken of, where they stand at the start.
        generous: count borderline cases in: "left of" then holds up to 62 degrees off the direct line instead of 38. A
            reference is safe to say if both readings give the same one thing. Of those "nearest to" another all are
            given that are hardly further, in either reading, and a row whose order is unclear has no n-th thing.
    """
    match reference:
        case The(noun, attributes):
            said = dict(attributes).items()
            return [one for one in things if one.noun == noun and said <= one.attributes.items()]
        case PartOf(one, whole):
            wholes = {thing.part for thing in denotation(whole, things, generous)}
            return [found for found in denotation(one, things, generous) if found.whole in wholes]
        case Nth(of, number, side):
            return row(denotation(of, things, generous), side)[number - 1 : number]
        case Beside(one, relation, other):
            others = denotation(other, things, generous)
            if len(others) != 1:
                return []
            candidates = [found for found in denotation(one, things, generous) if found is not others[0]]
            if relation == NEAREST:
                return _nearest(candidates, others[0])
            return [found for found in candidates if stands(found, relation, others[0], generous)]


def refers(reference: Reference, target: Thing, things: Sequence[Thing]) -> bool:
    """Whether a reference means ``target`` and nothing else, in both readings of :func:`denotation`."""
    return all(denotation(reference, things, generous) == [target] for generous in (False, True))


def kinds(reference: Reference) -> frozenset[str]:
    """The means that a reference uses to tell a thing from others of its noun: "attribute", "ordinal", "relation".

    The attributes of the other thing of a relation do not count: that it is told apart is taken for granted; nor does
    the whole of a part.
    """
    match reference:
        case The(_, attributes):
            return frozenset(["attribute"] if attributes else [])
        case PartOf(one, _):
            return kinds(one)
        case Nth(of, _, _):
            return kinds(of) | {"ordinal"}
        case Beside(one, _, other):
            return kinds(one) | {"relation"} | (kinds(other) - {"attribute"})


def row(things: list[Thing], side: str) -> list[Thing]:
    """The things in the order in which they are counted from one of :data:`SIDES`; none where that is unclear."""
    axis, sign = SIDES[side]
    if axis == 2 and len({thing.whole for thing in things} - {None}) != 1:
        # How high free things reach is no order in which they stand.
        return []
    places = sorted((sign * float(thing.position[axis]), index) for index, thing in enumerate(things))
    if any(later - sooner < _STEP for (sooner, _), (later, _) in zip(places, places[1:], strict=False)):
        return []
    return [things[index] for _, index in places]


def _nearest(candidates: list[Thing], other: Thing) -> list[Thing]:
    distances = [math.dist(one.position, other.position) for one in candidates]
    least = min(distances, default=0.0)
    return [
        one for one, distance in zip(candidates, distances, strict=True) if distance < max(1.2 * least, least + _STEP)
    ]


def stands(one: Thing, relation: str, other: Thing, generous: bool = False) -> bool:
    """Whether a thing stands in one of :data:`RELATIONS` to another; for ``generous`` see :func:`denotation`."""
    axis, sign = RELATIONS[relation]
    if axis == 2 and (one.whole is None or one.whole != other.whole):
        return False
    offset = [float(there - here) for there, here in zip(one.position, other.position, strict=True)]
    along = sign * offset[axis]
    across = math.hypot(*(value for index, value in enumerate(offset) if index != axis))
    if generous:
        return along > 0 and across <= _GENEROUS * along
    return along >= _STEP and across <= _CLEAR * along
