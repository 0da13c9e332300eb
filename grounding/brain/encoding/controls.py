"""What varies with any stimulus, and words without meaning: the controls that a transcript is enough for."""

from collections.abc import Sequence

import numpy as np

from grounding.brain import features as of_stimulus
from grounding.brain.encoding.spaces import Space
from grounding.brain.recording import Features, Recording, Responses, Transcript
from grounding.brain.rows import Rows


def default_controls(recording: Recording | Responses) -> tuple[Features, ...]:
    """Word rate and position of words, in step with the rows of the recording; none where no words are known.

    For a recording with transcripts: how many words begin in each sample, and their place (mean of a sample's words
    for fMRI, impulses at their onsets for EEG, MEG and ECoG). For word-locked responses: the time since the word before
    (at most 2 s), place and length of the word. Sound needs the sound: give `sound_envelope` or `sound_power` as a
    further control.
    """
    if isinstance(recording, Responses):
        if recording.rows.word is None:
            return ()
        words = _words_of(recording.rows)
        return (_pause(recording.rows), of_stimulus.position(words), of_stimulus.length(words))
    if not _has_words(recording):
        return ()
    return (of_stimulus.word_rate(recording), _in_step(of_stimulus.position(recording), recording))


def default_random(recording: Recording | Responses, width: int, seeds: Sequence[int]) -> tuple[Features, ...]:
    """An arbitrary vector for each word type, one Features a seed, brought to the rows as `default_controls` are."""
    if isinstance(recording, Responses):
        if recording.rows.word is None:
            return ()
        words = _words_of(recording.rows)
        return tuple(of_stimulus.random_vectors(words, width, seed=seed) for seed in seeds)
    if not _has_words(recording):
        return ()
    return tuple(_in_step(of_stimulus.random_vectors(recording, width, seed=seed), recording) for seed in seeds)


def confounds(recording: Recording | Responses) -> tuple[Space, ...]:
    """The nuisance series of the runs, such as head motion, in step with the rows as they are."""
    if isinstance(recording, Responses):
        return ()
    series = {run.name: run.confounds for run in recording.runs if run.confounds is not None}
    if len(series) < len(recording.runs):
        return ()
    return (Space(Features("confounds", series)),)


def _has_words(recording: Recording) -> bool:
    return all(run.transcript is not None and len(run.transcript) for run in recording.runs)


def _in_step(words: Features, recording: Recording) -> Features:
    return (of_stimulus.averaged if recording.kind == "fmri" else of_stimulus.impulses)(words, recording)


def _words_of(rows: Rows) -> dict[str, Transcript]:
    """Transcripts as far as the rows tell; words that were left out are "" and only keep the places of the others."""
    assert rows.word is not None
    transcripts = {}
    for run, places in rows.runs().items():
        words = [""] * (int(rows.index[places[-1]]) + 1)
        for place in places:
            words[rows.index[place]] = str(rows.word[place])
        onsets = np.interp(np.arange(len(words)), rows.index[places], rows.time[places])
        transcripts[run] = Transcript(tuple(words), onsets, onsets)
    return transcripts


def _pause(rows: Rows) -> Features:
    runs = {}
    for run, places in rows.runs().items():
        pause = np.full((int(rows.index[places[-1]]) + 1, 1), 2.0, dtype=np.float32)
        pause[rows.index[places[1:]], 0] = np.minimum(np.diff(rows.time[places]), 2.0)
        runs[run] = pause
    return Features("time since the word before", runs)
