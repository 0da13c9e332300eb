"""Encoding and decoding of fMRI, EEG and ECoG recordings: what an embedding explains, and how far that can be believed.

    recording, rows, folds     runs of one or more subjects, what their rows are, and honest ways to part them
    readers, sets, synthetic   recordings from files, named public sets, and ones with planted truth
    features                   what a stimulus is like, run by run: layers of language models, and dull controls
    ridge                      the solver: one penalty a target, all of them scored at once; banded ridge
    encoding                   EncodingModel: scores beside controls, ceilings and p-values
    significance, ceilings, comparison    permutation tests, noise ceilings, models of equal dimension
    decoding, geometry, sweeps            words from patterns; zero-shot maps and RSA; layers by lag and context

Nothing crosses the boundary of a run, and whatever is fitted is fitted in training rows. The names below are loaded
when they are first used.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from grounding.brain.encoding import EncodingModel, compare, encode_subjects
    from grounding.brain.folds import ByWordType, Contiguous, Grouped, LeaveOneOut, Shuffled
    from grounding.brain.recording import Epochs, Features, Recording, Responses, Run, Transcript
    from grounding.brain.ridge import GroupRidgeCV, Ridge, RidgeCV
    from grounding.brain.rows import Rows

_MODULES = {
    "encoding": ("EncodingModel", "compare", "encode_subjects"),
    "folds": ("ByWordType", "Contiguous", "Grouped", "LeaveOneOut", "Shuffled"),
    "recording": ("Epochs", "Features", "Recording", "Responses", "Run", "Transcript"),
    "ridge": ("GroupRidgeCV", "Ridge", "RidgeCV"),
    "rows": ("Rows",),
}
_HOME = {name: f"grounding.brain.{module}" for module, names in _MODULES.items() for name in names}

__all__ = [
    "ByWordType",
    "Contiguous",
    "EncodingModel",
    "Epochs",
    "Features",
    "GroupRidgeCV",
    "Grouped",
    "LeaveOneOut",
    "Recording",
    "Responses",
    "Ridge",
    "RidgeCV",
    "Rows",
    "Run",
    "Shuffled",
    "Transcript",
    "compare",
    "encode_subjects",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value
