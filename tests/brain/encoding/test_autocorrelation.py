"""The content-free model (OASM): orthogonal between runs, smooth within."""

import numpy as np
import pytest

from grounding.brain.encoding import autocorrelation_features
from grounding.brain.rows import Rows
from grounding.errors import InputError

ROWS = Rows.joined([Rows.of_run(name, np.arange(float(n))) for name, n in (("a", 30), ("b", 50))])


def test_runs_share_no_column() -> None:
    runs = autocorrelation_features(ROWS, 4.0).runs
    used = {name: data.any(0) for name, data in runs.items()}
    assert not (used["a"] & used["b"]).any() and (used["a"] | used["b"]).all()
    assert not (runs["a"] @ runs["b"].T).any()


def test_similarity_falls_with_distance_and_knows_no_content() -> None:
    bumps = autocorrelation_features(ROWS, 4.0).runs["b"].astype(np.float64)
    similar = bumps @ bumps[25] / np.linalg.norm(bumps, axis=1) / np.linalg.norm(bumps[25])
    assert similar[27] > 0.9 and similar[33] < similar[29] < similar[27] and similar[49] < 1e-3
    other = Rows.joined([Rows.of_run("b", np.arange(50.0), story="another", subject="else")])
    assert np.array_equal(autocorrelation_features(other, 4.0).runs["b"][:, :3], bumps[:, 5:8])


def test_rows_are_as_similar_as_with_a_blurred_identity() -> None:
    n, width = 60, 4.0
    blurred = np.exp(-0.5 * (np.subtract.outer(np.arange(n), np.arange(n)) / width) ** 2)
    bumps = autocorrelation_features(Rows.of_run("r", np.arange(float(n))), width).runs["r"]
    unit = [one / np.linalg.norm(one, axis=1, keepdims=True) for one in (bumps, blurred)]
    assert np.abs(unit[0] @ unit[0].T - unit[1] @ unit[1].T)[8:-8, 8:-8].max() < 0.04


def test_too_narrow() -> None:
    with pytest.raises(InputError, match="width: 0.5 rows"):
        autocorrelation_features(ROWS, 0.5)
