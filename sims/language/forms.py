"""Logical forms: references and requests as text that can be read back.

A reference is written ``the(block, color=red)``, ``part(REFERENCE, WHOLE)``, ``nth(REFERENCE, 2, left)`` or
``beside(REFERENCE, left of, OTHER)``. An asked thing is written ``TASK(target=REFERENCE, anchor=REFERENCE,
NAME=VALUE)``; of several, one follows the other after a semicolon.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from sims.language.references import NEAREST, RELATIONS, SIDES, Beside, Nth, PartOf, Reference, The

_WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_' -]*")


@dataclass(frozen=True)
class Ask:
    """What one request says, in words' terms: as :class:`sims.tasks.task.Request` with references for parts."""

    task: str
    target: Reference
    anchor: Reference | None = None
    values: Mapping[str, str] = field(default_factory=dict)


def form(said: Reference | Ask) -> str:
    """The logical form of a reference or of one asked thing.

    Raises:
        ValueError: a noun or value holds other characters than letters, digits, spaces, hyphens, apostrophes.
    """
    match said:
        case The(noun, attributes):
            return f"the({', '.join([_word(noun), *(f'{_word(name)}={_word(value)}' for name, value in attributes)])})"
        case PartOf(one, whole):
            return f"part({form(one)}, {form(whole)})"
        case Nth(of, number, side):
            return f"nth({form(of)}, {number}, {side})"
        case Beside(one, relation, other):
            return f"beside({form(one)}, {relation}, {form(other)})"
        case Ask(task, target, anchor, values):
            anchored = [] if anchor is None else [f"anchor={form(anchor)}"]
            valued = [f"{_word(name)}={_word(value)}" for name, value in values.items()]
            return f"{task}({', '.join([f'target={form(target)}', *anchored, *valued])})"


def parse(text: str) -> Reference:
    """The reference that a logical form is of.

    >>> parse("nth(the(button, color=red), 2, left)")
    Nth(of=The(noun='button', attributes=(('color', 'red'),)), number=2, side='left')

    Raises:
        ValueError: the text is none; the message names the place.
    """
    reader = _Reader(text)
    found = reader.reference()
    reader.end()
    return found


def parse_request(text: str) -> tuple[Ask, ...]:
    """All that is asked by the logical form of an utterance, in order.

    Raises:
        ValueError: the text is none; the message names the place.
    """
    reader = _Reader(text)
    asked = [reader.ask()]
    while reader.peek(";"):
        reader.take(";")
        asked.append(reader.ask())
    reader.end()
    return tuple(asked)


def _word(text: str) -> str:
    if not _WORD.fullmatch(text):
        raise ValueError(
            f"the word {text!r} cannot stand in a logical form: expected letters, digits, spaces, hyphens and "
            "apostrophes, the first a letter or digit; rename it"
        )
    return text


class _Reader:
    """Reads a logical form from left to right."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def peek(self, mark: str) -> bool:
        return self.text.startswith(mark, self.at)

    def take(self, mark: str) -> None:
        if not self.peek(mark):
            raise self.error(repr(mark))
        self.at += len(mark)
        while self.peek(" "):
            self.at += 1

    def end(self) -> None:
        if self.at < len(self.text):
            raise self.error("the end")

    def word(self, what: str = "a word") -> str:
        found = _WORD.match(self.text, self.at)
        if found is None:
            raise self.error(what)
        self.at = found.end()
        return found.group()

    def one_of(self, allowed: tuple[str, ...]) -> str:
        start = self.at
        found = self.word(f"one of {', '.join(allowed)}")
        if found not in allowed:
            self.at = start
            raise self.error(f"one of {', '.join(allowed)}")
        return found

    def reference(self) -> Reference:
        head = self.one_of(("the", "part", "nth", "beside"))
        self.take("(")
        found = self._inside(head)
        self.take(")")
        return found

    def _inside(self, head: str) -> Reference:
        if head == "the":
            return The(self.word(), tuple(self._pairs()))
        first = self.reference()
        self.take(",")
        if head == "part":
            return PartOf(first, self.reference())
        if head == "nth":
            number = self.one_of(tuple(str(count) for count in range(1, 21)))
            self.take(",")
            return Nth(first, int(number), self.one_of(tuple(SIDES)))
        relation = self.one_of((*RELATIONS, NEAREST))
        self.take(",")
        return Beside(first, relation, self.reference())

    def _pairs(self) -> list[tuple[str, str]]:
        pairs = []
        while self.peek(","):
            self.take(",")
            name = self.word()
            self.take("=")
            pairs.append((name, self.word()))
        return pairs

    def ask(self) -> Ask:
        task = self.word("the name of a task")
        self.take("(")
        self._named("target")
        target, anchor = self.reference(), None
        if self.text.startswith("anchor=", self.at + 2):
            self.take(",")
            self._named("anchor")
            anchor = self.reference()
        values = dict(self._pairs())
        self.take(")")
        return Ask(task, target, anchor, values)

    def _named(self, name: str) -> None:
        self.one_of((name,))
        self.take("=")

    def error(self, expected: str) -> ValueError:
        rest = self.text[self.at : self.at + 20]
        return ValueError(
            f"logical form {self.text!r}: expected {expected} at character {self.at}, found "
            f"{rest!r}; see sims.language.forms for what may be written"
        )
