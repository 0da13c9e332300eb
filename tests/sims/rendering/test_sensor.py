import numpy as np
import pytest

from sims.rendering.sensor import DISPARITY_STEP, noisy_depth

FOCAL = 200.0


@pytest.mark.parametrize("metres", [0.5, 1.0, 2.0])
def test_noise_and_steps_grow_with_the_square_of_depth(generator, metres):
    true = np.full((150, 150), metres, np.float32)
    found = noisy_depth(true, FOCAL, generator)
    assert found.dtype == np.float32 and (found > 0).all()
    # Gaussian noise of half a step, and the even spread of rounding within a step.
    expected = metres**2 * DISPARITY_STEP * np.sqrt(0.25 + 1 / 12)
    assert found.std() == pytest.approx(expected, rel=0.1)
    assert found.mean() == pytest.approx(metres, abs=expected / 10)
    steps = 1 / found.astype(np.float64) / DISPARITY_STEP
    assert np.abs(steps - np.rint(steps)).max() < 1e-3
    twice = noisy_depth(true, FOCAL, generator, strength=2.0)
    assert twice.std() == pytest.approx(2 * expected, rel=0.1)


def test_edges_have_holes_and_flat_surfaces_none(generator):
    true = np.full((100, 100), 0.6, np.float32)
    true[:, 50:] = 1.0
    found = noisy_depth(true, FOCAL, generator)
    holes = found == 0
    assert holes[:, 48:52].mean() > 0.3 and not holes[:, :45].any() and not holes[:, 55:].any()


def test_grazing_surfaces_are_not_measured(generator):
    """The more a surface leans away, the more of it is missing; its depth changes from row to row as its angle says."""
    rows = np.arange(100)[:, None] + np.zeros((1, 100))
    missing = []
    for degrees in (45, 78, 88):
        slope = np.tan(np.deg2rad(degrees)) / FOCAL
        true = (1 + (rows % 2) * slope).astype(np.float32)
        missing.append((noisy_depth(true, FOCAL, generator, strength=0.0) == 0)[5:-5].mean())
    assert missing[0] == 0 and 0.05 < missing[1] < 0.8 and missing[2] == 1


def test_nothing_stays_nothing_and_no_noise_changes_nothing(generator):
    true = np.full((20, 20), 3.0, np.float32)
    assert (noisy_depth(true, FOCAL, generator, far=3.0) == 3).all()
    near = np.full((20, 20), 0.7, np.float32)
    assert noisy_depth(near, FOCAL, generator, strength=0.0) == pytest.approx(near)


def test_noise_is_the_generators():
    true = np.full((30, 30), 0.8, np.float32)
    first, again, other = (noisy_depth(true, FOCAL, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert (first == again).all() and (first != other).any()
