"""Which targets are usable, and the ceilings that responses alone give."""

import numpy as np
import pytest

from grounding.brain.encoding.targets import repeat_ceiling, shared_ceilings, usable_targets
from grounding.brain.folds import Contiguous
from grounding.brain.recording import Responses
from grounding.brain.rows import Rows


def responses(data: np.ndarray, rows: Rows) -> Responses:
    return Responses(data.astype(np.float32), rows, tuple(f"t{n}" for n in range(data.shape[1])), "fmri", True)


def test_usable_targets_vary_in_each_part(generator: np.random.Generator) -> None:
    rows = Rows.of_run("r", np.arange(40.0))
    data = generator.standard_normal((40, 4))
    data[:10, 1] = 3.0
    data[5, 2] = np.inf
    kept, excluded = usable_targets(responses(data, rows), Contiguous(4).split(rows))
    assert kept.tolist() == [0, 3]
    assert excluded == {"t1": "constant in the test rows of fold 0", "t2": "NaN or infinite in 1 of 40 rows"}


def test_no_repeat_no_ceiling(generator: np.random.Generator) -> None:
    rows = Rows.joined([Rows.of_run("a", np.arange(20.0)), Rows.of_run("b", np.arange(20.0))])
    assert repeat_ceiling(responses(generator.standard_normal((40, 2)), rows), np.arange(2)) is None


def test_repeats_are_matched_by_index_and_not_across_subjects(generator: np.random.Generator) -> None:
    signal = generator.standard_normal((300, 2))
    parts = [
        Rows.of_run("a", np.arange(300.0), story="x", subject="one"),
        Rows.of_run("b", np.arange(299.0), index=np.arange(1, 300), story="x", subject="one"),
        Rows.of_run("c", np.arange(300.0), story="x", subject="two"),
    ]
    data = np.concatenate([signal, signal[1:], generator.standard_normal((300, 2))])
    found = repeat_ceiling(responses(data, Rows.joined(parts)), np.array([1]))
    assert found is not None and found[0].shape == (1,) and found[0][0] == pytest.approx(1, abs=1e-6)


def test_shared_ceilings_are_correlations_with_the_others(generator: np.random.Generator) -> None:
    signal = generator.standard_normal((200, 3))
    subjects = {
        name: responses(signal + generator.standard_normal((200, 3)), Rows.of_run(name, np.arange(200.0), story="x"))
        for name in ("s1", "s2", "s3", "s4")
    }
    found = shared_ceilings(subjects)
    assert found is not None
    others = np.mean([subjects[name].data for name in ("s1", "s3", "s4")], axis=0)
    expected = np.corrcoef(subjects["s2"].data[:, 1], others[:, 1])[0, 1]
    # Each subject is standardised before the mean is taken.
    assert found["s2"]["t1"] == pytest.approx(expected, abs=0.02)
    assert shared_ceilings({name: subjects[name] for name in ("s1", "s2")}) is None
    apart = {name: responses(one.data, Rows.of_run(name, np.arange(200.0))) for name, one in subjects.items()}
    assert shared_ceilings(apart) is None
