"""HTML built from escaped pieces, so that an instruction or a file name can never become markup."""

import base64
import html
from collections.abc import Iterable, Sequence
from pathlib import Path


class Markup(str):
    """Text that is HTML already."""


def text(value: object) -> Markup:
    """Escape a value for use between tags or within a double-quoted attribute."""
    return Markup(html.escape(str(value)))


def tag(name: str, *children: Markup, cls: str = "", **attributes: str) -> Markup:
    """An element with its class, attributes and children.

    >>> tag("p", text("a < b"), cls="lead")
    '<p class="lead">a &lt; b</p>'
    """
    pairs = {"class": cls, **attributes} if cls else attributes
    written = "".join(f' {key}="{text(value)}"' for key, value in pairs.items())
    return Markup(f"<{name}{written}>{''.join(children)}</{name}>")


def paragraphs(value: str, cls: str = "") -> Markup:
    """Plain text as paragraphs; an empty line parts them."""
    return Markup("".join(tag("p", text(part.strip()), cls=cls) for part in value.split("\n\n") if part.strip()))


def table(header: Sequence[Markup], rows: Iterable[Sequence[Markup]], caption: str = "", cls: str = "") -> Markup:
    """A table whose first column heads its rows, in a box that scrolls sideways on a narrow screen."""
    head = tag("tr", *(tag("th", cell, scope="col") for cell in header))
    body = [tag("tr", tag("th", row[0], scope="row"), *(tag("td", cell) for cell in row[1:])) for row in rows]
    titled = tag("caption", text(caption)) if caption else Markup("")
    return tag("div", tag("table", titled, tag("thead", head), tag("tbody", *body), cls=cls), cls="scroll")


def picture(light: bytes, dark: bytes, caption: str) -> Markup:
    """A figure given as PNG bytes for a light and for a dark page, with its caption."""
    image = (
        f'<picture><source media="(prefers-color-scheme: dark)" srcset="{data_uri(dark, "png")}">'
        f'<img src="{data_uri(light, "png")}" alt="{text(caption)}"></picture>'
    )
    return tag("figure", Markup(image), tag("figcaption", text(caption)))


def data_uri(content: bytes, kind: str) -> str:
    """An image of a kind such as "png" written into the page itself."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}"


def html_page(title: str, *body: Markup) -> str:
    """A whole page with its styles inside, no script, nothing fetched."""
    style = Path(__file__).with_name("report.css").read_text(encoding="utf-8")
    head = Markup(
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="color-scheme" content="light dark"><title>{text(title)}</title><style>{style}</style>'
    )
    page = tag("html", tag("head", head), tag("body", tag("main", *body)), lang="en")
    return f"<!doctype html>\n{page}\n"
