"""From the fits of all folds to one result, and its p-values."""

from collections.abc import Sequence
from dataclasses import replace

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
from grounding.brain.encoding.one_fold import Competitors, FoldFit
from grounding.brain.encoding.result import EncodingResult, Scores
from grounding.brain.encoding.targets import repeat_ceiling
from grounding.brain.folds import Folds
from grounding.brain.recording import Responses
from grounding.brain.rows import Rows
from grounding.brain.significance import block_permutation, difference_permutation, segments
from grounding.errors import InputError

# Share of variance between the means of test stretches that is worth a warning.
DRIFT = 0.1


def assembled(
    name: str, responses: Responses, kept: np.ndarray, folds: Folds, models: Competitors, fits: Sequence[FoldFit]
) -> EncodingResult:
    """The result without p-values, of the targets at the places ``kept``."""
    order = np.concatenate([fold.test for fold in folds])
    by_place = np.argsort(order, kind="stable")
    ceiling = repeat_ceiling(responses, kept)
    widths = ", ".join(f"{width:g}" for width in sorted({fit.width for fit in fits}))
    return EncodingResult(
        name=name,
        targets=tuple(responses.targets[place] for place in kept),
        kind=responses.kind,
        synthetic=responses.synthetic,
        folds=folds.description,
        shuffled=folds.shuffled,
        test_share=float(np.mean([len(fold.test) / len(fold.train) for fold in folds])),
        scores={
            model: Scores(np.stack([fit.r[model] for fit in fits]), np.stack([fit.r2[model] for fit in fits]))
            for model in MODELS
            if model in fits[0].r
        },
        parts=_parts(models, f"position in the run, smoothed over {widths} rows"),
        alphas=np.stack([fit.alpha for fit in fits]),
        at_edge=float(np.mean([fit.at_edge for fit in fits])),
        tested=responses.rows.take(order[by_place]),
        places=order[by_place],
        actual=np.concatenate([fit.actual for fit in fits])[by_place],
        predictions={
            model: np.concatenate([fit.predictions[model] for fit in fits])[by_place]
            for model in (EMBEDDING, OTHERS, FULL)
        },
        ceiling=None if ceiling is None else ceiling[0],
        ceiling_method="" if ceiling is None else ceiling[1],
        notes=(*_story_notes(responses.rows, folds), *_drift_notes(fits)),
    )


def with_significance(result: EncodingResult, rows: Rows, folds: Folds, permutations: int, seed: int) -> EncodingResult:
    """The result with p-values of the embedding's r and of its unique variance, from the kept predictions.

    Blocks of rows are permuted against the predictions (r), and the names of the full model and of the others are
    swapped in blocks of rows (unique variance, one-sided); `grounding.brain.significance` says how and why. Where the
    tested stretches are too short for either, a note says so instead.

    Args:
        result: without p-values.
        rows: of all responses.
        folds: of these rows.
        permutations: at least 19.
        seed: of the permutations.
    """
    labels = segments(rows, folds)[result.places]
    actual, predictions = result.actual, result.predictions
    try:
        return replace(
            result,
            significance=block_permutation(
                actual, predictions[EMBEDDING], labels, permutations=permutations, seed=seed
            ),
            unique_significance=difference_permutation(
                actual,
                predictions[FULL],
                predictions[OTHERS],
                labels,
                statistic="r2",
                two_sided=False,
                permutations=permutations,
                seed=seed,
            ),
        )
    except InputError as error:
        return replace(result, notes=(*result.notes, f"no p-values: {error}"))


def _parts(models: Competitors, autocorrelation: str) -> dict[str, tuple[str, ...]]:
    parts = {
        EMBEDDING: (models.embedding.features.name,),
        CONTROLS: tuple(space.features.name for space in models.controls),
        AUTOCORRELATION: (autocorrelation,),
        RANDOM: tuple(space.features.name for space in models.random),
        UNTRAINED: tuple(space.features.name for space in models.untrained),
    }
    return {model: names for model, names in parts.items() if names}


def _drift_notes(fits: Sequence[FoldFit]) -> tuple[str, ...]:
    # Responses are in training units, so the mean of test rows is 0 but for drift.
    moved = np.mean([fit.actual.mean(0, dtype=np.float64) ** 2 for fit in fits], axis=0)
    share = float(np.mean(moved / (moved + np.mean([fit.actual.var(0, dtype=np.float64) for fit in fits], axis=0))))
    if share <= DRIFT:
        return ()
    return (
        f"more than {DRIFT:.0%} of the variance is between the means of test stretches: r² counts such drifts against "
        "every model while r does not; clean the runs first (`grounding.brain.readers.cleaned`)",
    )


def _story_notes(rows: Rows, folds: Folds) -> tuple[str, ...]:
    for fold in folds:
        tested, trained = (
            set(zip(rows.run[part].tolist(), rows.story[part].tolist(), strict=True))
            for part in (fold.test, fold.train)
        )
        stories = {story for _, story in tested}
        again = sorted(story for run, story in trained if story in stories and run not in {one for one, _ in tested})
        if again:
            return (
                f"story {again[0]!r} is in test rows and, by another run, in training rows: responses to the very same "
                "stimulus were trained on; hold out whole stories with LeaveOneOut('story')",
            )
    return ()
