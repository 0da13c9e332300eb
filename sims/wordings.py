"""Instruction templates by task, read from ``data/wordings.toml``."""

import functools
import string
import tomllib
from pathlib import Path

WORDING_SETS = ("train", "test")
LONGEST = 400


@functools.cache
def _tables() -> dict[str, dict[str, list[str]]]:
    beside = Path(__file__).with_name("wordings.toml")
    path = beside if beside.exists() else Path(__file__).resolve().parent.parent / "data" / "wordings.toml"
    with path.open("rb") as file:
        return tomllib.load(file)


def templates(task: str, wordings: str) -> tuple[str, ...]:
    """The templates of ``task`` in the set "train" (grammar and hand-written ones) or "test"; the two are disjoint.

    Raises:
        ValueError: for any other name of a set, or a task that has no wordings.
    """
    tables = _tables()
    if wordings not in WORDING_SETS:
        sets = ", ".join(WORDING_SETS)
        raise ValueError(f"unknown set of wordings {wordings!r}: expected one of {sets}, or a list of templates")
    if task not in tables[wordings]:
        raise ValueError(f"no wordings for task {task!r}: expected one of {', '.join(tables[wordings])}")
    own = tables["handwritten"][task] if wordings == "train" else []
    return (*tables[wordings][task], *own)


def fill(template: str, slots: dict[str, str]) -> str:
    """One instruction: the template with its slots filled.

    Raises:
        ValueError: the template is no text, malformed, names a slot that the task does not have, or makes an
            instruction of no words or of more than 400 characters.
    """
    if not isinstance(template, str):
        raise ValueError(f"wording {template!r} is a {type(template).__name__}; expected a text")
    known = ", ".join("{" + name + "}" for name in slots)
    try:
        pieces = list(string.Formatter().parse(template))
    except ValueError as error:
        raise ValueError(f"wording {template!r}: {error}; write the slots of this task as {known}") from None
    for _, name, form, conversion in pieces:
        if name is not None and (name not in slots or form or conversion):
            raise ValueError(f"wording {template!r} names a slot {name!r}; the slots of this task are {known}")
    text = template.format(**slots).strip()
    if not any(character.isalnum() for character in text):
        raise ValueError(f"wording {template!r} holds no words; write what a person would say")
    if len(text) > LONGEST:
        raise ValueError(f"wording {template!r} makes {len(text)} characters; expected at most {LONGEST}: shorten it")
    return text
