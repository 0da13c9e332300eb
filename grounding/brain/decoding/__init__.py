"""Decoding: which word, picture or category a recording belongs to, beside chance and dull controls.

patterns        what is decoded: repetitions averaged, runs standardised, the order of trials alone as a control
linear          decode: ridge from patterns to word or picture vectors
contrastive     train_decoder, decode_contrastively: a network trained in a `grounding.space.SharedSpace`
classification  classify: which of a few categories
intervals       of means over rows that share subjects and items
retrieval       Decoding: how soon the right item is found, with intervals and a permutation test
"""

from grounding.brain.decoding.classification import Classification, classify
from grounding.brain.decoding.contrastive import decode_contrastively, train_decoder
from grounding.brain.decoding.linear import decode
from grounding.brain.decoding.patterns import averaged, flattened, order_only, standardised
from grounding.brain.decoding.retrieval import Decoding
from grounding.brain.folds import NewSubjectNewWord, Within

__all__ = [
    "Classification",
    "Decoding",
    "NewSubjectNewWord",
    "Within",
    "averaged",
    "classify",
    "decode",
    "decode_contrastively",
    "flattened",
    "order_only",
    "standardised",
    "train_decoder",
]
