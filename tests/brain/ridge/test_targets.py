import mmap
from pathlib import Path

import numpy as np
import pytest
import torch

from grounding.brain.ridge.targets import Plan, Targets, let_go, plan, standardise
from grounding.errors import InputError


def targets_of(data, dtype=torch.float32):
    return Targets(data, data.shape[0], data.shape[1], dtype, torch.device("cpu"))


class Lazy:
    """What a file format gives: a shape, a dtype and columns by slices, and nothing else."""

    def __init__(self, data):
        self.shape, self.dtype, self._data = data.shape, data.dtype, data

    def __getitem__(self, place):
        return self._data[place]


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("kind", [np.asarray, torch.from_numpy, Lazy])
def test_blocks_are_the_columns_in_order(kind, order):
    data = np.asarray(np.random.default_rng(0).normal(size=(7, 23)).astype(np.float32), order=order)
    blocks = list(targets_of(kind(data)).blocks(Plan(block=4, panel=12)))
    assert max(block.shape[1] for _, block in blocks) == 4
    np.testing.assert_array_equal(torch.cat([block for _, block in blocks], 1).numpy(), data)
    assert [place.start for place, _ in blocks] == list(range(0, 23, 4))


def test_a_value_that_is_not_finite_is_named_by_its_column_in_the_whole():
    data = np.zeros((5, 20), dtype=np.float32)
    data[2, 17] = np.inf
    with pytest.raises(InputError, match=r"Y: NaN or inf in 1 of its columns 16 to 19 \(17\)"):
        list(targets_of(data).blocks(Plan(block=4, panel=8)))


def test_finite_values_whose_sum_is_not_are_no_error():
    data = np.full((4, 3), 3e38, dtype=np.float32)
    assert len(list(targets_of(data).blocks(Plan(3, 3)))) == 1


def test_plan_keeps_to_the_budget():
    size = plan(memory=1 << 26, column_bytes=10_000, file_column_bytes=1_000, v=10**6)
    assert size.block * 10_000 <= 1 << 24 and size.panel * 1_000 <= 1 << 24 and size.panel % size.block == 0
    assert plan(1 << 40, 1, 1, 50).block == 50
    with pytest.raises(InputError, match="memory: 100 bytes found, expected at least"):
        plan(100, 1000, 10, 5)


def test_standardised_targets_far_from_zero_keep_their_digits():
    rng = np.random.default_rng(0)
    exact = 1e6 + rng.integers(0, 100, size=(200, 4)).astype(np.float64)
    block = standardise(torch.from_numpy(exact.astype(np.float32)), intercept=True)
    np.testing.assert_allclose(block.mean, exact.mean(0), rtol=1e-10)
    np.testing.assert_allclose(block.values, (exact - exact.mean(0)) / exact.std(0), atol=1e-6)
    plain = standardise(torch.from_numpy(exact), intercept=False)
    np.testing.assert_allclose(plain.values * plain.scale, exact)


def test_pages_of_a_memory_map_are_let_go_and_can_be_read_again(tmp_path):
    np.save(tmp_path / "Y.npy", np.ones((64, 1 << 16), dtype=np.float32))
    mapped = np.load(tmp_path / "Y.npy", mmap_mode="r")

    def resident():
        lines = Path("/proc/self/smaps").read_text()
        entry = lines[lines.index(str(tmp_path / "Y.npy")) :]
        return int(entry[entry.index("Rss:") + 4 :].split()[0])

    assert mapped.sum() == mapped.size and resident() > 8 << 10
    let_go(mapped)
    assert resident() < 1 << 10
    assert mapped[3, 5] == 1


def test_changes_of_a_copy_on_write_map_are_kept(tmp_path):
    np.save(tmp_path / "Y.npy", np.ones((4, mmap.PAGESIZE), dtype=np.float32))
    mapped = np.load(tmp_path / "Y.npy", mmap_mode="c")
    mapped[:] = 2
    let_go(mapped)
    assert (mapped == 2).all()
