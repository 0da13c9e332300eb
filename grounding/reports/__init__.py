"""The self-contained HTML report of a run, its figures, and the same numbers for the terminal and for programs."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from grounding.reports.chapter import Chapter, Grid, Picture, write_chapters
    from grounding.reports.content import Filmstrip, Report, SpaceMap
    from grounding.reports.environment import machine, versions
    from grounding.reports.html import write_report
    from grounding.reports.terminal import print_summary

__all__ = [
    "Chapter",
    "Filmstrip",
    "Grid",
    "Picture",
    "Report",
    "SpaceMap",
    "machine",
    "print_summary",
    "versions",
    "write_chapters",
    "write_report",
]

_HOME = {
    "Chapter": "chapter",
    "Filmstrip": "content",
    "Grid": "chapter",
    "Picture": "chapter",
    "Report": "content",
    "SpaceMap": "content",
    "machine": "environment",
    "print_summary": "terminal",
    "versions": "environment",
    "write_chapters": "chapter",
    "write_report": "html",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'grounding.reports' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"grounding.reports.{_HOME[name]}"), name)
    globals()[name] = value
    return value
