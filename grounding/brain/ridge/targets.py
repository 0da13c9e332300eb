"""Targets that may be larger than memory, column blocks of them, and how much memory that takes."""

import mmap
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from grounding.brain.ridge.checks import ArgumentError, as_tensor, check_finite, check_whole
from grounding.brain.ridge.scores import is_constant

MEMORY = 1 << 30
"""Bytes that an estimator plans with unless told otherwise."""
LARGEST_BLOCK = 2048
"""Columns of a block; more make no product faster."""
SMALLEST_BLOCK = 64


@dataclass(frozen=True)
class Plan:
    """How many columns are held at a time.

    Attributes:
        block: columns that are computed on together.
        panel: columns that are read from a file together, a multiple of the block.
    """

    block: int
    panel: int


def plan(memory: int, column_bytes: int, file_column_bytes: int, v: int) -> Plan:
    """Divide a budget: a quarter for blocks, a quarter for what is read ahead of them; half is for factorisations.

    Args:
        memory: budget in bytes.
        column_bytes: what one target needs while it is computed on.
        file_column_bytes: what one target needs as it is stored.
        v: number of targets.

    Raises:
        ArgumentError: no whole number; the budget holds no block of `SMALLEST_BLOCK` targets.
    """
    affordable = check_whole(memory, "memory", 0) // 4 // column_bytes
    if affordable < min(SMALLEST_BLOCK, v):
        needed = 4 * min(SMALLEST_BLOCK, v) * column_bytes
        raise ArgumentError(
            f"memory: {memory} bytes found, expected at least {needed} for this number of rows and features"
        )
    block = min(affordable, LARGEST_BLOCK, v)
    return Plan(block, max(1, memory // 4 // file_column_bytes // block) * block)


@dataclass(frozen=True)
class Targets:
    """(n, v) targets, read by columns.

    Attributes:
        data: numpy, torch, a memory map, or anything with a shape and a dtype that gives columns by slices.
        n: rows.
        v: targets.
        dtype: in which they are computed on.
        device: where.
        one: whether they were given as one target (n,).
    """

    data: Any
    n: int
    v: int
    dtype: torch.dtype
    device: torch.device
    one: bool = False

    @property
    def column_bytes(self) -> int:
        """What a target takes as it is stored."""
        return self.n * int(self.data.dtype.itemsize)

    def in_float64(self) -> "Targets":
        """The same, computed on in float64."""
        return replace(self, dtype=torch.float64)

    def blocks(self, size: Plan) -> Iterator[tuple[slice, Tensor]]:
        """Column blocks and their places: (n, columns) of the targets' dtype, contiguous, checked to be finite.

        Pages of a memory map are let go when they have been read, so that they do not count as memory in use.
        """
        for start in range(0, self.v, size.panel):
            panel = self._read(slice(start, min(start + size.panel, self.v)))
            for first in range(0, panel.shape[1], size.block):
                block = panel[:, first : first + size.block].to(self.device, self.dtype).contiguous()
                check_finite(block, "Y", start + first)
                yield slice(start + first, start + first + block.shape[1]), block

    def _read(self, columns: slice) -> Tensor:
        part = self.data[:, columns]
        if isinstance(part, Tensor):
            return part
        is_file = not isinstance(self.data, np.ndarray) or isinstance(self.data, np.memmap)
        array = np.array(part) if is_file else part
        let_go(self.data)
        return as_tensor(array)


@dataclass(frozen=True)
class Standardised:
    """A block of targets on one scale, which changes no alpha: ridge is linear in its targets.

    Attributes:
        values: (n, columns), mean 0 with an intercept, root mean square 1.
        mean: (columns,) float64; zeros without an intercept.
        scale: (columns,) float64; 1 for a target that does not vary.
        constant: (columns,) bool, which do not vary.
    """

    values: Tensor
    mean: Tensor
    scale: Tensor
    constant: Tensor


def standardise(block: Tensor, intercept: bool) -> Standardised:
    """Centre and scale a block (n, columns); the sums are float64."""
    constant = is_constant(block)
    mean = block.new_zeros(block.shape[1], dtype=torch.float64)
    values = block.clone()
    # Twice, since the mean of values far from 0 is rounded the first time.
    for _ in range(2 if intercept else 0):
        step = values.mean(0, dtype=torch.float64).to(block.dtype)
        values -= step
        mean += step
    if intercept:
        values[:, constant] = 0.0
    scale = torch.linalg.vector_norm(values, dim=0, dtype=torch.float64) / len(block) ** 0.5
    scale = torch.where(scale > 0, scale, 1.0)
    return Standardised(values.div_(scale.to(values.dtype)), mean, scale, constant)


def let_go(array: Any) -> None:
    """Drop the pages of a memory map from this process; they stay in the file and in the system's cache.

    Not for copy-on-write maps, whose changes would be lost.
    """
    if not isinstance(array, np.memmap) or array.mode == "c" or not hasattr(mmap, "MADV_DONTNEED"):
        return
    base: Any = array
    while base is not None and not isinstance(base, mmap.mmap):
        base = base.base
    if base is not None:
        base.madvise(mmap.MADV_DONTNEED)
