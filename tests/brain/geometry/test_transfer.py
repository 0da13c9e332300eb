"""Transfer between representations whose structure is known."""

import numpy as np
import pytest

from grounding.brain.folds import Contiguous
from grounding.brain.geometry import transfer_structure
from grounding.brain.geometry.transfer import _strength
from grounding.brain.rows import Rows
from grounding.errors import InputError


@pytest.fixture
def chain(generator: np.random.Generator) -> dict[str, np.ndarray]:
    """Eight representations along a line: each shares 6 of its 8 sources with the next, 4 with the one after it ..."""
    sources = generator.normal(size=(300, 22))
    found = {}
    for i in range(8):
        mixed = sources[:, 2 * i : 2 * i + 8] @ np.linalg.qr(generator.normal(size=(12, 8)))[0].T
        found[f"step {i}"] = mixed + 0.1 * generator.normal(size=(300, 12))
    return found


def rows(n: int = 300) -> Rows:
    return Rows.of_run("run", np.arange(n))


def test_a_line_of_representations_is_laid_out_as_a_line(chain):
    found = transfer_structure(chain, rows(), folds=Contiguous(2), bottleneck=8)
    assert found.names == tuple(chain)
    np.testing.assert_array_equal(found.errors.argmin(0), np.arange(8))
    assert np.diag(found.errors).max() < 0.1 < 0.8 < found.errors[0, 4]
    np.testing.assert_allclose(found.strength.sum(0), 1)
    np.testing.assert_array_equal(found.strength.argmax(0), np.arange(8))
    # Scaling bends a line into an arch: its halves lie apart, and what is further along it lies further off.
    half = np.sign(found.embedding[:, 0])
    assert (half[:4] == half[0]).all() and (half[4:] == -half[0]).all()
    distances = np.linalg.norm(found.embedding[:, None] - found.embedding, axis=2)
    steps = np.abs(np.subtract.outer(np.arange(8), np.arange(8)))
    means = [distances[steps == step].mean() for step in range(8)]
    assert means[0] == 0 < means[1] < means[2] < means[3] < min(means[4:7])
    assert found.explained[0] > found.explained[1] > 0


def test_order_of_columns_rotation_and_scale_of_a_representation_are_not_seen(chain, generator):
    turned = dict(chain)
    turned["step 2"] = 100 * chain["step 2"][:, ::-1] + 7
    ask = dict(folds=Contiguous(2), bottleneck=8)
    first, second = (transfer_structure(one, rows(), **ask) for one in (chain, turned))
    np.testing.assert_allclose(first.errors, second.errors, atol=1e-3)


def test_a_shared_input_limits_what_sources_can_tell(chain, generator):
    """What the common input does not hold, no source can pass on."""
    common = chain["step 0"]
    found = transfer_structure(chain, rows(), folds=Contiguous(2), bottleneck=8, shared=common)
    assert found.errors[4, 4] > 0.8 and found.errors[0, 0] < 0.1


def test_strength_is_the_eigenvector_of_the_plain_tournament(generator):
    errors = generator.uniform(size=(4, 37)) + np.arange(4)[:, None] * 0.1
    errors[1, :5] = errors[2, :5]
    ratio = np.ones((4, 4))
    for a in range(4):
        for b in range(4):
            ahead = sum(1.0 if x < y else 0.5 if x == y else 0.0 for x, y in zip(errors[a], errors[b], strict=True))
            ratio[a, b] = (ahead + 0.5) / (37 - ahead + 0.5)
    vector = np.ones(4)
    for _ in range(200):
        vector = ratio @ vector
        vector /= vector.sum()
    np.testing.assert_allclose(_strength(errors), vector, atol=1e-9)


def test_test_rows_are_in_no_fit(chain):
    """Errors of one fold do not change when rows of its test part lie elsewhere in other representations."""
    from grounding.brain.geometry.transfer import _errors

    folding = Contiguous(3)
    fold = next(iter(folding.split(rows())))
    data = [X.copy() for X in chain.values()]
    before = _errors(data, None, rows(), fold, folding, 8)
    data[3][fold.test] = 50
    after = _errors(data, None, rows(), fold, folding, 8)
    np.testing.assert_array_equal(before[:3, :3], after[:3, :3])
    assert not np.allclose(before[3], after[3])


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda c: transfer_structure({k: c[k] for k in list(c)[:3]}, rows()), "3 representations"),
        (lambda c: transfer_structure(c, rows(), dimensions=8), "8 dimensions"),
        (lambda c: transfer_structure(c, rows(200)), "step 0: 300 rows found, expected 200"),
        (lambda c: transfer_structure(c, rows(), shared=np.ones((3, 2))), "shared: 3 rows"),
        (lambda c: transfer_structure({**c, "step 1": c["step 1"] * np.nan}, rows()), "step 1: row 0 has NaN"),
    ],
)
def test_bad_input_is_named(chain, call, message):
    with pytest.raises(InputError, match=message):
        call(chain)
