"""Which samples a step sees: a pure function of seed and step, so that resuming needs no saved sampler."""

from collections.abc import Sequence

import numpy as np
import torch

from grounding.errors import DataError
from grounding.space.batch import Batch, Sample, collate

FULL, EXTRA, RENDERING, MODEL = range(4)


def seed_of(seed: int, step: int, purpose: int) -> int:
    """A seed for one purpose at one step; neighbouring steps and purposes have unrelated streams."""
    return int(np.random.SeedSequence([seed, purpose, step]).generate_state(1, np.uint64)[0] >> 1)


class Sampler:
    """Batches of `batch` samples with several modalities plus up to `extra` samples with a single one.

    Each kind is visited in passes, each pass in a new random order. Samples with one modality (a point cloud nobody
    talked about) have nothing to be matched with unless an id is shared: they make the others' task harder.

    Raises:
        DataError: no sample has more than one modality.
    """

    def __init__(self, samples: Sequence[Sample], batch: int, extra: int, seed: int) -> None:
        kinds = [sum(value is not None for key, value in sample.items() if key != "id") for sample in samples]
        self.samples = samples
        self.seed = seed
        self.full = [row for row, count in enumerate(kinds) if count > 1]
        self.single = [row for row, count in enumerate(kinds) if count == 1]
        if not self.full:
            raise DataError("training: no sample has two modalities, so nothing can be matched; give paired samples")
        self.batch = min(batch, len(self.full))
        self.extra = min(extra, len(self.single))
        self._orders: dict[tuple[int, int], np.ndarray] = {}

    def __call__(self, step: int) -> Batch:
        """The batch of a step; renderings of a sample, such as wordings, are drawn anew at each visit."""
        rows = self._rows(self.full, self.batch, step, FULL) + self._rows(self.single, self.extra, step, EXTRA)
        generator = torch.Generator().manual_seed(seed_of(self.seed, step, RENDERING))
        return collate([self.samples[row] for row in rows], generator)

    def _rows(self, rows: list[int], count: int, step: int, purpose: int) -> list[int]:
        places = range(step * count, (step + 1) * count)
        return [rows[self._order(place // len(rows), len(rows), purpose)[place % len(rows)]] for place in places]

    def _order(self, epoch: int, count: int, purpose: int) -> np.ndarray:
        if (purpose, epoch) not in self._orders:
            # A batch spans two passes at most.
            self._orders = {
                key: order for key, order in self._orders.items() if key[0] != purpose or key[1] == epoch - 1
            }
            self._orders[purpose, epoch] = np.random.default_rng(seed_of(self.seed, epoch, purpose)).permutation(count)
        return self._orders[purpose, epoch]
