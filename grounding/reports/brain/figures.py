"""Figures of brain analyses as PNG bytes, each drawn for a light or a dark page: charts of scores."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from grounding.reports.drawing import INK, PALETTE, Ink, Theme, new_figure, png

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_BARS = 16  # more targets than this are shown as distributions


def scores_figure(
    scores: Mapping[str, np.ndarray],
    targets: Sequence[str],
    theme: Theme,
    *,
    intervals: Mapping[str, tuple[np.ndarray, np.ndarray]] | None = None,
    ceiling: np.ndarray | None = None,
    label: str = "correlation r",
) -> bytes:
    """The score of each model on each target, the embedding's beside those of its controls.

    Up to 16 targets stand side by side with their intervals and ceilings; of more, each model's distribution is drawn.

    Args:
        scores: (v,) by model; the first is the one that matters.
        targets: v names.
        theme: the page that the figure lies on.
        intervals: lower and upper ends (v,) by model.
        ceiling: (v,) the highest score that the noise lets any model reach.
        label: of the axis.
    """
    figure = new_figure(9.6, 4.2)
    axes, ink = figure.subplots(), INK[theme]
    if len(targets) > MOST_BARS:
        _distributions(axes, scores, ceiling)
    else:
        _points(axes, scores, targets, intervals or {}, ceiling, ink)
    axes.axhline(0, color=ink.faint, linewidth=0.8)
    _plain(axes, ink, label)
    handles, labels = axes.get_legend_handles_labels()
    if labels:
        figure.legend(handles, labels, loc="outside upper center", ncols=4, frameon=False, labelcolor=ink.text)
    return png(figure)


def partition_figure(shares: Mapping[str, np.ndarray], targets: Sequence[str], theme: Theme) -> bytes:
    """Explained variance of each target in parts: what only the embedding explains, what only the controls do, both.

    Args:
        shares: (v,) r² by part, drawn on top of each other in this order; negative ones, which are noise around
            nothing, are drawn below zero.
        targets: v names; beyond 16 the mean over all is shown.
        theme: the page that the figure lies on.
    """
    figure = new_figure(9.6, 3.8)
    axes, ink = figure.subplots(), INK[theme]
    names = list(targets)
    if len(names) > MOST_BARS:
        names = [f"mean of {len(names):,} targets"]
        shares = {part: np.array([np.nanmean(values)]) for part, values in shares.items()}
    above, below = np.zeros(len(names)), np.zeros(len(names))
    for number, (part, values) in enumerate(shares.items()):
        values = np.nan_to_num(values)
        start = np.where(values >= 0, above, below)
        axes.bar(range(len(names)), values, 0.66, bottom=start, label=part, color=PALETTE[number % len(PALETTE)])
        above += np.maximum(values, 0)
        below += np.minimum(values, 0)
    axes.axhline(0, color=ink.faint, linewidth=0.8)
    axes.set_xticks(range(len(names)), names, rotation=0 if len(names) <= 8 else 45, color=ink.text)
    # A lone bar would fill the whole figure.
    margin = max(0.5, 2.0 - len(names) / 2)
    axes.set_xlim(-margin, len(names) - 1 + margin)
    _plain(axes, ink, "explained variance r²")
    figure.legend(loc="outside upper center", ncols=4, frameon=False, labelcolor=ink.text)
    return png(figure)


def ceiling_figure(score: np.ndarray, ceiling: np.ndarray, theme: Theme, label: str = "correlation r") -> bytes:
    """Each target's score against its noise ceiling; what lies on the diagonal is explained as far as it can be."""
    figure = new_figure(5.2, 5.0)
    axes, ink = figure.subplots(), INK[theme]
    known = np.isfinite(score) & np.isfinite(ceiling)
    top = float(max(ceiling[known].max(initial=0.05), score[known].max(initial=0.05))) * 1.05
    bottom = min(0.0, float(score[known].min(initial=0.0))) * 1.05
    axes.plot([0, top], [0, top], color=ink.faint, linewidth=0.9, linestyle=":")
    few = known.sum() <= 2000
    axes.scatter(
        ceiling[known], score[known], s=26 if few else 5, alpha=0.8 if few else 0.25, color=PALETTE[0], linewidths=0
    )
    axes.set(xlim=(min(0.0, bottom), top), ylim=(bottom, top))
    axes.set_xlabel(f"ceiling of {label}", color=ink.faint)
    _plain(axes, ink, f"{label} reached")
    return png(figure)


