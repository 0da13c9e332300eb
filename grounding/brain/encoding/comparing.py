"""Several embeddings on the same rows with the same number of dimensions."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from grounding.brain.comparison import PairedComparison, compare_over_subjects
from grounding.brain.encoding.intervals import fold_interval
from grounding.brain.encoding.model import EncodingModel
from grounding.brain.encoding.result import EncodingResult
from grounding.brain.encoding.subjects import SubjectsResult, encode_subjects
from grounding.brain.encoding.tables import interval_dict
from grounding.brain.recording import Recording, Responses
from grounding.brain.significance import Interval, over_subjects
from grounding.errors import InputError

# What two models must have in common for their folds to be the same.
SHARED = ("delays", "folds", "inner", "alphas")


@dataclass(frozen=True)
class Comparison:
    """Results of several models that were brought to the same number of dimensions.

    Attributes:
        components: principal components, fitted in training rows.
        results: by model.
    """

    components: int
    results: Mapping[str, EncodingResult | SubjectsResult]

    def difference(self, first: str, second: str, model: str = "embedding", score: str = "r") -> Interval:
        """The first's score less the second's, mean over targets, with a paired interval over subjects or folds.

        Args:
            first: a key of ``results``.
            second: another.
            model: "embedding", or "unique" for the unique variance; as in `EncodingResult.interval`.
            score: "r" or "r2".
        """
        one, other = self.results[first], self.results[second]
        if isinstance(one, EncodingResult) and isinstance(other, EncodingResult):
            folds = one.by_fold(model, score).mean(1) - other.by_fold(model, score).mean(1)
            return fold_interval(folds, one.test_share)
        assert isinstance(one, SubjectsResult) and isinstance(other, SubjectsResult)
        return over_subjects(one.means(model, score) - other.means(model, score))

    def test(self, first: str, second: str, model: str = "embedding", score: str = "r") -> PairedComparison:
        """The same for each target that all subjects have, with a test over subjects, corrected over targets.

        Args:
            first: a key of ``results``.
            second: another.
            model: as in `difference`.
            score: "r" or "r2".

        Raises:
            InputError: results of a single recording, no shared target, or fewer than 6 subjects.
        """
        one, other = self.results[first], self.results[second]
        if isinstance(one, EncodingResult) or isinstance(other, EncodingResult) or not one.targets:
            raise InputError("comparison: several subjects with the same targets are needed for a test over subjects")
        return compare_over_subjects(one.values(model, score), other.values(model, score))

    def table(self) -> list[dict[str, object]]:
        """One row of plain values for each pair of models: differences of r and of unique variance."""
        rows = []
        for first, second in combinations(self.results, 2):
            row: dict[str, object] = {"first": first, "second": second, "components": self.components}
            for name, model, score in (
                ("r", "embedding", "r"),
                ("r2", "embedding", "r2"),
                ("unique r2", "unique", "r2"),
            ):
                found = interval_dict(self.difference(first, second, model, score))
                row |= {name: found["estimate"], f"{name} low": found["low"], f"{name} high": found["high"]}
            rows.append(row | {"interval": found["interval"], "shuffled": self.results[first].shuffled,
                               "synthetic": self.results[first].synthetic})  # fmt: skip
        return rows


def compare(
    models: Mapping[str, EncodingModel],
    recording: Recording | Responses | Mapping[str, Recording | Responses],
    components: int | None = None,
) -> Comparison:
    """Fit several models, each reduced to the same number of principal components in its training rows.

    A wider embedding fits more, whatever it means; scaling laws turned round once dimensions were matched (see
    `grounding.brain.comparison`).

    Args:
        models: two or more, by name, with the same delays, folds, inner folds and alphas.
        recording: of one subject, or by subject.
        components: no more than the narrowest embedding has, which is the default, and fewer than training rows.

    Raises:
        InputError: fewer than two models, settings that differ, or more components than an embedding has.

    Example:
        >>> layers = {f"layer {n}": EncodingModel(states[n], delays=(1, 2, 3, 4)) for n in (2, 6)}
        >>> compare(layers, recording, components=50).table()
    """
    if len(models) < 2:
        raise InputError(f"models: {len(models)} found, expected at least 2")
    first = next(iter(models.values()))
    for name, model in models.items():
        for setting in SHARED:
            if not np.array_equal(getattr(model, setting), getattr(first, setting)):
                raise InputError(
                    f"models: {setting} of {name!r} is {getattr(model, setting)}, expected {getattr(first, setting)} "
                    "as the first model has, so that both are tested on the same rows"
                )
    narrowest = min(models, key=lambda name: models[name].features.width)
    width = models[narrowest].features.width
    chosen = width if components is None else components
    if not 1 <= chosen <= width:
        raise InputError(f"components: {chosen}, expected 1 to {width}, the width of {narrowest!r}")
    results: dict[str, EncodingResult | SubjectsResult] = {}
    for name, model in models.items():
        matched = replace(model, components=chosen)
        one = isinstance(recording, Recording | Responses)
        results[name] = matched.fit(recording) if one else encode_subjects(matched, recording)  # type: ignore[arg-type]
    return Comparison(chosen, results)
