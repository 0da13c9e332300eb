"""Does the lag at which a layer predicts best grow with its depth? With controls that break the order of layers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from grounding.brain.recording import Features
from grounding.brain.sweeps.layers import LayerLag
from grounding.errors import InputError


@dataclass(frozen=True)
class LagByLayer:
    """The lag of each layer's best score and how it goes with depth.

    Attributes:
        lags: (layers,) float64, seconds.
        correlation: Pearson's r of depth and lag; NaN where all layers peak at one lag.
        p: two-sided, of as strong a correlation if the layers' order meant nothing, by permutation.
        channels: the channels over which curves were averaged.
    """

    lags: np.ndarray
    correlation: float
    p: float
    channels: tuple[str, ...]


def lag_by_layer(
    sweep: LayerLag, channels: Sequence[str] | None = None, *, permutations: int = 10_000, seed: int = 0
) -> LagByLayer:
    """Peak lag of each layer against its depth (Goldstein et al., 2025).

    The curve of a layer is its mean over channels; its peak lag is where that is highest. Neighbouring layers are much
    alike, so an ordered set of lags can arise from a few independent ones and the permutation p is optimistic: compare
    with `scrambled` and `interpolated` layers.

    Args:
        sweep: of the layers in order of depth.
        channels: to average over; all by default.
        permutations: of the layers' order.
        seed: of the permutations.

    Raises:
        InputError: fewer than three layers, or unknown channels.
    """
    if len(sweep.layers) < 3:
        raise InputError(f"layers: {len(sweep.layers)} found, expected at least 3 to relate lag and depth")
    names = tuple(sweep.channels if channels is None else channels)
    if unknown := [name for name in names if name not in sweep.channels]:
        raise InputError(
            f"channels: {', '.join(map(repr, unknown))} not in the sweep; it has {', '.join(sweep.channels)}"
        )
    places = [sweep.channels.index(name) for name in names]
    peaks = sweep.lags[sweep.scores[:, places].mean(1).argmax(1)]
    depth = np.arange(len(peaks), dtype=np.float64)
    found = _pearson(depth[None], peaks)[0]
    if np.isnan(found):
        return LagByLayer(peaks, float("nan"), 1.0, names)
    generator = np.random.default_rng(seed)
    null = _pearson(generator.permuted(np.tile(depth, (permutations, 1)), axis=1), peaks)
    p = (1 + (np.abs(null) >= abs(found) - 1e-12).sum()) / (permutations + 1)
    return LagByLayer(peaks, float(found), float(p), names)


def scrambled(layers: Sequence[Features], seed: int = 0) -> list[Features]:
    """As many sets of features, each with a layer drawn anew for every word: what a layer is, without its depth.

    At each word every layer is used exactly once, so together they hold the same numbers as before.
    """
    generator = np.random.default_rng(seed)
    runs: list[dict[str, np.ndarray]] = [{} for _ in layers]
    for run, data in layers[0].runs.items():
        stacked = np.stack([layer.runs[run] for layer in layers])
        order = generator.permuted(np.tile(np.arange(len(layers)), (len(data), 1)), axis=1)
        for number, one in enumerate(runs):
            one[run] = stacked[order[:, number], np.arange(len(data))]
    return [Features(f"scrambled {number}", one) for number, one in enumerate(runs)]


def interpolated(layers: Sequence[Features]) -> list[Features]:
    """As many layers on the straight line from the first to the last: depth without what lies between."""
    first, last = layers[0], layers[-1]
    shares = np.linspace(0, 1, len(layers), dtype=np.float32)
    return [
        Features(
            f"{share:.2f} of the way",
            {run: (1 - share) * data + share * last.runs[run] for run, data in first.runs.items()},
        )
        for share in shares
    ]


def _pearson(rows: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Correlation of each row with the values; NaN where the values do not vary."""
    centred, other = rows - rows.mean(1, keepdims=True), values - values.mean()
    size = np.linalg.norm(centred, axis=1) * np.linalg.norm(other)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(np.ptp(values) > 0, centred @ other / size, np.nan)
