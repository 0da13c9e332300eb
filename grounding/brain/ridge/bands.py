"""Folds of banded ridge in the eigenbasis of their weighted features, and the scores of all alphas there.

Banded ridge penalises α Σ_b ‖B_b‖² / γ_b, which is plain ridge on features scaled by √γ_b. Their Gram matrix is the
unscaled one with rows and columns scaled, their kernel is Σ_b γ_b X_b X_bᵀ: either is made once a fold and weighted in
a moment for each draw of γ.

With orthonormal coordinates C of the training targets and shrinkage s_i = λ_i / (λ_i + α), the test rows are predicted
by Z diag(s) C. The sum of squared predictions Σ_ij s_i s_j S_ij C_i C_j, S = ZᵀZ, needs one product for all alphas, as
`grounding.brain.ridge.crossvalidation` explains: with G_ij = 2 S_ij λ_j / (λ_j − λ_i) it is Σ_i s_i C_i (G C)_i. In
this scaling every factor is near 1, whatever the condition of the features, so that float32 serves.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from grounding.brain.folds import Fold
from grounding.brain.ridge.crossvalidation import Index, as_index
from grounding.brain.ridge.decomposition import eigh
from grounding.brain.ridge.scores import Scoring, is_constant

BLOCK = 512
"""Targets that are scored together; more fall out of a core's cache."""
OFFSETS = 12
"""Neighbours this far along the spectrum are summed diagonal by diagonal; farther ones cost a whole product."""


@dataclass(frozen=True)
class Basis:
    """The training rows in the eigenbasis of their weighted features.

    Attributes:
        eigenvalues: (r,) float64, λ, ascending, above 0.
        project: (k, r), orthonormal coordinates of targets are projectᵀ times what is kept of them, (k, v).
    """

    eigenvalues: Tensor
    project: Tensor


@dataclass(frozen=True)
class Primal:
    """Training rows of which the products of features are kept: P² numbers, for fewer features than rows.

    Attributes:
        gram: (P, P) float64, Xᵀ X of the centred features.
        kept: (P, v), Xᵀ Y.
        test: (n_test, P), test rows minus the means of the training rows.
        band: (P,) int64, the band of each feature.
    """

    gram: Tensor
    kept: Tensor
    test: Tensor
    band: Tensor

    def basis(self, weights: Tensor) -> Basis:
        """For band weights (B,) float64."""
        each = weights[self.band]
        used = torch.nonzero(each > 0)[:, 0]
        root = each[used].sqrt()
        eigenvalues, vectors = eigh(self.gram[used][:, used] * root * root[:, None])
        project = vectors.new_zeros(len(each), len(eigenvalues))
        project[used] = root[:, None] * vectors / eigenvalues.sqrt()
        return Basis(eigenvalues, project.to(self.kept))

    def test_rows(self, basis: Basis, weights: Tensor) -> Tensor:
        """Z, (n_test, r)."""
        return self.test @ basis.project

    def coefficients(self, basis: Basis, weights: Tensor, shrunk: Tensor) -> Tensor:
        """(P, v) of the unscaled features, from diag(1 / (λ + α)) C, (r, v)."""
        return (basis.project * basis.eigenvalues.to(basis.project)) @ shrunk


@dataclass(frozen=True)
class Dual:
    """Training rows of which the products of rows are kept: n² numbers a band, for fewer rows than features.

    Attributes:
        kernels: (B, n_train, n_train) float64, X_b X_bᵀ of the centred features.
        kept: (n_train, v), Y.
        across: (B, n_test, n_train) float64, the kernels of test rows with training rows.
        features: (n_train, P).
        band: (P,) int64, the band of each feature.
    """

    kernels: Tensor
    kept: Tensor
    across: Tensor
    features: Tensor
    band: Tensor

    def basis(self, weights: Tensor) -> Basis:
        """For band weights (B,) float64."""
        eigenvalues, vectors = eigh(torch.tensordot(weights, self.kernels, 1))
        return Basis(eigenvalues, vectors.to(self.kept))

    def test_rows(self, basis: Basis, weights: Tensor) -> Tensor:
        """Z, (n_test, r)."""
        across = torch.tensordot(weights, self.across, 1).to(basis.project)
        return (across @ basis.project) / basis.eigenvalues.to(basis.project)

    def coefficients(self, basis: Basis, weights: Tensor, shrunk: Tensor) -> Tensor:
        """(P, v) of the unscaled features, from diag(1 / (λ + α)) C, (r, v)."""
        return (self.features.T @ (basis.project @ shrunk)).mul_(weights[self.band].to(shrunk)[:, None])


