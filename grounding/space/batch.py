"""Samples, of which each may lack modalities, to batches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from grounding.encoders.data import Data, gather
from grounding.errors import DataError

Sample = Mapping[str, Any]
"""`{"id": str, modality: data, ...}`. A modality that is absent (or None) was not observed. Samples with equal ids are
positives of each other. Data is a string or an array; a tuple holds several renderings of the same thing (wordings of
an instruction, pictures from several cameras), of which one is used at each visit."""


@dataclass(frozen=True)
class Field:
    """The data of one modality and which samples of the batch it belongs to.

    `data` is a list of strings, a tensor (n, ...) or, for lengths that differ, `Padded`; `rows` (n,) int64.
    """

    data: Data
    rows: Tensor


@dataclass(frozen=True)
class Batch:
    """`fields` by modality, and the id of every sample of the batch."""

    fields: dict[str, Field]
    ids: list[str]


def collate(samples: Sequence[Sample], generator: torch.Generator | None = None) -> Batch:
    """Gather samples into a batch; modalities that a sample lacks are simply not in its field.

    Of a tuple, one rendering is drawn with `generator`; without one, the first is taken.

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
            values.setdefault(name, []).append(_rendering(value, generator, name, sample["id"]))
            rows.setdefault(name, []).append(row)
    return Batch({name: Field(gather(name, values[name]), torch.tensor(rows[name])) for name in sorted(values)}, ids)


def check_samples(name: str, samples: Sequence[Sample], modalities: Sequence[str]) -> None:
    """Refuse samples that cannot be trained on: before the first step, not at the hundredth.

    Raises:
        DataError: an unknown modality, a sample with none, blank text, NaN or infinite numbers.
    """
    if not len(samples):
        raise DataError(f"data set {name!r}: no samples found, expected at least one")
    for row, sample in enumerate(samples):
        observed = [key for key, value in sample.items() if key != "id" and value is not None]
        unknown = sorted(set(observed) - set(modalities))
        if unknown or not observed:
            raise DataError(
                f"data set {name!r}, sample {row} ({sample.get('id')!r}): modalities {observed} found, "
                f"expected some of {list(modalities)}"
            )
        for key in observed:
            for value in sample[key] if isinstance(sample[key], tuple) else (sample[key],):
                problem = problem_of(value)
                if problem:
                    raise DataError(f"data set {name!r}, sample {row} ({sample.get('id')!r}), {key}: {problem}")


def problem_of(value: Any) -> str | None:
    """What makes one rendering unusable, or None."""
    if isinstance(value, str):
        return None if value.strip() else "blank text found, expected words"
    array = np.asarray(value)
    if array.size == 0:
        return f"an empty array {array.shape} found"
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        return (
            f"{int((~np.isfinite(array)).sum())} numbers are NaN or infinite, expected finite ones; drop or repair it"
        )
    if array.dtype.kind not in "fiub":
        return f"{type(value).__name__} found, expected a string or an array of numbers"
    return None


def _rendering(value: Any, generator: torch.Generator | None, name: str, sample_id: str) -> Any:
    if not isinstance(value, tuple):
        return value
    if not value:
        raise DataError(
            f"sample {sample_id!r}: {name} is an empty tuple; leave the modality out when it was not observed"
        )
    if generator is None or len(value) == 1:
        return value[0]
    return value[int(torch.randint(len(value), (), generator=generator))]
