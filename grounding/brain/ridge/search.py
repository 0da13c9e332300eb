"""Scores of every penalty for every target: folds, blocks of targets, one pass over them where memory allows."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from grounding.brain.folds import Fold
from grounding.brain.ridge.coefficients import Coefficients
from grounding.brain.ridge.crossvalidation import FoldSolution, fold_scores, solve_fold
from grounding.brain.ridge.decomposition import Decomposition
from grounding.brain.ridge.scores import Scoring
from grounding.brain.ridge.targets import Plan, Targets, plan, standardise

PROBES = 8
"""Targets on which float32 is compared with float64."""
TOLERANCE = 1e-4
"""Largest difference between scores in float32 and float64."""


@dataclass(frozen=True)
class AlphaScores:
    """Mean scores over folds.

    Attributes:
        table: (A, v); NaN for a target that varies over the test rows of no fold.
        dtype: "float32" or "float64", in which targets were computed on.
        float32_error: largest difference from float64 on `PROBES` targets.
    """

    table: Tensor
    dtype: str
    float32_error: float


def score_alphas(
    design: Decomposition,
    targets: Targets,
    folds: list[Fold],
    alphas: np.ndarray,
    scoring: Scoring,
    memory: int,
    coefficients: Coefficients,
) -> AlphaScores:
    """Score every penalty; the coefficients are given what their solution will need.

    Half of the budget is for factorisations of folds: targets are read once if those of all folds fit in, else once for
    as many folds as do.
    """
    size = plan(memory, _column_bytes(design, folds, targets.dtype, len(alphas)), targets.column_bytes, targets.v)
    error = 0.0
    table = torch.zeros((len(alphas), targets.v), dtype=targets.dtype)
    count = torch.zeros(targets.v, dtype=torch.float64)
    grid = torch.as_tensor(alphas, device=targets.device)
    basis = design.basis.to(targets.dtype)
    probe = _probe(design, targets, size) if targets.dtype == torch.float32 else None
    for number, group in enumerate(_groups(design, folds, targets.dtype, memory // 2)):
        solutions = []
        for fold in group:
            exact = solve_fold(design, fold, alphas[0], scoring)
            solution = exact.to(targets.dtype)
            if probe is not None:
                error = max(error, _rounding((exact, solution), (design.basis, basis), probe, grid, scoring))
                if error > TOLERANCE:
                    again = score_alphas(design, targets.in_float64(), folds, alphas, scoring, memory, coefficients)
                    return AlphaScores(again.table, "float64", error)
            solutions.append(solution)
        for columns, block in targets.blocks(size):
            standard = standardise(block, design.intercept)
            # Later groups of folds need the sums only where they share them.
            if number == 0 or any(solution.shared for solution in solutions):
                totals = basis.T @ standard.values
            if number == 0:
                coefficients.hold(columns, standard, totals)
            for solution in solutions:
                score = fold_scores(solution, standard.values, totals, basis, grid, scoring)
                varies = ~score[0].isnan()
                count[columns] += varies.cpu()
                table[:, columns] += torch.where(varies, score, 0.0).to(table)
    return AlphaScores(table / count.to(table), str(targets.dtype).removeprefix("torch."), error)


def _probe(design: Decomposition, targets: Targets, size: Plan) -> Tensor:
    """A few evenly spaced targets of the first block, float64, standardised."""
    _, block = next(targets.blocks(size))
    chosen = np.unique(np.linspace(0, block.shape[1] - 1, PROBES).round().astype(int))
    return standardise(block[:, torch.as_tensor(chosen)].double(), design.intercept).values


def _rounding(
    solutions: tuple[FoldSolution, FoldSolution],
    bases: tuple[Tensor, Tensor],
    probe: Tensor,
    alphas: Tensor,
    scoring: Scoring,
) -> float:
    """How far apart the scores of the probe are, in two precisions."""
    found = []
    for solution, basis in zip(solutions, bases, strict=True):
        values = probe.to(basis)
        found.append(fold_scores(solution, values, basis.T @ values, basis, alphas, scoring))
    return float((found[0] - found[1]).nan_to_num(0.0).abs().max())


def _groups(design: Decomposition, folds: list[Fold], dtype: torch.dtype, memory: int) -> Iterator[list[Fold]]:
    group: list[Fold] = []
    used = 0
    for fold in folds:
        k = min(len(fold.train), len(design.singular))
        width = len(fold.train) if k < len(design.singular) else k
        needed = k * (8 * k + dtype.itemsize * (width + len(fold.test)))
        if group and used + needed > memory:
            yield group
            group, used = [], 0
        group.append(fold)
        used += needed
    yield group


def _column_bytes(design: Decomposition, folds: list[Fold], dtype: torch.dtype, count: int) -> int:
    """What a target needs while it is scored."""
    n, r = len(design.left), len(design.singular)
    test = max(len(fold.test) for fold in folds)
    return n * (3 * dtype.itemsize + 8) + r * (3 * dtype.itemsize + 24) + test * (3 * dtype.itemsize + 16) + 48 * count
