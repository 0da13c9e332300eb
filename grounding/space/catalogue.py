"""The samples of a training run: checked, counted, and with the features of frozen encoders at hand."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from grounding.encoders import Frozen
from grounding.encoders.data import gather
from grounding.errors import DataError
from grounding.space.batch import Sample, check_sample, observed, renderings
from grounding.space.distributed import agree, gather_rows, rank, world
from grounding.space.model import SharedSpace

# Features are always computed in the same chunks, since a feature's last bits depend on its batch.
CHUNK = 256


class Catalogue:
    """All samples of a run, numbered through its data sets.

    Every sample is read once: checked, hashed, and its data of frozen modalities encoded (each process encodes every
    n-th chunk, and all receive all). Afterwards a data set is read again only for modalities that are trained, so it
    may load them on access.

    Attributes:
        sets: positions of the samples of each data set.
        codes: int64 (N,), equal for samples with equal ids.
        ids: the id of each code.
        names: the modalities that occur.
        observed: bool (N, number of names), which sample has which.
        frozen: features of the modalities that are not trained.
        digest: of all contents.

    Raises:
        DataError: no samples, or some that cannot be used.
    """

    def __init__(self, space: SharedSpace, data: Mapping[str, Sequence[Sample]]) -> None:
        from rich.progress import track

        self.sets: dict[str, range] = {}
        self._sources: list[tuple[Sequence[Sample], int]] = []
        queues = {
            name: _Queue(name, encoder) for name, encoder in space.encoders.items() if isinstance(encoder, Frozen)
        }
        codes: list[int] = []
        has: list[list[str]] = []
        numbers: dict[str, int] = {}
        forms: dict[str, tuple[str, Any]] = {}
        digest = hashlib.sha256()
        if not isinstance(data, Mapping) or not data:
            raise DataError(
                f"data: {type(data).__name__} of {len(data)} found, expected data sets by name: {{'mine': samples}}"
            )
        for name, samples in data.items():
            if not len(samples):
                raise DataError(f"data set {name!r}: no samples found, expected at least one")
            self.sets[name] = range(len(codes), len(codes) + len(samples))
            for row in track(range(len(samples)), f"reading {name}", transient=True, disable=rank() > 0):
                sample = samples[row]
                check_sample(name, row, sample, space.modalities)
                _check_forms(f"data set {name!r}, sample {row} ({sample['id']!r})", sample, forms)
                _hash(digest, sample)
                codes.append(numbers.setdefault(sample["id"], len(numbers)))
                has.append(observed(sample))
                self._sources.append((samples, row))
                for modality, queue in queues.items():
                    queue.add(renderings(sample.get(modality)))
        self.ids = list(numbers)
        self.codes = torch.tensor(codes)
        self.names = tuple(sorted(set().union(*has)))
        self.observed = np.array([[name in found for name in self.names] for found in map(set, has)], dtype=bool)
        self.digest = digest.hexdigest()
        agree(self.digest)
        self.frozen = {modality: queue.finish() for modality, queue in queues.items()}

    def __len__(self) -> int:
        return len(self._sources)

    def ids_by_modality(self) -> dict[str, set[str]]:
        """The ids that were seen in each modality."""
        return {
            name: {self.ids[code] for code in self.codes[torch.from_numpy(self.observed[:, place])].tolist()}
            for place, name in enumerate(self.names)
        }

    def sample(self, position: int) -> Sample:
        """One sample as its data set gives it."""
        samples, row = self._sources[position]
        return samples[row]


@dataclass(frozen=True)
class Encoded:
    """Features (R, width) of all renderings of a modality, in the order of the samples; sample i has `counts[i]` of
    them (0 if it lacks the modality) from row `first[i]` on.
    """

    features: Tensor
    first: np.ndarray
    counts: np.ndarray

    def choose(self, positions: np.ndarray, draws: np.ndarray) -> Tensor:
        """Features (n, width) of a rendering of each of some samples, the one at `draws`, from 0 to below 1."""
        chosen = self.first[positions] + (draws * self.counts[positions]).astype(np.int64)
        return self.features.index_select(0, torch.from_numpy(chosen))


class _Queue:
    """Collects what a frozen encoder is to encode, a chunk at a time."""

    def __init__(self, modality: str, encoder: Frozen) -> None:
        self.modality = modality
        self.encoder = encoder
        self.counts: list[int] = []
        self.waiting: list[Any] = []
        self.sizes: list[int] = []  # of the chunks
        self.own: list[Tensor] = []  # the chunks that this process encoded

    def add(self, values: Sequence[Any]) -> None:
        """Take in all renderings of the next sample."""
        self.counts.append(len(values))
        self.waiting.extend(values)
        while len(self.waiting) >= CHUNK:
            self._encode(self.waiting[:CHUNK])
            self.waiting = self.waiting[CHUNK:]

    def finish(self) -> Encoded:
        """The features of everything that was taken in, from all processes."""
        if self.waiting:
            self._encode(self.waiting)
        by_process = gather_rows(torch.cat([torch.zeros(0, self.encoder.width), *self.own]))
        numbers = [chunk for first in range(world()) for chunk in range(first, len(self.sizes), world())]
        pieces = dict(zip(numbers, by_process.split([self.sizes[chunk] for chunk in numbers]), strict=True))
        counts = np.array(self.counts)
        features = torch.cat([torch.zeros(0, self.encoder.width), *(pieces[chunk] for chunk in range(len(pieces)))])
        # From here on they are looked up in this one matrix.
        self.encoder.release()
        return Encoded(features, np.cumsum(counts) - counts, counts)

    def _encode(self, values: list[Any]) -> None:
        if len(self.sizes) % world() == rank():
            self.own.append(self.encoder(gather(self.modality, values)).cpu())
        self.sizes.append(len(values))


def digest_of_samples(samples: Sequence[Sample]) -> str:
    """sha256 of ids and contents."""
    digest = hashlib.sha256()
    for sample in samples:
        _hash(digest, sample)
    return digest.hexdigest()


def _check_forms(place: str, sample: Sample, forms: dict[str, tuple[str, Any]]) -> None:
    """Refuse a sample whose data could not stand in a batch with those before it; `forms` keeps the first of each."""
    for name in observed(sample):
        for value in renderings(sample[name]):
            form = _form(value)
            first = forms.setdefault(name, (place, form))
            if form != first[1]:
                raise DataError(
                    f"{place}, {name}: {form} found, but {first[1]} in {first[0]}; expected one form in all samples: "
                    "strings, or arrays of one type that differ in their first dimension only"
                )


def _form(value: Any) -> Any:
    if isinstance(value, str):
        return "text"
    if isinstance(value, dict):
        return {part: _form(content) for part, content in sorted(value.items())}
    array = np.asarray(value)
    kind = "float" if array.dtype.kind == "f" else str(array.dtype)
    return f"{kind} ({', '.join(['any', *map(str, array.shape[1:])])})"


def _hash(digest: Any, sample: Sample) -> None:
    for name, value in sorted(sample.items()):
        for one in renderings(value):
            content = _bytes(one)
            digest.update(f"{name} {len(content)} ".encode() + content)


def _bytes(value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, dict):
        return b" ".join(f"{part} ".encode() + _bytes(content) for part, content in sorted(value.items()))
    array = np.ascontiguousarray(value)
    return f"{array.dtype} {array.shape} ".encode() + array.tobytes()
