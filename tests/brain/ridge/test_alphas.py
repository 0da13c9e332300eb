import warnings

import numpy as np
import pytest
import torch

from grounding.brain.ridge.alphas import AUTO, choose, make_grid
from grounding.brain.ridge.checks import AlphaEdgeWarning


def peaked_at(alphas, best, height=0.5):
    """(A, v) scores whose maximum over alphas is where ``best`` says."""
    distance = np.log10(alphas)[:, None] - np.log10(best)
    return torch.from_numpy(height - 0.1 * np.abs(distance))


def test_grid_is_asked_for_and_room_to_extend_it_at_the_same_spacing():
    grid = make_grid([100.0, 1.0, 10.0], unit=1.0, extend=True)
    np.testing.assert_allclose(grid.alphas, 10.0 ** np.arange(-4, 7))
    assert grid.alphas[grid.first : grid.last].tolist() == [1, 10, 100]
    np.testing.assert_allclose(make_grid([1, 10], unit=1.0, extend=False).alphas, [1, 10])
    np.testing.assert_allclose(make_grid(3.0, unit=1.0, extend=True).alphas, [3.0])


def test_auto_is_in_units_of_the_mean_eigenvalue():
    np.testing.assert_allclose(make_grid("auto", unit=7.0, extend=False).alphas, 7 * AUTO)
    np.testing.assert_allclose(make_grid("auto", unit=0.0, extend=False).alphas, AUTO)


def test_best_of_each_target_without_a_warning():
    grid = make_grid(np.logspace(-2, 2, 5), unit=1.0, extend=True)
    best = np.array([0.1, 1.0, 10.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        choice = choose(peaked_at(grid.alphas, best), grid, 0.0)
    np.testing.assert_allclose(choice.alpha, best)
    np.testing.assert_allclose(choice.score, 0.5)
    assert choice.edge == choice.edge_asked == 0 and len(choice.alphas) == 5


def test_extended_only_as_far_as_needed_and_only_on_that_side():
    grid = make_grid(np.logspace(-2, 2, 5), unit=1.0, extend=True)
    with pytest.warns(
        AlphaEdgeWarning, match=r"50% of the targets .* the least of the grid \(0.01\) and 0% the largest"
    ):
        choice = choose(peaked_at(grid.alphas, np.array([1e-4, 1.0])), grid, 0.0)
    np.testing.assert_allclose(choice.alphas, np.logspace(-5, 2, 8))
    np.testing.assert_allclose(choice.alpha, [1e-4, 1.0])
    assert choice.edge == 0 and choice.edge_asked == 0.5


def test_few_targets_at_the_edge_or_targets_without_a_signal_extend_nothing():
    grid = make_grid(np.logspace(-2, 2, 5), unit=1.0, extend=True)
    few = peaked_at(grid.alphas, np.r_[1e5, np.full(30, 1.0)])
    noise = peaked_at(grid.alphas, np.full(30, 1e9), height=-0.01)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(choose(few, grid, 0.0).alphas) == 5
        assert len(choose(torch.cat([few[:, 1:], noise], 1), grid, 0.0).alphas) == 5


def test_extension_ends():
    grid = make_grid(np.logspace(-2, 2, 5), unit=1.0, extend=True)
    with pytest.warns(AlphaEdgeWarning, match="so the best may lie beyond"):
        choice = choose(peaked_at(grid.alphas, np.full(3, 1e30)), grid, -np.inf)
    assert choice.alphas[-1] == pytest.approx(1e6) and choice.edge == 1


def test_a_target_without_any_score_gets_the_largest_penalty_and_no_score():
    grid = make_grid(np.logspace(-2, 2, 5), unit=1.0, extend=True)
    table = peaked_at(grid.alphas, np.array([1.0, 1.0]))
    table[:, 1] = torch.nan
    choice = choose(table, grid, 0.0)
    assert choice.alpha.tolist() == [1.0, 100.0] and np.isnan(choice.score[1])
