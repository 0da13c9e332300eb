"""Folds inside folds: the same kind, the same gap, and never shorter than the longest delay."""

import numpy as np
import pytest

from grounding.brain.encoding.nesting import autocorrelation_margin, inner_folds, outer_folding
from grounding.brain.folds import ByWordType, Contiguous, Grouped, LeaveOneOut, Shuffled
from grounding.brain.rows import Rows
from grounding.errors import InputError
from tests.brain.encoding.planted import autoregressive

ROWS = Rows.joined([Rows.of_run(f"run-{r}", np.arange(50.0), word=["a", "b", "c", "d", "e"] * 10) for r in range(4)])


def test_default_gap_is_the_longest_delay_and_a_margin() -> None:
    assert outer_folding("contiguous", (1, -6), margin=3) == Contiguous(5, purge=9)
    assert outer_folding(LeaveOneOut("run"), (1, 2), margin=3) == LeaveOneOut("run")


@pytest.mark.parametrize("folding", [Contiguous(5), Contiguous(5, purge=3), ByWordType(5)])
def test_a_gap_shorter_than_the_longest_delay_is_refused(folding: Contiguous | ByWordType) -> None:
    with pytest.raises(InputError, match="shorter than the longest delay, 4"):
        outer_folding(folding, (1, 2, 3, 4), margin=0)
    with pytest.raises(InputError, match="expected 'contiguous'"):
        outer_folding("random", (0,), 0)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("outer", "description"),
    [
        (Contiguous(5, purge=4), "4 contiguous folds, gap of 4 rows"),
        (Contiguous(3, purge=4), "3 contiguous folds, gap of 4 rows"),
        (LeaveOneOut("run"), "leave one run out, 3 folds"),
        (Grouped(4, "run"), "3 folds of whole groups by run"),
        (ByWordType(5, purge=0), "4 folds by word type"),
        (Shuffled(5, seed=3), "4 SHUFFLED folds, seed 3"),
    ],
)
def test_inner_folds_are_of_the_outer_kind(outer: Contiguous, description: str) -> None:
    fold = next(iter(outer.split(ROWS)))
    inner = inner_folds(outer, ROWS.take(fold.train), k=4, purge=9)
    assert inner.description.startswith(description)


def test_a_single_run_that_is_left_is_cut_with_a_gap() -> None:
    two = ROWS.take(np.arange(100))
    outer = LeaveOneOut("run")
    fold = next(iter(outer.split(two)))
    assert inner_folds(outer, two.take(fold.train), k=4, purge=6).description == "4 contiguous folds, gap of 6 rows"


def test_gaps_of_inner_folds_count_rows_that_the_outer_fold_took() -> None:
    """Rows on both sides of the outer test stretch are neighbours among training rows, but not in time."""
    rows = Rows.of_run("r", np.arange(100.0))
    outer = Contiguous(5, purge=5)
    for fold in outer.split(rows):
        training = rows.take(fold.train)
        for inner in inner_folds(outer, training, k=4, purge=5):
            apart = np.abs(np.subtract.outer(training.index[inner.train], training.index[inner.test]))
            assert apart.min() > 5


def test_margin_is_where_responses_have_forgotten_themselves(generator: np.random.Generator) -> None:
    rows = Rows.of_run("r", np.arange(4000.0))
    slow = autoregressive(generator, 4000, 40, 0.8)
    # 0.8^10 is 0.107 and 0.8^11 is 0.086.
    assert 9 <= autocorrelation_margin(slow, rows, limit=50) <= 11
    assert autocorrelation_margin(slow, rows, limit=4) == 4
    assert autocorrelation_margin(generator.standard_normal((4000, 40)), rows, limit=50) == 0


def test_margin_looks_at_no_broken_target_and_over_no_run_boundary(generator: np.random.Generator) -> None:
    steps = np.repeat(generator.standard_normal((40, 20)), 20, axis=0)
    rows = Rows.joined([Rows.of_run(f"r{n}", np.arange(20.0)) for n in range(40)])
    noisy = steps * 10 + generator.standard_normal(steps.shape)
    assert autocorrelation_margin(noisy, rows, limit=15) == 0
    noisy[3] = np.nan
    assert autocorrelation_margin(noisy, rows, limit=15) == 0
