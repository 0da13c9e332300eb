"""Which samples a step sees: a pure function of seed and step, so that resuming needs no saved sampler."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from grounding.encoders.data import Data, Features, gather
from grounding.errors import InputError
from grounding.space.batch import Batch, Field, rendering
from grounding.space.catalogue import Catalogue
from grounding.space.distributed import share

FULL, EXTRA, RENDERING, MODEL, DROPOUT, SPLIT, PARTNER = range(7)
PURPOSES = 16


def seed_of(seed: int, step: int, purpose: int, *more: int) -> int:
    """A seed for one purpose at one step; neighbouring steps and purposes have unrelated streams."""
    return int(np.random.SeedSequence([seed, purpose, step, *more]).generate_state(1, np.uint64)[0] >> 1)


def reseed(seed: int, device: torch.device) -> None:
    """Seed torch's default generators of the processor and of a device.

    `torch.manual_seed` asks for every kind of accelerator there could be, and where CUDA is installed without a GPU it
    remembers each call for later, with a stack trace that takes a millisecond.
    """
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.manual_seed(seed)


@dataclass(frozen=True)
class Draw:
    """What one step sees: this process's share as a batch, and of all processes' samples together, who has what.

    Attributes:
        batch: the samples of this process, consecutive ones of the whole.
        codes: int64 (n,), of all samples; equal for equal ids.
        rows: by modality, which of all samples have it, ascending.
    """

    batch: Batch
    codes: Tensor
    rows: dict[str, Tensor]


@dataclass(frozen=True)
class _Pool:
    """Samples that are visited in passes, `count` of them a step, each with a partner if it has its match elsewhere."""

    positions: np.ndarray
    count: int
    purpose: int


class Sampler:
    """Batches of `batch` samples that have something to be matched with, plus up to `extra` that have not.

    Samples with several modalities, or with one that is trained with itself, have it in themselves. A sample with one
    modality whose id is seen in another one (words here, a recording there) is drawn together with a random such
    partner. What is left, like a point cloud nobody talked about, only makes the others' task harder. Each kind is
    visited in passes, each pass in a new random order; the first two share the batch by their numbers.

    Args:
        catalogue: all samples.
        batch: samples a step that have something to be matched with.
        extra: samples a step that have not, at most.
        seed: of every draw.
        mix: weights of the data sets by name, whose share of a batch is rounded to whole samples, at least one; empty
            for one pass through all of them together.
        modality_dropout: chance that a modality of a sample with several is left out at a visit; never all of them.
        intra: modalities that are trained with themselves.

    Raises:
        InputError: weights for other data sets than those there are.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        batch: int,
        extra: int,
        seed: int,
        mix: Mapping[str, float] | None = None,
        modality_dropout: float = 0.0,
        intra: Sequence[str] = (),
    ) -> None:
        self.catalogue = catalogue
        self.seed = seed
        self.modality_dropout = modality_dropout
        self._orders: dict[tuple[int, int], np.ndarray] = {}
        self._partners = _Partners(catalogue)
        alone = [place for place, name in enumerate(catalogue.names) if name in intra]
        full = (catalogue.observed.sum(axis=1) > 1) | catalogue.observed[:, alone].any(axis=1)
        split = ~full & self._partners.exist
        self._pools: list[_Pool] = []
        for number, (positions, weight) in enumerate(_portions(catalogue, mix or {})):
            matched = full[positions].sum() + split[positions].sum()
            for kind, size, purpose in (
                (full, batch * full[positions].sum() / max(1, matched), FULL),
                (split, batch * split[positions].sum() / max(1, matched) / 2, SPLIT),
                (~full & ~split, extra, EXTRA),
            ):
                chosen = positions[kind[positions]]
                count = min(len(chosen), max(1, round(size * weight)) if size else 0)
                if count:
                    self._pools.append(_Pool(chosen, count, purpose + PURPOSES * number))

    def __call__(self, step: int) -> Draw:
        """What a step sees; renderings of a sample, such as wordings, are drawn anew at each visit."""
        visited = [self._positions(pool, step) for pool in self._pools]
        lonely = [found for found, pool in zip(visited, self._pools, strict=True) if pool.purpose % PURPOSES == SPLIT]
        if lonely:
            draws = np.random.default_rng(seed_of(self.seed, step, PARTNER)).random(sum(map(len, lonely)))
            visited.append(self._partners.choose(np.concatenate(lonely), draws))
        positions = np.concatenate(visited)
        kept = self._kept(positions, step)
        rows = {
            name: torch.from_numpy(np.flatnonzero(kept[:, place])) for place, name in enumerate(self.catalogue.names)
        }
        own = share(len(positions))
        draws = self._uniform(step, RENDERING, len(positions))
        batch = self._batch(positions[own.start : own.stop], kept[own.start : own.stop], draws[own.start : own.stop])
        codes = self.catalogue.codes[torch.from_numpy(positions)]
        return Draw(batch, codes, {name: found for name, found in rows.items() if len(found)})

    def _batch(self, positions: np.ndarray, kept: np.ndarray, draws: np.ndarray) -> Batch:
        names, frozen = self.catalogue.names, self.catalogue.frozen
        trained = [place for place, name in enumerate(names) if name not in frozen]
        samples = {
            row: self.catalogue.sample(int(positions[row])) for row in np.flatnonzero(kept[:, trained].any(axis=1))
        }
        fields = {}
        for place, name in enumerate(names):
            rows = np.flatnonzero(kept[:, place])
            data: Data
            if not len(rows):
                continue
            if name in frozen:
                data = Features(frozen[name].choose(positions[rows], draws[rows, place]))
            else:
                data = gather(name, [rendering(samples[row][name], draws[row, place]) for row in rows])
            fields[name] = Field(data, torch.from_numpy(rows))
        codes = self.catalogue.codes[torch.from_numpy(positions)]
        return Batch(fields, [self.catalogue.ids[code] for code in codes.tolist()])

    def _kept(self, positions: np.ndarray, step: int) -> np.ndarray:
        """bool (n, number of names): which modalities of each sample this visit shows."""
        observed = self.catalogue.observed[positions]
        if not self.modality_dropout:
            return observed
        draws = np.where(observed, self._uniform(step, DROPOUT, len(positions)), -1.0)
        return observed & ((draws >= self.modality_dropout) | (draws == draws.max(axis=1, keepdims=True)))

    def _uniform(self, step: int, purpose: int, count: int) -> np.ndarray:
        return np.random.default_rng(seed_of(self.seed, step, purpose)).random((count, len(self.catalogue.names)))

    def _positions(self, pool: _Pool, step: int) -> np.ndarray:
        size = len(pool.positions)
        epochs, places = np.divmod(np.arange(step * pool.count, (step + 1) * pool.count), size)
        found = [self._order(int(epoch), size, pool.purpose)[places[epochs == epoch]] for epoch in np.unique(epochs)]
        return pool.positions[np.concatenate(found)]

    def _order(self, epoch: int, count: int, purpose: int) -> np.ndarray:
        if (purpose, epoch) not in self._orders:
            # A batch spans two passes at most.
            self._orders = {
                key: order for key, order in self._orders.items() if key[0] != purpose or key[1] == epoch - 1
            }
            self._orders[purpose, epoch] = np.random.default_rng(seed_of(self.seed, epoch, purpose)).permutation(count)
        return self._orders[purpose, epoch]


