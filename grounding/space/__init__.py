"""The shared space: model, batch, losses, training, evaluation, checkpoint."""

from grounding.space.batch import Batch, Field, Sample, collate
from grounding.space.checkpoint import load_weights, save_weights
from grounding.space.evaluate import Retrieval, evaluate
from grounding.space.losses import (
    Contrastive,
    DropFalseNegatives,
    InfoNCE,
    Loss,
    Matryoshka,
    SigLIP,
    StructuredMargin,
    Triplet,
    contrastive,
    info_nce,
    siglip,
    structured_margin,
    triplet,
)
from grounding.space.model import Embedded, SharedSpace, pair_name
from grounding.space.pretraining import PretrainSettings, pretrain
from grounding.space.settings import SpaceSettings, build_space
from grounding.space.training import FitSettings, Training, fit

__all__ = [
    "Batch",
    "Contrastive",
    "DropFalseNegatives",
    "Embedded",
    "Field",
    "FitSettings",
    "InfoNCE",
    "Loss",
    "Matryoshka",
    "PretrainSettings",
    "Retrieval",
    "Sample",
    "SharedSpace",
    "SigLIP",
    "SpaceSettings",
    "StructuredMargin",
    "Training",
    "Triplet",
    "build_space",
    "collate",
    "contrastive",
    "evaluate",
    "fit",
    "info_nce",
    "load_weights",
    "pair_name",
    "pretrain",
    "save_weights",
    "siglip",
    "structured_margin",
    "triplet",
]
