"""What bringing subjects into one space gains on rows that it was not fitted to."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from grounding.alignment.checks import check_matrix
from grounding.brain.folds import Contiguous, Fold, Folding
from grounding.brain.geometry.shared_response import SharedSpace, shared_response
from grounding.brain.rows import Rows
from grounding.errors import InputError
from grounding.text.evaluation.estimates import Estimate, bootstrap


@dataclass(frozen=True)
class Agreement:
    """How well each of S subjects is predicted by the others on held-out rows.

    Attributes:
        correlation: (S,) mean over channels of the correlation of a subject's own responses with what the mean of the
            others says they are.
        matching: (S,) share of stretches of the stimulus whose responses are most like the others' responses to the
            same stretch, among all stretches of the same test part.
    """

    correlation: np.ndarray
    matching: np.ndarray


@dataclass(frozen=True)
class AlignmentGain:
    """Agreement through the shared space and, where channels correspond, without it.

    Attributes:
        subjects: S names.
        aligned: through the shared space.
        unaligned: channel by channel, as anatomy has them; None where the numbers of channels differ.
        gain: aligned minus unaligned correlation, the mean over subjects with its 95 % interval over subjects; None
            without `unaligned`.
        matching_chance: of `matching`.
        ceiling: (k,) for each shared dimension the mean correlation of a subject with the mean of the others: what a
            model of the shared response could reach for one subject.
        dimensions: k.
        folds: their description.
        shuffled: whether the folds parted neighbouring rows.
    """

    subjects: tuple[str, ...]
    aligned: Agreement
    unaligned: Agreement | None
    gain: Estimate | None
    matching_chance: float
    ceiling: np.ndarray
    dimensions: int
    folds: str
    shuffled: bool


def alignment_gain(
    responses: Mapping[str, np.ndarray],
    rows: Rows,
    dimensions: int,
    *,
    folds: Folding = Contiguous(5),
    segment: int = 10,
    resamples: int = 1000,
    seed: int = 0,
) -> AlignmentGain:
    """Leave-one-subject-out agreement on held-out rows, through a `shared_response` fitted to the training rows alone.

    Stretches are cut from the test rows of each run and do not overlap, nor cross the end of a run or of a test part
    (time-segment matching, Haxby et al. 2011, whose sliding windows overlap).

    Args:
        responses: (n, v_s) by subject, the same n rows of the same stimulus.
        rows: what these are, of any one of the subjects; runs as they were recorded.
        dimensions: of the shared space.
        folds: over the rows.
        segment: rows a stretch.
        resamples: of subjects, for the interval.
        seed: of the resamples.

    Raises:
        InputError: as `shared_response`; rows that do not fit, a constant channel, or test parts shorter than two
            stretches.
    """
    names = tuple(responses)
    data = [check_matrix(responses[name], f"subject {name!r}").astype(np.float64) for name in names]
    for name, X in zip(names, data, strict=True):
        if len(X) != len(rows):
            raise InputError(f"subject {name!r}: {len(X)} rows found, expected {len(rows)} as labelled")
        if (flat := np.flatnonzero(np.ptp(X, axis=0) == 0)).size:
            raise InputError(
                f"subject {name!r}: channel {int(flat[0])} is constant; leave out the {flat.size} that are"
            )
    split = folds.split(rows)
    same = len({X.shape[1] for X in data}) == 1
    aligned, unaligned, ceilings, chances = [], [], [], []
    for fold in split:
        space = shared_response({name: X[fold.train] for name, X in zip(names, data, strict=True)}, dimensions)
        stretches = _stretches(rows, fold, segment)
        chances.append(1 / len(stretches))
        own = [X[fold.test] for X in data]
        aligned.append(_through(space, names, own, stretches))
        ceilings.append(_ceiling([space.project(name, X) for name, X in zip(names, own, strict=True)]))
        if same:
            centred = [X[fold.test] - X[fold.train].mean(0) for X in data]
            unaligned.append(_agreement(centred, [_others(centred, s) for s in range(len(names))], stretches))
    with_space, without = _mean(aligned), _mean(unaligned) if same else None
    gain = None
    if without is not None:
        difference = with_space.correlation - without.correlation
        gain = bootstrap(lambda w: w @ difference / w.sum(1), len(names), len(names), resamples, seed)
    return AlignmentGain(
        names,
        with_space,
        without,
        gain,
        float(np.mean(chances)),
        np.mean(ceilings, axis=0),
        dimensions,
        split.description,
        split.shuffled,
    )


def _through(space: SharedSpace, names: tuple[str, ...], own: list[np.ndarray], stretches: np.ndarray) -> Agreement:
    projected = [space.project(name, X) for name, X in zip(names, own, strict=True)]
    predicted = [space.express(name, _others(projected, s)) for s, name in enumerate(names)]
    return _agreement(own, predicted, stretches, (projected, [_others(projected, s) for s in range(len(names))]))


def _agreement(
    own: list[np.ndarray],
    predicted: list[np.ndarray],
    stretches: np.ndarray,
    matched: tuple[list[np.ndarray], list[np.ndarray]] | None = None,
) -> Agreement:
    """Of each subject's responses (n, v) with the predicted ones; stretches are matched there, or in `matched`."""
    first, second = matched if matched is not None else (own, predicted)
    return Agreement(
        np.array([np.nanmean(_correlation(a, b)) for a, b in zip(own, predicted, strict=True)]),
        np.array([_matching(a, b, stretches) for a, b in zip(first, second, strict=True)]),
    )


