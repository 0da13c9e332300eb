"""Scores of every alpha on the test rows of a fold, for many targets, without a prediction.

With the training rows X_T − mean = U diag(√λ) Wᵀ (from the smaller of their Gram matrices), C = Uᵀ Y_T and
Z = (X_E − mean) W diag(√λ), the predictions of the test rows are Z diag(d) C with d_i(α) = 1 / (λ_i + α). A score needs
three sums over test rows: of actual², of actual × predicted and of predicted². The second is Σ_i d_i C_i (ZᵀY_E)_i. The
third is Σ_ij d_i d_j S_ij C_i C_j with S = ZᵀZ, and since

    d_i d_j = (d_i − d_j) / (λ_j − λ_i),

it is 2 Σ_i d_i C_i (F C)_i with F_ij = S_ij / (λ_j − λ_i). No alpha is left in the product F C, so one product serves
them all; F is S with the displacement structure of a Cauchy matrix. For neighbouring eigenvalues, where the fraction
would lose digits, d_i d_j = (d_i² + d_j²) / 2 up to (d_i − d_j)² / 2 is used instead.

What is computed in float32 is computed in an orthonormal basis, so its errors are relative to the length of a target
and are not amplified by the condition of X; sums that cancel are float64.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from grounding.brain.folds import Fold
from grounding.brain.ridge.decomposition import Decomposition, eigh
from grounding.brain.ridge.scores import Scoring, is_constant

NEAR = 1e-5
"""Eigenvalues this near, relative to the larger plus the least alpha, are neighbours: both errors stay below 1e-10."""
AMPLIFICATION = 30.0
"""How much the rounding errors of shared products may grow in a fold before it computes its own."""

FLAT = 1e-24
"""Predictions whose variance is no more than this share of the target's differ by rounding only."""

Index = slice | Tensor


@dataclass(frozen=True)
class FoldSolution:
    """What the targets of a fold are multiplied with.

    Attributes:
        n_train: number of training rows.
        train: their places.
        left_out: places of all other rows, tested or purged.
        test: places of the test rows.
        intercept: whether the mean of the training rows is taken away.
        eigenvalues: (k,) float64, λ, ascending.
        project: (k, n_train), Uᵀ; or (k, r + 1), what makes C from shared sums over the training rows.
        shared: whether C comes from the shared sums, as total minus left-out rows.
        test_map: (k, n_test), Zᵀ; centred over test rows for correlations.
        far: (k, k) float64, 2 F, zero where eigenvalues are neighbours.
        near: (k, k) float64, S where they are neighbours but not the same; None where there are none.
        own: (k,) float64, the diagonal of S.
    """

    n_train: int
    train: Index
    left_out: Index
    test: Index
    intercept: bool
    eigenvalues: Tensor
    project: Tensor
    shared: bool
    test_map: Tensor
    far: Tensor
    near: Tensor | None
    own: Tensor

    def to(self, dtype: torch.dtype) -> "FoldSolution":
        """The same with what multiplies targets in this dtype."""
        return replace(self, project=self.project.to(dtype), test_map=self.test_map.to(dtype))


def solve_fold(design: Decomposition, fold: Fold, least_alpha: float, scoring: Scoring = "r2") -> FoldSolution:
    """Prepare a fold, primal or dual by its shape.

    Args:
        design: of all rows.
        fold: places of its rows.
        least_alpha: the smallest penalty that will be scored.
        scoring: which score is wanted.
    """
    n, device = len(design.left), design.left.device
    left_out = np.setdiff1d(np.arange(n), fold.train)
    train, left, test = (as_index(rows, device) for rows in (fold.train, left_out, fold.test))
    if len(fold.train) < len(design.singular):
        eigenvalues, project, Z = _dual(design, train, test)
        shared = False
    else:
        eigenvalues, project, Z, shared = _primal(design, len(fold.train), train, left, test)
    if scoring == "correlation":
        Z = Z - Z.mean(0)
    S = Z.T @ Z
    far, near = _pairs(S, eigenvalues, least_alpha)
    return FoldSolution(
        n_train=len(fold.train),
        train=train,
        left_out=left,
        test=test,
        intercept=design.intercept,
        eigenvalues=eigenvalues,
        project=project,
        shared=shared,
        test_map=Z.T.contiguous(),
        far=far,
        near=near,
        own=S.diagonal().clone(),
    )


