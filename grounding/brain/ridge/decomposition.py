"""The singular value decomposition of a feature matrix, from the smaller of its two Gram matrices.

With X − mean = U diag(σ) Vᵀ, ridge coefficients are V diag(σ / (σ² + α)) UᵀY: one product with Y serves every alpha.
Everything here is float64, since a Gram matrix squares the condition number; what multiplies the many targets is
rounded afterwards.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]
from torch import Tensor

from grounding.brain.ridge.scores import is_constant

CHUNK_ELEMENTS = 1 << 23
"""Features are turned into float64 so many numbers at a time (64 MiB)."""


@dataclass(frozen=True)
class Decomposition:
    """X − mean = U diag(σ) Vᵀ, with the directions in which X does not vary left out.

    Attributes:
        mean: (p,) float64; zeros without an intercept.
        basis: (n, r + 1) float64: U, orthonormal, r ≤ min(n, p); and a column of ones. Its products with targets are
            shared by the folds and by the fit to all rows.
        singular: (r,) float64, σ, ascending.
        right: (p, r) of X's own dtype, V, orthonormal.
        gram: (n, n) float64, (X − mean)(X − mean)ᵀ, kept only where p > n.
        mean_eigenvalue: of the smaller Gram matrix; the natural unit of alpha.
        intercept: whether models have one.
    """

    mean: Tensor
    basis: Tensor
    singular: Tensor
    right: Tensor
    gram: Tensor | None
    mean_eigenvalue: float
    intercept: bool

    @property
    def left(self) -> Tensor:
        """(n, r) float64, U."""
        return self.basis[:, :-1]


def decompose(X: Tensor, intercept: bool = True) -> Decomposition:
    """The decomposition of (n, p) features.

    Costs about 2·n·p·min(n, p) operations and the eigendecomposition of a matrix of width min(n, p), in float64.
    """
    n, p = X.shape
    mean = feature_mean(X, intercept)
    over_rows = p <= n
    gram = _gram(X, mean, over_rows)
    eigenvalues, basis = eigh(gram)
    singular = eigenvalues.sqrt()
    full = X.new_ones((n, len(singular) + 1), dtype=torch.float64)
    if over_rows:
        for rows in _slices(n, p):
            full[rows, :-1] = (X[rows].double() - mean) @ basis / singular
        right = basis.to(X.dtype)
    else:
        full[:, :-1] = basis
        right = torch.cat([((X[:, c].double() - mean[c]).T @ basis / singular).to(X.dtype) for c in _slices(p, n)])
    count = min(n - intercept, p)
    unit = float(gram.trace()) / max(count, 1)
    return Decomposition(mean, full, singular, right, None if over_rows else gram, unit, intercept)


def feature_mean(X: Tensor, intercept: bool) -> Tensor:
    """(p,) float64, zeros without an intercept; of a feature that does not vary its value, which no sum has rounded."""
    if not intercept:
        return X.new_zeros(X.shape[1], dtype=torch.float64)
    return torch.where(is_constant(X), X[0].double(), X.mean(0, dtype=torch.float64))


def eigh(gram: Tensor) -> tuple[Tensor, Tensor]:
    """Eigenvalues (r,), ascending, and eigenvectors (k, r) of a float64 Gram matrix (k, k), without its null space.

    Left out is what rounding cannot tell from 0: eigenvalues up to k times float64's precision times the largest, which
    are singular values of about 1e-7 of the largest, the precision of float32 features.
    """
    if not len(gram):
        return gram.new_zeros(0), gram
    if gram.device.type == "cpu" and torch.get_num_threads() == 1:
        # On one thread numpy's is a third faster than torch's; on several it is many times slower once other work, such
        # as torch's own threads, wants the same cores.
        with _libraries().limit(limits=1, user_api="blas"):
            eigenvalues, vectors = (torch.from_numpy(part).to(gram) for part in np.linalg.eigh(gram.numpy()))
    else:
        eigenvalues, vectors = torch.linalg.eigh(gram)
    floor = len(gram) * torch.finfo(torch.float64).eps * float(eigenvalues[-1].clamp_min(0))
    kept = eigenvalues > floor
    return eigenvalues[kept], vectors[:, kept]


@cache
def _libraries() -> ThreadpoolController:
    """The libraries of this process whose threads can be limited; to look for them takes a tenth of a second."""
    return ThreadpoolController()


def _gram(X: Tensor, mean: Tensor, over_rows: bool) -> Tensor:
    """XᵀX (p, p) or XXᵀ (n, n) of the centred features, float64, summed over chunks."""
    n, p = X.shape
    width = p if over_rows else n
    gram = X.new_zeros((width, width), dtype=torch.float64)
    for part in _slices(n, p) if over_rows else _slices(p, n):
        chunk = (X[part].double() - mean).T if over_rows else X[:, part].double() - mean[part]
        gram.addmm_(chunk, chunk.T)
    return gram


def _slices(length: int, width: int) -> list[slice]:
    step = max(1, CHUNK_ELEMENTS // width)
    return [slice(start, min(start + step, length)) for start in range(0, length, step)]
