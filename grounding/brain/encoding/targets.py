"""Which targets can be predicted at all, and how well anything could predict them."""

from collections.abc import Mapping

import numpy as np

from grounding.brain.folds import Folds
from grounding.brain.recording import Recording, Responses
from grounding.errors import DataError

# Bytes of float64 that a block of targets may take while it is looked at.
MEMORY = 2**27


def usable_targets(responses: Responses, folds: Folds) -> tuple[np.ndarray, dict[str, str]]:
    """Places of the targets that every fold can train on and test, and the others by name with the reason.

    Raises:
        DataError: none is usable.
    """
    reasons: dict[int, str] = {}
    step = max(1, MEMORY // (8 * len(responses.data)))
    for first in range(0, len(responses.targets), step):
        block = np.asarray(responses.data[:, first : first + step])
        broken = (~np.isfinite(block)).sum(0)
        for place in np.flatnonzero(broken):
            reasons[first + int(place)] = f"NaN or infinite in {broken[place]} of {len(block)} rows"
        for number, fold in enumerate(folds):
            for part, rows in (("training", fold.train), ("test", fold.test)):
                for place in np.flatnonzero(np.ptp(block[rows], axis=0) == 0):
                    reasons.setdefault(first + int(place), f"constant in the {part} rows of fold {number}")
    kept = np.setdiff1d(np.arange(len(responses.targets)), list(reasons))
    excluded = {responses.targets[place]: reason for place, reason in sorted(reasons.items())}
    if not len(kept):
        name, reason = next(iter(excluded.items()))
        raise DataError(
            f"responses: none of {len(excluded)} targets is usable; {name!r} is {reason}; look at how they were "
            "read, or make folds of more rows"
        )
    return kept, excluded


def as_responses(recording: Recording | Responses) -> tuple[Responses, Mapping[str, str]]:
    """The responses, and what reading them had left out already."""
    responses = recording.responses() if isinstance(recording, Recording) else recording
    return responses, responses.excluded


def repeat_ceiling(responses: Responses, kept: np.ndarray) -> tuple[np.ndarray, str] | None:
    """The ceiling of r for one presentation, from runs in which a subject met the same story again.

    From explainable variance (see `grounding.brain.ceilings`), weighted over stories by their rows; None if no story
    was repeated. Runs of a story are compared where both have rows, matched by index. ``kept`` are places of targets.
    """
    from grounding.brain.ceilings import ceiling_of_mean, explainable_variance

    rows = responses.rows
    groups: dict[tuple[str, str], list[np.ndarray]] = {}
    for places in rows.runs().values():
        groups.setdefault((str(rows.subject[places[0]]), str(rows.story[places[0]])), []).append(places)
    total, weight, most = np.zeros(len(kept)), 0, 0
    for runs in groups.values():
        chosen = sorted(set.intersection(*(set(rows.index[places].tolist()) for places in runs)))
        if len(runs) < 2 or len(chosen) < 2:
            continue
        repeats = np.stack(
            [responses.data[np.ix_(places[np.isin(rows.index[places], chosen)], kept)] for places in runs]
        )
        # A target that does not vary in these rows has nothing that could come back.
        total += len(chosen) * np.nan_to_num(explainable_variance(repeats))
        weight += len(chosen)
        most = max(most, len(runs))
    if not weight:
        return None
    return ceiling_of_mean(total / weight, 1), f"explainable variance of {most} presentations, bias-corrected"


def shared_ceilings(subjects: Mapping[str, Responses]) -> dict[str, dict[str, float]] | None:
    """By subject and target, r with the mean of all other subjects over the rows of stories that all have.

    None with fewer than three subjects, or where they share no two rows or no usable target.
    """
    from grounding.brain.ceilings import inter_subject

    if len(subjects) < 3:
        return None
    keys = {name: _story_rows(responses) for name, responses in subjects.items()}
    first = next(iter(keys.values()))
    rows = [key for key in first if all(key in other for other in keys.values())]
    columns = [{target: place for place, target in enumerate(one.targets)} for one in subjects.values()]
    names = [target for target in columns[0] if all(target in others for others in columns)]
    if len(rows) < 2 or not names:
        return None
    stories = {story: number for number, story in enumerate(dict.fromkeys(story for story, _ in rows))}
    labels = np.array([stories[story] for story, _ in rows])
    found: dict[str, dict[str, float]] = {name: {} for name in subjects}
    step = max(1, MEMORY // (8 * len(rows) * len(subjects)))
    for start in range(0, len(names), step):
        block = names[start : start + step]
        stack = np.stack(
            [
                responses.data[np.ix_([keys[name][row] for row in rows], [own[target] for target in block])]
                for (name, responses), own in zip(subjects.items(), columns, strict=True)
            ]
        ).astype(np.float64)
        varies = np.isfinite(stack).all((0, 1)) & (np.ptp(stack, axis=1) > 0).all(0)
        if not varies.any():
            continue
        each = inter_subject(stack[:, :, varies], labels).each
        for name, values in zip(subjects, each, strict=True):
            found[name] |= dict(zip(np.array(block)[varies].tolist(), values.tolist(), strict=True))
    return found if any(found.values()) else None


def _story_rows(responses: Responses) -> dict[tuple[str, int], int]:
    """Places of rows by story and index; the first presentation of a story counts."""
    rows = responses.rows
    places: dict[tuple[str, int], int] = {}
    for place, key in enumerate(zip(rows.story.tolist(), rows.index.tolist(), strict=True)):
        places.setdefault(key, place)
    return places