class _Partners:
    """For samples of one modality, the samples of the same id that have another one.

    Attributes:
        exist: bool (N,), whether a sample has one.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self.modality = catalogue.observed.argmax(axis=1)
        self.code = catalogue.codes.numpy()
        order = np.argsort(self.code, kind="stable")
        starts = np.flatnonzero(np.diff(self.code[order], prepend=-1))
        self.groups = dict(zip(self.code[order][starts].tolist(), np.split(order, starts[1:]), strict=True))
        self.observed = catalogue.observed
        self.exist = np.zeros(len(catalogue), dtype=bool)
        for group in self.groups.values():
            seen = self.observed[group]
            # Another modality in the group than the sample's own: the group has two, since the sample has one.
            self.exist[group] = seen.any(axis=0).sum() > 1
        self.found: dict[tuple[int, int], np.ndarray] = {}

    def choose(self, positions: np.ndarray, draws: np.ndarray) -> np.ndarray:
        """A partner of each of some samples that have one, at `draws`, from 0 to below 1, among them."""
        chosen = []
        for position, draw in zip(positions.tolist(), draws.tolist(), strict=True):
            key = int(self.code[position]), int(self.modality[position])
            if key not in self.found:
                group = self.groups[key[0]]
                self.found[key] = group[np.delete(self.observed[group], key[1], axis=1).any(axis=1)]
            chosen.append(self.found[key][int(draw * len(self.found[key]))])
        return np.array(chosen)


def _portions(catalogue: Catalogue, mix: Mapping[str, float]) -> list[tuple[np.ndarray, float]]:
    """Positions of samples that are mixed as one, with their share of a batch."""
    if not mix:
        return [(np.arange(len(catalogue)), 1.0)]
    if set(mix) != set(catalogue.sets) or any(not weight > 0 for weight in mix.values()):
        raise InputError(f"mix: {dict(mix)} found, expected a weight above 0 for each of {list(catalogue.sets)}")
    total = sum(mix.values())
    return [(np.array(catalogue.sets[name]), mix[name] / total) for name in catalogue.sets]
