"""Instruction templates by task, read from ``data/wordings/TASK.toml``."""

import functools
import re
import string
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

WORDING_SETS = ("train", "test", "composed")
LONGEST = 400
"""Most characters of an instruction."""
SOMETIMES = ("color", "size", "shape", "position", "height", "direction", "relation", "mark", "state", "anchor")
"""Slots that a template may name though not every scene of its task has something to fill them with."""
_AN = re.compile(r"\ba $")


@functools.cache
def _tables(task: str) -> dict[str, list[str]]:
    return tomllib.loads(read_table(task))


def has_templates(task: str) -> bool:
    """Whether a task, or a request of one, has a file of wordings."""
    return (_folder() / f"{task}.toml").exists()


def read_table(name: str) -> str:
    """The text of ``data/wordings/NAME.toml``, of the sources or of an installed package.

    Raises:
        ValueError: there is no such file.
    """
    path = _folder() / f"{name}.toml"
    if not path.exists():
        known = ", ".join(sorted(found.stem for found in _folder().glob("[A-Z]*.toml")))
        raise ValueError(f"no wordings for task {name!r}: expected one of {known}")
    return path.read_text(encoding="utf-8")


@functools.cache
def _folder() -> Path:
    package = Path(__file__).resolve().parents[1]
    return package / "wordings" if (package / "wordings").is_dir() else package.parent / "data" / "wordings"


def templates(task: str, wordings: str) -> tuple[str, ...]:
    """The templates of ``task`` in a set of wordings.

    "train" holds those of the grammar and the handwritten ones, "test" none of them. "composed" holds the templates of
    "test" that leave it open how a thing is referred to, for references that combine means which training never
    combines; see :func:`sims.language.utterances`.

    Raises:
        ValueError: for any other name of a set, or a task that has no wordings.
    """
    if wordings not in WORDING_SETS:
        sets = ", ".join(WORDING_SETS)
        raise ValueError(f"unknown set of wordings {wordings!r}: expected one of {sets}, or a list of templates")
    tables = _tables(task)
    if wordings == "train":
        return (*tables["train"], *tables["handwritten"])
    open_ones = [one for one in tables["test"] if "{target" in one or "{anchor" in one]
    return tuple(open_ones if wordings == "composed" and open_ones else tables["test"])


def slots_of(template: str, known: Iterable[str]) -> tuple[str, ...]:
    """The names of a template's slots, in order; errors are as those of :func:`fill` with slots ``known``."""
    return tuple(name for _, name in _pieces(template, _listed(known)) if name is not None)


def fill(template: str, slots: Mapping[str, str]) -> str:
    """One instruction: the template with its slots filled; "a" before a slot becomes "an" before a vowel.

    Raises:
        ValueError: the template is no text, malformed, names a slot that the task does not have, or makes an
            instruction of no words or of more than 400 characters.
    """
    known = _listed(slots)
    text = ""
    for literal, name in _pieces(template, known):
        text += literal
        if name is not None:
            if name not in slots:
                raise ValueError(f"wording {template!r} names a slot {name!r}; the slots of this task are {known}")
            text = _AN.sub("an ", text) if slots[name][:1] in "aeiou" else text
            text += slots[name]
    text = text.strip()
    if not any(character.isalnum() for character in text):
        raise ValueError(f"wording {template!r} holds no words; write what a person would say")
    if len(text) > LONGEST:
        raise ValueError(f"wording {template!r} makes {len(text)} characters; expected at most {LONGEST}: shorten it")
    return text


def _pieces(template: str, known: str) -> list[tuple[str, str | None]]:
    """Pairs of text and the name of the slot that follows it, None at the end."""
    if not isinstance(template, str):
        raise ValueError(f"wording {template!r} is a {type(template).__name__}; expected a text")
    try:
        pieces = list(string.Formatter().parse(template))
    except ValueError as error:
        raise ValueError(f"wording {template!r}: {error}; write the slots of this task as {known}") from None
    for _, name, form, conversion in pieces:
        if form or conversion:
            raise ValueError(f"wording {template!r} names a slot {name!r} and more; the slots of this task are {known}")
    return [(literal, name) for literal, name, _, _ in pieces]


def _listed(slots: Iterable[str]) -> str:
    return ", ".join("{" + name + "}" for name in slots)
