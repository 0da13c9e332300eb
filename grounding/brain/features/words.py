"""Features of words by themselves: their place, length and frequency, and vectors that know no context."""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias

import numpy as np

from grounding.brain.features.stimulus import Stimulus, each_word, transcripts
from grounding.brain.recording import Features, Transcript
from grounding.brain.rows import word_type
from grounding.errors import InputError
from grounding.text.vocabulary import Vocabulary

Unknown: TypeAlias = Literal["error", "zero", "mean"]


def position(stimulus: Stimulus) -> Features:
    """Where a word stands: its number in its run and, where sentences are known, its number in its sentence.

    Both explain much of what untrained models explain (Hadidi et al., 2026), so they belong among the controls.

    Returns:
        A row a word: (W, 1), or (W, 2) if every transcript has sentences; counted from 0.
    """
    sentences = all(transcript.sentences is not None for transcript in transcripts(stimulus).values())

    def places(transcript: Transcript) -> np.ndarray:
        place = np.arange(len(transcript))
        if not sentences:
            return place
        assert transcript.sentences is not None
        begins = np.r_[True, transcript.sentences[1:] != transcript.sentences[:-1]]
        return np.stack([place, place - np.maximum.accumulate(np.where(begins, place, 0))], 1)

    return each_word("position", stimulus, places)


def length(stimulus: Stimulus) -> Features:
    """How many letters and digits a word has, (W, 1): punctuation is not counted."""
    return each_word("length", stimulus, lambda t: np.array([sum(map(str.isalnum, word)) for word in t.words]))


def log_frequency(stimulus: Stimulus, counts: Any, *, unknown: Literal["error", "unseen"] = "unseen") -> Features:
    """How frequent a word is in a corpus, on the Zipf scale, (W, 1).

    Zipf value = log10 of occurrences per thousand million words, with one added to each count so that unseen words have
    a value too: log10((count + 1) / (N + V)) + 9 for a corpus of N words of V types (van Heuven et al., 2014). "the" is
    near 7.7, a word met once in a million words at 3.

    Args:
        stimulus: what was heard.
        counts: a `Vocabulary`, a `StaticEmbedding` (its vocabulary), or a mapping from words to numbers of occurrences.
            A word is looked up as it is written, then in lower case without punctuation around it.
        unknown: "unseen" counts a word that is not there as seen 0 times, and their share is told in the name of the
            features; "error" raises.

    Raises:
        InputError: a word is unknown and shall not be; counts that are negative or empty; another choice.
    """
    _one_of("unknown", unknown, ("error", "unseen"))
    table = _counts(counts)
    if min(table.values(), default=-1) < 0 or not any(table.values()):
        raise InputError(
            f"counts: {len(table)} words with counts from {min(table.values(), default=0)} to "
            f"{max(table.values(), default=0)} found, expected some above 0 and none below; vectors from elsewhere may "
            "come without counts"
        )
    known = _spelling(table.__contains__)
    missing = _missing(stimulus, known)
    if missing and unknown == "error":
        raise InputError(f"log frequency: {_first(missing)} not counted; unknown='unseen' counts such words as 0")
    total = sum(table.values()) + len(table)

    def zipf(transcript: Transcript) -> np.ndarray:
        spelt = (known(word) for word in transcript.words)
        seen = np.array([0 if word is None else table[word] for word in spelt], dtype=np.float64)
        return np.log10((seen + 1) / total) + 9

    return each_word(f"log frequency{_told(stimulus, missing)}", stimulus, zipf)


