"""What is said to the robot: wordings of a task's requests, each with its logical form.

A template such as "put {target} in {anchor}" says one request. ``{target}`` and ``{anchor}`` stand for referring
expressions, drawn among all that mean the thing and nothing else in the scene (:mod:`sims.language.generation`); the
name of an attribute, as in "open the {position} drawer", stands for that attribute of the target, ``{shape}`` for the
noun where a thing has no other shape; the name of a value of the request, such as ``{direction}``, for the value. What
says the second request of a long task carries a 2, as ``{target2}``, and so on.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sims.language.forms import Ask, form, parse_request
from sims.language.generation import refer
from sims.language.lexicon import say_word
from sims.language.references import Reference, The, denotation, refers
from sims.language.speech import say
from sims.language.wordings import LONGEST, SOMETIMES, WORDING_SETS, fill, has_templates, slots_of, templates
from sims.tasks.task import Request, Task, Thing
from sims.world import Part

__all__ = ["LONGEST", "WORDING_SETS", "Utterance", "fill", "meaning_of", "templates", "utterances"]


@dataclass(frozen=True)
class Utterance:
    """One instruction as it is said, and what it means: its logical form (see :mod:`sims.language.forms`)."""

    text: str
    form: str


class _UnfitError(ValueError):
    """A template that does not say what is asked in a scene."""


def utterances(
    task: Task,
    wanted: Sequence[str] | None,
    generator: np.random.Generator,
    words: str = "train",
    request: int | None = None,
) -> list[Utterance]:
    """What can be said in the scene that ``task`` stands in: one utterance for each template that fits it.

    A template is left out where it would be ambiguous, as "press the red button" between two red ones, or leaves
    something of the request unsaid.

    Args:
        task: built.
        wanted: templates whose slots are filled; None: those of the set ``words`` that say the request. A task of one
            request without a file of its own speaks by that of the request.
        generator: draws among the ways to refer to a thing and among synonyms.
        words: set of wordings. "train" and "test" use synonyms of their own; both tell a thing apart by one means at a
            time: attributes, its place in a row, or another thing. "composed" uses the words of "test" and combines
            two of these means, as in "the second red button from the left", wherever the scene allows it.
        request: number of the one request of a long task to be said, from 0, by templates of its own; None: all.

    Raises:
        ValueError: a template names a slot that the task does not have, or none fits the scene; the message says why.
    """
    if words not in WORDING_SETS:
        raise ValueError(f"unknown set of wordings {words!r}: expected one of {', '.join(WORDING_SETS)}")
    requests = task.requests if request is None else (task.requests[request],)
    if wanted is None:
        own = request is None and (len(requests) > 1 or has_templates(task.name))
        wanted = templates(task.name if own else requests[0].task, words)
    said: list[Utterance] = []
    unfit: list[str] = []
    for template in wanted:
        try:
            said.append(_Speaker(task.things, requests, words, generator).utterance(template))
        except _UnfitError as reason:
            unfit.append(str(reason))
    if not said:
        raise ValueError("; ".join(unfit) or f"no instruction templates for {task.name}: give at least one")
    return said


def meaning_of(text: str, things: Sequence[Thing]) -> tuple[Request, ...]:
    """What the logical form of an utterance asks in a scene, in order.

    Raises:
        ValueError: the text is no logical form, or a reference of it does not mean exactly one of ``things``.
    """
    return tuple(
        Request(
            asked.task,
            _the_one(asked.target, things),
            None if asked.anchor is None else _the_one(asked.anchor, things),
            asked.values,
        )
        for asked in parse_request(text)
    )


def _the_one(reference: Reference, things: Sequence[Thing]) -> Part:
    found = denotation(reference, things)
    if len(found) != 1:
        raise ValueError(f"{form(reference)} means {len(found)} things of this scene; expected exactly one")
    return found[0].part


class _Speaker:
    """Says requests by one template, remembering what it has referred to."""

    def __init__(
        self, things: Sequence[Thing], requests: Sequence[Request], words: str, generator: np.random.Generator
    ) -> None:
        self.things, self.words, self.generator = things, words, generator
        self.requests = {"" if number == 0 else str(number + 1): asked for number, asked in enumerate(requests)}
        self.parts = {thing.part: thing for thing in things}
        self.references: dict[Part, Reference] = {}

    def utterance(self, template: str) -> Utterance:
        """See :func:`utterances`; raises _UnfitError if the template leaves anything open."""
        slots = {name + suffix: "" for suffix, request in self.requests.items() for name in self._slots(request)}
        named = slots_of(template, slots)
        for suffix, request in self.requests.items():
            for name, value in self._slots(request).items():
                if name + suffix in named:
                    slots[name + suffix] = self._said(request, value)
        for name in named:
            if name not in slots and name.rstrip("0123456789") in SOMETIMES:
                raise _UnfitError(f"wording {template!r} speaks of a {name}, of which there is none in this scene")
        text = fill(template, slots)
        asks = [self._ask(template, request, suffix, named) for suffix, request in self.requests.items()]
        return Utterance(text, "; ".join(form(ask) for ask in asks))

    def _slots(self, request: Request) -> dict[str, str | Thing]:
        """What the slots of one request stand for: words, or things to refer to."""
        target = self._thing(request, request.target)
        slots: dict[str, str | Thing] = {**target.attributes, "shape": target.attributes.get("shape", target.noun)}
        slots |= {**request.values, "target": target}
        return slots if request.anchor is None else {**slots, "anchor": self._thing(request, request.anchor)}

    def _said(self, request: Request, value: str | Thing) -> str:
        if isinstance(value, str):
            return say_word(value, self.words, self.generator)
        if value.part not in self.references:
            self.references[value.part] = self._refer(request, value)
        return say(self.references[value.part], self.words, self.generator)

    def _refer(self, request: Request, thing: Thing) -> Reference:
        try:
            return refer(
                thing,
                self.things,
                self.generator,
                combined=self.words == "composed",
                # "Put the cube left of the ball left of the mug" could be taken in two ways.
                relations="relation" not in request.values,
                avoid={request.target, request.anchor or request.target},
            )
        except ValueError as error:
            raise _UnfitError(str(error)) from error

    def _ask(self, template: str, request: Request, suffix: str, named: Sequence[str]) -> Ask:
        unsaid = [name for name in request.values if name + suffix not in named]
        if unsaid:
            raise _UnfitError(f"wording {template!r} does not say the {unsaid[0]}; add {{{unsaid[0]}{suffix}}}")
        target = self._meant(template, request, request.target, suffix, named)
        anchor = None if request.anchor is None else self._meant(template, request, request.anchor, "", ())
        return Ask(request.task, target, anchor, dict(request.values))

    def _meant(self, template: str, request: Request, part: Part, suffix: str, named: Sequence[str]) -> Reference:
        """The reference that a template makes to a part: by a slot, by attributes in words of its own, or by noun."""
        if part in self.references:
            return self.references[part]
        thing = self._thing(request, part)
        said = tuple(pair for pair in thing.attributes.items() if pair[0] + suffix in named)
        reference = The(thing.noun, said)
        if not refers(reference, thing, self.things):
            count = len(denotation(reference, self.things))
            raise _UnfitError(
                f"wording {template!r} is ambiguous: it tells {form(reference)}, which {count} things of this scene "
                f"are; name it by {{target{suffix}}} or more of its attributes"
            )
        self.references[part] = reference
        return reference

    def _thing(self, request: Request, part: Part) -> Thing:
        if part not in self.parts:
            raise ValueError(f"{request.task} speaks of part {part}, which is none of the {len(self.parts)} things")
        return self.parts[part]
