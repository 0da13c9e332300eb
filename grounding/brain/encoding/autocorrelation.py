"""A model that knows nothing but where in its run a row stands: what neighbouring rows give away by themselves."""

import numpy as np

from grounding.brain.recording import Features
from grounding.brain.rows import Rows
from grounding.errors import InputError

# Rows; the training rows choose. Wide enough for drifts of half a minute of fMRI at a TR of 2 s.
WIDTHS = (2.0, 4.0, 8.0, 16.0)


def autocorrelation_features(rows: Rows, width: float) -> Features:
    """Features without content: Gaussian bumps along each run, every run with bumps of its own.

    A ridge on them smooths the responses in time and fills the gaps that test rows leave. With shuffled folds that
    alone beats language models; with contiguous folds and a gap, a test row meets only bumps that no training row
    fixed, and the score is about 0. It is the orthogonal autocorrelated sequences model (OASM) of Feghhi, Hadidi et al.
    (2024, arXiv 2406.01538): an identity matrix blurred within blocks that are orthogonal to each other. The bumps
    here stand one and a half widths apart, which leaves the similarity of any two rows as it is, to 0.04 of 1, with a
    fraction of the columns.

    Args:
        rows: of the responses.
        width: standard deviation of a bump in rows, at least 1.

    Returns:
        One column a bump, sum over runs of about run length / (1.5 · width); not to be standardised, as the tail of a
        bump that lies in test rows is no feature of the training rows.

    Raises:
        InputError: a width below 1.
    """
    if width < 1:
        raise InputError(f"width: {width} rows, expected at least 1")
    lengths = {run: int(rows.index[places[-1]]) + 1 for run, places in rows.runs().items()}
    centres = {run: np.arange(0, length, round(1.5 * width)) for run, length in lengths.items()}
    columns = sum(len(c) for c in centres.values())
    runs, first = {}, 0
    for run, length in lengths.items():
        blocks = np.zeros((length, columns), dtype=np.float32)
        distance = np.arange(length)[:, None] - centres[run]
        bumps = np.exp(-0.5 * (distance / width) ** 2)
        bumps[np.abs(distance) > 4 * width] = 0
        blocks[:, first : first + len(centres[run])] = bumps
        runs[run] = blocks
        first += len(centres[run])
    return Features("autocorrelation", runs)
