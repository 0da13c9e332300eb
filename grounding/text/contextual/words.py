"""The caller's words, and which of a tokenizer's subwords are theirs."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from grounding.errors import InputError

Missing: TypeAlias = Literal["error", "nan"]

# What byte-level BPE and SentencePiece write for a space.
SPACE_MARKS = "Ġ▁"


@dataclass(frozen=True)
class Document:
    """A text and the character spans of the words in it that vectors are wanted for.

    What lies between the spans (white space, punctuation) is context like the rest, but belongs to no word.

    Attributes:
        text: as the tokenizer is to see it.
        spans: of every word its first character and the one behind its last, in Python's code points, ascending and
            without overlap. A word may contain spaces.

    Example:
        >>> Document("“Stop!” said Alice.", ((1, 5), (8, 12), (13, 18))).words
        ('Stop', 'said', 'Alice')

    Raises:
        InputError: no span, one that is empty, blank, beyond the text or before its predecessor's end, or a text that
            is no valid Unicode.
    """

    text: str
    spans: tuple[tuple[int, int], ...]

    def __post_init__(self) -> None:
        if not self.spans:
            raise InputError(f"text {self.text[:40]!r}: no words found; expected at least one")
        try:
            self.text.encode()
        except UnicodeEncodeError as error:
            raise InputError(
                f"text: character {error.start} is a lone surrogate ({error.object[error.start]!r}), which is no valid "
                "Unicode; decode the file as UTF-8"
            ) from error
        end = 0
        for position, (start, stop) in enumerate(self.spans):
            if not end <= start < stop <= len(self.text):
                raise InputError(
                    f"word {position}: characters {start} to {stop} found; expected a span of at least one character "
                    f"within {end} and {len(self.text)}, behind the word before it"
                )
            if not self.text[start:stop].strip():
                raise InputError(f"word {position}: {self.text[start:stop]!r} is blank; leave it out")
            end = stop

    @classmethod
    def of_words(cls, words: Sequence[str], separator: str = " ") -> "Document":
        """The words joined by a separator, which is "" for words of a script without spaces."""
        spans: list[tuple[int, int]] = []
        start = 0
        for position, word in enumerate(words):
            if not isinstance(word, str):
                raise InputError(f"word {position}: {type(word).__name__} found, expected a string")
            if not word.strip():
                raise InputError(f"word {position}: {word!r} is blank; leave it out")
            spans.append((start, start + len(word)))
            start += len(word) + len(separator)
        return cls(separator.join(words), tuple(spans))

    @classmethod
    def of_text(cls, text: str) -> "Document":
        """The text as it stands; its words are what white space separates, punctuation included."""
        return cls(text, tuple(found.span() for found in re.finditer(r"\S+", text)))

    @property
    def words(self) -> tuple[str, ...]:
        """The words as written."""
        return tuple(self.text[start:stop] for start, stop in self.spans)


Words: TypeAlias = str | Document | Sequence[str] | Sequence[Sequence[str] | Document]


def as_documents(words: Words) -> list[Document]:
    """What a caller may give as one list: a text, the words of one document, or several documents.

    A string is a text (`Document.of_text`); a list of strings holds the words of one document (`Document.of_words`);
    a list of lists of words, or of documents, holds several, whose words do not see each other.

    Raises:
        InputError: there are no words, or something that is none of these.
    """
    if isinstance(words, str):
        return [Document.of_text(words)]
    if isinstance(words, Document):
        return [words]
    if not len(words):
        raise InputError("words: an empty list found, expected at least one word")
    if all(isinstance(item, str) for item in words):
        return [Document.of_words(words)]  # type: ignore[arg-type]
    documents = []
    for position, item in enumerate(words):
        if isinstance(item, str) or not isinstance(item, Document | Sequence | np.ndarray):
            raise InputError(
                f"words: item {position} is {type(item).__name__} {item!r}; expected strings (the words of one "
                "document) or lists of strings (several documents), not a mixture"
            )
        try:
            documents.append(item if isinstance(item, Document) else Document.of_words(item))
        except InputError as error:
            raise InputError(f"document {position}: {error}") from error
    return documents


@dataclass(frozen=True)
class Alignment:
    """The subwords of a document, and the range of them that each word has.

    Attributes:
        ids: int64 (subwords,), without special tokens.
        first: int64 (words,), index of the word's first subword.
        stop: int64 (words,), index behind its last; equal to `first` for a word that has none.
        lead: int64 (words,), `first`, or the first of the subwords of nothing but white space right before it: they
            cost surprisal and are counted to this word, but say nothing of its meaning.
    """

    ids: np.ndarray
    first: np.ndarray
    stop: np.ndarray
    lead: np.ndarray

    def __len__(self) -> int:
        return len(self.first)

    @property
    def present(self) -> np.ndarray:
        """Bool (words,): which words have subwords."""
        return self.stop > self.first


def align(tokenizer: Any, document: Document, missing: Missing = "error") -> Alignment:
    """Tokenise a document as one text and find the subwords of its words.

    A subword belongs to the first word it shares a character with, by the offsets that fast tokenizers give, which
    refer to the text before any normalisation. A tokenizer without offsets (a slow one, such as XLM's) gets each word
    by itself, and what lies between the words is left out.

    Args:
        tokenizer: of transformers.
        document: the text and its words.
        missing: what to do with a word without a subword of its own: it was normalised to nothing, like a lone
            zero-width joiner for BERT, or is the second in a subword that spans two words.

    Raises:
        InputError: a word has no subword of its own and `missing` is "error".
    """
    alignment = _by_offsets(tokenizer, document) if tokenizer.is_fast else _word_by_word(tokenizer, document)
    without = np.flatnonzero(~alignment.present)
    if len(without) and missing == "error":
        raise InputError(
            f"word {without[0]}, {document.words[without[0]]!r}: no subword of its own in this tokenizer"
            f"{f' (and {len(without) - 1} more such words)' if len(without) > 1 else ''}; leave it out, join it to its "
            'neighbour, or give missing="nan" to get NaN for it'
        )
    return alignment


def _by_offsets(tokenizer: Any, document: Document) -> Alignment:
    text = document.text
    encoding = tokenizer(
        text, add_special_tokens=False, return_offsets_mapping=True, truncation=False, padding=False, verbose=False
    )
    ids = np.asarray(encoding["input_ids"], dtype=np.int64)
    offsets = np.asarray(encoding["offset_mapping"], dtype=np.int64).reshape(-1, 2)
    pieces = tokenizer.convert_ids_to_tokens(ids.tolist())
    # By the piece too: the space that SentencePiece sets before a text has the offsets of the first letter.
    blank = np.array(
        [
            not piece.strip(SPACE_MARKS) or (start < stop and text[start:stop].isspace())
            for piece, (start, stop) in zip(pieces, offsets, strict=True)
        ],
        dtype=bool,
    )
    begins, ends = np.array(document.spans, dtype=np.int64).T
    # Trimmed offsets may be empty; such a subword is where it begins.
    word = np.searchsorted(ends, offsets[:, 0], side="right")
    reaches = np.maximum(offsets[:, 1], offsets[:, 0] + 1)
    own = (word < len(begins)) & (begins[np.minimum(word, len(begins) - 1)] < reaches) & ~blank
    return _ranges(ids, np.flatnonzero(own), word[own], blank, len(begins))


def _ranges(ids: np.ndarray, subwords: np.ndarray, words: np.ndarray, blank: np.ndarray, count: int) -> Alignment:
    """The alignment in which subword `subwords[i]` belongs to word `words[i]`."""
    first = np.full(count, len(ids), dtype=np.int64)
    stop = np.zeros(count, dtype=np.int64)
    np.minimum.at(first, words, subwords)
    np.maximum.at(stop, words, subwords + 1)
    lead = np.empty_like(first)
    end = 0
    for index in range(count):
        if stop[index] == 0:
            first[index] = stop[index] = lead[index] = end
            continue
        lead[index] = first[index]
        while lead[index] > end and blank[lead[index] - 1]:
            lead[index] -= 1
        end = stop[index]
    return Alignment(ids, first, stop, lead)


def _word_by_word(tokenizer: Any, document: Document) -> Alignment:
    pieces = [tokenizer.encode(word, add_special_tokens=False) for word in document.words]
    stop = np.cumsum([len(piece) for piece in pieces], dtype=np.int64)
    first = np.concatenate([[0], stop[:-1]]).astype(np.int64)
    return Alignment(np.array([one for piece in pieces for one in piece], dtype=np.int64), first, stop, first)
