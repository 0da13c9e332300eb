"""Smooth inverse frequency: a hard-to-beat way to average word vectors (Arora, Liang and Ma, 2017).

A sentence is the mean of its word vectors, each weighted by a / (a + p) with the word's probability p. What all
sentences of a collection have in common, mostly syntax, is then taken out of them:

    weights = sif_weights(embedding.words.counts)
    means = np.stack([weights[ids] @ embedding.matrix[ids] / len(ids) for ids in sentences])
    common = common_components(means)
    vectors = remove_components(means, common)

New sentences are brought into the same space with the same `common`, not with components of their own.
"""

import numpy as np

from grounding.errors import InputError


def sif_weights(frequencies: np.ndarray, a: float = 1e-3) -> np.ndarray:
    """The weight a / (a + p) of each word, float32 (V,): near 1 for rare words, near 0 for the most frequent.

    Args:
        frequencies: (V,) counts, if integers; probabilities, if floats, which need not sum to 1, so that they may be
            those of a part of the vocabulary.
        a: the probability at which a word counts half.

    Raises:
        InputError: a negative count, a probability outside 0 to 1, counts that are all 0, or `a` not above 0.
    """
    frequencies = np.asarray(frequencies)
    if not 0 < a < np.inf:
        raise InputError(f"a: {a} found, expected a number above 0, such as 0.001")
    if np.issubdtype(frequencies.dtype, np.integer):
        if not (frequencies >= 0).all() or not frequencies.any():
            raise InputError("frequencies: a negative count, or no count above 0 found; expected counts of words")
        shares = frequencies / frequencies.sum()
    else:
        shares = frequencies.astype(np.float64)
        if not ((shares >= 0) & (shares <= 1)).all():
            wrong = shares[~((shares >= 0) & (shares <= 1))][0]
            raise InputError(
                f"frequencies: {wrong} found among floats, expected probabilities from 0 to 1; give counts as integers"
            )
    return (a / (a + shares)).astype(np.float32)


def common_components(matrix: np.ndarray, k: int = 1) -> np.ndarray:
    """The `k` directions along which the vectors of a collection are largest, float32 (k, width), orthonormal rows.

    They are the first right singular vectors of the matrix as it is, not of its deviations from the mean: the mean is
    the largest part of what is common. The entry of largest size is positive.

    Args:
        matrix: (N, width), one vector a row.
        k: how many; Arora et al. take 1, Mu and Viswanath (2018) for word vectors about width / 100.

    Raises:
        InputError: `k` outside 1 to the smaller side of the matrix, or values that are not finite.
    """
    matrix = _checked(matrix)
    if not 1 <= k <= min(matrix.shape):
        raise InputError(f"k: {k} found, expected 1 to {min(matrix.shape)}, the smaller side of the matrix")
    # The small square product, summed in double precision, has the same directions and is cheap to decompose.
    wide = matrix.astype(np.float64)
    _, directions = np.linalg.eigh(wide.T @ wide)
    components = directions[:, ::-1][:, :k].T
    largest = np.take_along_axis(components, np.abs(components).argmax(axis=1)[:, None], axis=1)
    return np.ascontiguousarray(components * np.sign(largest), dtype=np.float32)


def remove_components(matrix: np.ndarray, components: np.ndarray) -> np.ndarray:
    """The vectors without their parts along `components`, float32 (N, width).

    Args:
        matrix: (N, width), one vector a row.
        components: (k, width), orthonormal rows, as :func:`common_components` gives them.

    Raises:
        InputError: the widths differ, or values that are not finite.
    """
    matrix = _checked(matrix)
    if components.ndim != 2 or components.shape[1] != matrix.shape[1]:
        raise InputError(f"components: shape {components.shape} found, expected (k, {matrix.shape[1]}) as the vectors")
    components = components.astype(np.float32)
    return matrix - (matrix @ components.T) @ components


def _checked(matrix: np.ndarray) -> np.ndarray:
    matrix = np.asarray(matrix, dtype=np.float32)
    if matrix.ndim != 2 or not len(matrix):
        raise InputError(f"matrix: shape {matrix.shape} found, expected (N, width): one vector a row")
    if not np.isfinite(matrix).all():
        row = int(np.flatnonzero(~np.isfinite(matrix).all(axis=1))[0])
        raise InputError(f"matrix: row {row} has values that are not finite; leave it out")
    return matrix
