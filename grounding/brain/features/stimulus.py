"""What was heard or read, run by run: the words that features are made of."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np

from grounding.brain.recording import Features, Recording, Transcript
from grounding.brain.rows import Rows
from grounding.errors import DataError, InputError

Stimulus: TypeAlias = Recording | Mapping[str, Transcript] | Rows
"""A recording whose runs have transcripts; transcripts by run name; or rows that are words, none left out."""


def transcripts(stimulus: Stimulus) -> dict[str, Transcript]:
    """The transcript of each run, by run name.

    Raises:
        DataError: a run of a recording without a transcript, or with one that has no words.
        InputError: rows that are no words, or of which some were left out, so that the words around them are unknown.
    """
    if isinstance(stimulus, Rows):
        return {run: _of_rows(stimulus, run, places) for run, places in stimulus.runs().items()}
    if not isinstance(stimulus, Recording):
        return dict(stimulus)
    found = {}
    for run in stimulus.runs:
        if run.transcript is None or not len(run.transcript):
            raise DataError(
                f"run {run.name!r}: no words found, expected a transcript; read one beside the recording, or leave the "
                "run out"
            )
        found[run.name] = run.transcript
    return found


def subjects(stimulus: Stimulus) -> dict[str, str]:
    """Whose run each is, by run name.

    Raises:
        InputError: bare transcripts, which say nothing of subjects.
    """
    if isinstance(stimulus, Recording):
        return {run.name: run.subject for run in stimulus.runs}
    if isinstance(stimulus, Rows):
        return {run: str(stimulus.subject[places[0]]) for run, places in stimulus.runs().items()}
    raise InputError("subjects: transcripts found, which say not whose they are; give the recording or its rows")


def each_word(name: str, stimulus: Stimulus, values: Callable[[Transcript], np.ndarray]) -> Features:
    """Features with a row a word.

    Runs with the same words, such as those of several subjects, are computed once and share one array.

    Args:
        name: of the features.
        stimulus: what was heard.
        values: from a transcript of W words to (W, p) or (W,) numbers, which depend on its words and sentences alone.

    Raises:
        InputError: values of another number of rows, or that are not finite.
    """
    known: dict[tuple[tuple[str, ...], bytes], np.ndarray] = {}
    runs = {}
    for run, transcript in transcripts(stimulus).items():
        sentences = b"" if transcript.sentences is None else transcript.sentences.tobytes()
        key = (transcript.words, sentences)
        if key not in known:
            known[key] = _checked(name, run, transcript, values(transcript))
        runs[run] = known[key]
    return Features(name, runs)


def _of_rows(rows: Rows, run: str, places: np.ndarray) -> Transcript:
    if rows.word is None:
        raise InputError("rows: no words found; features of words are for word-locked responses or a recording")
    if not np.array_equal(rows.index[places], np.arange(len(places))):
        raise InputError(
            f"rows: {len(places)} words of run {run!r} found, the last being word {rows.index[places[-1]]}: some were "
            "left out, and what stood between is unknown; give the recording or its transcripts"
        )
    times = rows.time[places]
    return Transcript(tuple(rows.word[places].tolist()), times, times)


def _checked(name: str, run: str, transcript: Transcript, values: np.ndarray) -> np.ndarray:
    values = np.asarray(values)
    values = values[:, None] if values.ndim == 1 else values
    if len(values) != len(transcript):
        raise InputError(f"features {name!r}: {len(values)} rows for run {run!r}, expected one for each word, "
                         f"{len(transcript)}")  # fmt: skip
    with np.errstate(over="ignore"):
        values = values.astype(np.float32, copy=False)
    if not np.isfinite(values).all():
        place = int(np.flatnonzero(~np.isfinite(values).all(1))[0])
        raise InputError(
            f"features {name!r}: word {place} ({transcript.words[place]!r}) of run {run!r} has a value that is not "
            "finite; leave the word out of the transcript, or give it a number"
        )
    return values
