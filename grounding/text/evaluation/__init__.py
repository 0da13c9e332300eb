"""How good vectors of words and sentences are: similarity, analogies, translation, retrieval.

Every score comes with a 95 % interval and with how much of the test it was measured on. Intervals are percentiles of
bootstrap resamples of what the test drew from the world: word pairs, sentence pairs, source words, queries. They say
nothing about how a score would differ with another training seed.

A vocabulary may lack words of a test. Those are left out and counted: compare scores only where coverage is alike.
"""

from grounding.text.evaluation.analogies import Accuracy, Analogies, analogies
from grounding.text.evaluation.estimates import Estimate
from grounding.text.evaluation.similarity import (
    SentenceSimilarity,
    WordSimilarity,
    sentence_similarity,
    word_similarity,
)
from grounding.text.evaluation.translation import (
    Induction,
    SentenceRetrieval,
    dictionary_induction,
    sentence_retrieval,
)

__all__ = [
    "Accuracy",
    "Analogies",
    "Estimate",
    "Induction",
    "SentenceRetrieval",
    "SentenceSimilarity",
    "WordSimilarity",
    "analogies",
    "dictionary_induction",
    "sentence_retrieval",
    "sentence_similarity",
    "word_similarity",
]
