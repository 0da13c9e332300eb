"""Translation: words by their nearest neighbours in another language, and sentences among all others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from grounding.alignment import nearest
from grounding.errors import InputError
from grounding.text.evaluation.estimates import RESAMPLES, Estimate, share_correct
from grounding.text.evaluation.words import rows_by_spelling, spell


@dataclass(frozen=True)
class Induction:
    """How often a right translation is among the k best, by k, over the source words that could be looked up."""

    precision: dict[int, Estimate]
    covered: int
    total: int


def dictionary_induction(
    source: np.ndarray,
    target: np.ndarray,
    source_index: Mapping[str, int],
    target_index: Mapping[str, int],
    translations: Sequence[tuple[str, str]],
    *,
    method: str = "csls",
    at: Sequence[int] = (1, 5),
    ignore_case: bool = True,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Induction:
    """Precision at k of word translation: is a known translation among the k nearest words of the other language?

    Every source word counts once; any of its translations will do. Covered are source words that have a vector, as
    has one of their translations. All target words are candidates.

    Args:
        source: vectors (V, width) of the source vocabulary, mapped into the target space.
        target: vectors (W, width) of the target vocabulary.
        source_index: rows of source words.
        target_index: rows of target words.
        translations: pairs (source word, target word), several for one word where it has several.
        method: "cosine", "csls" or "margin", as in `grounding.alignment.nearest`; the whole source vocabulary is the
            background of the latter two.
        at: the numbers k, 1 or more.
        ignore_case: compare in lower case.
        resamples: of the source words, for the intervals.
        seed: of the resamples.

    Raises:
        InputError: no word is covered, `at` is empty or has a number below 1, or as `nearest`.

    Example:
        >>> mapped = rotation.apply(german.matrix)
        >>> dictionary_induction(mapped, english.matrix, german.words.index, english.words.index, pairs).precision[1]
        Estimate(value=0.41, low=0.38, high=0.44)
    """
    if not at or min(at) < 1:
        raise InputError(f"at: {tuple(at)} found, expected numbers of 1 or more, such as (1, 5)")
    rows_source, rows_target = (rows_by_spelling(index, ignore_case) for index in (source_index, target_index))
    wanted: dict[int, set[int]] = {}
    for word, translation in translations:
        row, answer = (
            rows.get(spell(one, ignore_case)) for rows, one in ((rows_source, word), (rows_target, translation))
        )
        if row is not None and answer is not None:
            wanted.setdefault(row, set()).add(answer)
    total = len({spell(word, ignore_case) for word, _ in translations})
    if not wanted:
        raise InputError(
            f"translations: none of {total} source words is in both vocabularies; are they the right way round?"
        )
    found = nearest(source[list(wanted)], target, max(at), method=method, background=source).indices.tolist()
    ranks = np.array(
        [
            next((rank for rank, row in enumerate(rows) if row in right), max(at))
            for rows, right in zip(found, wanted.values(), strict=True)
        ]
    )
    words = np.arange(len(ranks))[None]
    return Induction({k: share_correct(ranks < k, words, resamples, seed) for k in at}, len(ranks), total)


@dataclass(frozen=True)
class SentenceRetrieval:
    """How often the nearest sentence of the other language is the translation, both ways, and by chance."""

    forward: Estimate
    backward: Estimate
    chance: float
    pairs: int


def sentence_retrieval(
    first: np.ndarray, second: np.ndarray, *, method: str = "cosine", resamples: int = RESAMPLES, seed: int = 0
) -> SentenceRetrieval:
    """Precision at 1 when sentences search their translations among those of all others.

    Args:
        first: vectors (N, width).
        second: vectors (N, width); row i translates row i of the first.
        method: "cosine", "csls" or "margin", as in `grounding.alignment.nearest`.
        resamples: of the queries, for the intervals.
        seed: of the resamples.

    Raises:
        InputError: different numbers of sentences, or as `nearest`.
    """
    if len(first) != len(second):
        raise InputError(f"sentences: {len(first)} and {len(second)} found, expected as many: row i translates row i")
    rows = np.arange(len(first))
    forward, backward = (
        share_correct(nearest(queries, keys, method=method).indices[:, 0] == rows, rows[None], resamples, seed)
        for queries, keys in ((first, second), (second, first))
    )
    return SentenceRetrieval(forward, backward, 1 / len(first), len(first))
