"""From windows to batches of subwords that a model is run on, and back to words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np

from grounding.text.contextual.surprisal import AFTER, BEFORE, FIRST, SUBWORD, Rows
from grounding.text.contextual.windows import Window, subwords
from grounding.text.contextual.words import Alignment

Subword: TypeAlias = Literal["first", "last", "mean"]


def _none() -> np.ndarray:
    return np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class Special:
    """Subwords that a model expects around a text: before it, behind it, and in place of a masked one."""

    before: tuple[int, ...]
    after: tuple[int, ...]
    mask: int | None


@dataclass(frozen=True)
class Pass:
    """One sequence for a model, and what is wanted of its output.

    Attributes:
        ids: int64 (length,), with special tokens.
        positions: int64 (n,), where states are taken.
        words: int64 (n,), whose states they are, counted over all documents.
        shares: float32 (n,), by which a state counts to its word's mean.
        places: int64 (m,), where the distribution over the vocabulary is asked for.
        targets: int64 (m,), the subword that came there; 0 where that does not matter.
        rows: int64 (m,), index of the row in the table of scores.
    """

    ids: np.ndarray
    positions: np.ndarray = field(default_factory=_none)
    words: np.ndarray = field(default_factory=_none)
    shares: np.ndarray = field(default_factory=_none)
    places: np.ndarray = field(default_factory=_none)
    targets: np.ndarray = field(default_factory=_none)
    rows: np.ndarray = field(default_factory=_none)


class RowsWanted:
    """Collects the rows of scores that passes ask for."""

    def __init__(self) -> None:
        self.words: list[int] = []
        self.purposes: list[int] = []
        self.undefined: list[int] = []

    def add(self, words: Sequence[int], purposes: Sequence[int]) -> np.ndarray:
        """Indices of new rows."""
        start = len(self.words)
        self.words += words
        self.purposes += purposes
        return np.arange(start, len(self.words))

    def rows(self) -> Rows:
        """All that were added."""
        return Rows(*(np.array(one, dtype=np.int64) for one in (self.words, self.purposes, self.undefined)))


def window_pass(
    alignment: Alignment,
    window: Window,
    special: Special,
    offset: int,
    subword: Subword,
    wanted: RowsWanted | None,
    whole_words: bool = False,
) -> Pass:
    """A window whose words' states are wanted and, of a causal model, the distributions before their subwords.

    Args:
        alignment: of the document.
        window: of its words.
        special: subwords to add.
        offset: number of words in earlier documents.
        subword: whose states are a word's.
        wanted: where rows of scores are noted; None for none.
        whole_words: whether the probability of a word's beginning and end is wanted too.
    """
    span = subwords(alignment, window)
    ids = np.concatenate([special.before, alignment.ids[span], special.after]).astype(np.int64)
    shift = len(special.before) - span.start
    positions, words, shares = _pooling(alignment, window, subword)
    states = (ids, positions + shift, words + offset, shares)
    if wanted is None:
        return Pass(*states)
    places: list[int] = []
    targets: list[int] = []
    owners: list[int] = []
    purposes: list[int] = []
    for word in range(window.first, window.last):
        lead, first, stop = int(alignment.lead[word]), int(alignment.first[word]), int(alignment.stop[word])
        if lead + shift < 1 or first == stop:
            # Nothing stands before it that could predict it, or there is nothing to be predicted.
            wanted.undefined.append(word + offset)
            continue
        places += range(lead + shift - 1, stop + shift - 1)
        targets += alignment.ids[lead:stop].tolist()
        purpose = [SUBWORD] * (stop - lead)
        purpose[first - lead] |= FIRST
        if whole_words:
            # The first word of a text has no space before it, and needs none.
            purpose[0] |= BEFORE if lead > 0 else 0
            places.append(stop + shift - 1)
            targets.append(0)
            purpose.append(AFTER)
        owners += [word + offset] * len(purpose)
        purposes += purpose
    rows = wanted.add(owners, purposes)
    return Pass(*states, np.array(places, np.int64), np.array(targets, np.int64), rows)


def masked_passes(
    alignment: Alignment, window: Window, special: Special, offset: int, wanted: RowsWanted
) -> Iterator[Pass]:
    """For every subword of the words asked for a window in which it and the rest of its word are masked.

    Masking what follows within the word keeps the model from reading a word off its own end (Kauf and Ivanova, 2023).
    """
    assert special.mask is not None
    span = subwords(alignment, window)
    shift = len(special.before) - span.start
    whole = np.concatenate([special.before, alignment.ids[span], special.after]).astype(np.int64)
    for word in range(window.first, window.last):
        lead, first, stop = int(alignment.lead[word]), int(alignment.first[word]), int(alignment.stop[word])
        if first == stop:
            wanted.undefined.append(word + offset)
        for one in range(lead, stop):
            ids = whole.copy()
            ids[one + shift : stop + shift] = special.mask
            rows = wanted.add([word + offset], [SUBWORD | (FIRST if one == first else 0)])
            yield Pass(ids, places=np.array([one + shift]), targets=alignment.ids[one : one + 1], rows=rows)


def batches(passes: Sequence[Pass], subwords_at_once: int) -> list[list[Pass]]:
    """Passes of similar length together, so that little is padded; the longest first, so that memory fails early."""
    ordered = sorted(passes, key=lambda one: -len(one.ids))
    made: list[list[Pass]] = []
    for one in ordered:
        if made and len(made[-1][0].ids) * (len(made[-1]) + 1) <= subwords_at_once:
            made[-1].append(one)
        else:
            made.append([one])
    return made


def _pooling(alignment: Alignment, window: Window, subword: Subword) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Subwords, the words they count to, and their shares."""
    words = np.arange(window.first, window.last)
    first, stop = alignment.first[words], alignment.stop[words]
    own = stop > first
    words, first, stop = words[own], first[own], stop[own]
    if subword == "first":
        return first, words, np.ones(len(words), np.float32)
    if subword == "last":
        return stop - 1, words, np.ones(len(words), np.float32)
    counts = stop - first
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.repeat(first, counts) + within, np.repeat(words, counts), np.repeat(1 / counts, counts).astype(np.float32)
