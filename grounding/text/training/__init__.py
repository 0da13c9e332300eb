"""Sentence encoders that are trained here: from nothing, from pairs, from another encoder's vectors."""

from grounding.text.training.distillation import distil
from grounding.text.training.encoder import TrainableEncoder
from grounding.text.training.fine_tuning import fine_tune
from grounding.text.training.folders import load_encoder
from grounding.text.training.losses import (
    CosineSimilarity,
    InBatchNegatives,
    Loss,
    Matryoshka,
    Triplet,
    cosine_similarity_loss,
    in_batch_negatives,
    triplet,
)
from grounding.text.training.lstm import LstmEncoder
from grounding.text.training.run import Trained, TrainingSettings
from grounding.text.training.subwords import SubwordAverage, train_tokenizer
from grounding.text.training.transformer import TransformerEncoder, new_transformer

__all__ = [
    "CosineSimilarity",
    "InBatchNegatives",
    "Loss",
    "LstmEncoder",
    "Matryoshka",
    "SubwordAverage",
    "TrainableEncoder",
    "Trained",
    "TrainingSettings",
    "TransformerEncoder",
    "Triplet",
    "cosine_similarity_loss",
    "distil",
    "fine_tune",
    "in_batch_negatives",
    "load_encoder",
    "new_transformer",
    "train_tokenizer",
    "triplet",
]
