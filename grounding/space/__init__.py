"""The shared space: model, batch, losses, training, evaluation, checkpoint."""

from grounding.space.batch import Batch, Field, Sample, collate
from grounding.space.checkpoint import load_weights, save_weights
from grounding.space.evaluate import Retrieval, evaluate
from grounding.space.losses import InfoNCE, info_nce
from grounding.space.model import Embedded, SharedSpace, pair_name
from grounding.space.settings import SpaceSettings, build_space, load_space
from grounding.space.training import FitSettings, Training, fit

__all__ = [
    "Batch",
    "Embedded",
    "Field",
    "FitSettings",
    "InfoNCE",
    "Retrieval",
    "Sample",
    "SharedSpace",
    "SpaceSettings",
    "Training",
    "build_space",
    "collate",
    "evaluate",
    "fit",
    "info_nce",
    "load_space",
    "load_weights",
    "pair_name",
    "save_weights",
]
