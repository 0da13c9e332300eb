"""References in English."""

import numpy as np

from sims.language.lexicon import say_noun, say_word
from sims.language.references import Beside, Nth, PartOf, Reference, The

NAMED_BY_SHAPE = ("block",)
"""Nouns of things that are called by their shape where it is said: a block that is a cube is "the cube"."""
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_ENDS = {"left": "leftmost", "right": "rightmost", "top": "topmost", "bottom": "bottommost"}
# Adjectives stand before the noun in this order; those not listed come third.
_PLACES = {"position": 0, "size": 1, "color": 3, "material": 4, "shape": 5}


def say(reference: Reference, words: str, generator: np.random.Generator) -> str:
    """A reference as it is said, with its article: "the second small block from the left".

    Args:
        reference: what is meant.
        words: set of wordings whose words are drawn from; see :mod:`sims.language.lexicon`.
        generator: draws them.
    """
    return f"the {_phrase(reference, words, generator)}"


def called(noun: str, shape: str | None) -> str:
    """What stands as a noun for a thing of a noun and a shape: "cube" for a block that is one."""
    return shape if shape is not None and noun in NAMED_BY_SHAPE else noun


def _phrase(reference: Reference, words: str, generator: np.random.Generator) -> str:
    """A reference without its article."""
    match reference:
        case The(noun, attributes):
            head = say_noun(called(noun, dict(attributes).get("shape")), words, generator)
            return " ".join([*_adjectives(reference, words, generator), head])
        case PartOf(one, whole):
            return f"{_phrase(one, words, generator)} of {say(whole, words, generator)}"
        case Nth(of, number, side):
            row = _phrase(of, words, generator)
            if number == 1 and generator.random() < 0.75:
                return f"{_ENDS[side]} {row}"
            return f"{_ORDINALS[number - 1]} {row} from the {side}"
        case Beside(one, relation, other):
            first = _phrase(one, words, generator)
            second = _other(one, other, words, generator)
            return f"{first} {say_word(relation, words, generator)} the {second}"


def _other(one: Reference, other: Reference, words: str, generator: np.random.Generator) -> str:
    """The other thing of a relation, in half of all cases as "blue one" where it has the noun of the first."""
    if _noun(one) != _noun(other) or generator.random() < 0.5:
        return _phrase(other, words, generator)
    match other:
        case The(_, attributes) if attributes:
            return " ".join([*_adjectives(other, words, generator), "one"])
        case Nth(The(_, ()), number, side):
            return f"{_ENDS[side]} one" if number == 1 else f"{_ORDINALS[number - 1]} one from the {side}"
    return _phrase(other, words, generator)


def _adjectives(reference: The, words: str, generator: np.random.Generator) -> list[str]:
    ordered = sorted(reference.attributes, key=lambda pair: _PLACES.get(pair[0], 2))
    return [
        say_word(value, words, generator)
        for name, value in ordered
        if not (name == "shape" and reference.noun in NAMED_BY_SHAPE)
    ]


def _noun(reference: Reference) -> str:
    """What the head of a reference is called in plain words."""
    match reference:
        case The(noun, attributes):
            return called(noun, dict(attributes).get("shape"))
        case PartOf(one, _) | Beside(one, _, _) | Nth(one, _, _):
            return _noun(one)
