"""Ways to move time, each as weights (m, q), one row a permutation, times a table (q, v) of products of two series."""

from typing import Any

import numpy as np


def equal_blocks(places: list[np.ndarray], counts: list[int]) -> list[np.ndarray]:
    """For each segment the places of its blocks (count, length); a few rows at its end may be in none."""
    return [part[: count * (len(part) // count)].reshape(count, -1) if count else part[:, None][:0]
            for part, count in zip(places, counts, strict=True)]  # fmt: skip


def block_table(y: np.ndarray, p: np.ndarray, blocks: list[np.ndarray]) -> np.ndarray:
    """Rows: for each segment block a of y times block b of p, at a * count + b; the last row: what never moves.

    That is the rows outside blocks, and the mean over all permutations.
    """
    tables, moved = [], np.zeros(y.shape[1])
    for block in blocks:
        count = len(block)
        if not count:
            continue
        of_y, of_p = (np.ascontiguousarray(x[block].transpose(2, 0, 1)) for x in (y, p))
        products = of_y @ of_p.transpose(0, 2, 1)
        products -= products.mean((1, 2), keepdims=True)
        moved += products.trace(axis1=1, axis2=2)
        tables.append(products.reshape(len(products), -1).T)
    return np.concatenate([*tables, ((y * p).sum(0) - moved)[None]])


def block_weights(blocks: list[np.ndarray], m: int, generator: np.random.Generator, *, still: float = 1.0) -> Any:
    """A permutation of the blocks of each segment in each row, for `block_table`.

    What stays in place stays in the observed statistic, too; ``still`` is its weight, which undoes a later widening.
    """
    chosen, start = [], 0
    for block in blocks:
        count = len(block)
        if count:
            orders = generator.permuted(np.tile(np.arange(count), (m, 1)), axis=1)
            chosen.append(start + np.arange(count) * count + orders)
            start += count * count
    weights = one_in_each(np.concatenate([*chosen, np.full((m, 1), start)], axis=1), start + 1)
    weights.data[weights.indices == start] = still
    return weights


def one_in_each(chosen: np.ndarray, width: int) -> Any:
    """Sparse (m, width) with ones at the columns that each row of `chosen` names."""
    from scipy.sparse import csr_array

    m, each = chosen.shape
    return csr_array((np.ones(chosen.size), chosen.ravel(), np.arange(0, (m + 1) * each, each)), shape=(m, width))


def at_rotations(y: np.ndarray, p: np.ndarray) -> np.ndarray:
    """(n, v) products of y with p rotated by 0 to n - 1 rows."""
    return np.fft.irfft(np.fft.rfft(y, axis=0) * np.fft.rfft(p, axis=0).conj(), len(y), axis=0)


def at_frequencies(y: np.ndarray, p: np.ndarray) -> np.ndarray:
    """What each frequency adds to the products of y and p: (frequencies, v) in phase, then a quarter turn off."""
    cross = np.fft.rfft(y, axis=0).conj() * np.fft.rfft(p, axis=0)
    # Every frequency but the mean and, for an even number of rows, the highest stands for two.
    twice = np.full((len(cross), 1), 2 / len(y))
    twice[0] /= 2
    if len(y) % 2 == 0:
        twice[-1] /= 2
    return np.concatenate([cross.real * twice, -cross.imag * twice])


def phase_weights(n: int, m: int, generator: np.random.Generator) -> np.ndarray:
    """Cosines, then sines of m draws of phases for n rows, for `at_frequencies`: (m, 2 (n // 2 + 1))."""
    phases = generator.uniform(0, 2 * np.pi, (m, n // 2 + 1))
    phases[:, 0] = 0
    if n % 2 == 0:
        phases[:, -1] = np.pi * generator.integers(2, size=m)
    return np.concatenate([np.cos(phases), np.sin(phases)], axis=1)
