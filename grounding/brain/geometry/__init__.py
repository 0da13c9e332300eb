"""Brain embeddings and geometry: does the brain tell words apart as a model does?

    embeddings          for each word a vector of what happened after it
    zero_shot           maps between word vectors and brain patterns, over words never trained with
    leave_two_out       which of two patterns belongs to which of two words
    rdm, rsa            representational dissimilarity, and how alike that of a model and of a region is
    cka                 how alike two representations are, whatever their axes
    shared_response     several subjects in one space; alignment_gain says what it is worth on held-out rows
    dimension           how many dimensions are really used
    transfer            which representations hold what others hold

Whatever is fitted is fitted to training rows, and each score has its chance and its interval beside it.
"""

from grounding.brain.geometry.alignment_gain import Agreement, AlignmentGain, alignment_gain
from grounding.brain.geometry.cka import linear_cka, rbf_cka
from grounding.brain.geometry.dimension import participation_ratio, principal_dimension, two_nearest_neighbours
from grounding.brain.geometry.embeddings import average_repetitions, brain_embedding, select_channels, word_responses
from grounding.brain.geometry.leave_two_out import LeaveTwoOut, leave_two_out
from grounding.brain.geometry.mapping import PrincipalMapping, RidgeMapping
from grounding.brain.geometry.matching_scores import WordScore
from grounding.brain.geometry.rdm import crossnobis, noise_covariance, pairs_of, rdm, repetition_residuals, square
from grounding.brain.geometry.rsa import Similarity, SimilarityAnalysis, compare, noise_ceiling, similarity_analysis
from grounding.brain.geometry.shared_response import SharedSpace, shared_response
from grounding.brain.geometry.stability import stability, stable_voxels
from grounding.brain.geometry.transfer import TransferStructure, transfer_structure
from grounding.brain.geometry.zero_shot import ZeroShot, zero_shot

__all__ = [
    "Agreement",
    "AlignmentGain",
    "LeaveTwoOut",
    "PrincipalMapping",
    "RidgeMapping",
    "SharedSpace",
    "Similarity",
    "SimilarityAnalysis",
    "TransferStructure",
    "WordScore",
    "ZeroShot",
    "alignment_gain",
    "average_repetitions",
    "brain_embedding",
    "compare",
    "crossnobis",
    "leave_two_out",
    "linear_cka",
    "noise_ceiling",
    "noise_covariance",
    "pairs_of",
    "participation_ratio",
    "principal_dimension",
    "rbf_cka",
    "rdm",
    "repetition_residuals",
    "select_channels",
    "shared_response",
    "similarity_analysis",
    "square",
    "stability",
    "stable_voxels",
    "transfer_structure",
    "two_nearest_neighbours",
    "word_responses",
    "zero_shot",
]