def fold_scores(
    fold: FoldSolution, Y: Tensor, totals: Tensor, basis: Tensor, alphas: Tensor, scoring: Scoring = "r2"
) -> Tensor:
    """Scores of every alpha on the test rows of a fold.

    Args:
        fold: of `solve_fold`.
        Y: (n, v) targets of all rows; with an intercept best centred over all rows.
        totals: (r + 1, v), basisᵀ Y.
        basis: (n, r + 1) of the decomposition, in the dtype of Y.
        alphas: (A,) float64, none below the fold's least.
        scoring: as in `solve_fold`.

    Returns:
        (A, v) float64; NaN where a target does not vary over the test rows.
    """
    if fold.shared:
        training = totals - basis[fold.left_out].T @ Y[fold.left_out]
        C, mean = fold.project @ training, training[-1] / fold.n_train
    else:
        training = Y[fold.train]
        C, mean = fold.project @ training, training.mean(0)
    tested = Y[fold.test] - mean if fold.intercept else Y[fold.test]
    cross, square = _sums(fold, C, tested, alphas)
    total = _sum_of_squares(tested - tested.mean(0))
    if scoring == "r2":
        score = 1 - (_sum_of_squares(tested) - 2 * cross + square) / total
    else:
        score = torch.where(square > FLAT * total, cross / (total * square).sqrt(), 0.0)
    score[:, is_constant(Y[fold.test])] = torch.nan
    return score


def as_index(rows: np.ndarray, device: torch.device) -> Index:
    """Ascending places as a slice where they follow each other, which spares a copy."""
    if len(rows) and rows[-1] - rows[0] == len(rows) - 1:
        return slice(int(rows[0]), int(rows[-1]) + 1)
    return torch.as_tensor(rows, dtype=torch.int64, device=device)


def _dual(design: Decomposition, train: Index, test: Index) -> tuple[Tensor, Tensor, Tensor]:
    """λ, Uᵀ and Z = K_ET U from the kernel of the training rows."""
    if design.gram is not None:
        K, across = design.gram[train][:, train], design.gram[test][:, train]
    else:
        scaled = design.left * design.singular
        K, across = scaled[train] @ scaled[train].T, scaled[test] @ scaled[train].T
    if design.intercept:
        column, grand = K.mean(0), K.mean()
        across = across - across.mean(1, keepdim=True) - column + grand
        K = K - column - column[:, None] + grand
    eigenvalues, U = eigh(K)
    return eigenvalues, U.T.contiguous(), across @ U


def _primal(
    design: Decomposition, n_train: int, train: Index, left: Index, test: Index
) -> tuple[Tensor, Tensor, Tensor, bool]:
    """λ, the projection, Z, and whether the projection is of shared sums."""
    U, singular = design.left, design.singular
    if n_train >= len(U) - n_train:
        inner = torch.eye(len(singular), dtype=U.dtype, device=U.device) - U[left].T @ U[left]
    else:
        inner = U[train].T @ U[train]
    mean = U[train].mean(0) if design.intercept else torch.zeros_like(singular)
    inner = inner - n_train * torch.outer(mean, mean)
    eigenvalues, W = eigh(singular[:, None] * inner * singular)
    root = eigenvalues.sqrt()
    weights = singular[:, None] * W / root  # U_train = (U[train] - mean) weights
    Z = (U[test] - mean) @ (singular[:, None] * W * root)
    is_safe = float(torch.linalg.vector_norm(weights, dim=0).max()) <= AMPLIFICATION if len(root) else True
    if is_safe and (len(U) - n_train + len(root)) * len(singular) <= n_train * len(root) * 2:
        return eigenvalues, torch.cat([weights.T, -(mean @ weights)[:, None]], 1), Z, True
    return eigenvalues, ((U[train] - mean) @ weights).T.contiguous(), Z, False


def _pairs(S: Tensor, eigenvalues: Tensor, least_alpha: float) -> tuple[Tensor, Tensor | None]:
    gap = eigenvalues - eigenvalues[:, None]
    scale = torch.maximum(eigenvalues, eigenvalues[:, None]) + least_alpha
    is_near = gap.abs() <= NEAR * scale
    far = torch.where(is_near, 0.0, 2 * S / gap.masked_fill(is_near, 1.0))
    is_near.fill_diagonal_(False)
    return far, torch.where(is_near, S, 0.0) if bool(is_near.any()) else None


def _sums(fold: FoldSolution, C: Tensor, tested: Tensor, alphas: Tensor) -> tuple[Tensor, Tensor]:
    """Σ actual × predicted and Σ predicted² over test rows, (A, v) float64 each."""
    eigenvalues = fold.eigenvalues
    d = 1 / (eigenvalues + alphas[:, None])
    # Only differences of d matter beside F; taken from the largest eigenvalue's they keep their digits at large alphas.
    largest = eigenvalues[-1] if len(eigenvalues) else 0.0
    difference = (largest - eigenvalues) * d / (largest + alphas[:, None])
    cross = (d.to(C.dtype) @ (fold.test_map @ tested).mul_(C)).double()
    C = C.double()
    product = fold.far @ C
    square = difference @ product.mul_(C)
    if fold.near is not None:
        square += d.square() @ (fold.near @ C).mul_(C)
    square += (d.square() * fold.own) @ C.square_()
    return cross, square.clamp_min_(0.0)


def _sum_of_squares(values: Tensor) -> Tensor:
    return torch.linalg.vector_norm(values, dim=0, dtype=torch.float64).square()
