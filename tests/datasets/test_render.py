import numpy as np
import pytest

from grounding.datasets.render import BACKGROUND, render_views, view_directions
from grounding.errors import InputError

RED, GREEN, BLUE = np.eye(3)
X, Y, Z = np.eye(3)


def sphere(count=2048, radius=0.8):
    points = np.random.default_rng(0).normal(size=(count, 3))
    normals = points / np.linalg.norm(points, axis=1, keepdims=True)
    return normals * radius, normals


def square(normal, offset=0.0, side=1.2, count=2048):
    """A flat square across one axis, at a distance from the origin, with its normal along that axis."""
    points = np.random.default_rng(0).uniform(-side / 2, side / 2, (count, 3))
    return np.where(normal == 0, points, normal * offset), np.tile(normal, (count, 1))


def painted(points, color):
    return np.tile(color, (len(points), 1))


def drawn(picture):
    return (picture != BACKGROUND).any(axis=-1)


@pytest.mark.parametrize("size", [48, 65, 96])
def test_a_sampled_ball_becomes_a_closed_disc_in_the_middle(size):
    points, normals = sphere()
    picture = render_views(points, normals, painted(points, RED), np.array([[1, 0.3, 0.4]]), size=size)[0]
    assert picture.shape == (size, size, 3)
    assert picture.dtype == np.uint8
    middles = np.arange(size) + 0.5 - size / 2
    radius = np.hypot(middles[:, None], middles) / (size / 2)
    assert drawn(picture)[radius < 0.75].all()
    assert not drawn(picture)[radius > 0.8 + 4 / size].any()


def test_each_side_shows_the_colours_of_that_side():
    points, normals = sphere()
    colors = np.where(points[:, :1] > 0, RED, BLUE)
    front, back = render_views(points, normals, colors, np.stack([X, -X]), size=64)
    inner = slice(20, 44)
    assert (front[inner, inner, 0] > 60).all() and (front[inner, inner, 2] == 0).all()
    assert (back[inner, inner, 2] > 60).all() and (back[inner, inner, 0] == 0).all()


def test_what_is_nearer_hides_what_is_behind():
    near, normals = square(X, 0.3)
    far, _ = square(X, -0.3)
    cloud = np.concatenate([near, far]), np.tile(normals, (2, 1))
    colors = np.concatenate([painted(near, RED), painted(far, BLUE)])
    for order in (slice(None), slice(None, None, -1)):  # whichever comes first in the file
        picture = render_views(cloud[0][order], cloud[1][order], colors[order], X[None], size=64)[0]
        assert (picture[..., 2][drawn(picture)] == 0).all()


def test_z_is_up_and_y_is_to_the_right_as_seen_from_x():
    points = np.array([[0, 0, 0.7], [0, 0.7, 0]])
    picture = render_views(points, np.tile(X, (2, 1)), np.stack([RED, GREEN]), X[None], size=60)[0]
    rows, columns = np.nonzero(drawn(picture) & (picture[..., 0] > 0))
    assert abs(rows.mean() - 9) < 1 and abs(columns.mean() - 29.5) < 1
    rows, columns = np.nonzero(drawn(picture) & (picture[..., 1] > 0))
    assert abs(rows.mean() - 29.5) < 1 and abs(columns.mean() - 50.5) < 1


def test_surfaces_that_face_the_lamp_are_brighter_and_open_ones_are_lit_from_both_sides():
    points, normals = square(X)
    facing, behind, aside = render_views(points, normals, painted(points, RED), np.stack([X, -X, X + 2 * Y]), size=64)
    assert facing[32, 32, 0] == behind[32, 32, 0]
    assert facing[32, 32, 0] != aside[32, 32, 0] > 0
    ball, outward = sphere()
    picture = render_views(ball, outward, painted(ball, RED), X[None], size=64)[0]
    assert picture[22, 40, 0] > picture[44, 20, 0] + 40  # the lamp is above, to the right


def test_a_thin_sheet_seen_from_its_edge_is_a_line():
    points, normals = square(Z)
    picture = render_views(points, normals, painted(points, RED), X[None], size=64)[0]
    assert drawn(picture).any(axis=0)[16:48].all()
    assert drawn(picture).any(axis=1).sum() <= 3


def test_what_reaches_over_the_border_is_cut_off():
    points = np.array([[0, 0.99, 0.99], [0, -0.99, -0.99], [0, 3.0, 0]])
    picture = render_views(points, np.tile(X, (3, 1)), painted(points, RED), X[None], size=32)[0]
    assert drawn(picture)[0, -1] and drawn(picture)[-1, 0]
    assert not drawn(picture)[8:24].any()


def test_a_single_point_is_seen():
    picture = render_views(np.zeros((1, 3)), X[None], RED[None], X[None], size=9)[0]
    assert drawn(picture)[4, 4]


def test_directions_are_around_the_object_at_the_elevations_asked_for():
    drawn_directions = view_directions(200, np.random.default_rng(0), elevations=(10, 50))
    np.testing.assert_allclose(np.linalg.norm(drawn_directions, axis=1), 1, rtol=1e-5)
    heights = np.degrees(np.arcsin(drawn_directions[:, 2]))
    assert 10 <= heights.min() < 15 and 45 < heights.max() <= 50
    assert np.abs(drawn_directions[:, :2].mean(axis=0)).max() < 0.15
    np.testing.assert_array_equal(drawn_directions, view_directions(200, np.random.default_rng(0), (10, 50)))
    spaced = view_directions(4)
    np.testing.assert_allclose(spaced[:, 2], np.sin(np.radians(30)), rtol=1e-5)
    np.testing.assert_allclose(spaced[:2, :2] + spaced[2:, :2], 0, atol=1e-6)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"points": np.zeros((4, 2))}, r"points: shape \(4, 2\)"),
        ({"points": np.zeros((0, 3))}, r"points: shape \(0, 3\)"),
        ({"normals": np.ones((5, 3))}, "4 points, 5 normals and 4 colors"),
        ({"colors": np.full((4, 3), np.nan)}, "colors: 12 numbers are NaN"),
        ({"directions": X}, r"directions: shape \(3,\)"),
        ({"directions": np.stack([X, -Z])}, "straight up or straight down"),
        ({"directions": np.zeros((1, 3))}, "one is zero"),
        ({"size": 0}, "size: 0 found"),
    ],
)
def test_bad_input_is_named(changes, words):
    good = {"points": np.ones((4, 3)), "normals": np.tile(X, (4, 1)), "colors": np.ones((4, 3)), "directions": X[None]}
    with pytest.raises(InputError, match=words):
        render_views(**{**good, **changes})
