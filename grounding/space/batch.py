"""Samples, of which each may lack modalities, to batches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from grounding.encoders.data import Data, gather, select
from grounding.errors import DataError

EMPTY = "an empty tuple; leave the modality out when it was not observed"

Sample = Mapping[str, Any]
"""`{"id": str, modality: data, ...}`. A modality that is absent (or None) was not observed. Samples with equal ids are
positives of each other. Data is a string, an array, or a dict of these such as `{"signal": array, "subject": "S01"}`; a
tuple holds several renderings of the same thing (wordings of an instruction, pictures from several cameras), of which
training draws one at each visit."""


@dataclass(frozen=True)
class Field:
    """The data of one modality and which samples of the batch it belongs to: `rows` (n,) int64, ascending."""

    data: Data
    rows: Tensor


@dataclass(frozen=True)
class Batch:
    """`fields` by modality, and the id of every sample of the batch."""

    fields: dict[str, Field]
    ids: list[str]

    def part(self, start: int, stop: int) -> "Batch":
        """The samples from `start` up to `stop` as a batch of their own."""
        fields = {}
        for name, field in self.fields.items():
            first, last = torch.searchsorted(field.rows, torch.tensor([start, stop])).tolist()
            if first < last:
                chosen = slice(first, last)
                fields[name] = Field(select(field.data, chosen), field.rows[chosen] - start)
        return Batch(fields, self.ids[start:stop])


def collate(samples: Sequence[Sample]) -> Batch:
    """Gather samples into a batch; modalities that a sample lacks are simply not in its field.

    Of a tuple of renderings the first is taken.

    Example:
        >>> batch = collate([{"id": "a", "text": "red"}, {"id": "b", "points": cloud}])
        >>> batch.fields["points"].rows
        tensor([1])

    Raises:
        DataError: there are no samples, a sample has no id, or the arrays of a modality do not fit together.
    """
    if not samples:
        raise DataError("batch: no samples found, expected at least one")
    ids: list[str] = []
    values: dict[str, list[Any]] = {}
    rows: dict[str, list[int]] = {}
    for row, sample in enumerate(samples):
        if "id" not in sample:
            raise DataError(f"sample {row}: no 'id' found among {sorted(sample)}; samples with equal ids are positives")
        ids.append(sample["id"])
        for name, value in sample.items():
            if name == "id" or value is None:
                continue
            if isinstance(value, tuple) and not value:
                raise DataError(f"sample {sample['id']!r}: {name} is {EMPTY}")
            values.setdefault(name, []).append(rendering(value, 0.0))
            rows.setdefault(name, []).append(row)
    return Batch({name: Field(gather(name, values[name]), torch.tensor(rows[name])) for name in sorted(values)}, ids)


def rendering(value: Any, draw: float) -> Any:
    """One rendering of a sample's data: of a tuple the one at `draw`, from 0 to below 1, of its length."""
    return value[int(draw * len(value))] if isinstance(value, tuple) else value


def renderings(value: Any) -> tuple[Any, ...]:
    """All renderings of a sample's data of one modality; none if it was not observed."""
    if value is None:
        return ()
    return value if isinstance(value, tuple) else (value,)


def observed(sample: Sample) -> list[str]:
    """The modalities that a sample has."""
    return [name for name, value in sample.items() if name != "id" and value is not None]


def check_samples(name: str, samples: Sequence[Sample], modalities: Sequence[str]) -> None:
    """Refuse samples that cannot be used: before the first step, not at the hundredth.

    Raises:
        DataError: no samples, or what :func:`check_sample` refuses.
    """
    if not len(samples):
        raise DataError(f"data set {name!r}: no samples found, expected at least one")
    for row, sample in enumerate(samples):
        check_sample(name, row, sample, modalities)


def check_sample(name: str, row: int, sample: Sample, modalities: Sequence[str]) -> None:
    """Refuse one sample of a data set that cannot be used.

    Raises:
        DataError: no id, an unknown modality, a sample with none, blank text, NaN or infinite numbers.
    """
    if not isinstance(sample, Mapping):
        raise DataError(
            f"data set {name!r}, sample {row}: {type(sample).__name__} found, expected a mapping with an 'id'"
        )
    place = f"data set {name!r}, sample {row} ({sample.get('id')!r})"
    if not isinstance(sample.get("id"), str):
        raise DataError(f"{place}: no string 'id' found among {sorted(sample)}; samples with equal ids are positives")
    found = observed(sample)
    if not found or not set(found) <= set(modalities):
        raise DataError(f"{place}: modalities {found} found, expected some of {list(modalities)}")
    for key in found:
        values = renderings(sample[key])
        if not values:
            raise DataError(f"{place}: {key} is {EMPTY}")
        for value in values:
            problem = problem_of(value)
            if problem:
                raise DataError(f"{place}, {key}: {problem}")


def problem_of(value: Any) -> str | None:
    """What makes one rendering unusable, or None."""
    if isinstance(value, str):
        return None if value.strip() else "blank text found, expected words"
    if isinstance(value, dict):
        problems = ((part, problem_of(content)) for part, content in value.items())
        return next((f"{part}: {problem}" for part, problem in problems if problem), None)
    try:
        array = np.asarray(value)
    except (TypeError, ValueError) as error:
        return f"{type(value).__name__} found, expected a string or an array of numbers ({error})"
    if array.dtype.kind not in "fiub" or array.ndim == 0:
        return f"{type(value).__name__} found, expected a string or an array of numbers"
    if array.size == 0:
        return f"an empty array {array.shape} found"
    if array.dtype.kind == "f":
        with np.errstate(over="ignore"):
            bad = int((~np.isfinite(array.astype(np.float32, copy=False))).sum())
        if bad:
            return f"{bad} numbers are NaN, infinite or beyond float32, expected finite ones; drop or repair it"
    return None