@dataclass(frozen=True)
class Bands:
    """The features of all rows, and their products, which the folds share.

    Attributes:
        features: (n, P) in the dtype to compute in, centred if there is an intercept.
        band: (P,) int64, the band of each feature.
        intercept: whether folds are centred in their training rows.
        products: float64, (P, P) of features where there are at most n of them, else (B, n, n) of rows, a band each.
    """

    features: Tensor
    band: Tensor
    intercept: bool
    products: Tensor

    @classmethod
    def of(cls, features: Tensor, band: Tensor, intercept: bool) -> "Bands":
        """For features (n, P) of which each column is of one band."""
        X = features.double()
        if X.shape[1] <= len(X):
            return cls(features, band, intercept, X.T @ X)
        parts = [X[:, band == one] for one in range(int(band.max()) + 1)]
        return cls(features, band, intercept, torch.stack([part @ part.T for part in parts]))

    @property
    def is_primal(self) -> bool:
        """Whether there are at most as many features as rows."""
        return self.products.ndim == 2

    def whole(self, targets: Tensor) -> Primal | Dual:
        """All rows, none to test; targets (n, v), centred if there is an intercept."""
        if self.is_primal:
            return Primal(self.products, self.features.T @ targets, self.features[:0], self.band)
        return Dual(self.products, targets, self.products[:, :0], self.features, self.band)

    def fold(self, fold: Fold, targets: Tensor, whole: Primal | Dual) -> "FoldBands":
        """One fold; ``targets`` (n, v) and ``whole`` are of all rows."""
        device = self.features.device
        train, test = as_index(fold.train, device), as_index(fold.test, device)
        level = targets[train].mean(0, dtype=torch.float64).to(targets) * self.intercept
        if self.is_primal:
            parts: Primal | Dual = self._primal(fold, test, targets, whole.kept, level)
        else:
            parts = self._dual(train, test, targets[train] - level)
        return FoldBands(parts, targets[test] - level, is_constant(targets[test]))

    def _primal(self, fold: Fold, test: Index, targets: Tensor, cross: Tensor, level: Tensor) -> Primal:
        """The sums of all rows minus those of the rows left out."""
        count = len(fold.train)
        left = as_index(np.setdiff1d(np.arange(len(targets)), fold.train), targets.device)
        out = self.features[left].double()
        # The columns of all rows sum to 0, so those of the training rows to minus the sum of the others.
        mean = -out.sum(0) / count * self.intercept
        gram = self.products - out.T @ out - count * torch.outer(mean, mean)
        kept = cross - self.features[left].T @ targets[left] - count * torch.outer(mean.to(level), level)
        return Primal(gram, kept, self.features[test] - mean.to(level), self.band)

    def _dual(self, train: Index, test: Index, targets: Tensor) -> Dual:
        kernels, across = self.products[:, train][:, :, train], self.products[:, test][:, :, train]
        if self.intercept:
            column, grand = kernels.mean(1, keepdim=True), kernels.mean((1, 2), keepdim=True)
            across = across - across.mean(2, keepdim=True) - column + grand
            kernels = kernels - column - column.mT + grand
        return Dual(kernels, targets, across, self.features[train], self.band)


