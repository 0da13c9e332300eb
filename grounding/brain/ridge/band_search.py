"""Random search over the weights of bands, and the fit of what each target has chosen."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from grounding.brain.folds import Fold
from grounding.brain.ridge.bands import Bands
from grounding.brain.ridge.checks import ArgumentError, check_whole
from grounding.brain.ridge.scores import Scoring
from grounding.brain.ridge.search import PROBES
from grounding.brain.ridge.targets import SMALLEST_BLOCK, Plan, Targets, standardise

CONCENTRATIONS = (0.1, 1.0)
"""Of the Dirichlet distributions that draws alternate between: near the corners of the simplex, and even over it."""


def draw_band_weights(draws: int, bands: int, seed: int) -> np.ndarray:
    """Random weights of bands, (D, B) float64 with rows that sum to 1; equal weights come first.

    The others alternate between Dirichlet distributions of concentration 0.1, where most weight falls on one or two
    bands, and 1 (Dupré la Tour et al., 2022). One band has one draw.

    Raises:
        ArgumentError: less than one draw; a seed that is no whole number from 0.
    """
    check_whole(draws, "draws", 1)
    check_whole(seed, "seed", 0)
    if bands == 1:
        return np.ones((1, 1))
    random = np.random.default_rng(seed)
    drawn = [random.dirichlet([CONCENTRATIONS[number % 2]] * bands) for number in range(draws - 1)]
    return np.vstack([np.full((1, bands), 1 / bands), *drawn])


def check_band_weights(weights: Any, bands: int) -> np.ndarray:
    """Given weights (D, B) as float64, each row scaled to sum to 1; equal weights are put in front if they are missing.

    Raises:
        ArgumentError: another shape, a weight that is negative or not finite, a row without any.
    """
    try:
        values = np.asarray(weights, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"draws: {weights!r} found, expected a number or (D, {bands}) weights") from error
    if values.ndim != 2 or values.shape[1] != bands or not len(values):
        raise ArgumentError(f"draws: shape {values.shape} found, expected a number or (D, {bands}), one a band")
    if (wrong := values[~(np.isfinite(values) & (values >= 0))]).size:
        raise ArgumentError(f"draws: weight {wrong[0]} found, expected finite numbers from 0")
    if (empty := np.flatnonzero(values.sum(1) == 0)).size:
        raise ArgumentError(f"draws: row {empty[0]} has no weight at all, expected at least one band above 0")
    values = values / values.sum(1, keepdims=True)
    equal = np.full((1, bands), 1 / bands)
    return values if np.isclose(values, equal).all(1).any() else np.vstack([equal, values])


@dataclass(frozen=True)
class Fit:
    """What is learnt of a block of targets.

    Attributes:
        coef: (P, v), coefficients of the features as they are given.
        mean: (v,) float64, of the target; 0 without an intercept.
        constant: (v,) bool, whether the target does not vary.
    """

    coef: Tensor
    mean: Tensor
    constant: Tensor


@dataclass(frozen=True)
class BandSearch:
    """All that the search of a block of targets needs.

    Attributes:
        bands: of all rows.
        folds: places of their rows.
        weights: (D, B) float64.
        alphas: (A,) float64, ascending.
        scoring: "r2" or "correlation".
    """

    bands: Bands
    folds: list[Fold]
    weights: Tensor
    alphas: np.ndarray
    scoring: Scoring

    def to(self, dtype: torch.dtype) -> "BandSearch":
        """The same in this dtype; decompositions stay float64."""
        return replace(self, bands=replace(self.bands, features=self.bands.features.to(dtype)))

    def float32_error(self, targets: Targets) -> float:
        """Largest difference of a score in float32 from float64; 0 for targets of float64.

        Measured on a few targets with the first weights in the first fold. Call it on a search in float64.
        """
        if targets.dtype != torch.float32:
            return 0.0
        width = min(SMALLEST_BLOCK, targets.v)
        _, block = next(targets.blocks(Plan(width, width)))
        probe = standardise(block[:, :: max(1, width // PROBES)].double(), self.bands.intercept).values
        few = replace(self, folds=self.folds[:1], weights=self.weights[:1])
        exact, rounded = few.table(probe), few.to(torch.float32).table(probe.float())
        return float((exact - rounded).nan_to_num(0.0).abs().max())

    def best(self, block: Tensor) -> tuple[Tensor, Tensor]:
        """The best score over draws and which draw it is, for each alpha of these targets (n, v): (A, v) each."""
        return self.table(standardise(block, self.bands.intercept).values).max(0)

    def fit(self, block: Tensor, draw: Tensor, alpha: Tensor) -> Fit:
        """Fit these targets (n, v) to all rows, with the row of weights and the penalty of each, (v,)."""
        standard = standardise(block, self.bands.intercept)
        coef = block.new_zeros(len(self.bands.band), block.shape[1])
        whole = self.bands.whole(standard.values)
        for one in torch.unique(draw).tolist():
            chosen = torch.nonzero(draw == one)[:, 0]
            basis = whole.basis(self.weights[one])
            shrunk = basis.project.T @ whole.kept[:, chosen]
            shrunk /= (basis.eigenvalues[:, None] + alpha[chosen]).to(shrunk)
            coef[:, chosen] = whole.coefficients(basis, self.weights[one], shrunk)
        return Fit(coef.mul_(standard.scale.to(coef)), standard.mean, standard.constant)

    def table(self, values: Tensor) -> Tensor:
        """(D, A, v): mean scores over folds; −inf for a target that varies over the test rows of none."""
        alphas = torch.as_tensor(self.alphas, device=values.device)
        table = values.new_zeros(len(self.weights), len(alphas), values.shape[1])
        count = values.new_zeros(values.shape[1])
        whole = self.bands.whole(values)
        for fold in self.folds:
            part = self.bands.fold(fold, values, whole)
            for draw, weights in enumerate(self.weights):
                table[draw] += part.scores(weights, alphas, self.scoring).masked_fill_(part.constant, 0)
            count += ~part.constant
        return (table / count).masked_fill_(count == 0, -torch.inf)
