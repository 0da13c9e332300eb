"""The same encoding model for each of several subjects, and what may be said of the people they were drawn from."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from grounding.brain.encoding.model import EncodingModel
from grounding.brain.encoding.result import EncodingResult
from grounding.brain.encoding.targets import as_responses, shared_ceilings
from grounding.brain.recording import Recording, Responses
from grounding.brain.significance import Interval, Significance, over_subjects, sign_flip
from grounding.errors import InputError

# Below, no one-sided p-value of changed signs reaches 0.05.
LEAST_TESTED = 5


@dataclass(frozen=True)
class SubjectsResult:
    """Results of two or more subjects, with intervals and tests over subjects.

    Attributes:
        results: by subject.
        seed: of the tests.
    """

    results: Mapping[str, EncodingResult]
    seed: int = 0

    @property
    def first(self) -> EncodingResult:
        """The first subject's result, which has the settings of all."""
        return next(iter(self.results.values()))

    @property
    def targets(self) -> tuple[str, ...]:
        """Targets that every subject has; none where targets are each subject's own, such as voxels."""
        shared = set.intersection(*(set(result.targets) for result in self.results.values()))
        return tuple(target for target in self.first.targets if target in shared)

    @property
    def name(self) -> str:
        """Of the embedding's features."""
        return self.first.name

    @property
    def synthetic(self) -> bool:
        """Whether a generator made a recording."""
        return any(result.synthetic for result in self.results.values())

    @property
    def shuffled(self) -> bool:
        """Whether neighbouring rows were parted at random."""
        return any(result.shuffled for result in self.results.values())

    @property
    def parts(self) -> Mapping[str, tuple[str, ...]]:
        """By model, the names of its features; models that every subject has."""
        everywhere = set.intersection(*(set(result.parts) for result in self.results.values()))
        return {model: parts for model, parts in self.first.parts.items() if model in everywhere}

    @property
    def folds(self) -> str:
        """How the first subject's rows were parted."""
        return self.first.folds

    @property
    def label(self) -> str:
        """What every output says first."""
        return f"{self.first.label}; {len(self.results)} subjects"

    def values(self, model: str = "embedding", score: str = "r") -> np.ndarray:
        """(subjects, v): the score of each subject, mean over folds, for the targets that all have."""
        return np.stack([result.score(model, score)[self._places(result)] for result in self.results.values()])

    def means(self, model: str = "embedding", score: str = "r") -> np.ndarray:
        """(subjects,): the mean over each subject's own targets."""
        return np.array([result.score(model, score).mean() for result in self.results.values()])

    def interval(self, model: str = "embedding", score: str = "r") -> Interval:
        """(v,) mean over subjects with Student's t interval; model and score as in `EncodingResult.interval`."""
        return over_subjects(self.values(model, score))

    def mean_interval(self, model: str = "embedding", score: str = "r") -> Interval:
        """The mean over subjects of their mean over targets, with Student's t interval."""
        return over_subjects(self.means(model, score))

    def lead(self, model: str) -> Interval:
        """How far the embedding's r² is ahead of another model's: mean over targets, interval over subjects."""
        return over_subjects(self.means("embedding", "r2") - self.means(model, "r2"))

    def normalised_r(self) -> Interval | None:
        """Mean over subjects of r / ceiling, mean over each one's targets with a ceiling of 0.1 or more; or None."""
        each = [result.normalised_r() for result in self.results.values()]
        means = [np.nanmean(one) for one in each if one is not None and np.isfinite(one).any()]
        return over_subjects(np.array(means)) if len(means) > 1 else None

    def test(self, model: str = "embedding", score: str = "r") -> Significance | None:
        """Whether the mean over subjects is above 0, by changes of sign, for each target that all have.

        None with fewer than five subjects, with whom no p-value reaches 0.05, or without shared targets.
        """
        if len(self.results) < LEAST_TESTED or not self.targets:
            return None
        return sign_flip(self.values(model, score), two_sided=False, seed=self.seed)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Those of all subjects, each once, with how many subjects it is about; rivals are compared over subjects."""
        from grounding.brain.encoding.verdict import own_warnings, rivals_of

        counts: dict[str, int] = {}
        for result in self.results.values():
            for warning in own_warnings(result):
                counts[warning] = counts.get(warning, 0) + 1
        few = len(self.results) < LEAST_TESTED
        everyone = len(self.results)
        return (
            *([f"{everyone} subjects are too few for a test over subjects"] if few else []),
            *(
                text if count == everyone else f"{text} ({count} of {everyone} subjects)"
                for text, count in counts.items()
            ),
            *rivals_of(self),
        )

    @property
    def verdict(self) -> str:
        """One sentence on what the embedding adds, no stronger than its interval over subjects."""
        from grounding.brain.encoding.verdict import verdict_of

        return verdict_of(self, f"over {len(self.results)} subjects")

    def table(self) -> list[dict[str, object]]:
        """One row of plain values for each target that all subjects have."""
        from grounding.brain.encoding.tables import subject_rows

        return subject_rows(self)

    def audit(self) -> str:
        """The models beside each other, mean over subjects with intervals; then the warnings and the verdict."""
        from grounding.brain.encoding.verdict import subjects_page

        return subjects_page(self)

    def as_dict(self) -> dict[str, object]:
        """Everything but predictions as plain values that JSON can hold; numbers that are not finite are None."""
        from grounding.brain.encoding.tables import plain_subjects

        return plain_subjects(self)

    def save(self, folder: str | Path) -> None:
        """Write ``result.json``, ``scores.csv`` where targets are shared, and each subject's files in its own folder.

        Raises:
            StorageError: it cannot be written.
        """
        from grounding.brain.encoding.tables import save_subjects

        save_subjects(self, Path(folder))

    def _places(self, result: EncodingResult) -> list[int]:
        place = {target: number for number, target in enumerate(result.targets)}
        return [place[target] for target in self.targets]


def by_subject(recording: Recording) -> dict[str, Recording]:
    """A recording of several subjects as one recording each, in the order in which they appear."""
    names = dict.fromkeys(run.subject for run in recording.runs)
    return {
        name: replace(recording, runs=tuple(run for run in recording.runs if run.subject == name)) for name in names
    }


def encode_subjects(
    model: EncodingModel, recordings: Recording | Mapping[str, Recording | Responses]
) -> SubjectsResult:
    """Fit the model to each subject by itself.

    Where at least three subjects met the same stories, and none met one twice, the ceiling of a subject is its
    correlation with the mean of all others (lower bound of Nili et al. 2014).

    Subjects are fitted one after the other, or as `joblib.parallel_config` says, such as on a Dask cluster.

    Args:
        model: settings for all; its features have the runs of every subject.
        recordings: by subject, or one recording with several subjects.

    Raises:
        InputError: fewer than two subjects.
        DataError: as `EncodingModel.fit`, naming the subject.
    """
    from grounding.brain.ridge.distributed import map_recordings

    each = by_subject(recordings) if isinstance(recordings, Recording) else dict(recordings)
    if len(each) < 2:
        raise InputError(f"subjects: {len(each)} found, expected at least 2; for one use EncodingModel.fit")
    results = map_recordings(model.fit, each)
    ceilings = shared_ceilings({name: as_responses(recording)[0] for name, recording in each.items()})
    for name, result in results.items():
        if ceilings is not None and result.ceiling is None:
            of_target = ceilings[name]
            results[name] = replace(
                result,
                ceiling=np.array([of_target.get(target, np.nan) for target in result.targets]),
                ceiling_method=f"correlation with the mean of {len(each) - 1} other subjects",
            )
    return SubjectsResult(results, model.seed)
