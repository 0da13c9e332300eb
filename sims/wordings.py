"""Instruction templates by task, read from ``data/wordings.toml``."""

import functools
import tomllib
from pathlib import Path

WORDING_SETS = ("train", "test")


@functools.cache
def _tables() -> dict[str, dict[str, list[str]]]:
    beside = Path(__file__).with_name("wordings.toml")
    path = beside if beside.exists() else Path(__file__).resolve().parent.parent / "data" / "wordings.toml"
    with path.open("rb") as file:
        return tomllib.load(file)


def templates(task: str, wordings: str) -> tuple[str, ...]:
    """The templates of ``task`` in the set "train" (grammar and hand-written ones) or "test"; the two are disjoint.

    Raises:
        ValueError: for any other name of a set.
    """
    tables = _tables()
    if wordings == "train":
        return (*tables["train"][task], *tables["handwritten"][task])
    if wordings == "test":
        return tuple(tables["test"][task])
    raise ValueError(f"unknown set of wordings {wordings!r}: expected one of {', '.join(WORDING_SETS)}")


def fill(template: str, slots: dict[str, str]) -> str:
    """One instruction: the template with its slots filled.

    Raises:
        ValueError: the template is empty, malformed, or names a slot that the task does not have.
    """
    known = ", ".join("{" + name + "}" for name in slots)
    try:
        text = template.format(**slots).strip()
    except (KeyError, IndexError, ValueError, AttributeError) as error:
        raise ValueError(f"wording {template!r} does not fit: {error!r}; the slots of this task are {known}") from None
    if not any(character.isalnum() for character in text):
        raise ValueError(f"wording {template!r} holds no words")
    return text
