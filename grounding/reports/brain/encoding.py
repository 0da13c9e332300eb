"""What a recording is explained by, as a chapter: the audit first, then figures, warnings and the table of targets."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from grounding.reports.brain.chapters import badge
from grounding.reports.brain.figures import ceiling_figure, partition_figure, scores_figure
from grounding.reports.chapter import Chapter, Grid, Picture

if TYPE_CHECKING:
    from grounding.brain.encoding import EncodingResult, SubjectsResult

MOST_ROWS = 40


def encoding_chapter(result: "EncodingResult | SubjectsResult", maps: Sequence[Picture] = ()) -> Chapter:
    """What part of a recording an embedding explains, with its audit.

    Args:
        result: of one recording or of several subjects.
        maps: further figures, such as of the scores on the brain.
    """
    targets = list(result.targets)
    models = list(result.parts)
    scores = {name: _mean(result, name, "r") for name in models}
    intervals = {name: _bounds(result, name, "r") for name in models}
    pictures = [
        Picture.drawn(
            lambda theme: scores_figure(scores, targets, theme, intervals=intervals, ceiling=_ceiling(result)),
            "Correlation of held-out predictions with each target: the embedding's, and what duller models reach. "
            "Whiskers are 95 % intervals; what the controls reach alone is not the embedding's.",
        ),
        Picture.drawn(
            lambda theme: partition_figure(_partition(result), targets, theme),
            "Explained variance in parts: what only the embedding explains, what it shares with the controls, and what "
            "only the controls explain (variance partitioning by banded ridge). Below zero is noise.",
        ),
    ]
    ceiling = _ceiling(result)
    if ceiling is not None and np.isfinite(ceiling).sum() > 2:
        pictures.append(
            Picture.drawn(
                lambda theme: ceiling_figure(scores["embedding"], ceiling, theme),
                "Each target's score against the highest that its noise allows.",
            )
        )
    warnings = (
        Grid(["what to know before believing it"], [[text] for text in result.warnings]) if result.warnings else None
    )
    return Chapter(
        f"What does {result.name} explain?",
        f"{result.label}.\n\nEach score is of rows that training did not see. Means, scales, components, penalties and "
        "everything else were learnt in the training rows alone.",
        verdict=result.verdict,
        badge=badge(result),
        content=[_audit_grid(result), *pictures, *maps, *([warnings] if warnings else []), _target_grid(result)],
    )


def rows_grid(table: Sequence[Mapping[str, object]], caption: str = "By target") -> Grid:
    """Rows of plain values as a table, the first 40; all of them are in the CSV file beside the report."""
    header = list(table[0]) if table else []
    if len(table) > MOST_ROWS:
        caption += f" (the first {MOST_ROWS} of {len(table):,}; all are in scores.csv)"
    return Grid(header, [[_written(row[name]) for name in header] for row in table[:MOST_ROWS]], caption)


def _target_grid(result: "EncodingResult | SubjectsResult") -> Grid:
    """The columns of a result's table that a reader looks at first."""
    table = result.table()
    unwanted = ("folds", "shuffled", "synthetic", "alpha")
    names = [name for name in (table[0] if table else {}) if name not in unwanted]
    kept = [
        name for name in names if not name.endswith((" low", " high", "false discovery rate")) and " r2" not in name
    ]
    kept += [name for name in names if name.startswith("unique r2") or name == "p of unique r2, family-wise"]
    return rows_grid([{name: row[name] for name in dict.fromkeys(kept)} for row in table])


def _audit_grid(result: "EncodingResult | SubjectsResult") -> Grid:
    rows = []
    names = [*result.parts, *[name for name in ("others", "full") if name in _scores(result)], "unique"]
    for name in names:
        cells = [name]
        for score in ("r", "r2"):
            if name == "unique" and score == "r":
                cells += ["–", "–"]
                continue
            interval = result.mean_interval(name, score)
            estimate, low, high = (float(np.squeeze(x)) for x in (interval.estimate, interval.low, interval.high))
            cells += [f"{estimate:.3f}", f"{low:.3f} to {high:.3f}"]
        cells.append(", ".join(result.parts.get(name, ())))
        rows.append(cells)
    return Grid(["model", "r", "95 % interval", "r²", "95 % interval", "features"], rows, "Mean over targets")


def _partition(result: "EncodingResult | SubjectsResult") -> dict[str, np.ndarray]:
    """r² of the full model in three parts that sum to it."""
    full, unique, embedding = (_mean(result, name, "r2") for name in ("full", "unique", "embedding"))
    return {"embedding only": unique, "shared": embedding - unique, "controls only": full - embedding}


def _scores(result: Any) -> Mapping[str, Any]:
    return result.first.scores if _is_several(result) else result.scores


def _is_several(result: Any) -> bool:
    return hasattr(result, "results")


def _mean(result: Any, model: str, score: str) -> np.ndarray:
    return np.asarray(result.values(model, score).mean(0) if _is_several(result) else result.score(model, score))


def _bounds(result: Any, model: str, score: str) -> tuple[np.ndarray, np.ndarray]:
    interval = result.interval(model, score)
    return np.asarray(interval.low), np.asarray(interval.high)


def _ceiling(result: Any) -> np.ndarray | None:
    if not _is_several(result):
        return result.ceiling
    each = [
        one.ceiling[[one.targets.index(name) for name in result.targets]]
        for one in result.results.values()
        if one.ceiling is not None
    ]
    return np.nanmean(each, axis=0) if each and len(result.targets) else None


def _written(value: object) -> str:
    if value is None or (isinstance(value, float) and not np.isfinite(value)):
        return "–"
    return f"{value:.3f}" if isinstance(value, float) else str(value)
