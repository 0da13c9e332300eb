"""Phrases such as "new york": found by how often their words stand together, and joined to single words."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numba
import numpy as np

from grounding.errors import DataError, InputError
from grounding.files import write_atomically
from grounding.text.corpus import Corpus
from grounding.text.vocabulary import Vocabulary

Scoring = Literal["count", "npmi"]

ENGLISH_CONNECTORS = frozenset("a an the for of with without at from to in on by and or".split())


@dataclass(frozen=True)
class Phrases:
    """Phrases and their scores.

    Attributes:
        scores: from the words of a phrase, two or more, to its score. Words between the first and the last are
            connectors, which begin and end no phrase.

    Example:
        >>> Phrases({("new", "york"): 20.0}).join(["in", "new", "york"])
        ['in', 'new_york']
    """

    scores: Mapping[tuple[str, ...], float]

    def __len__(self) -> int:
        return len(self.scores)

    @cached_property
    def connectors(self) -> frozenset[str]:
        """The words inside of phrases."""
        return frozenset(word for words in self.scores for word in words[1:-1])

    def join(self, words: Iterable[str]) -> list[str]:
        """The words, those of each phrase joined by underscores; from the left, so that phrases do not overlap."""
        joined: list[str] = []
        pending: list[str] = []
        for word in words:
            if word in self.connectors:
                (pending or joined).append(word)
            elif pending and (*pending, word) in self.scores:
                joined.append("_".join((*pending, word)))
                pending = []
            else:
                joined += pending
                pending = [word]
        return joined + pending

    def save(self, file: str | Path) -> None:
        """Write one phrase a line, its words separated by spaces, a tab and its score; UTF-8.

        Raises:
            InputError: a word has white space in it.
            StorageError: the file cannot be written.
        """
        for words in self.scores:
            for word in words:
                if word.split() != [word]:
                    raise InputError(
                        f"phrases: the word {word!r} is empty or has white space, which the file cannot hold"
                    )
        lines = (f"{' '.join(words)}\t{score!r}\n" for words, score in self.scores.items())
        write_atomically(Path(file), "".join(lines))

    @classmethod
    def load(cls, file: str | Path) -> "Phrases":
        """Read what `save` wrote.

        Raises:
            DataError: the file is missing or a line is not a phrase and its score; the message names file and line.
        """
        try:
            *lines, rest = Path(file).read_bytes().decode("utf-8").split("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"{file}: not readable as phrases ({error}); write it again") from error
        if rest:
            raise DataError(f"{file}, line {len(lines) + 1}: {rest!r} found without a line break; write it again")
        scores: dict[tuple[str, ...], float] = {}
        for number, line in enumerate(lines):
            text, _, score = line.partition("\t")
            words = tuple(text.split(" "))
            try:
                scores[words] = float(score)
                usable = len(words) > 1 and all(words) and not math.isnan(scores[words])
            except ValueError:
                usable = False
            if not usable:
                raise DataError(
                    f"{file}, line {number + 1}: {line!r} found, expected words, a tab and a score; write it again"
                )
        return cls(scores)


def find_phrases(
    corpus: Corpus,
    *,
    min_count: int = 5,
    threshold: float | None = None,
    scoring: Scoring = "count",
    connectors: Iterable[str] = (),
) -> Phrases:
    """Pairs of words that stand next to each other more often than their counts explain.

    A candidate is a word, any connectors, and the next word, in one document. Its score is, with the counts a and b of
    the two words and ab of the candidate,

    - "count": (ab − min_count) / (a b) × N, N being the number of different words and candidates (Mikolov et al.,
      2013, leave the factor out; this is gensim's);
    - "npmi": log(p(ab) / (p(a) p(b))) / −log p(ab) with shares p of all words, from −1 to 1 (Bouma, 2009).

    Longer phrases come of a second pass over the joined corpus. Takes about 60 bytes of memory a word of the corpus.

    Args:
        corpus: what to search.
        min_count: taken from the count of a candidate ("count"), or what it must reach ("npmi").
        threshold: phrases score more; None for 10 ("count") or 0.5 ("npmi").
        scoring: see above.
        connectors: words that may stand inside of a phrase, such as `ENGLISH_CONNECTORS`; they begin and end none.

    Returns:
        Phrases in the order in which they first occur.

    Raises:
        InputError: a `min_count` below 1, a threshold that every or no candidate passes, or an unknown scoring.
    """
    threshold = _checked_threshold(min_count, threshold, scoring)
    vocabulary = corpus.vocabulary
    inside = _members(vocabulary, connectors)
    keys, begins, ends = _candidates(corpus.tokens, corpus.starts, inside)
    _, first, counts = np.unique(keys, return_index=True, return_counts=True)
    first_words, last_words = (vocabulary.counts[corpus.tokens[at[first]]] for at in (begins, ends))
    product = first_words.astype(np.float64) * last_words
    if scoring == "count":
        different = len(vocabulary) - int(inside.sum()) + len(counts)
        scores = (counts - min_count) / product * different
    else:
        total = len(corpus.tokens)
        with np.errstate(divide="ignore"):
            scores = np.log(counts * total / product) / -np.log(counts / total)
        scores[counts < min_count] = -math.inf
    found = np.flatnonzero(scores > threshold)
    found = found[np.argsort(first[found])]
    words, tokens = vocabulary.words, corpus.tokens
    return Phrases(
        {
            tuple(words[token] for token in tokens[begins[first[i]] : ends[first[i]] + 1].tolist()): float(scores[i])
            for i in found.tolist()
        }
    )


def join_phrases(corpus: Corpus, phrases: Phrases) -> Corpus:
    """A corpus with the words of each phrase joined to one, as `Phrases.join` does.

    Args:
        corpus: what to join phrases in.
        phrases: which; those with words that the corpus does not have are not looked for.

    Returns:
        A corpus in memory; its `save` writes it.
    """
    words, places = list(corpus.vocabulary.words), corpus.vocabulary.index
    known = [words for words in phrases.scores if all(word in places for word in words)]
    spellings = {
        word: number for number, word in enumerate(dict.fromkeys([*words, *("_".join(each) for each in known)]))
    }
    keys = np.array([_key([places[word] for word in each]) for each in known], dtype=np.uint64)
    joined = np.array([spellings["_".join(each)] for each in known], dtype=np.int32)
    order = np.argsort(keys)
    inside = _members(corpus.vocabulary, phrases.connectors)
    begin = np.zeros(len(words), dtype=np.bool_)
    begin[[places[each[0]] for each in known]] = True
    begin &= ~inside
    tokens, starts = _join(corpus.tokens, corpus.starts, inside, begin, keys[order], joined[order])
    return _ranked(list(spellings), tokens, starts)


def _checked_threshold(min_count: int, threshold: float | None, scoring: str) -> float:
    if min_count < 1:
        raise InputError(f"min_count: {min_count} found, expected 1 or more")
    if scoring == "count":
        threshold = 10.0 if threshold is None else threshold
        if not 0 < threshold < math.inf:
            raise InputError(f"threshold: {threshold} found, expected a number above 0 for scoring by 'count'")
    elif scoring == "npmi":
        threshold = 0.5 if threshold is None else threshold
        if not -1 <= threshold < 1:
            raise InputError(f"threshold: {threshold} found, expected -1 or more, below 1, for scoring by 'npmi'")
    else:
        raise InputError(f"scoring: {scoring!r} found, expected 'count' or 'npmi'")
    return threshold


def _members(vocabulary: Vocabulary, words: Iterable[str]) -> np.ndarray:
    """Which words of the vocabulary are among `words`, bool (V,)."""
    members = np.zeros(len(vocabulary), dtype=np.bool_)
    members[[vocabulary.index[word] for word in words if word in vocabulary]] = True
    return members


@numba.njit(nogil=True, cache=True)
def _mix(key, token):
    """A 64-bit key from that of the words before and one word more (the finaliser of SplitMix64, Steele et al. 2014).

    Among a hundred million candidates the chance that any two share a key is below one in a thousand.
    """
    key = (key + np.uint64(token) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    key = (key ^ (key >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    key = (key ^ (key >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return key ^ (key >> np.uint64(31))


def _key(tokens: Sequence[int]) -> np.uint64:
    key = np.uint64(0)
    for token in tokens:
        # A kernel gives a Python integer, which the next call would take for a signed one.
        key = np.uint64(_mix(key, np.int32(token)))
    return key


@numba.njit(nogil=True, cache=True)
def _candidates(tokens, starts, inside):
    """Every occurrence of a candidate: its key, and the places of its first and last word."""
    keys = np.empty(len(tokens), dtype=np.uint64)
    begins = np.empty(len(tokens), dtype=np.int64)
    ends = np.empty(len(tokens), dtype=np.int64)
    n = 0
    for document in range(len(starts) - 1):
        begin, key = -1, np.uint64(0)
        for position in range(starts[document], starts[document + 1]):
            token = tokens[position]
            if inside[token]:
                key = _mix(key, token)
                continue
            if begin >= 0:
                keys[n], begins[n], ends[n] = _mix(key, token), begin, position
                n += 1
            begin, key = position, _mix(np.uint64(0), token)
    return keys[:n], begins[:n], ends[:n]


@numba.njit(nogil=True, cache=True)
def _join(tokens, starts, inside, begin, keys, joined):
    """The tokens with those of phrases replaced, and where documents begin then; `keys` are sorted."""
    result = np.empty(len(tokens), dtype=np.int32)
    begins = np.zeros(len(starts), dtype=np.int64)
    n = 0
    for document in range(len(starts) - 1):
        first, key = -1, np.uint64(0)
        for position in range(starts[document], starts[document + 1]):
            token = tokens[position]
            result[n] = token
            n += 1
            if first >= 0:
                key = _mix(key, token)
                if inside[token]:
                    continue
                place = np.searchsorted(keys, key)
                if place < len(keys) and keys[place] == key:
                    # All since the first word of the phrase has been written; one word takes its place.
                    result[first] = joined[place]
                    n, first = first + 1, -1
                    continue
            first, key = (n - 1 if begin[token] else -1), _mix(np.uint64(0), token)
        begins[document + 1] = n
    return result[:n].copy(), begins


def _ranked(words: list[str], tokens: np.ndarray, starts: np.ndarray) -> Corpus:
    """A corpus whose words are in the order of their counts, those that no longer occur left out."""
    counts = np.bincount(tokens, minlength=len(words))
    order = np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)]
    place = np.empty(len(words), dtype=np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    return Corpus(Vocabulary([words[i] for i in order.tolist()], counts[order]), place[tokens], starts)
