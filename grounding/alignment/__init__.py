"""Linear maps between spaces, and search across them: used for words of two languages, pictures and brains.

NumPy in, NumPy out; nothing here knows what the rows stand for.

    maps            procrustes, ridge, cca: from pairs of rows to a `LinearMap`
    retrieval       nearest: the best rows by cosine, CSLS or margin
    mining          mine_pairs: which rows of two sets translate each other
    self_learning   a map from a few pairs, or none
"""

from grounding.alignment.maps import (
    AlphaChoice,
    CanonicalMaps,
    LinearMap,
    cca,
    choose_alpha,
    normalise,
    procrustes,
    ridge,
)
from grounding.alignment.mining import BestThreshold, MinedPairs, best_threshold, mine_pairs
from grounding.alignment.retrieval import Neighbours, nearest
from grounding.alignment.self_learning import SelfLearning, identical_strings, self_learning

__all__ = [
    "AlphaChoice",
    "BestThreshold",
    "CanonicalMaps",
    "LinearMap",
    "MinedPairs",
    "Neighbours",
    "SelfLearning",
    "best_threshold",
    "cca",
    "choose_alpha",
    "identical_strings",
    "mine_pairs",
    "nearest",
    "normalise",
    "procrustes",
    "ridge",
    "self_learning",
]
