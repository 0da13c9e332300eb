"""Regression of an amplitude such as the N400 in two stages: within each subject, then over subjects."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from grounding.brain.folds import Folding, Grouped
from grounding.brain.recording import Features, Responses
from grounding.errors import InputError
from grounding.text.evaluation.estimates import Estimate


@dataclass(frozen=True)
class Mean(Estimate):
    """A mean over subjects with its 95 % interval and the two-sided p-value of its t-test against 0."""

    p: float

    def __str__(self) -> str:
        return f"{self.value:.4g} ({self.low:.4g} to {self.high:.4g}), p = {self.p:.2g}"


@dataclass(frozen=True)
class Effect:
    """What one predictor adds to the controls, in one response.

    Attributes:
        predictor: its name.
        target: the response's.
        coefficient: in units of the response for one standard deviation of the predictor, the controls held.
        gain: of held-out R², with the predictor minus without; above 0 only if the effect predicts unseen rows.
        coefficients: (S,) float64 of the subjects.
        gains: (S,) float64.
        subjects: S names.
        folds: how rows were held out for the gain.
    """

    predictor: str
    target: str
    coefficient: Mean
    gain: Mean
    coefficients: np.ndarray
    gains: np.ndarray
    subjects: tuple[str, ...]
    folds: str

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        table: dict[str, Any] = {"predictor": self.predictor, "target": self.target, "subjects": len(self.subjects)}
        for name, mean in (("coefficient", self.coefficient), ("gain of R2", self.gain)):
            table |= {name: mean.value, f"{name} low": mean.low, f"{name} high": mean.high, f"{name} p": mean.p}
        return table | {"folds": self.folds}

    def __str__(self) -> str:
        return (
            f"{self.predictor} on {self.target}, {len(self.subjects)} subjects: coefficient {self.coefficient}; "
            f"gain of held-out R² {self.gain}"
        )


def two_stage(
    responses: Responses,
    predictor: Features,
    controls: Features,
    *,
    column: int = 0,
    name: str = "",
    folds: Folding = Grouped(10, by="story"),
) -> list[Effect]:
    """Ordinary least squares on controls and a predictor in each subject, then a t-test of the subjects' coefficients
    (Lorch and Myers, 1990): the population are the subjects, and the words are those that were read. The p-values are
    of each target by itself: correct them where there are several (`grounding.brain.significance.benjamini_hochberg`).

    The coefficient of a subject is fitted on all its rows, with the predictor in standard deviations over all rows of
    all subjects. The gain is the R² of held-out rows with the predictor minus that without, both models fitted in the
    training rows.

    Args:
        responses: (n, v), rows of at least two subjects.
        predictor: one of its columns is tested.
        controls: p columns that are in both models.
        column: which column of the predictor.
        name: of the predictor for tables, if not that of the features.
        folds: of each subject's rows; whole sentences by default.

    Returns:
        One effect a target.

    Raises:
        InputError: one subject, no such column, features that are not finite, a predictor that a subject's controls
            explain wholly, or no more rows than columns in a training part.
    """
    rows = responses.rows
    subjects = tuple(dict.fromkeys(rows.subject.tolist()))
    if len(subjects) < 2:
        raise InputError(f"two stages: {len(subjects)} subject found, expected at least 2")
    if not 0 <= column < predictor.width:
        raise InputError(f"column: {column} found, expected 0 to {predictor.width - 1} of {predictor.name!r}")
    shown = name or predictor.name
    x = predictor.matrix(rows)[:, column].astype(np.float64)
    base = controls.matrix(rows).astype(np.float64)
    for label, values in ((shown, x), (controls.name, base), ("responses", responses.data)):
        if not np.isfinite(values).all():
            raise InputError(f"two stages: {label!r} is not finite for some rows; leave these rows out")
    x = (x - x.mean()) / (x.std() or 1.0)
    coefficients, gains, description = [], [], ""
    for subject in subjects:
        own = np.flatnonzero(rows.subject == subject)
        y = responses.data[own].astype(np.float64)
        with_it, without = _design(x[own], base[own]), _design(None, base[own])
        if np.linalg.matrix_rank(with_it) == np.linalg.matrix_rank(without):
            raise InputError(f"two stages: {shown!r} is constant or explained by the controls in subject {subject!r}")
        coefficients.append(_solve(with_it, y)[-1])
        parted = folds.split(rows.take(own))
        description = parted.description
        if few := [len(fold.train) for fold in parted if len(fold.train) <= with_it.shape[1]]:
            raise InputError(f"two stages: {few[0]} training rows for {with_it.shape[1]} columns in {subject!r}")
        error = {True: np.zeros(y.shape[1]), False: np.zeros(y.shape[1])}
        total = np.zeros(y.shape[1])
        for fold in parted:
            for both, design in ((True, with_it), (False, without)):
                predicted = design[fold.test] @ _solve(design[fold.train], y[fold.train])
                error[both] += ((y[fold.test] - predicted) ** 2).sum(0)
            total += ((y[fold.test] - y[fold.train].mean(0)) ** 2).sum(0)
        gains.append((error[False] - error[True]) / total)
    return [
        Effect(
            shown,
            target,
            mean_of_subjects(np.array(coefficients)[:, k]),
            mean_of_subjects(np.array(gains)[:, k]),
            np.array(coefficients)[:, k],
            np.array(gains)[:, k],
            subjects,
            description,
        )
        for k, target in enumerate(responses.targets)
    ]


def mean_of_subjects(values: np.ndarray) -> Mean:
    """The mean of (S,) values with the interval and p-value of Student's t."""
    from scipy.stats import ttest_1samp

    found = ttest_1samp(values, 0.0)
    low, high = found.confidence_interval(0.95)
    return Mean(float(values.mean()), float(low), float(high), float(found.pvalue))


def _design(x: np.ndarray | None, base: np.ndarray) -> np.ndarray:
    """Ones, the controls on comparable scales, and the predictor last."""
    spread = base.std(0)
    scaled = (base - base.mean(0)) / np.where(spread > 0, spread, 1)
    parts = [np.ones((len(base), 1)), scaled] + ([] if x is None else [x[:, None]])
    return np.hstack(parts)


def _solve(design: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.linalg.lstsq(design, y, rcond=None)[0]
