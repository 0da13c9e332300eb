"""What may be said about a result in words: warnings, one sentence that cannot overclaim, and a table to read."""

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from grounding.brain.encoding.names import (
    AUTOCORRELATION,
    CONTROLS,
    EMBEDDING,
    FULL,
    MODELS,
    OTHERS,
    RANDOM,
    UNTRAINED,
)
from grounding.brain.significance import Interval

if TYPE_CHECKING:
    from grounding.brain.encoding.result import EncodingResult
    from grounding.brain.encoding.subjects import SubjectsResult

    Audited: TypeAlias = EncodingResult | SubjectsResult

MISSING = {
    CONTROLS: "no controls (word rate, position, sound) were given or could be made: what they explain is unknown, and "
    "part of it may be counted as the embedding's",
    RANDOM: "no random vectors were given or could be made: what word identity alone explains is unknown",
    UNTRAINED: "no untrained copy of the model was given: what its architecture alone explains is unknown",
}
# Share of targets with a penalty at the grid's edge from which it is worth a warning.
EDGE = 0.05


def interval_words(interval: Interval) -> str:
    """Such as "0.012, 95 % interval 0.004 to 0.020"."""
    mean, low, high = (float(np.squeeze(x)) for x in (interval.estimate, interval.low, interval.high))
    return f"{mean:.3f}, 95 % interval {low:.3f} to {high:.3f}"


def verdict_of(result: "Audited", where: str) -> str:
    """One sentence on the mean over targets; "above zero" only if the whole interval is.

    Args:
        result: of one recording or of several subjects.
        where: what the interval speaks of, such as "in this recording".
    """
    interval = result.mean_interval("unique")
    others = ", ".join(name for name in result.parts if name != EMBEDDING)
    found = f"{result.name} adds {interval_words(interval)}, of r² over {others} (mean of targets)"
    if result.shuffled:
        judged = "no verdict: folds were SHUFFLED, which inflates every score"
    elif not np.isfinite(interval.low):
        judged = "no verdict: there is nothing to take an interval over"
    else:
        judged = f"above zero {where}" if interval.low > 0 else "not above zero"
    missing = [name for name in MISSING if name not in result.parts]
    condition = f"; not held against {' or '.join(missing)}, which were not given" if missing else ""
    mark = "SYNTHETIC recording: " if result.synthetic else ""
    return f"{mark}{found}; {judged}{condition}."


def warnings_of(result: "EncodingResult") -> tuple[str, ...]:
    """What a reader must know before believing the scores."""
    return (*own_warnings(result), *rivals_of(result))


def own_warnings(result: "EncodingResult") -> tuple[str, ...]:
    """Those that are the same sentence in every recording that they are about."""
    found = []
    if result.synthetic:
        found.append("the recording is SYNTHETIC: scores say nothing about brains")
    if result.shuffled:
        found.append("folds are SHUFFLED: neighbours of test rows were trained on, and scores are inflated")
    found += [text for name, text in MISSING.items() if name not in result.parts]
    if result.at_edge > EDGE:
        found.append(
            f"more than {EDGE:.0%} of the targets with a signal took a penalty at the edge of the grid: widen it, or "
            "look at the scale of the features"
        )
    if result.ceiling is None:
        found.append("no noise ceiling: no story was repeated and no other subject heard it, so scores are raw")
    if result.excluded:
        first = [f"{name} ({reason})" for name, reason in list(result.excluded.items())[:3]]
        more = f" and {len(result.excluded) - 3} more, in `excluded`" if len(result.excluded) > 3 else ""
        found.append(f"left out: {', '.join(first)}{more}")
    return (*found, *result.notes)


def rivals_of(result: "Audited") -> tuple[str, ...]:
    """A warning for each rival that, by r² and its interval, the embedding is not ahead of."""
    found = []
    for name in (CONTROLS, AUTOCORRELATION, RANDOM, UNTRAINED):
        if name not in result.parts:
            continue
        embedding, rival = (float(np.squeeze(result.mean_interval(one, "r2").estimate)) for one in (EMBEDDING, name))
        if rival > 0 and not float(np.squeeze(result.lead(name).low)) > 0:
            found.append(
                f"{name} ({', '.join(result.parts[name])}) explain about as much as the embedding: r² {rival:.3f} "
                f"against {embedding:.3f}"
            )
    return tuple(found)


def audit_of(result: "EncodingResult") -> str:
    """A table of all models, mean over targets with intervals over folds; warnings; verdict."""
    lines = []
    for what, significance in (("r", result.significance), ("unique r²", result.unique_significance)):
        if significance is not None:
            lines.append(
                f"{what} above chance: {(significance.p < 0.05).sum()} of {len(result.targets)} targets at p < 0.05, "
                f"{(significance.family_wise < 0.05).sum()} corrected over targets ({significance.description})"
            )
    normalised = result.normalised_r()
    if normalised is not None and np.isfinite(normalised).any():
        lines.append(
            f"r / ceiling: {np.nanmean(normalised):.3f}, mean of {np.isfinite(normalised).sum()} targets with a "
            f"ceiling of 0.1 or more ({result.ceiling_method})"
        )
    return page(result, lines)


def subjects_page(result: "SubjectsResult") -> str:
    """As `audit_of`, with means and intervals over subjects."""
    lines = []
    for what, model, score in (("r", EMBEDDING, "r"), ("unique r²", "unique", "r2")):
        if (test := result.test(model, score)) is not None:
            lines.append(
                f"{what} above 0 over subjects: {(test.p < 0.05).sum()} of {len(result.targets)} targets at p < 0.05, "
                f"{(test.family_wise < 0.05).sum()} corrected over targets ({test.description})"
            )
    if (normalised := result.normalised_r()) is not None:
        lines.append(f"r / ceiling: {interval_words(normalised)} ({result.first.ceiling_method})")
    return page(result, lines)


def page(result: "Audited", lines: list[str]) -> str:
    """Label, table of models, further lines, warnings and verdict."""
    head = f"{'model':<17}{'r':>8}  {'95 % interval':<18}{'r²':>8}  {'95 % interval':<18}".rstrip()
    models = [name for name in MODELS if name in result.parts or name in (OTHERS, FULL)]
    table = [f"{name:<17}{_cells(result, name, 'r')}{_cells(result, name, 'r2')}".rstrip() for name in models]
    unique = f"{'unique':<17}{'':28}{_cells(result, 'unique', 'r2')}".rstrip()
    marked = [f"! {warning}" for warning in result.warnings]
    return "\n".join([result.label, "", head, *table, unique, *lines, "", *marked, "", result.verdict])


def _cells(result: "Audited", model: str, score: str) -> str:
    interval = result.mean_interval(model, score)
    low, high = (float(np.squeeze(bound)) for bound in (interval.low, interval.high))
    return f"{float(np.squeeze(interval.estimate)):>8.3f}  {f'[{low:.3f}, {high:.3f}]':<18}"
