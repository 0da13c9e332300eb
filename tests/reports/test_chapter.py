"""Chapters: escaped, self-contained, and the synthetic badge in plain sight."""

from html.parser import HTMLParser

from grounding.reports.chapter import Chapter, Grid, Picture, chapter_section, write_chapters
from grounding.reports.drawing import new_figure, png

DOT = png(new_figure(0.2, 0.2))


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def example() -> Chapter:
    return Chapter(
        "What does <the embedding> explain?",
        "First paragraph.\n\nSecond paragraph.",
        verdict="It adds nothing.",
        badge="Synthetic recording",
        content=[
            Picture(DOT, DOT, "A dot & nothing"),
            Grid(["target", "r"], [["LIFG", "0.10"], ["<b>", "–"]], "Scores"),
        ],
    )


def test_everything_that_was_said_is_shown_and_escaped():
    section = chapter_section(example())
    assert "What does &lt;the embedding&gt; explain?" in section and "&lt;b&gt;" in section
    assert "<b>It adds nothing.</b>" in section
    assert section.index("Synthetic recording") < section.index("First paragraph.")
    assert section.count('<p class="explanation">') == 2


def test_a_page_fetches_nothing_and_tells_its_settings(tmp_path):
    path = write_chapters(
        tmp_path / "report.html",
        "Title",
        "Lead.",
        [example(), example()],
        settings={"folds": {"k": 5}},
        badge="Synthetic",
    )
    tags = Tags()
    page = path.read_text()
    tags.feed(page)
    assert sum(tag == "section" for tag, _ in tags.found) == 3
    addresses = [
        value for _, attributes in tags.found for name, value in attributes.items() if name in ("src", "srcset")
    ]
    assert addresses and all(value.startswith("data:image/png;base64,") for value in addresses)
    assert not any(tag in ("script", "link") for tag, _ in tags.found)
    assert "folds.k" in page and "numpy" in page
