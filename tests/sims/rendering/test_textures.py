import numpy as np
import pytest

from sims.rendering.textures import TEXTURES, texture


def values(kind, contrast=0.2, shift=0.0, density=20.0):
    surface = np.array([TEXTURES.index(kind), density, contrast, shift, shift, shift])
    line = np.linspace(-0.3, 0.3, 40)
    return np.array([texture(surface, x, y, 0.013) for x in line for y in line])


@pytest.mark.parametrize("kind", TEXTURES[1:])
def test_textures_darken_by_no_more_than_they_may_and_change_with_their_shift(kind):
    found = values(kind)
    assert found.max() <= 1 and found.min() >= 1 - 2 * 0.2 - 1e-9
    assert found.std() > 0.03
    assert (values(kind) == found).all() and (values(kind, shift=13.7) != found).any()


def test_a_plain_surface_is_left_alone():
    assert (values("plain") == 1).all()


def test_a_checker_has_cells_of_its_size():
    surface = np.array([TEXTURES.index("checker"), 10.0, 0.25, 0, 0, 0])
    assert [texture(surface, x, 0.05, 0.05) for x in (0.05, 0.15, 0.25, -0.05)] == [1, 0.5, 1, 0.5]
