"""Figures of brain analyses show the values they were given, on either page, however few or odd those are."""

import io

import numpy as np
import pytest
from PIL import Image

from grounding.errors import InputError
from grounding.reports.brain import figures, maps

ROIS = ["LATL", "RATL", "LIFG"]


def pixels(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGBA"), dtype=np.int16)


def differs(one: bytes, other: bytes) -> bool:
    a, b = pixels(one), pixels(other)
    return a.shape != b.shape or bool(np.abs(a - b).max() > 30)


def scores(value: float) -> dict[str, np.ndarray]:
    return {"embedding": np.array([value, 0.1, -0.02]), "word rate": np.array([0.05, 0.1, np.nan])}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_scores_move_with_their_values_and_the_ceiling_is_drawn(theme):
    def draw(value, ceiling=None):
        return figures.scores_figure(scores(value), ROIS, theme, ceiling=ceiling)

    assert differs(draw(0.1), draw(0.3))
    assert differs(draw(0.1), draw(0.1, np.array([0.2, 0.2, np.nan])))


def test_many_targets_become_distributions():
    generator = np.random.default_rng(0)
    many = {name: generator.normal(size=300) for name in ("embedding", "random vectors")}
    many["embedding"][:5] = np.nan
    assert pixels(figures.scores_figure(many, [str(n) for n in range(300)], "light")).any()
    assert pixels(figures.partition_figure(many, [str(n) for n in range(300)], "light")).any()


def test_intervals_are_drawn():
    whiskers = {"embedding": (np.array([0.0, 0.0, -0.1]), np.array([0.2, 0.2, 0.1]))}
    assert differs(
        figures.scores_figure(scores(0.1), ROIS, "light"),
        figures.scores_figure(scores(0.1), ROIS, "light", intervals=whiskers),
    )


def test_a_partition_draws_negative_parts_below_zero():
    up = figures.partition_figure({"only": np.array([0.1]), "shared": np.array([0.1])}, ["a"], "light")
    down = figures.partition_figure({"only": np.array([0.1]), "shared": np.array([-0.1])}, ["a"], "light")
    assert differs(up, down)


def test_heat_maps_curves_and_ceilings():
    values = np.random.default_rng(0).normal(size=(4, 9))
    layers, lags = [f"layer {n}" for n in range(4)], [f"{x:.1f}" for x in np.linspace(-1, 1, 9)]
    assert differs(
        figures.heat_figure(values, layers, lags, "light"), figures.heat_figure(values[::-1], layers, lags, "light")
    )
    assert pixels(figures.heat_figure(np.full((2, 3), np.nan), layers[:2], lags[:3], "dark", centred=True)).any()
    x = np.linspace(-1, 1, 9)
    bands = {"a": (values[0] - 1, values[0] + 1)}
    assert differs(
        figures.curves_figure({"a": values[0]}, x, "light"),
        figures.curves_figure({"a": values[0]}, x, "light", bands=bands),
    )
    assert pixels(figures.ceiling_figure(np.array([0.1, np.nan]), np.array([0.3, 0.2]), "light")).any()


def test_topographies_and_glass_brains():
    import mne

    places = mne.channels.make_standard_montage("biosemi16").get_positions()["ch_pos"]
    positions = np.array(list(places.values()))
    one = maps.topography_figure(np.linspace(-1, 1, 16), positions, "light")
    assert differs(one, maps.topography_figure(np.linspace(1, -1, 16), positions, "light"))
    with pytest.raises(InputError, match="1 titles for 2 maps"):
        maps.topography_figure(np.zeros((16, 2)), positions, "light")
    electrodes = np.array([[-0.05, 0.0, 0.02], [0.05, -0.03, 0.02]])
    assert pixels(maps.electrodes_figure(np.array([0.1, 0.3]), electrodes, "dark")).any()


def test_volumes_and_surfaces():
    import nibabel

    affine = np.diag([12.0, 12.0, 12.0, 1.0])
    affine[:3, 3] = (-84, -114, -66)
    data = np.zeros((15, 18, 14), dtype=np.float32)
    data[2:5, 8:12, 6:9] = 0.4
    image = nibabel.Nifti1Image(data, affine)
    assert pixels(maps.volume_figure(image, "light")).any()
    assert differs(
        maps.surface_figure(image, "light"),
        maps.surface_figure(nibabel.Nifti1Image(data[::-1].copy(), affine), "light"),
    )
