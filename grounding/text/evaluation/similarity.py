"""Agreement with people about how alike words or sentences are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from grounding.errors import InputError
from grounding.text.evaluation.estimates import RESAMPLES, Estimate, correlation
from grounding.text.evaluation.words import Embedding, rows_by_spelling, spell, units


class ScoredPairs(Protocol):
    """Pairs of words and what people said; `grounding.datasets.language` reads them."""

    @property
    def first(self) -> Sequence[str]:
        """(N,)"""

    @property
    def second(self) -> Sequence[str]:
        """(N,)"""

    @property
    def scores(self) -> np.ndarray:
        """float64 (N,)"""


@dataclass(frozen=True)
class WordSimilarity:
    """Agreement with people about word pairs, over the pairs of which both words have a vector."""

    spearman: Estimate
    covered: int
    total: int


def word_similarity(
    embedding: Embedding, pairs: ScoredPairs, *, ignore_case: bool = True, resamples: int = RESAMPLES, seed: int = 0
) -> WordSimilarity:
    """Spearman correlation of the cosines of word pairs with what people said.

    Args:
        embedding: of words. Where it has vectors for words outside its vocabulary (fastText), those count as covered.
        pairs: words and scores, as of `read_word_similarity`.
        ignore_case: compare in lower case; of several spellings the first, most frequent one of the vocabulary is
            taken. Otherwise only the exact spelling is.
        resamples: of the pairs, for the interval.
        seed: of the resamples.

    Raises:
        InputError: fewer than three pairs are covered, or all cosines or scores are equal.

    Example:
        >>> word_similarity(embedding, read_word_similarity("EN-WS-353-ALL.txt"))
        WordSimilarity(spearman=Estimate(value=0.55, low=0.46, high=0.62), covered=341, total=353)
    """
    known = _vectors_of([*pairs.first, *pairs.second], embedding, ignore_case)
    both = [i for i, (a, b) in enumerate(zip(pairs.first, pairs.second, strict=True)) if a in known and b in known]
    if len(both) < 3:
        raise InputError(
            f"pairs: {len(both)} of {len(pairs.first)} have vectors for both words, expected three at least; is the "
            "embedding of the same language?"
        )
    cosines = _cosines(*(np.stack([known[words[i]] for i in both]) for words in (pairs.first, pairs.second)))
    spearman = correlation(cosines, np.asarray(pairs.scores)[both], True, resamples, seed)
    return WordSimilarity(spearman, len(both), len(pairs.first))


@dataclass(frozen=True)
class SentenceSimilarity:
    """Agreement with people about sentence pairs."""

    pearson: Estimate
    spearman: Estimate
    pairs: int


def sentence_similarity(
    first: np.ndarray, second: np.ndarray, scores: np.ndarray, *, resamples: int = RESAMPLES, seed: int = 0
) -> SentenceSimilarity:
    """Pearson and Spearman correlation of cosines with what people said, as in the STS tasks (Cer et al. 2017).

    Args:
        first: vectors (N, width) of sentences.
        second: vectors (N, width) of what each is compared with.
        scores: (N,).
        resamples: of the pairs, for the intervals.
        seed: of the resamples.

    Raises:
        InputError: shapes that do not fit, fewer than three pairs, or all cosines or scores equal.

    Example:
        >>> pairs = read_sentence_similarity("stsb-en-dev.csv")
        >>> sentence_similarity(encoder.encode(pairs.first), encoder.encode(pairs.second), pairs.scores).spearman.value
        0.867
    """
    scores = np.asarray(scores, dtype=np.float64)
    if first.shape != second.shape or first.ndim != 2 or scores.shape != (len(first),) or len(first) < 3:
        raise InputError(
            f"sentences: vectors {first.shape} and {second.shape} and scores {scores.shape} found, expected (N, width) "
            "twice and (N,), of three pairs or more"
        )
    cosines = _cosines(first, second)
    pearson, spearman = (correlation(cosines, scores, ranked, resamples, seed) for ranked in (False, True))
    return SentenceSimilarity(pearson, spearman, len(scores))


def _vectors_of(words: Sequence[str], embedding: Embedding, ignore_case: bool) -> dict[str, np.ndarray]:
    """Vectors (width,) of those words that have one."""
    rows = rows_by_spelling(embedding.words.index, ignore_case)
    found = {}
    for word in dict.fromkeys(words):
        spelling = spell(word, ignore_case)
        if spelling in rows:
            found[word] = embedding.matrix[rows[spelling]]
            continue
        try:
            # Outside the vocabulary some embeddings have a vector all the same.
            found[word] = embedding.vectors([spelling])[0]
        except KeyError:
            continue
    return found


def _cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (units(a.astype(np.float64)) * units(b.astype(np.float64))).sum(1)
