"""Whether a score could be chance: permutation tests, corrections for many targets, and intervals.

Recordings are autocorrelated, so neighbouring rows are no independent observations: a textbook p-value of a
correlation counts them as such and calls noise significant. The tests here move whole stretches of time, or keep the
spectrum, and correct for cross-validation (see `grounding.brain.significance.permutation`).

Example:
    >>> parts = segments(responses.rows, folds)
    >>> test = block_permutation(responses.data, predicted, parts, seed=0)
    >>> (test.family_wise < 0.05).sum()  # targets, corrected by the maximum statistic
"""

from grounding.brain.significance.correction import benjamini_hochberg, benjamini_yekutieli
from grounding.brain.significance.flips import difference_permutation, sign_flip
from grounding.brain.significance.intervals import Interval, bootstrap_rows, over_subjects
from grounding.brain.significance.permutation import (
    Significance,
    block_permutation,
    phase_permutation,
    shift_permutation,
)
from grounding.brain.significance.segments import block_length, segments

__all__ = [
    "Interval",
    "Significance",
    "benjamini_hochberg",
    "benjamini_yekutieli",
    "block_length",
    "block_permutation",
    "bootstrap_rows",
    "difference_permutation",
    "over_subjects",
    "phase_permutation",
    "segments",
    "shift_permutation",
    "sign_flip",
]
