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
from grounding.space.distributed import gather_rows, rank, world
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
        digest = hashlib.sha256()
        for name, samples in data.items():
            if not len(samples):
                raise DataError(f"data set {name!r}: no samples found, expected at least one")
            self.sets[name] = range(len(codes), len(codes) + len(samples))
            for row in track(range(len(samples)), f"reading {name}", transient=True, disable=rank() > 0):
                sample = samples[row]
                check_sample(name, row, sample, space.modalities)
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
        self.frozen = {modality: queue.finish() for modality, queue in queues.items()}

    def __len__(self) -> int:
        return len(self._sources)

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
        return self.features[torch.from_numpy(chosen)]


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
        return Encoded(features, np.cumsum(counts) - counts, counts)

    def _encode(self, values: list[Any]) -> None:
        if len(self.sizes) % world() == rank():
            self.own.append(self.encoder(gather(self.modality, values)).cpu())
        self.sizes.append(len(values))


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
    return np.ascontiguousarray(value).tobytes()
