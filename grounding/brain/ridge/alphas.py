"""Grids of penalties, and the choice of one for each target."""

import warnings
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from grounding.brain.folds import Folds
from grounding.brain.ridge.checks import AlphaEdgeWarning, ArgumentError, check_alphas
from grounding.brain.ridge.scores import Scoring

AUTO = np.logspace(-4, 5, 28)
"""Of "auto", in units of the mean eigenvalue of the features' Gram matrix: three a decade."""
EDGE_SHARE = 0.05
"""A grid is wide enough when no more than this share of the targets with a signal chooses its edge."""
EXTENSION_DECADES = 4.0
"""How far a grid may be extended on each side."""


@dataclass(frozen=True)
class Grid:
    """Penalties to score: those asked for, and those to which the grid may be extended.

    Attributes:
        alphas: (A,) float64, ascending.
        first: place of the least that was asked for.
        last: place behind the largest.
    """

    alphas: np.ndarray
    first: int
    last: int


@dataclass(frozen=True)
class Choice:
    """One penalty a target.

    Attributes:
        alpha: (v,) float64.
        score: (v,) float64, the mean score over folds with it; NaN for a target that never varies.
        alphas: (A,) float64, the grid in the end.
        edge: share of the targets with a signal whose choice is at the edge of that grid.
        edge_asked: the same for the grid that was asked for.
    """

    alpha: np.ndarray
    score: np.ndarray
    alphas: np.ndarray
    edge: float
    edge_asked: float


def make_grid(alphas: object, unit: float, extend: bool) -> Grid:
    """A grid from the argument ``alphas``.

    Args:
        alphas: "auto", `AUTO` times the unit; or numbers.
        unit: mean eigenvalue of the Gram matrix.
        extend: whether to add penalties on both sides, at the spacing of the grid's ends.

    Raises:
        ArgumentError: alphas that are neither "auto" nor numbers above 0.
    """
    if isinstance(alphas, str):
        if alphas != "auto":
            raise ArgumentError(f"alphas: {alphas!r} found, expected 'auto' or numbers above 0")
        asked = AUTO * (unit if unit > 0 else 1.0)
    else:
        asked = np.unique(check_alphas(alphas))
    if not extend or len(asked) < 2:
        return Grid(asked, 0, len(asked))
    below = _continued(asked[0] / asked[1])
    above = _continued(asked[-1] / asked[-2])
    grid = np.concatenate([(asked[0] * below)[::-1], asked, asked[-1] * above])
    return Grid(grid, len(below), len(below) + len(asked))


def least_signal(scoring: Scoring, folds: Folds) -> float:
    """A target has a signal if its best score is above this: r² above 0, correlation above 2 / √(rows tested)."""
    return 0.0 if scoring == "r2" else 2 / len(np.unique(folds.tested)) ** 0.5


def choose(table: Tensor, grid: Grid, signal: float) -> Choice:
    """The best penalty of each target, from a grid that is extended while too many choose its edge.

    Targets without a signal want an endless penalty; they are not counted, and `EXTENSION_DECADES` is the end for all.

    Args:
        table: (A, v) mean scores of every penalty of the grid.
        grid: whose scores they are.
        signal: as of `least_signal`.

    Warns:
        AlphaEdgeWarning: the grid was extended, or its edge is still chosen by many.
    """
    first, last = grid.first, grid.last
    table = torch.where(table.isnan(), -torch.inf, table)
    score, best = table[first:last].max(0)
    asked = edges = _edge_shares(score, best, last - first, signal)
    while (low := edges[0] > EDGE_SHARE and first > 0) or (edges[1] > EDGE_SHARE and last < len(grid.alphas)):
        first, last = (first - 1, last) if low else (first, last + 1)
        score, best = table[first:last].max(0)
        edges = _edge_shares(score, best, last - first, signal)
    used = grid.alphas[first:last]
    choice = best.cpu().numpy()
    never = torch.isneginf(score).cpu().numpy()
    choice[never] = len(used) - 1
    scores = score.double().cpu().numpy()
    scores[never] = np.nan
    _warn(grid, used, asked, edges)
    return Choice(used[choice], scores, used, sum(edges), sum(asked))


def edge_of(alpha: np.ndarray, alphas: np.ndarray, score: np.ndarray, signal: float) -> float:
    """The share of the targets with a signal at the edge of a grid, for choices that were made already.

    Args:
        alpha: (v,) the choices.
        alphas: (A,) the grid, ascending.
        score: (v,) their scores, NaN where there is none.
        signal: as of `least_signal`.

    Warns:
        AlphaEdgeWarning: its edge is chosen by many.
    """
    place = torch.from_numpy(np.searchsorted(alphas, alpha))
    edges = _edge_shares(torch.from_numpy(score), place, len(alphas), signal)
    _warn(Grid(alphas, 0, len(alphas)), alphas, edges, edges)
    return sum(edges)


def _continued(ratio: float) -> np.ndarray:
    count = min(int(np.ceil(EXTENSION_DECADES / abs(np.log10(ratio)) - 1e-9)), 40)
    return ratio ** np.arange(1, count + 1)


def _edge_shares(score: Tensor, best: Tensor, count: int, signal: float) -> tuple[float, float]:
    """Shares of the targets with a signal that choose the least and the largest penalty."""
    chosen = best[score > signal]
    if count < 2 or not len(chosen):
        return 0.0, 0.0
    return float((chosen == 0).double().mean()), float((chosen == count - 1).double().mean())


def _warn(grid: Grid, used: np.ndarray, asked: tuple[float, float], edges: tuple[float, float]) -> None:
    if max(*asked, *edges) <= EDGE_SHARE:
        return
    wanted = grid.alphas[grid.first : grid.last]
    found = (
        f"alphas: {asked[0]:.0%} of the targets with a signal choose the least of the grid ({wanted[0]:.3g}) and "
        f"{asked[1]:.0%} the largest ({wanted[-1]:.3g})"
    )
    if len(used) > len(wanted):
        found += f"; the grid was extended to {used[0]:.3g} ... {used[-1]:.3g}"
    if max(edges) > EDGE_SHARE:
        found += (
            f"; {edges[0]:.0%} and {edges[1]:.0%} choose its edge in the end, so the best may lie beyond: give a wider "
            "grid, or look at the scale of the features"
        )
    warnings.warn(found, AlphaEdgeWarning, stacklevel=4)