@dataclass(frozen=True)
class FoldBands:
    """A fold, ready to be scored for any weights of its bands.

    Attributes:
        parts: its training rows and features of its test rows.
        actual: (n_test, v), test targets minus the means of the training rows.
        constant: (v,) bool, targets that do not vary over the test rows.
    """

    parts: Primal | Dual
    actual: Tensor
    constant: Tensor

    def scores(self, weights: Tensor, alphas: Tensor, scoring: Scoring) -> Tensor:
        """(A, v): the score of each alpha and target; NaN where a target does not vary over the test rows.

        Args:
            weights: (B,) float64, γ.
            alphas: (A,) float64, ascending.
            scoring: "r2" or "correlation".
        """
        basis = self.parts.basis(weights)
        scorer = _Scorer.of(basis.eigenvalues, self.parts.test_rows(basis, weights), alphas, scoring)
        scores = self.actual.new_empty(len(alphas), self.actual.shape[1])
        for start in range(0, scores.shape[1], BLOCK):
            columns = slice(start, start + BLOCK)
            coordinates = basis.project.T @ self.parts.kept[:, columns]
            scores[:, columns] = scorer.scores(coordinates, self.actual[:, columns])
        return scores.masked_fill_(self.constant, torch.nan)


@dataclass(frozen=True)
class _Scorer:
    shrinkage: Tensor  # (A, r)
    difference: Tensor  # (A, r), s_i minus what makes that of the largest eigenvalue 0
    test: Tensor  # (n_test, r)
    far: Tensor  # (r, r), G
    near: tuple[Tensor, ...] | Tensor  # S of neighbours: its upper diagonals, (r - k, 1) each; or the matrix
    scoring: Scoring

    @classmethod
    def of(cls, eigenvalues: Tensor, test: Tensor, alphas: Tensor, scoring: Scoring) -> "_Scorer":
        if scoring == "correlation":
            test = test - test.mean(0)
        products = (test.T @ test).double()
        gap = eigenvalues - eigenvalues[:, None]
        # (s_i - s_j)² / 2 is the error of a neighbour, precision * λ / gap that of any other: about equal at its root.
        limit = torch.finfo(test.dtype).eps ** (1 / 3 if test.dtype == torch.float64 else 0.43)
        is_near = gap.abs() <= limit * (torch.maximum(eigenvalues, eigenvalues[:, None]) + alphas[0])
        far = torch.where(is_near, 0.0, 2 * products * eigenvalues / gap.masked_fill(is_near, 1.0)).to(test)
        shrinkage = eigenvalues / (eigenvalues + alphas[:, None])
        # G is antisymmetric but for its scaling, so that a part of s common to all directions adds nothing: without it
        # digits are kept at large alphas.
        largest = eigenvalues[-1] if len(eigenvalues) else 0.0
        difference = shrinkage * (largest - eigenvalues) / (largest + alphas[:, None])
        near = _diagonals(torch.where(is_near, products, 0.0).to(test), is_near)
        return cls(shrinkage.to(test), difference.to(test), test, far, near, scoring)

    def scores(self, coordinates: Tensor, actual: Tensor) -> Tensor:
        """(A, columns) float64."""
        cross = self.shrinkage @ (self.test.T @ actual).mul_(coordinates)
        square = self.difference @ (self.far @ coordinates).mul_(coordinates)
        square += self.shrinkage.square() @ self._beside(coordinates)
        cross, square = cross.double(), square.double().clamp_min_(0)
        deviation = (actual.double() - actual.mean(0, dtype=torch.float64)).square().sum(0)
        if self.scoring == "correlation":
            return torch.where(square > 0, cross / (deviation * square).sqrt(), 0.0)
        return 1 - (actual.double().square().sum(0) - 2 * cross + square) / deviation

    def _beside(self, coordinates: Tensor) -> Tensor:
        """(r, columns): C_i Σ_j S_ij C_j over neighbours j of i, itself among them."""
        if isinstance(self.near, Tensor):
            return (self.near @ coordinates).mul_(coordinates)
        beside = coordinates.square().mul_(self.near[0])
        for offset, diagonal in enumerate(self.near[1:], 1):
            pair = (coordinates[:-offset] * coordinates[offset:]).mul_(diagonal)
            beside[:-offset] += pair
            beside[offset:] += pair
        return beside


def _diagonals(near: Tensor, is_near: Tensor) -> tuple[Tensor, ...] | Tensor:
    """The diagonals of a narrow symmetric matrix, else the matrix."""
    width = max((k for k in range(min(len(near), OFFSETS + 2)) if bool(is_near.diagonal(k).any())), default=0)
    if width > OFFSETS:
        return near
    return tuple(near.diagonal(k)[:, None].clone() for k in range(width + 1))
