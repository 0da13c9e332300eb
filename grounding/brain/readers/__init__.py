"""Recordings from the files people have: BIDS folders, MNE raw and epochs, NIfTI, GIFTI, tables, transcripts.

    bids, bids_files                   whole folders of EEG, MEG, iEEG and fMRI
    electrophysiology, signals         files of MNE; filters, references, rates, the high-gamma envelope
    fmri, confounds                    voxels, regions, surfaces; nuisance series and cleaning
    transcripts, sentences             words and when they were heard; their sentences
    word_locked                        stretches around the onsets of words
    runs                               joining runs, bad channels, transcripts to runs
    tables                             text tables

The names below are loaded when they are first used.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from grounding.brain.readers.bids import read_bids, read_bids_fmri, with_events
    from grounding.brain.readers.confounds import cleaned, read_confounds
    from grounding.brain.readers.electrophysiology import annotated_words, read_epochs, read_raw
    from grounding.brain.readers.fmri import Regions, Surface, Voxels, read_fmri, read_region_table, read_surface
    from grounding.brain.readers.runs import join, with_transcripts, without_bad_channels
    from grounding.brain.readers.sentences import with_sentences, with_text
    from grounding.brain.readers.signals import average_referenced, filtered, high_gamma, resampled
    from grounding.brain.readers.transcripts import read_events, read_transcript
    from grounding.brain.readers.word_locked import word_epochs

_MODULES = {
    "bids": ("read_bids", "read_bids_fmri", "with_events"),
    "confounds": ("cleaned", "read_confounds"),
    "electrophysiology": ("annotated_words", "read_epochs", "read_raw"),
    "fmri": ("Regions", "Surface", "Voxels", "read_fmri", "read_region_table", "read_surface"),
    "runs": ("join", "with_transcripts", "without_bad_channels"),
    "sentences": ("with_sentences", "with_text"),
    "signals": ("average_referenced", "filtered", "high_gamma", "resampled"),
    "transcripts": ("read_events", "read_transcript"),
    "word_locked": ("word_epochs",),
}
_HOME = {name: f"grounding.brain.readers.{module}" for module, names in _MODULES.items() for name in names}

__all__ = [
    "Regions",
    "Surface",
    "Voxels",
    "annotated_words",
    "average_referenced",
    "cleaned",
    "filtered",
    "high_gamma",
    "join",
    "read_bids",
    "read_bids_fmri",
    "read_confounds",
    "read_epochs",
    "read_events",
    "read_fmri",
    "read_raw",
    "read_region_table",
    "read_surface",
    "read_transcript",
    "resampled",
    "with_events",
    "with_sentences",
    "with_text",
    "with_transcripts",
    "without_bad_channels",
    "word_epochs",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'grounding.brain.readers' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