def heat_figure(
    values: np.ndarray,
    rows: Sequence[str],
    columns: Sequence[str],
    theme: Theme,
    *,
    labels: tuple[str, str] = ("layer", "lag"),
    value: str = "correlation r",
    centred: bool = False,
) -> bytes:
    """A matrix such as layer by lag, (rows, columns), the best column of each row marked.

    ``centred`` draws around zero with two colours; else from the lowest to the highest value with one.
    """
    figure = new_figure(9.6, 1.6 + 0.26 * max(len(rows), 6))
    axes, ink = figure.subplots(), INK[theme]
    bound = float(np.nanmax(np.abs(values))) if centred and np.isfinite(values).any() else None
    image = axes.imshow(
        values, aspect="auto", origin="lower", interpolation="nearest", cmap="RdBu_r" if centred else "viridis",
        vmin=None if bound is None else -bound, vmax=bound,
    )  # fmt: skip
    if not centred and np.isfinite(values).all():
        axes.plot(values.argmax(1), range(len(rows)), ".", color="white", markeredgecolor="black", markersize=7)
    step = max(1, len(columns) // 12)
    axes.set_xticks(range(0, len(columns), step), list(columns)[::step], color=ink.text)
    every = max(1, len(rows) // 26)
    axes.set_yticks(range(0, len(rows), every), list(rows)[::every], color=ink.text)
    axes.set_ylabel(labels[0], color=ink.faint)
    axes.set_xlabel(labels[1], color=ink.faint)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    bar = figure.colorbar(image, ax=axes, pad=0.01)
    bar.set_label(value, color=ink.faint)
    bar.ax.tick_params(colors=ink.text, length=0)
    bar.outline.set_visible(False)
    return png(figure)


def curves_figure(
    curves: Mapping[str, np.ndarray],
    x: np.ndarray,
    theme: Theme,
    *,
    bands: Mapping[str, tuple[np.ndarray, np.ndarray]] | None = None,
    labels: tuple[str, str] = ("seconds after word onset", "correlation r"),
) -> bytes:
    """Scores along an axis such as the lag, (len(x),) by name, with shaded intervals where given."""
    figure = new_figure(9.6, 3.8)
    axes, ink = figure.subplots(), INK[theme]
    for number, (name, values) in enumerate(curves.items()):
        color = PALETTE[number % len(PALETTE)]
        axes.plot(x, values, color=color, linewidth=1.8, label=name)
        if bands and name in bands:
            axes.fill_between(x, *bands[name], color=color, alpha=0.2, linewidth=0)
    axes.axhline(0, color=ink.faint, linewidth=0.8)
    if x[0] < 0 < x[-1]:
        axes.axvline(0, color=ink.faint, linewidth=0.8, linestyle=":")
    axes.set_xlabel(labels[0], color=ink.faint)
    _plain(axes, ink, labels[1])
    figure.legend(loc="outside upper center", ncols=4, frameon=False, labelcolor=ink.text)
    return png(figure)


def _points(
    axes: "Axes",
    scores: Mapping[str, np.ndarray],
    targets: Sequence[str],
    intervals: Mapping[str, tuple[np.ndarray, np.ndarray]],
    ceiling: np.ndarray | None,
    ink: Ink,
) -> None:
    step = 0.8 / len(scores)
    places = np.arange(len(targets))
    for number, (name, values) in enumerate(scores.items()):
        x = places + (number - (len(scores) - 1) / 2) * step
        # Beyond as many models as there are colours another mark tells them apart.
        whiskers, mark = None, "oDs"[number // len(PALETTE) % 3]
        if name in intervals:
            low, high = intervals[name]
            whiskers = np.maximum(0, np.stack([values - low, high - values]))
        axes.errorbar(
            x, values, yerr=whiskers, fmt=mark, markersize=6.5 if number == 0 else 4.5, capsize=2.5, label=name,
            color=PALETTE[number % len(PALETTE)], elinewidth=2.0 if number == 0 else 1.2,
        )  # fmt: skip
    if ceiling is not None:
        axes.hlines(ceiling, places - 0.42, places + 0.42, color=ink.faint, linewidth=1.6, label="noise ceiling")
    axes.set_xticks(places, targets, color=ink.text, rotation=0 if len(targets) <= 8 else 45)


def _distributions(axes: "Axes", scores: Mapping[str, np.ndarray], ceiling: np.ndarray | None) -> None:
    shown = dict(scores) if ceiling is None else {**scores, "noise ceiling": ceiling}
    known = [values[np.isfinite(values)] for values in shown.values()]
    drawn = axes.violinplot(
        [values if len(values) else np.zeros(1) for values in known], showmedians=True, showextrema=False, widths=0.8
    )
    bodies: Any = drawn["bodies"]
    for number, body in enumerate(bodies):
        body.set(facecolor=PALETTE[number % len(PALETTE)], alpha=0.75)
    drawn["cmedians"].set_color("#888888")
    axes.set_xticks(range(1, len(shown) + 1), list(shown))


def _plain(axes: "Axes", ink: Ink, label: str) -> None:
    axes.set_ylabel(label, color=ink.faint)
    axes.grid(axis="y", color=ink.grid, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, colors=ink.text)
    axes.spines[:].set_visible(False)