def static_vectors(
    stimulus: Stimulus, embedding: Any, *, unknown: Unknown = "zero", name: str | None = None
) -> Features:
    """Vectors of words that are the same in every context, such as those of word2vec or GloVe.

    Args:
        stimulus: what was heard.
        embedding: a `StaticEmbedding` of `grounding.text`. A word is looked up as it is written, then in lower case
            without punctuation around it.
        unknown: what a word without a vector gets: "zero", the "mean" of the embedding's vectors, or an "error". The
            share of such words is told in the name of the features; `unknown_words` lists them.
        name: of the features; the class of the embedding unless given.

    Raises:
        InputError: a word has no vector and shall have one, or no word has one; another choice.
    """
    _one_of("unknown", unknown, ("error", "zero", "mean"))
    known = _spelling(embedding.__contains__)
    missing = _missing(stimulus, known)
    name = type(embedding).__name__ if name is None else name
    if missing and unknown == "error":
        raise InputError(f"{name}: {_first(missing)} without a vector; choose unknown='zero' or 'mean'")
    if sum(missing.values()) == sum(map(len, transcripts(stimulus).values())):
        raise InputError(f"{name}: none of {len(missing)} word types has a vector; is it of another language?")
    other = embedding.matrix.mean(0) if unknown == "mean" else np.zeros(embedding.width, dtype=np.float32)

    def vectors(transcript: Transcript) -> np.ndarray:
        spelt = [known(word) for word in transcript.words]
        found = np.tile(other, (len(spelt), 1))
        there = [place for place, word in enumerate(spelt) if word is not None]
        if there:
            found[there] = embedding.vectors([word for word in spelt if word is not None])
        return found

    return each_word(name + _told(stimulus, missing), stimulus, vectors)


def unknown_words(stimulus: Stimulus, known: Any) -> dict[str, int]:
    """How often each word occurs that a vocabulary, mapping or embedding does not know, most frequent first."""
    return dict(_missing(stimulus, _spelling(known.__contains__)).most_common())


def random_vectors(stimulus: Stimulus, width: int = 50, *, seed: int) -> Features:
    """A vector of independent standard normal numbers for each word type, the control of Goldstein et al. (2022).

    Every token of a type (`word_type`: lower case, no punctuation) has the type's vector, which depends on the type and
    the seed alone: not on the other words, their order, or the process. What such vectors explain, words as such
    explain, without any meaning or context.

    Args:
        stimulus: what was heard.
        width: numbers in a vector; choose that of the embedding that is compared.
        seed: of the vectors.

    Raises:
        InputError: a width below 1.
    """
    if width < 1:
        raise InputError(f"random vectors: width {width} found, expected at least 1")
    table: dict[str, np.ndarray] = {}

    def vector(kind: str) -> np.ndarray:
        if kind not in table:
            digest = hashlib.sha256(f"{seed} {kind}".encode()).digest()
            table[kind] = np.random.default_rng(int.from_bytes(digest)).standard_normal(width, dtype=np.float32)
        return table[kind]

    name = f"random vectors per word, seed {seed}"
    return each_word(name, stimulus, lambda t: np.stack([vector(word_type(word)) for word in t.words]))


def _counts(counts: Any) -> dict[str, int]:
    if isinstance(counts, Mapping):
        return {word: int(count) for word, count in counts.items()}
    vocabulary = counts if isinstance(counts, Vocabulary) else counts.words
    return dict(zip(vocabulary.words, vocabulary.counts.tolist(), strict=True))


def _spelling(known: Callable[[str], bool]) -> Callable[[str], str | None]:
    """From a word to the spelling under which it is known, None if under none."""

    def spelt(word: str) -> str | None:
        plain = word_type(word)
        return word if known(word) else plain if known(plain) else None

    return spelt


def _missing(stimulus: Stimulus, known: Callable[[str], str | None]) -> Counter[str]:
    """How often each word occurs that is not known; equally frequent ones in the order of the text."""
    words = (word for transcript in transcripts(stimulus).values() for word in transcript.words)
    return Counter(word_type(word) for word in words if known(word) is None)


def _told(stimulus: Stimulus, missing: Counter[str]) -> str:
    count = sum(map(len, transcripts(stimulus).values()))
    return f" ({sum(missing.values()) / count:.1%} of words unknown)" if missing else ""


def _first(missing: Counter[str]) -> str:
    (word, times), *_ = missing.most_common(1)
    others = f" and {len(missing) - 1} other words" if len(missing) > 1 else ""
    return f"{word!r} ({times} times){others}"


def _one_of(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise InputError(f"{name}: {value!r} found, expected one of {', '.join(known)}")