def _others(subjects: list[np.ndarray], left_out: int) -> np.ndarray:
    return np.mean([X for s, X in enumerate(subjects) if s != left_out], axis=0)


def _ceiling(projected: list[np.ndarray]) -> np.ndarray:
    return np.nanmean([_correlation(X, _others(projected, s)) for s, X in enumerate(projected)], axis=0)


def _correlation(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """Of columns: (v,); NaN for a column that is constant."""
    A, B = A - A.mean(0), B - B.mean(0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (A * B).sum(0) / np.sqrt((A**2).sum(0) * (B**2).sum(0))


def _stretches(rows: Rows, fold: Fold, segment: int) -> np.ndarray:
    """(m, segment) places among the test rows, each stretch of consecutive samples of one run."""
    if segment < 1:
        raise InputError(f"segment: {segment} found, expected at least one row")
    breaks = (rows.run[fold.test][1:] != rows.run[fold.test][:-1]) | (np.diff(rows.index[fold.test]) != 1)
    starts = np.r_[0, np.flatnonzero(breaks) + 1, len(fold.test)]
    found = [
        np.arange(start, start + (stop - start) // segment * segment).reshape(-1, segment)
        for start, stop in zip(starts[:-1], starts[1:], strict=True)
    ]
    stretches = np.concatenate(found)
    if len(stretches) < 2:
        raise InputError(
            f"segment: {segment} rows found, where a test part has {len(fold.test)}; expected room for two stretches"
        )
    return stretches


def _matching(own: np.ndarray, others: np.ndarray, stretches: np.ndarray) -> float:
    flat_own, flat_others = (X[stretches].reshape(len(stretches), -1) for X in (own, others))
    flat_own, flat_others = (X - X.mean(1, keepdims=True) for X in (flat_own, flat_others))
    similar = flat_own @ (flat_others / np.linalg.norm(flat_others, axis=1, keepdims=True)).T
    rivals = similar.copy()
    np.fill_diagonal(rivals, -np.inf)
    return float((np.diag(similar) > rivals.max(1)).mean())


def _mean(parts: list[Agreement]) -> Agreement:
    return Agreement(
        np.mean([part.correlation for part in parts], axis=0), np.mean([part.matching for part in parts], axis=0)
    )
