"""Maps of scores on the head and the brain as PNG bytes: topographies by MNE, glass brains and surfaces by nilearn."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from grounding.errors import InputError
from grounding.reports.drawing import INK, Theme, new_figure, png


def topography_figure(
    values: np.ndarray, positions: np.ndarray, theme: Theme, titles: Sequence[str] = ("",), value: str = "correlation r"
) -> bytes:
    """Scores over the scalp, one head for each column of ``values``.

    Args:
        values: (C,) or (C, maps).
        positions: (C, 3) metres in head coordinates.
        theme: the page that the figure lies on.
        titles: one a map.
        value: what the colours mean.
    """
    import mne

    maps = values.reshape(len(positions), -1)
    if len(titles) != maps.shape[1]:
        raise InputError(f"topography: {len(titles)} titles for {maps.shape[1]} maps; give each its own")
    names = [str(number) for number in range(len(positions))]
    montage = mne.channels.make_dig_montage(dict(zip(names, positions.astype(float), strict=True)), coord_frame="head")
    info = mne.create_info(names, 100.0, "eeg", verbose="error").set_montage(montage, verbose="error")
    figure = new_figure(min(9.6, 2.9 * maps.shape[1] + 0.9), 3.2)
    heads = np.atleast_1d(figure.subplots(1, maps.shape[1]))
    bound = float(np.nanmax(np.abs(maps))) or 1.0
    ink = INK[theme]
    for head, column, title in zip(heads, maps.T, titles, strict=True):
        image, _ = mne.viz.plot_topomap(
            column, info, axes=head, show=False, vlim=(-bound, bound), cmap="RdBu_r", contours=4
        )
        head.set_title(title, color=ink.text, fontsize=10)
        for line in head.lines:
            line.set_color(ink.faint)
    _colorbar(figure, image, heads, value, theme)
    return png(figure)


def electrodes_figure(values: np.ndarray, positions: np.ndarray, theme: Theme, value: str = "correlation r") -> bytes:
    """Scores of electrodes or regions as dots in a glass brain.

    Args:
        values: (C,).
        positions: (C, 3) metres in MNI space.
        theme: the page that the figure lies on.
        value: what the colours mean.
    """
    from nilearn import plotting

    bound = float(np.nanmax(np.abs(values))) or 1.0
    figure = _free_figure()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plotting.plot_markers(
            values, positions * 1000, node_size=35, node_cmap="RdBu_r", node_vmin=-bound, node_vmax=bound,
            figure=figure, display_mode="lyrz", colorbar=True, black_bg=theme == "dark",
        )  # fmt: skip
    return _closed(figure, theme, value)


def volume_of(values: np.ndarray, indices: np.ndarray, positions: np.ndarray) -> Any:
    """A 3-D NIfTI image with these values in some of its voxels and 0 elsewhere.

    Args:
        values: (v,).
        indices: (v, 3) int, of the voxels.
        positions: (v, 3) metres, where they lie; not all in one plane, or the grid cannot be known from them.

    Raises:
        InputError: positions that no grid explains.
    """
    import nibabel

    known = np.column_stack([indices, np.ones(len(indices))])
    solved, _, rank, _ = np.linalg.lstsq(known, positions.astype(np.float64) * 1000, rcond=None)
    if rank < 4 or np.abs(known @ solved - positions * 1000).max() > 0.1:
        raise InputError(f"volume: the positions of {len(indices)} voxels lie in one plane or on no common grid")
    affine = np.eye(4)
    affine[:3] = solved.T
    volume = np.zeros(tuple(indices.max(0) + 2), dtype=np.float32)
    volume[tuple(indices.T)] = np.nan_to_num(values)
    return nibabel.Nifti1Image(volume, affine)


def volume_figure(image: Any, theme: Theme, value: str = "correlation r") -> bytes:
    """A 3-D NIfTI image of scores as a glass brain (maximum projections)."""
    from nilearn import plotting

    figure = _free_figure()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plotting.plot_glass_brain(
            image, figure=figure, display_mode="lyrz", colorbar=True, plot_abs=False, cmap="RdBu_r",
            symmetric_cbar=True, black_bg=theme == "dark",
        )  # fmt: skip
    return _closed(figure, theme, value)


def surface_figure(image: Any, theme: Theme, value: str = "correlation r") -> bytes:
    """A 3-D NIfTI image of scores in MNI space on the inflated fsaverage5 surface, both hemispheres from both sides."""
    from nilearn import datasets, plotting
    from nilearn.surface import vol_to_surf

    mesh = datasets.load_fsaverage("fsaverage5")
    sulci = datasets.load_fsaverage_data(mesh="fsaverage5", data_type="sulcal")
    figure = new_figure(9.6, 3.0)
    panels = figure.subplots(1, 4, subplot_kw={"projection": "3d"})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        parts = {side: vol_to_surf(image, mesh["pial"].parts[side]) for side in ("left", "right")}
        bound = float(max(np.nanmax(np.abs(values)) for values in parts.values())) or 1.0
        views = (("left", "lateral"), ("left", "medial"), ("right", "medial"), ("right", "lateral"))
        for axes, (side, view) in zip(panels, views, strict=True):
            plotting.plot_surf_stat_map(
                mesh["inflated"].parts[side], parts[side], hemi=side, view=view, bg_map=sulci.data.parts[side],
                axes=axes, figure=figure, colorbar=False, vmin=-bound, vmax=bound, cmap="RdBu_r",
                threshold=bound * 0.02, engine="matplotlib",
            )  # fmt: skip
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    _colorbar(figure, ScalarMappable(Normalize(-bound, bound), "RdBu_r"), panels, value, theme)
    return png(figure)


def _free_figure() -> Any:
    """A figure that nilearn lays out itself."""
    from matplotlib.figure import Figure

    return Figure(figsize=(9.6, 3.0), dpi=160)


def _closed(figure: Any, theme: Theme, value: str) -> bytes:
    """The figure as PNG, with what its colours mean below it; nilearn's own axes keep their background."""
    figure.text(0.5, 0.02, value, color=INK[theme].faint, fontsize=10, ha="center", va="bottom")
    return png(figure)


def _colorbar(figure: Any, image: Any, axes: Any, value: str, theme: Theme) -> None:
    ink = INK[theme]
    bar = figure.colorbar(image, ax=axes, shrink=0.7, pad=0.01)
    bar.set_label(value, color=ink.faint)
    bar.ax.tick_params(colors=ink.text, length=0)
    bar.outline.set_visible(False)
