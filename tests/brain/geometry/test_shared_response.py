"""The shared response model on planted subjects, and what alignment is worth on held-out rows."""

import numpy as np
import pytest

from grounding.alignment import procrustes
from grounding.brain.folds import Contiguous, LeaveOneOut
from grounding.brain.geometry import alignment_gain, shared_response
from grounding.brain.rows import Rows
from grounding.errors import InputError


def subjects(generator: np.random.Generator, count=4, n=200, k=3, v=20, noise=0.0) -> dict[str, np.ndarray]:
    shared = generator.normal(size=(n, k)) * [3, 2, 1][:k]
    found = {}
    for s in range(count):
        base = np.linalg.qr(generator.normal(size=(v, k)))[0]
        found[f"s{s}"] = shared @ base.T + noise * generator.normal(size=(n, v)) + s
    return found


def rows_of(n: int, runs: int = 2) -> Rows:
    return Rows.joined([Rows.of_run(f"run {r}", np.arange(n // runs) * 2.0) for r in range(runs)])


def test_subjects_without_noise_are_explained_wholly(generator):
    data = subjects(generator)
    space = shared_response(data, 3)
    assert space.errors[-1] < 1e-10
    for name, X in data.items():
        base = space.bases[name]
        np.testing.assert_allclose(base.T @ base, np.eye(3), atol=1e-10)
        np.testing.assert_allclose(space.express(name, space.project(name, X)), X, atol=1e-6)
        np.testing.assert_allclose(space.project(name, X), space.response, atol=1e-6)


@pytest.mark.parametrize("n", [200, 30])
def test_error_never_rises_and_is_what_it_says(generator, n):
    data = subjects(generator, n=n, noise=1.0)
    space = shared_response(data, 3)
    assert (np.diff(space.errors) <= 1e-12).all() and len(space.errors) > 1
    centred = {name: X - X.mean(0) for name, X in data.items()}
    left = sum(((X - space.response @ space.bases[name].T) ** 2).sum() for name, X in centred.items())
    assert space.errors[-1] == pytest.approx(left / sum((X**2).sum() for X in centred.values()))
    # No other orthonormal basis of a subject comes closer to the shared response: a small turn is worse.
    X, base = centred["s1"], space.with_subject("s1", data["s1"]).bases["s1"]
    best = ((X - space.response @ base.T) ** 2).sum()
    for _ in range(20):
        turned = np.linalg.qr(base + 0.01 * generator.normal(size=base.shape))[0]
        turned = turned * np.sign((turned * base).sum(0))
        assert ((X - space.response @ turned.T) ** 2).sum() > best


def test_with_all_dimensions_a_subject_is_rotated_as_procrustes_does(generator):
    data = {f"s{s}": generator.normal(size=(60, 5)) for s in range(3)}
    space = shared_response(data, 5)
    X = data["s0"] - data["s0"].mean(0)
    rotation = procrustes(X, space.response).matrix
    np.testing.assert_allclose(space.with_subject("s0", data["s0"]).bases["s0"], rotation, atol=1e-9)


def test_a_new_subject_joins_the_space_as_it_is(generator):
    data = subjects(generator, count=5, noise=0.2)
    late = data.pop("s4")
    space = shared_response({name: X[:100] for name, X in data.items()}, 3)
    joined = space.with_subject("s4", late[:100])
    assert joined.response is space.response and "s4" not in space.bases
    said = space.project("s0", data["s0"][100:])
    heard = joined.project("s4", late[100:])
    assert np.corrcoef(said[:, 0], heard[:, 0])[0, 1] > 0.95


def test_alignment_gains_where_channels_do_not_correspond(generator):
    found = alignment_gain(subjects(generator, noise=0.5), rows_of(200), 3, folds=Contiguous(4, purge=2), segment=5)
    assert found.unaligned is not None and found.gain is not None
    assert found.aligned.correlation.min() > 0.4 > 0.2 > np.abs(found.unaligned.correlation).max()
    assert found.gain.low > 0.2
    assert found.gain.value == pytest.approx((found.aligned.correlation - found.unaligned.correlation).mean())
    assert found.aligned.matching.min() > 0.9 and found.matching_chance == pytest.approx(0.1)
    assert found.unaligned.matching.max() < 0.5
    assert found.ceiling.shape == (3,) and found.ceiling[0] > found.ceiling[2] > 0.5
    assert found.folds == "4 contiguous folds, gap of 2 rows" and not found.shuffled


def test_alignment_of_noise_gains_nothing_on_held_out_rows(generator):
    data = {f"s{s}": generator.normal(size=(240, 12)) for s in range(4)}
    found = alignment_gain(data, rows_of(240), 4, segment=6)
    assert np.abs(found.aligned.correlation).max() < 0.12 and np.abs(found.ceiling).max() < 0.15
    assert abs(found.aligned.matching.mean() - found.matching_chance) < 0.1


def test_held_out_rows_are_not_in_the_fit(generator):
    data = subjects(generator, noise=1.0)
    train = np.arange(100)
    before = shared_response({name: X[train] for name, X in data.items()}, 3)
    for X in data.values():
        X[100:] += 1e3
    after = shared_response({name: X[train] for name, X in data.items()}, 3)
    np.testing.assert_array_equal(before.response, after.response)


def test_different_widths_have_no_unaligned_form_and_runs_are_left_out_whole(generator):
    data = subjects(generator, noise=0.5)
    data["s0"] = data["s0"][:, :15]
    found = alignment_gain(data, rows_of(200), 3, folds=LeaveOneOut("run"), segment=10)
    assert found.unaligned is None and found.gain is None
    assert found.matching_chance == pytest.approx(0.1)


def test_stretches_do_not_cross_runs(generator):
    from grounding.brain.folds import Fold
    from grounding.brain.geometry.alignment_gain import _stretches

    rows = rows_of(26, runs=2)
    stretches = _stretches(rows, Fold(np.arange(6), np.arange(6, 26)), 5)
    np.testing.assert_array_equal(rows.run[6:][stretches][:, 0], rows.run[6:][stretches][:, -1])
    np.testing.assert_array_equal(stretches[:, 0], [0, 7, 12])


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda d: shared_response({"s0": d["s0"]}, 2), "1 subject found"),
        (lambda d: shared_response({**d, "s1": d["s1"][:9]}, 2), "subject 's1': 9 rows found, expected 200"),
        (lambda d: shared_response(d, 21), "20 channels found for 21 shared dimensions"),
        (lambda d: shared_response(d, 0), "dimensions: 0"),
        (lambda d: shared_response({**d, "s1": d["s1"] * np.nan}, 2), "subject 's1': row 0 has NaN"),
        (lambda d: shared_response(d, 2).project("who", d["s0"]), "'who': not in the shared space; there are s0"),
        (lambda d: shared_response(d, 2).project("s0", d["s0"][:, :4]), "width 4 found, expected 20"),
        (lambda d: shared_response(d, 2).with_subject("new", d["s0"][:50]), "50 rows found, expected 200"),
        (lambda d: alignment_gain(d, rows_of(100), 2), "200 rows found, expected 100"),
        (lambda d: alignment_gain(d, rows_of(200), 2, segment=30), "room for two stretches"),
        (
            lambda d: alignment_gain({**d, "s1": d["s1"] * (np.arange(20) != 4)}, rows_of(200), 2),
            "'s1': channel 4 is constant",
        ),
    ],
)
def test_bad_input_is_named(generator, call, message):
    with pytest.raises(InputError, match=message):
        call(subjects(generator, noise=1.0))
