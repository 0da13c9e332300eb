"""A chapter of a report: words, figures and tables about one analysis, and a page made of chapters."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grounding.files import write_atomically
from grounding.reports import sections
from grounding.reports.drawing import Theme
from grounding.reports.environment import machine, versions
from grounding.reports.markup import Markup, html_page, paragraphs, picture, table, tag, text


@dataclass(frozen=True)
class Picture:
    """A figure drawn for a light and for a dark page, as PNG bytes, and what to see in it."""

    light: bytes
    dark: bytes
    caption: str

    @classmethod
    def drawn(cls, draw: Callable[[Theme], bytes], caption: str) -> "Picture":
        """Both themes of a figure.

        Example:
            >>> Picture.drawn(lambda theme: heat_figure(scores, layers, lags, theme), "Layer by lag.")
        """
        return cls(draw("light"), draw("dark"), caption)


@dataclass(frozen=True)
class Grid:
    """A table of written cells, the first column heading its rows."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""


@dataclass(frozen=True)
class Chapter:
    """One analysis.

    Attributes:
        title: heading.
        explanation: what was asked, how, and how to read what follows; paragraphs are parted by an empty line.
        verdict: what came of it in a sentence or two.
        badge: said above everything else, such as that the recording is synthetic; "" for nothing.
        content: figures and tables in order.
    """

    title: str
    explanation: str
    verdict: str = ""
    badge: str = ""
    content: Sequence[Picture | Grid] = field(default_factory=tuple)


def chapter_section(chapter: Chapter) -> Markup:
    """The chapter as a section of a page."""
    badge = tag("p", text(chapter.badge), cls="badge") if chapter.badge else Markup("")
    verdict = tag("p", tag("b", text(chapter.verdict))) if chapter.verdict else Markup("")
    return tag(
        "section",
        tag("h2", text(chapter.title)),
        badge,
        paragraphs(chapter.explanation, cls="explanation"),
        verdict,
        *(_markup(one) for one in chapter.content),
    )


def write_chapters(
    path: Path,
    title: str,
    lead: str,
    chapters: Sequence[Chapter],
    *,
    settings: Mapping[str, Any],
    badge: str = "",
) -> Path:
    """Write a self-contained HTML page of chapters that ends with settings, versions and machine.

    Raises:
        StorageError: the file cannot be written.
    """
    provenance = {"settings": settings, "seeds": {}, "versions": versions(), "machine": machine()}
    header = tag(
        "header",
        tag("h1", text(title)),
        tag("p", text(badge), cls="badge") if badge else Markup(""),
        paragraphs(lead, cls="lead"),
    )
    closing = sections.section(
        "How these numbers were made",
        "With the same data, settings and versions the same numbers come out.",
        sections.provenance(provenance),
    )
    write_atomically(path, html_page(title, header, *(chapter_section(one) for one in chapters), closing))
    return path


def _markup(content: Picture | Grid) -> Markup:
    if isinstance(content, Picture):
        return picture(content.light, content.dark, content.caption)
    rows = [[text(cell) for cell in row] for row in content.rows]
    return table([text(cell) for cell in content.header], rows, caption=content.caption, cls="figures")
