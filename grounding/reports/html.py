"""The report as one HTML file that opens offline, with `summary.json` beside it."""

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from grounding.files import write_atomically
from grounding.reports import sections
from grounding.reports.chapter import chapter_section
from grounding.reports.content import Filmstrip, Report, SpaceMap
from grounding.reports.figures import map_figure, success_figure
from grounding.reports.markup import Markup, data_uri, html_page, paragraphs, picture, tag, text

REPORT = "report.html"
SUMMARY = "summary.json"


def write_report(folder: Path, report: Report) -> Path:
    """Write `report.html` and `summary.json` into a folder and return the path of the report.

    Each file is replaced whole, so that a reader never meets half of one. Raises StorageError when the folder cannot be
    written.
    """
    summary = report.summary()
    write_atomically(folder / SUMMARY, json.dumps(summary, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    write_atomically(folder / REPORT, render(report))
    return folder / REPORT


def render(report: Report) -> str:
    """The HTML of a report: styles and pictures inside, no script, nothing fetched."""
    summary = report.summary()
    success = summary["success"]
    body = [
        _header(report),
        sections.headline(summary),
        sections.section(
            "Does it work?",
            "Share of episodes that reached the goal. Faint numbers and the shaded bar are the Wilson 95 % interval: "
            "the range of true success rates that these episodes leave plausible; the fewer the episodes, the longer "
            "the bar. On “novel-instance” the objects were never seen, on “novel-shape” their handles, knobs or forms "
            "were of a kind never seen, on “novel-category” they were other objects altogether; the wordings were not "
            "seen in any of them.",
            sections.success_tables(summary, report.methods),
            _success_figure(success) if success else Markup(""),
        ),
        sections.section(
            "How fast, and how directly?",
            "Time is simulated seconds from the instruction to success, over successful episodes. Path efficiency is "
            "the shortest possible path of the gripper divided by the path it took, 0 for a failure "
            "(success weighted by path length, Anderson et al. 2018): 1 would be perfect and straight. “Right kind of "
            "demonstration” says how often what was retrieved is of the task that was asked for. DTW-MT is how unlike "
            "the motion planned is to the expert's in the same scene, near the part acted on (Sung et al. 2015): 0 is "
            "the expert's own, and below 10 counts as alike.",
            sections.effort_table(summary),
        ),
        sections.section(
            "How far, in tasks of several steps?",
            "Share of the sub-goals that were met, how many in a row from the first on average, and the share of "
            "episodes whose first one, two, … were all met, as CALVIN counts (Mees et al. 2022).",
            sections.subgoals_table(summary),
        )
        if summary["subgoals"]
        else Markup(""),
        sections.section(
            "How carefully?",
            "Share of episodes with at least one step whose target was out of reach, that left a joint at its limit or "
            "put more force on the robot than its environment allows; and the greatest contact force of an episode.",
            sections.violations_table(summary),
        ),
        sections.section(
            "What went wrong?",
            "Failed episodes, counted by reason, most frequent first.",
            sections.failures(summary),
        ),
        _filmstrips(report.filmstrips),
        sections.section(
            "Does the space bring the modalities together?",
            "Given one modality as the question, how often is a right answer of another among the nearest 1, 5 or 10 "
            "(R@1, R@5, R@10)? mAP, mean average precision, asks for all right answers before any wrong one. Behind "
            "each figure stands its 95 % interval (bootstrap over ids); below it, and as an upright mark, chance: what "
            "a random order would score. Paired modalities were trained together; emergent ones never were and met "
            "only through others. The gap is the distance between the centres of the two modalities (Liang et al. "
            "2022), from 0 to 2.",
            sections.retrieval_table(summary["retrieval"]),
        )
        if summary["retrieval"]
        else Markup(""),
        _map(report.space_map) if report.space_map is not None else Markup(""),
        *(chapter_section(chapter) for chapter in report.chapters),
        sections.section(
            "How these numbers were made",
            "With the same settings, seeds and versions the same numbers come out.",
            sections.provenance(summary),
        ),
    ]
    return html_page(report.title, *body)


def _header(report: Report) -> Markup:
    simulated = tag("p", text(report.simulated), cls="badge") if report.simulated else Markup("")
    return tag("header", tag("h1", text(report.title)), simulated, paragraphs(report.lead, cls="lead"))


def _success_figure(success: Mapping[str, Mapping[str, Any]]) -> Markup:
    splits = sections.splits_of(success)
    caption = "The same numbers drawn: points are rates, whiskers 95 % intervals, colours methods."
    return picture(success_figure(success, splits, "light"), success_figure(success, splits, "dark"), caption)


def _map(space_map: SpaceMap) -> Markup:
    return sections.section(
        "A map of the space",
        space_map.caption,
        picture(
            map_figure(space_map, "light"),
            map_figure(space_map, "dark"),
            "Every point is one word sequence, picture, cloud or motion. Colour says which task it belongs to, shape "
            "which modality it is. Points of one colour lying together, whatever their shape, is what training is for.",
        ),
    )


def _filmstrips(strips: Sequence[Filmstrip]) -> Markup:
    if not strips:
        return Markup("")
    parts = []
    for heading, success in (("Successes", True), ("Failures", False)):
        chosen = [_strip(strip) for strip in strips if strip.success is success]
        parts += [tag("h3", text(heading)), *(chosen or [tag("p", text("None in this run."), cls="quiet")])]
    return sections.section(
        "What it looks like",
        "Episodes from left to right in time, from a camera beside the table that the robot does not have.",
        *parts,
    )


def _strip(strip: Filmstrip) -> Markup:
    images = [
        Markup(f'<img src="{data_uri(_jpeg(frame), "jpeg")}" alt="frame {number} of {len(strip.frames)}">')
        for number, frame in enumerate(strip.frames, 1)
    ]
    kind = "strip success" if strip.success else "strip failure"
    return tag("figure", tag("div", *images, cls="frames"), tag("figcaption", text(strip.caption)), cls=kind)


def _jpeg(frame: np.ndarray) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(frame).save(buffer, format="JPEG", quality=88)
    return buffer.getvalue()
