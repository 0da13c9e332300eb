"""What an encoding model found: scores beside the audit's, and what may be said about them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from grounding.brain.ceilings import part_of_ceiling
from grounding.brain.encoding.intervals import fold_interval
from grounding.brain.encoding.names import EMBEDDING, FULL, OTHERS
from grounding.brain.rows import Rows
from grounding.brain.significance import Interval, Significance


@dataclass(frozen=True)
class Scores:
    """Scores of one model in each outer fold.

    A score is computed within a fold and then averaged over folds: pooled over all rows, differences between the means
    of folds would count as prediction (Pearson's r) or against it.

    Attributes:
        r: (k, v) Pearson correlation of test rows and predictions; 0 where predictions are constant.
        r2: (k, v) coefficient of determination, 1 − Σ(y − ŷ)² / Σ(y − ȳ)² with the mean of the fold's test rows.
    """

    r: np.ndarray
    r2: np.ndarray


@dataclass(frozen=True)
class EncodingResult:
    """Scores of an embedding and of everything that could explain them away, for each of v targets.

    Attributes:
        name: of the embedding's features.
        targets: v names.
        kind: of recording.
        synthetic: whether a generator made the recording.
        folds: how rows were parted, in words.
        shuffled: whether neighbouring rows were parted at random, which inflates every score.
        test_share: test rows for each training row.
        scores: by model: "embedding"; "controls" (word rate, position, sound, confounds); "autocorrelation"; "random
            vectors" (mean over seeds); "untrained" (mean over copies); "others", all of those jointly; "full", those
            and the embedding jointly. What was not given is missing, and `warnings` says so.
        parts: by model, the names of its features.
        alphas: (k, v) penalty of the embedding model in each fold.
        at_edge: share of the targets with a signal whose penalty was at the grid's edge, mean over folds.
        tested: the n rows that some fold tests.
        places: (n,) int64, their places among the rows of the responses.
        actual: (n, v) float32, their responses in units of the training part's standard deviation.
        predictions: (n, v) float32 out-of-fold predictions in the same units, of "embedding", "others" and "full".
        significance: of the embedding's r, or None where no p-values were asked for or possible.
        unique_significance: of the unique variance being above 0, likewise.
        ceiling: (v,) the largest r to be expected, or None where neither repeats nor other subjects tell.
        ceiling_method: where it comes from, in words.
        excluded: targets that were left out and why.
        notes: further warnings from the fit.
    """

    name: str
    targets: tuple[str, ...]
    kind: str
    synthetic: bool
    folds: str
    shuffled: bool
    test_share: float
    scores: Mapping[str, Scores]
    parts: Mapping[str, tuple[str, ...]]
    alphas: np.ndarray
    at_edge: float
    tested: Rows
    places: np.ndarray
    actual: np.ndarray
    predictions: Mapping[str, np.ndarray]
    significance: Significance | None = None
    unique_significance: Significance | None = None
    ceiling: np.ndarray | None = None
    ceiling_method: str = ""
    excluded: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def r(self) -> np.ndarray:
        """(v,): the embedding's r, mean over folds."""
        return self.score(EMBEDDING, "r")

    @property
    def r2(self) -> np.ndarray:
        """(v,): the embedding's r², mean over folds; negative where the mean of the test rows predicts better."""
        return self.score(EMBEDDING, "r2")

    @property
    def unique_by_fold(self) -> np.ndarray:
        """(k, v): r² of the full model less r² of all others; may be negative."""
        return self.scores[FULL].r2 - self.scores[OTHERS].r2

    @property
    def unique(self) -> np.ndarray:
        """(v,): the embedding's unique variance, mean over folds; may be negative."""
        return self.unique_by_fold.mean(0)

    def score(self, model: str = EMBEDDING, score: str = "r") -> np.ndarray:
        """(v,): mean over folds of "r" or "r2" of a model, or of the "unique" variance, which is one of r²."""
        return self.by_fold(model, score).mean(0)

    def interval(self, model: str = EMBEDDING, score: str = "r") -> Interval:
        """95 % interval of the mean over folds, for each target; `fold_interval` says how.

        Args:
            model: a key of `scores`, or "unique".
            score: "r" or "r2"; the unique variance has only r².
        """
        return fold_interval(self.by_fold(model, score), self.test_share)

    def mean_interval(self, model: str = EMBEDDING, score: str = "r") -> Interval:
        """95 % interval over folds of the mean over targets."""
        return fold_interval(self.by_fold(model, score).mean(1), self.test_share)

    def by_fold(self, model: str = EMBEDDING, score: str = "r") -> np.ndarray:
        """(k, v): what `score` is the mean of."""
        return self.unique_by_fold if model == "unique" else getattr(self.scores[model], score)

    def lead(self, model: str) -> Interval:
        """How far the embedding's r² is ahead of another model's: mean over targets, with its interval over folds."""
        ahead = self.by_fold(EMBEDDING, "r2") - self.by_fold(model, "r2")
        return fold_interval(ahead.mean(1), self.test_share)

    def normalised_r(self) -> np.ndarray | None:
        """(v,): r / ceiling, NaN where the ceiling is below 0.1; None without a ceiling."""
        return None if self.ceiling is None else part_of_ceiling(self.r, self.ceiling)

    @property
    def label(self) -> str:
        """What every output says first: features, kind of recording, folds, and whether it is synthetic or shuffled."""
        marks = ("SYNTHETIC " if self.synthetic else "") + self.kind
        inflated = "; SHUFFLED: scores are inflated by autocorrelation" if self.shuffled else ""
        return f"{self.name} → {marks}, {self.folds}{inflated}"

    def table(self) -> list[dict[str, object]]:
        """One row of plain values for each target."""
        from grounding.brain.encoding.tables import target_rows

        return target_rows(self)

    def as_dict(self) -> dict[str, object]:
        """Everything but predictions as plain values that JSON can hold; numbers that are not finite are None."""
        from grounding.brain.encoding.tables import plain

        return plain(self)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader must know before believing the scores, one sentence each."""
        from grounding.brain.encoding.verdict import warnings_of

        return warnings_of(self)

    @property
    def verdict(self) -> str:
        """One sentence on what the embedding adds, no stronger than its interval."""
        from grounding.brain.encoding.verdict import verdict_of

        return verdict_of(self, "in this recording")

    def audit(self) -> str:
        """The models beside each other, mean over targets with intervals; then the warnings and the verdict."""
        from grounding.brain.encoding.verdict import audit_of

        return audit_of(self)

    def save(self, folder: str | Path) -> None:
        """Write ``scores.csv`` (a row a target), ``scores.npz`` (every array) and ``result.json`` into a folder.

        Raises:
            StorageError: it cannot be written.
        """
        from grounding.brain.encoding.tables import save

        save(self, Path(folder))
