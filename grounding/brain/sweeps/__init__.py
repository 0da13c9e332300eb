"""Time and depth: which layer predicts which place when, with how much context, and where words can be told apart.

layers       layer_by_lag, layer_by_context; by_surprisal and by_prediction split words
peaks        lag_by_layer, and layers without their depth as its controls: scrambled, interpolated
searchlight  decoding from small patches of sensors in short windows
"""

from grounding.brain.sweeps.layers import (
    LayerContext,
    LayerLag,
    by_prediction,
    by_surprisal,
    layer_by_context,
    layer_by_lag,
)
from grounding.brain.sweeps.peaks import LagByLayer, interpolated, lag_by_layer, scrambled
from grounding.brain.sweeps.searchlight import Searchlight, searchlight

__all__ = [
    "LagByLayer",
    "LayerContext",
    "LayerLag",
    "Searchlight",
    "by_prediction",
    "by_surprisal",
    "interpolated",
    "lag_by_layer",
    "layer_by_context",
    "layer_by_lag",
    "scrambled",
    "searchlight",
]
