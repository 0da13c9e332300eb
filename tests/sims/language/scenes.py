"""Things to speak of that are made by hand, and a plain reading of references to compare with."""

import numpy as np

from sims.language.references import Beside, Nth, PartOf, Reference, The
from sims.tasks.task import Thing

AXES = {"left": (1, -1), "right": (1, 1), "top": (2, -1), "bottom": (2, 1)}
DIRECTIONS = {
    "left of": (0.0, 1.0, 0.0),
    "right of": (0.0, -1.0, 0.0),
    "in front of": (-1.0, 0.0, 0.0),
    "behind": (1.0, 0.0, 0.0),
    "above": (0.0, 0.0, 1.0),
    "below": (0.0, 0.0, -1.0),
}


def thing(body, noun, place, whole=None, **attributes):
    return Thing((body, -1), noun, attributes, np.array(place), whole)


def buttons(*colors):
    """A row of buttons from left to right on the panel that is body 9."""
    return tuple(
        thing(number, "button", (0.5, 0.1 - 0.07 * number, 0.1), (9, -1), color=color)
        for number, color in enumerate(colors)
    )


def plainly(reference: Reference, things) -> list[Thing]:
    """What a reference means if nothing is borderline: directions hold up to 45 degrees, rows are in order."""
    match reference:
        case The(noun, attributes):
            return [one for one in things if one.noun == noun and dict(attributes).items() <= one.attributes.items()]
        case PartOf(one, whole):
            (found,) = plainly(whole, things)
            return [part for part in plainly(one, things) if part.whole == found.part]
        case Nth(of, number, side):
            axis, sign = AXES[side]
            return [sorted(plainly(of, things), key=lambda one: sign * one.position[axis])[number - 1]]
        case Beside(one, relation, other):
            (known,) = plainly(other, things)
            others = [found for found in plainly(one, things) if found is not known]
            offsets = [found.position - known.position for found in others]
            if relation == "nearest to":
                return [others[int(np.argmin([np.linalg.norm(offset) for offset in offsets]))]]
            direction = np.array(DIRECTIONS[relation])
            return [
                found
                for found, offset in zip(others, offsets, strict=True)
                if offset @ direction > np.cos(np.deg2rad(45)) * np.linalg.norm(offset)
            ]
