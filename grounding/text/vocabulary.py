"""The words of a corpus and how often each occurs."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from grounding.errors import DataError, InputError
from grounding.files import write_atomically


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Words and their counts, most frequent first; a word's place in the list is its id.

    Because rare words come last, a minimum count is a cut of the list and leaves the ids of the words before it.

    Attributes:
        words: (V,) different words.
        counts: int64 (V,) occurrences.

    Raises:
        InputError: a word occurs twice, is empty, is more frequent than one before it, or there are not as many counts
            as words.
    """

    words: Sequence[str]
    counts: np.ndarray

    def __post_init__(self) -> None:
        if len(self.words) != len(self.counts):
            raise InputError(
                f"vocabulary: {len(self.words)} words and {len(self.counts)} counts found, expected as many"
            )
        if len(self.index) != len(self.words):
            (twice, times), *_ = Counter(self.words).most_common(1)
            raise InputError(f"vocabulary: the word {twice!r} found {times} times, expected once")
        if "" in self.index:
            raise InputError(f"vocabulary: word {self.index['']} is empty, expected one character or more")
        rising = np.flatnonzero(np.diff(self.counts) > 0)
        if len(rising):
            before, after = self.words[rising[0]], self.words[rising[0] + 1]
            raise InputError(f"vocabulary: {after!r} is more frequent than {before!r} before it; sort by falling count")

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        return word in self.index

    @cached_property
    def index(self) -> dict[str, int]:
        """The id of each word."""
        return {word: position for position, word in enumerate(self.words)}

    @classmethod
    def of(cls, words: Iterable[str]) -> "Vocabulary":
        """Count a stream of words; of equally frequent ones the first met comes first."""
        ranked = Counter(words).most_common()
        return cls([word for word, _ in ranked], np.array([count for _, count in ranked], dtype=np.int64))

    def cut(self, min_count: int = 1, size: int | None = None) -> "Vocabulary":
        """The words that occur at least `min_count` times, at most `size` of them.

        Raises:
            InputError: no word is left, or a `size` below 1.
        """
        if size is not None and size < 1:
            raise InputError(f"size: {size} found, expected 1 word or more, or None for all")
        # Counts fall along the list, so the words to keep are its beginning.
        kept = int(np.searchsorted(-self.counts, -min_count, side="right"))
        kept = kept if size is None else min(kept, size)
        if kept == 0:
            top = self.counts[0] if len(self) else 0
            raise InputError(
                f"vocabulary: no word occurs {min_count} times (the most frequent of {len(self)} occurs {top} times); "
                "lower min_count or bring more text"
            )
        return Vocabulary(self.words[:kept], self.counts[:kept])

    def ids(self, words: Iterable[str]) -> np.ndarray:
        """The ids int64 (N,) of words.

        Raises:
            KeyError: a word that is not in the vocabulary, by name.
        """
        return np.fromiter((self.index[word] for word in words), dtype=np.int64)

    def keep_probabilities(self, sample: float) -> np.ndarray:
        """With what probability an occurrence of each word is kept when frequent words are subsampled, float64 (V,).

        (√(f/t) + 1)·t/f, at most 1, with the word's share f of the corpus and the threshold t = `sample`: what
        word2vec does (Mikolov et al. 2013 print 1 − √(t/f) for the probability of leaving out, a little different).
        A `sample` of 0 keeps all.
        """
        if sample <= 0:
            return np.ones(len(self))
        share = self.counts / self.counts.sum()
        return np.minimum((np.sqrt(share / sample) + 1) * sample / share, 1.0)

    def noise(self, power: float = 0.75) -> np.ndarray:
        """The distribution of negative examples, ∝ count**power, float64 (V,) (Mikolov et al. 2013)."""
        weights = self.counts.astype(np.float64) ** power
        return weights / weights.sum()

    def save(self, file: Path) -> None:
        """Write one `word<TAB>count` a line, UTF-8.

        Raises:
            InputError: a word has a tab or line break in it.
            StorageError: the file cannot be written.
        """
        for word in self.words:
            if "\t" in word or "\n" in word:
                raise InputError(f"vocabulary: the word {word!r} has a tab or line break, which the file cannot hold")
        pairs = zip(self.words, self.counts.tolist(), strict=True)
        write_atomically(file, "".join(f"{word}\t{count}\n" for word, count in pairs))

    @classmethod
    def load(cls, file: Path) -> "Vocabulary":
        """Read what `save` wrote.

        Raises:
            DataError: the file is missing or empty, or a line is not `word<TAB>count`; the message names file and line.
        """
        try:
            # Split at line feeds alone: words may hold other characters that Python counts as line breaks.
            *lines, rest = file.read_bytes().decode("utf-8").split("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"{file}: not readable as a vocabulary ({error}); write it again") from error
        if rest:
            raise DataError(f"{file}, line {len(lines) + 1}: {rest!r} found without a line break; write it again")
        if not lines:
            raise DataError(f"{file}: no words found, expected word<TAB>count in every line; write it again")
        words, counts = [], np.empty(len(lines), dtype=np.int64)
        for number, line in enumerate(lines):
            word, _, count = line.rpartition("\t")
            # Counts of more than 18 digits may be beyond 64 bits.
            if not word or not count.isdecimal() or len(count) > 18:
                raise DataError(f"{file}, line {number + 1}: {line!r} found, expected word<TAB>count; write it again")
            words.append(word)
            counts[number] = int(count)
        try:
            return cls(words, counts)
        except InputError as error:
            raise DataError(f"{file}: {error}; write it again") from error
