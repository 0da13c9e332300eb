"""Comparisons at equal dimension: width alone wins nothing."""

from dataclasses import replace

import numpy as np
import pytest

from grounding.brain.encoding import Comparison, EncodingResult, SubjectsResult, compare
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


def test_targets_are_compared_over_subjects(truth: EncodingResult) -> None:
    """Seven subjects; the first model is ahead in the first target alone."""
    generator = np.random.default_rng(0)

    def people(ahead: float) -> SubjectsResult:
        results = {}
        for number in range(7):
            r = np.tile(0.2 + 0.01 * generator.standard_normal(8), (5, 1))
            r[:, 0] += ahead
            embedding = replace(truth.scores["embedding"], r=r)
            results[f"s{number}"] = replace(truth, scores={**truth.scores, "embedding": embedding})
        return SubjectsResult(results)

    found = Comparison(4, {"a": people(0.2), "b": people(0.0), "one": truth})
    test = found.test("a", "b")
    assert test.test.family_wise[0] < 0.05 and (test.test.family_wise[1:] > 0.05).all()
    assert test.difference.estimate[0] == pytest.approx(0.2, abs=0.02)
    with pytest.raises(InputError, match="several subjects with the same targets"):
        found.test("a", "one")


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
