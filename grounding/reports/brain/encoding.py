"""What a recording is explained by, as a chapter: the audit first, then figures, warnings and the table of targets."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from grounding.errors import InputError
from grounding.reports.brain.chapters import badge
from grounding.reports.brain.figures import MOST_BARS, ceiling_figure, partition_figure, scores_figure
from grounding.reports.chapter import Chapter, Grid, Picture

if TYPE_CHECKING:
    from grounding.brain.encoding import EncodingResult, SubjectsResult

MOST_ROWS = 20


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
            "Correlation of held-out predictions with the responses: the embedding's, and what duller models reach. "
            f"{_marks(len(targets))}; what the controls reach alone is not the embedding's.",
        ),
        Picture.drawn(
            lambda theme: partition_figure(_partition(result), targets, theme),
            "Explained variance in parts: what only the embedding explains, what it shares with the controls, and what "
            "only the controls explain (variance partitioning by banded ridge). Parts below zero are a model's errors "
            "on rows that it did not see, which r² counts against it.",
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


def brain_maps(
    scores: Mapping[str, np.ndarray], names: Sequence[str], positions: np.ndarray, kind: str
) -> list[Picture]:
    """Scores where they belong: on the scalp, in a glass brain and, of voxels, on the cortex.

    Args:
        scores: (v,) by name.
        names: of the v targets; voxels are named by their indices.
        positions: (v, 3) metres, of the scalp in head coordinates, of everything else in MNI space.
        kind: of recording.
    """
    from grounding.reports.brain import maps

    shown = " and ".join(scores)
    if kind in ("eeg", "meg"):
        stacked = np.stack(list(scores.values()), axis=1)
        return [
            Picture.drawn(
                lambda theme: maps.topography_figure(stacked, positions, theme, list(scores), value="score"),
                f"The embedding's {shown} over the scalp.",
            )
        ]
    volumes = _volumes(scores, names, positions) if kind == "fmri" else {}
    pictures = []
    for name, values in scores.items():
        image = volumes.get(name)
        draw = (
            partial(maps.electrodes_figure, values, positions, value=name)
            if image is None
            else partial(maps.volume_figure, image, value=name)
        )
        pictures.append(Picture.drawn(draw, f"The embedding's {name} in the brain (MNI space), seen through it."))
    for name, image in list(volumes.items())[:1]:
        pictures.append(
            Picture.drawn(
                partial(maps.surface_figure, image, value=name),
                f"The embedding's {name} on the inflated cortex (fsaverage5), left and right, from outside and inside.",
            )
        )
    return pictures


def _volumes(scores: Mapping[str, np.ndarray], names: Sequence[str], positions: np.ndarray) -> dict[str, Any]:
    """Images of the scores where targets are voxels that fill a grid; else nothing."""
    from grounding.reports.brain.maps import volume_of

    parts = [name.split() for name in names]
    if not all(len(part) == 3 and all(map(str.isdigit, part)) for part in parts):
        return {}
    try:
        return {name: volume_of(values, np.array(parts, dtype=int), positions) for name, values in scores.items()}
    except InputError:  # a single slice, which is drawn as dots
        return {}


def _marks(targets: int) -> str:
    if targets > MOST_BARS:
        return f"Each body is the distribution over {targets:,} targets, its line the median"
    return "Whiskers are 95 % intervals of each target"


def _target_grid(result: "EncodingResult | SubjectsResult") -> Grid:
    """What a reader looks at first, for the first targets or, of many, for those with the highest r."""
    order, caption = list(range(len(result.targets))), "By target"
    if len(order) > MOST_ROWS:
        order = np.argsort(-_mean(result, "embedding", "r"), kind="stable")[:MOST_ROWS].tolist()
        caption = (
            f"The {MOST_ROWS} of {len(result.targets):,} targets with the highest r, which is a little too high for "
            "having been picked; all are in scores.csv"
        )
    table = result.table() if order else []
    columns: dict[str, list[str]] = {"target": [result.targets[place] for place in order]}
    for name in result.parts:
        columns[f"{name} r"] = [_written(value) for value in _mean(result, name, "r")[order]]
    columns["unique r²"] = [_written(value) for value in _mean(result, "unique", "r2")[order]] if order else []
    low, high = _bounds(result, "unique", "r2") if order else (np.empty(0), np.empty(0))
    columns["95 % interval"] = [f"{low[place]:.3f} to {high[place]:.3f}" for place in order]
    for key, title in (("p of unique r2, family-wise", "p, corrected"), ("ceiling of r", "ceiling of r")):
        if table and key in table[0]:
            columns[title] = [_written(table[place][key]) for place in order]
    return Grid(list(columns), [list(row) for row in zip(*columns.values(), strict=True)], caption)


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
            cells += [f"{estimate:.3f}", f"{low:.3f} to {high:.3f}".replace(" ", "\N{NO-BREAK SPACE}")]
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
