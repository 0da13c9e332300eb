"""Standardising, components and delays: learnt in training rows alone, and never across a run's boundary."""

import numpy as np
import pytest

from grounding.brain.encoding.spaces import Space
from grounding.brain.recording import Features
from grounding.brain.rows import Rows
from grounding.errors import InputError

ROWS = Rows.joined([Rows.of_run(name, np.arange(40.0)) for name in ("a", "b")])
TRAIN = np.arange(5, 60)


@pytest.fixture
def raw(generator: np.random.Generator) -> dict[str, np.ndarray]:
    return {name: (generator.standard_normal((40, 6)) * 3 + 5).astype(np.float32) for name in ("a", "b")}


def test_training_rows_have_mean_0_and_variance_1(raw: dict[str, np.ndarray]) -> None:
    prepared = Space(Features("f", raw)).prepared(ROWS, TRAIN)
    assert prepared.shape == (80, 6) and prepared.dtype == np.float32
    assert np.allclose(prepared[TRAIN].mean(0), 0, atol=1e-6) and np.allclose(prepared[TRAIN].std(0), 1, atol=1e-5)


@pytest.mark.parametrize("components", [None, 3])
def test_test_rows_leak_into_nothing(raw: dict[str, np.ndarray], components: int | None) -> None:
    before = Space(Features("f", raw), components=components).prepared(ROWS, TRAIN)
    corrupt = {name: data.copy() for name, data in raw.items()}
    corrupt["a"][:5] = 1e4
    corrupt["b"][20:] *= -100
    after = Space(Features("f", corrupt), components=components).prepared(ROWS, TRAIN)
    assert np.array_equal(before[TRAIN], after[TRAIN])
    assert not np.allclose(before[60:], after[60:])


def test_components_are_those_of_the_training_rows(raw: dict[str, np.ndarray]) -> None:
    prepared = Space(Features("f", raw), components=2).prepared(ROWS, TRAIN).astype(np.float64)
    X = np.concatenate([raw["a"], raw["b"]]).astype(np.float64)
    Z = (X - X[TRAIN].mean(0)) / X[TRAIN].std(0)
    _, _, V = np.linalg.svd(Z[TRAIN], full_matrices=False)
    assert np.allclose(np.abs(prepared), np.abs(Z @ V[:2].T), atol=1e-4)


def test_delays_stay_within_runs(raw: dict[str, np.ndarray]) -> None:
    space = Space(Features("f", raw), delays=(1, -2))
    before = space.prepared(ROWS, np.arange(40))
    undelayed = Space(Features("f", raw)).prepared(ROWS, np.arange(40))
    assert np.array_equal(before[1:40, :6], undelayed[:39]) and not before[0, :6].any() and not before[40, :6].any()
    assert np.array_equal(before[:38, 6:], undelayed[2:40]) and not before[38:40, 6:].any()
    changed = {"a": raw["a"], "b": raw["b"] * 7 + 1}
    after = Space(Features("f", changed), delays=(1, -2)).prepared(ROWS, np.arange(40))
    assert np.array_equal(before[:40], after[:40])


def test_rows_that_were_left_out_still_reach_later_rows(raw: dict[str, np.ndarray]) -> None:
    kept = np.array([0, 1, 10, 11, 50])
    space = Space(Features("f", raw), delays=(1,), standardise=False)
    assert np.array_equal(space.prepared(ROWS.take(kept), np.arange(5))[2], raw["a"][9])


def test_a_column_that_is_constant_in_training_counts_for_nothing(raw: dict[str, np.ndarray]) -> None:
    raw["a"][:, 2] = raw["b"][:20, 2] = 1e-3
    prepared = Space(Features("f", raw)).prepared(ROWS, np.arange(60))
    assert not prepared[:, 2].any() and prepared[:, 1].any()


def test_bad_features_are_named(raw: dict[str, np.ndarray]) -> None:
    with pytest.raises(InputError, match="components: 60 of features 'wide'.*fewer than the 55 training rows"):
        Space(Features("wide", {n: np.ones((40, 99), np.float32) for n in "ab"}), components=60).prepared(ROWS, TRAIN)
    with pytest.raises(InputError, match="'f': none for run 'b'"):
        Space(Features("f", {"a": raw["a"]})).prepared(ROWS, TRAIN)
    raw["b"][3, 1] = np.nan
    with pytest.raises(InputError, match="features 'f': a value that is not finite in row 3 of run 'b'"):
        Space(Features("f", raw)).prepared(ROWS, TRAIN)


def test_values_of_rows_that_are_not_used_may_be_missing(raw: dict[str, np.ndarray]) -> None:
    raw["b"][3, 1] = np.nan
    used = ROWS.take(np.arange(80) != 43)
    assert np.isfinite(Space(Features("f", raw)).prepared(used, np.arange(50))).all()
