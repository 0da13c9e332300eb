"""Comparisons at equal dimension: width alone wins nothing."""

from dataclasses import replace

import numpy as np
import pytest

from grounding.brain.encoding import compare
from grounding.brain.folds import Contiguous, LeaveOneOut
from grounding.brain.recording import Features
from grounding.errors import InputError
from tests.brain.encoding.planted import driven, features, model, recording


def test_the_better_embedding_wins_at_equal_dimension() -> None:
    generator = np.random.default_rng(0)
    good = features(generator, "good", 4, n=150)
    wide = features(generator, "wide", 40, n=150)
    made = recording(driven(generator, good, 3, 0.5))
    settings = model(good, folds=Contiguous(3))
    found = compare({"good": settings, "wide": replace(settings, features=wide)}, made)
    assert found.components == 4
    difference = found.difference("good", "wide")
    assert difference.low > 0.3 and found.difference("wide", "good").estimate == pytest.approx(-difference.estimate)
    (row,) = found.table()
    assert row["first"] == "good" and row["r"] == pytest.approx(float(difference.estimate)) and row["synthetic"]
    unique = [found.results[name].score("unique", "r2").mean() for name in ("good", "wide")]
    assert row["unique r2"] == pytest.approx(unique[0] - unique[1])


def test_models_must_share_their_folds_and_have_the_components() -> None:
    generator = np.random.default_rng(0)
    one = model(features(generator, "e", 4, n=60))
    made = recording(driven(generator, one.features, 2, 0.5))
    with pytest.raises(InputError, match="models: 1 found"):
        compare({"a": one}, made)
    with pytest.raises(InputError, match="folds of 'b' is"):
        compare({"a": one, "b": replace(one, folds=LeaveOneOut("run"))}, made)
    with pytest.raises(InputError, match="components: 9, expected 1 to 4, the width of 'a'"):
        compare({"a": one, "b": replace(one, features=features(generator, "f", 20, n=60))}, made, components=9)
    empty = Features("e", {"run-0": np.zeros((60, 4), np.float32)})
    with pytest.raises(InputError, match="none for run 'run-1'"):
        compare({"a": one, "b": replace(one, features=empty)}, made)
