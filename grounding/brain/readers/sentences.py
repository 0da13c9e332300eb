"""Sentences of a transcript: from its own punctuation, or from the text that was read aloud."""

import re
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

import numpy as np

from grounding.brain.recording import Transcript
from grounding.errors import InputError

_WORD = re.compile(r"[^\W_]+(?:['’.\-][^\W_]+)*")
# The end of a sentence: a full stop, question or exclamation mark, closing marks, a blank, and then no small letter,
# since "What?" said Alice goes on. A blank line ends one too.
_END = re.compile(r"[.!?…]+[\"'”’)\]_*]*(?:\s+|--|—)|\n\s*\n\s*")
_ABBREVIATION = re.compile(r"(?:^|[\s\"'“‘(])(?:Mr|Mrs|Ms|Dr|St|Prof|Rev|Sr|Jr|vs|etc|e\.g|i\.e|[A-Z])\.$")
_CLITIC = re.compile(r"(?:n['’]t|['’](?:s|ll|re|ve|d|m))$", re.IGNORECASE)
_OPENING = "\"'“‘([_*-— \n\t"


@dataclass(frozen=True)
class Aligned:
    """A transcript beside the text that was read.

    Attributes:
        transcript: with the text's spelling and sentence numbers.
        unmatched: (U,) int64, places of the words that the text does not have there; they keep their spelling and
            take the sentence of the word in front of them.
    """

    transcript: Transcript
    unmatched: np.ndarray

    @property
    def matched(self) -> float:
        """The share of the words that were found in the text."""
        return 1 - len(self.unmatched) / len(self.transcript)


def with_text(transcript: Transcript, text: str, *, punctuation: bool = False) -> Aligned:
    """Take spelling and sentences from a plain text, such as the book that was read aloud.

    Words are matched without case and punctuation, in the longest stretches first (Ratcliff and Metzener 1988, as in
    Python's ``difflib``); the text may be longer than what was read, and "didn't" or "rabbit-hole" may be one word in
    one of them and two in the other.

    Args:
        punctuation: leave the marks that touch a word on it ("conversations?'"), which helps a language model; without
            them "bank," and "bank" are one word type.

    Raises:
        InputError: a text without words, or with less than half of the transcript's.

    Example:
        >>> aligned = with_text(read_transcript("alice.TextGrid"), Path("alice.txt").read_text())
        >>> f"{aligned.matched:.1%}"
    """
    found = [piece for word in _WORD.finditer(text) for piece in _pieces(word.group(), word.start())]
    if not found:
        raise InputError("text: no word found in it, expected the text of the transcript")
    spoken = [(place, piece.plain) for place, word in enumerate(transcript.words) for piece in _pieces(word)]
    matcher = SequenceMatcher(None, [plain for _, plain in spoken], [piece.plain for piece in found], autojunk=False)
    match = np.full(len(spoken), -1)
    for block in matcher.get_matching_blocks():
        match[block.a : block.a + block.size] = np.arange(block.b, block.b + block.size)

    matches: list[list[int]] = [[] for _ in transcript.words]
    for (place, _), one in zip(spoken, match.tolist(), strict=True):
        matches[place].append(one)
    # A word is found when all its pieces are, one behind the other.
    whole = [bool(ones) and ones == list(range(ones[0], ones[0] + len(ones))) and ones[0] >= 0 for ones in matches]
    unmatched = np.flatnonzero(~np.array(whole))
    if len(unmatched) > len(transcript) / 2:
        raise InputError(
            f"text: {len(transcript) - len(unmatched)} of the transcript's {len(transcript)} words found in it, "
            "expected most; is it the text that was read?"
        )
    starts = _sentence_starts(text)
    words, sentences = list(transcript.words), np.zeros(len(transcript), np.int64)
    # Words in front of the first that was found belong to its sentence.
    sentence = _number(starts, found[matches[whole.index(True)][0]].first)
    for place, ones in enumerate(matches):
        if whole[place]:
            first, last = found[ones[0]], found[ones[-1]]
            sentence = _number(starts, first.first)
            words[place] = _spelling(text, first, last, punctuation)
        sentences[place] = sentence
    _, numbered = np.unique(sentences, return_inverse=True)
    return Aligned(replace(transcript, words=tuple(words), sentences=numbered.astype(np.int64)), unmatched)


def with_sentences(transcript: Transcript) -> Transcript:
    """Number the sentences by the punctuation that the words carry, as recognisers write it.

    Raises:
        InputError: no word carries the mark of an end; use `with_text`.
    """
    joined = " ".join(transcript.words) + " "
    lengths = np.array([len(word) + 1 for word in transcript.words])
    starts = _sentence_starts(joined)
    if len(starts) == 1 and not _END.search(joined):
        raise InputError("transcript: no word ends in . ! or ?; take the sentences from a text (with_text)")
    begins = np.cumsum(lengths) - lengths
    return replace(transcript, sentences=np.array([_number(starts, begin) for begin in begins.tolist()], np.int64))


def word_type(word: str) -> str:
    """The word without the marks around it: "bank" for "'bank,"; itself where it has no letter or figure."""
    return re.sub(r"^[\W_]+|[\W_]+$", "", word) or word


def _sentence_starts(text: str) -> np.ndarray:
    """Places in the text at which a sentence begins, ascending, the first at 0."""
    starts = [0]
    for end in _END.finditer(text):
        follows = text[end.end() :].lstrip(_OPENING)[:1] if end.end() < len(text) else ""
        blank_line = end.group().count("\n") > 1
        stop = text[max(0, end.start() - 12) : end.start() + 1]
        if follows and (blank_line or not (follows.islower() or _ABBREVIATION.search(stop))):
            starts.append(end.end())
    return np.array(starts)


def _number(starts: np.ndarray, place: int) -> int:
    return int(np.searchsorted(starts, place, side="right")) - 1


@dataclass(frozen=True)
class _Piece:
    """A part of a word that an aligner may write as a word of its own: "did" and "n't", "rabbit" and "hole"."""

    plain: str
    first: int
    last: int
    begins_word: bool
    ends_word: bool


def _pieces(word: str, start: int = 0) -> list[_Piece]:
    parts = []
    for part in re.finditer(r"[^\-]+", word):
        clitic = _CLITIC.search(part.group())
        cut = part.start() + clitic.start() if clitic and clitic.start() else part.end()
        parts += [(part.start(), cut), (cut, part.end())]
    spans = [(first, last) for first, last in parts if _plain(word[first:last])]
    return [
        _Piece(_plain(word[first:last]), start + first, start + last, place == 0, place == len(spans) - 1)
        for place, (first, last) in enumerate(spans)
    ]


def _spelling(text: str, first: _Piece, last: _Piece, punctuation: bool) -> str:
    """The text from piece to piece; with the marks in front, after a blank, and those behind, up to the next word."""
    begin, end = first.first, last.last
    if punctuation and first.begins_word:
        while begin and not text[begin - 1].isspace() and not text[begin - 1].isalnum():
            begin -= 1
        # Marks between two words that no blank parts, as in "hot--so", belong to the first.
        begin = first.first if begin and text[begin - 1].isalnum() else begin
    if punctuation and last.ends_word:
        while end < len(text) and not text[end].isspace() and not text[end].isalnum():
            end += 1
    return text[begin:end]


def _plain(word: str) -> str:
    return re.sub(r"[\W_]+", "", word).casefold()
