"""Figures of a report as PNG bytes, each drawn for a light or a dark page."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from grounding.policies.results import ALL
from grounding.reports.content import SpaceMap
from grounding.reports.drawing import INK, PALETTE, Ink, Theme, new_figure, png

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_LEVEL = 8
"""Names of more tasks than this stand on end."""
MARKERS = ("o", "^", "s", "D", "P", "X", "v", "*")


def success_figure(success: Mapping[str, Mapping[str, Any]], splits: Sequence[str], theme: Theme) -> bytes:
    """Success rate of each method on each task with its 95 % interval, one panel a split.

    Args:
        success: the table `success` of `summary.json`.
        splits: the panels, in order.
        theme: the page that the figure lies on.

    Returns:
        A PNG with a transparent background.
    """
    many = any(len(tasks_of(success, split)) > MOST_LEVEL for split in splits)
    figure = new_figure(9.6, 0.55 + (3.7 if many else 2.75) * len(splits))
    panels = figure.subplots(len(splits), 1, squeeze=False)[:, 0]
    for axes, split in zip(panels, splits, strict=True):
        _success_panel(axes, success, split, theme)
    handles, labels = panels[0].get_legend_handles_labels()
    for axes in panels[1:]:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            if label not in labels:
                handles.append(handle)
                labels.append(label)
    figure.legend(
        handles, labels, loc="outside upper center", ncols=len(labels), frameon=False, labelcolor=INK[theme].text
    )
    return png(figure)


def map_figure(space_map: SpaceMap, theme: Theme) -> bytes:
    """The shared space laid flat: colour names the task, the marker's shape the modality. PNG, transparent."""
    import numpy as np

    ink = INK[theme]
    figure = new_figure(9.6, 6.2)
    axes = figure.subplots()
    tasks, modalities = sorted(set(space_map.tasks)), _in_order(space_map.modalities)
    # Drawn in a shuffled order, since the group drawn last would otherwise hide the others.
    order = np.random.default_rng(0).permutation(len(space_map.tasks))
    kinds = np.array([modalities.index(name) for name in space_map.modalities], dtype=int)[order]
    colors = np.array([PALETTE[tasks.index(name) % len(PALETTE)] for name in space_map.tasks])[order]
    for kind in range(len(modalities)):
        x, y = space_map.positions[order][kinds == kind].T
        axes.scatter(
            x, y, s=30, c=colors[kinds == kind], marker=MARKERS[kind % len(MARKERS)], alpha=0.85, linewidths=0.4,
            edgecolors="white" if theme == "light" else "#11151c",
        )  # fmt: skip
    axes.set(xticks=[], yticks=[])
    for side in axes.spines.values():
        side.set_color(ink.grid)
    _legend(figure, "Colour: task", [(name, PALETTE[i % len(PALETTE)], "o") for i, name in enumerate(tasks)], ink, 0.0)
    shapes = [(name, ink.faint, MARKERS[i % len(MARKERS)]) for i, name in enumerate(modalities)]
    _legend(figure, "Shape: modality", shapes, ink, 1.0)
    return png(figure)


def method_color(method: str, methods: Sequence[str]) -> str:
    """The colour of a method, the same in every figure and table."""
    return PALETTE[list(methods).index(method) % len(PALETTE)]


def _success_panel(axes: "Axes", success: Mapping[str, Mapping[str, Any]], split: str, theme: Theme) -> None:
    ink, methods = INK[theme], list(success)
    tasks = tasks_of(success, split)
    present = [method for method in methods if split in success[method]]
    step = 0.8 / max(len(present), 1)
    for place, method in enumerate(present):
        cells = [(i, success[method][split][task]) for i, task in enumerate(tasks) if task in success[method][split]]
        x = [i + (place - (len(present) - 1) / 2) * step for i, _ in cells]
        rate = [100 * cell["rate"] for _, cell in cells]
        below = [100 * (cell["rate"] - cell["low"]) for _, cell in cells]
        above = [100 * (cell["high"] - cell["rate"]) for _, cell in cells]
        axes.errorbar(
            x, rate, yerr=[below, above], fmt="o", markersize=6 if method == methods[0] else 4.5, capsize=2.5,
            elinewidth=2.0 if method == methods[0] else 1.3, color=method_color(method, methods), label=method,
        )  # fmt: skip
    axes.axvline(len(tasks) - 1.5, color=ink.faint, linewidth=0.8, linestyle=":")
    axes.set_title(split, loc="left", fontsize=11, fontweight="bold", color=ink.text)
    names = [{ALL: "all tasks"}.get(task, task) for task in tasks]
    axes.set_xticks(range(len(tasks)), names, color=ink.text, rotation=90 if len(tasks) > MOST_LEVEL else 0)
    axes.set_yticks([0, 25, 50, 75, 100], ["0 %", "25 %", "50 %", "75 %", "100 %"], color=ink.faint)
    axes.set(ylim=(-4, 104), xlim=(-0.5, len(tasks) - 0.5))
    axes.set_ylabel("success", color=ink.faint)
    axes.grid(axis="y", color=ink.grid, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def tasks_of(table: Mapping[str, Mapping[str, Any]], split: str) -> list[str]:
    """The tasks that any method has in a split, alphabetically, and `"all"` at the end."""
    names = {task for splits in table.values() for task in splits.get(split, {})}
    return sorted(names, key=lambda task: (task == ALL, task))


def _in_order(names: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _legend(figure: "Figure", title: str, entries: Sequence[tuple[str, str, str]], ink: Ink, right: float) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], linestyle="", marker=marker, markersize=8, color=color, label=name)
        for name, color, marker in entries
    ]
    legend = figure.legend(
        handles=handles, title=title, ncols=4, frameon=False, labelcolor=ink.text, fontsize=10, alignment="left",
        loc="outside upper left" if right == 0.0 else "outside upper right", handletextpad=0.2, columnspacing=1.2,
    )  # fmt: skip
    legend.get_title().set_color(ink.faint)
