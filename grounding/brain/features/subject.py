"""Vectors of words that are a subject's own: what this person says, or was asked to write, about each word."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from grounding.brain.features.stimulus import Stimulus, subjects, transcripts
from grounding.brain.recording import Features
from grounding.brain.rows import word_type
from grounding.errors import InputError

Vectors = Mapping[str, np.ndarray]
"""A vector (p,) by word."""


def vectors_of_texts(
    texts: Mapping[str, Mapping[str, Sequence[str]]], encoder: Any
) -> dict[str, dict[str, np.ndarray]]:
    """A vector for each subject and word: the mean of the vectors of what the subject wrote about the word.

    After Bruera and Poesio (2022, 2024), who put each subject's own descriptions through a language model.

    Args:
        texts: by subject and word, one text or more.
        encoder: a `SentenceEncoder` or anything with ``encode(list of texts) -> (n, p)``, which is called once.

    Returns:
        By subject and word, float32 (p,).

    Raises:
        InputError: a word without a text; a blank text.

    Example:
        >>> own = vectors_of_texts({"sub-01": {"grandmother": ["She baked bread.", "Kind."]}}, SentenceEncoder())
        >>> features = subject_vectors(recording, own)
    """
    listed: list[str] = []
    span: dict[tuple[str, str], slice] = {}
    for subject, words in texts.items():
        for word, written in words.items():
            if isinstance(written, str) or not len(written) or not all(map(str.strip, written)):
                raise InputError(
                    f"texts: subject {subject!r}, word {word!r}: {written!r} found, expected a list of texts"
                )
            span[subject, word] = slice(len(listed), len(listed) + len(written))
            listed.extend(written)
    if not listed:
        raise InputError("texts: none found, expected at least one subject with one word")
    encoded = np.asarray(encoder.encode(listed), dtype=np.float32)
    return {subject: {word: encoded[span[subject, word]].mean(0) for word in words} for subject, words in texts.items()}


def subject_vectors(
    stimulus: Stimulus,
    own: Mapping[str, Vectors],
    *,
    otherwise: Vectors | Literal["error", "zero"] = "error",
    name: str = "subject-specific vectors",
) -> Features:
    """The vectors of each run's words as the run's own subject has them.

    Beside the same features with everyone's mean vectors, they tell whether a brain follows its owner's meanings.

    Args:
        stimulus: what was heard, and by whom: a recording, or rows that are words.
        own: by subject and word, vectors (p,) of one length. A word is looked up as it is written, then in lower case
            without punctuation around it.
        otherwise: for words of which a subject has no vector: "error", "zero", or shared vectors by word. The share of
            words that a subject had none of its own for is told in the name of the features.
        name: of the features.

    Returns:
        A row a word, (W, p) a run.

    Raises:
        InputError: a subject without vectors; a word without one where there must be one; vectors of other lengths or
            with values that are not finite.
    """
    if isinstance(otherwise, str) and otherwise not in ("error", "zero"):
        raise InputError(f"otherwise: {otherwise!r} found, expected 'error', 'zero' or vectors by word")
    shared: Vectors = {} if isinstance(otherwise, str) else otherwise
    width = _width(name, own, shared)
    runs, total, without = {}, 0, 0
    whose = subjects(stimulus)
    for run, transcript in transcripts(stimulus).items():
        if whose[run] not in own:
            raise InputError(
                f"{name}: no vectors of subject {whose[run]!r} (run {run!r}); there are those of {', '.join(own)}"
            )
        values = np.zeros((len(transcript), width), dtype=np.float32)
        for place, word in enumerate(transcript.words):
            vector = _find(own[whose[run]], word)
            without += vector is None
            vector = _find(shared, word) if vector is None else vector
            if vector is not None:
                values[place] = vector
            elif otherwise != "zero":
                raise InputError(
                    f"{name}: no vector of {word!r} for subject {whose[run]!r} (run {run!r}, word {place}); give "
                    "otherwise='zero' or shared vectors that have it"
                )
        runs[run] = values
        total += len(transcript)
    return Features(f"{name} ({without / total:.1%} of words not the subject's own)" if without else name, runs)


def _find(vectors: Vectors, word: str) -> np.ndarray | None:
    return vectors.get(word, vectors.get(word_type(word)))


def _width(name: str, own: Mapping[str, Vectors], shared: Vectors) -> int:
    widths: dict[int, str] = {}
    for whose, vectors in [*((f"subject {subject!r}", vectors) for subject, vectors in own.items()), ("all", shared)]:
        for word, vector in vectors.items():
            if np.ndim(vector) != 1 or not np.isfinite(vector).all():
                raise InputError(f"{name}: the vector of {word!r} for {whose} has shape {np.shape(vector)} or a value "
                                 "that is not finite, expected (p,) finite numbers")  # fmt: skip
            widths.setdefault(len(vector), f"{word!r} for {whose}")
    if len(widths) != 1:
        found = ", ".join(f"{width} ({example})" for width, example in widths.items())
        raise InputError(f"{name}: vectors of length {found or 'none'} found, expected at least one and one length")
    return next(iter(widths))
