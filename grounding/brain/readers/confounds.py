"""Nuisance series of fMRI, and cleaning a run of them, of drift and of slow trends."""

from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np

from grounding.brain.readers.tables import read_matrix
from grounding.brain.recording import Recording
from grounding.errors import DataError, InputError

MOTION = ("trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z")


def read_confounds(path: str | Path, columns: Sequence[str] | None = None) -> tuple[np.ndarray, tuple[str, ...]]:
    """Nuisance series from fMRIPrep's ``desc-confounds_timeseries.tsv``, SPM's ``rp_*.txt`` or FSL's ``.par``.

    A missing value (n/a), which fMRIPrep writes in the first row of every derivative, becomes 0: no change.

    Args:
        columns: names or patterns, such as ("trans_*", "rot_*", "a_comp_cor_0?"). Where None: the six motion
            parameters of a table with a header, all columns of one without.

    Returns:
        confounds (T, K) float32, and their names.

    Raises:
        DataError: as `read_matrix`; a value that is missing below the first row, or a name that matches no column.
        InputError: columns chosen by name from a table without header.
    """
    values, names = read_matrix(path, "a table of confounds")
    if names is None:
        if columns is not None:
            raise InputError(f"{path}: no header found, so columns cannot be chosen by name; leave columns out")
        names = MOTION if values.shape[1] == 6 else tuple(f"column {place}" for place in range(values.shape[1]))
        chosen = list(range(values.shape[1]))
    else:
        chosen = []
        for wanted in MOTION if columns is None else columns:
            found = [place for place, name in enumerate(names) if fnmatchcase(name, wanted)]
            if not found:
                raise DataError(f"{path}: no column {wanted!r}; there are {', '.join(names)}")
            chosen += [place for place in found if place not in chosen]
    values = values[:, chosen]
    values[0] = np.nan_to_num(values[0], nan=0.0)
    if (holes := np.argwhere(~np.isfinite(values))).size:
        row, column = holes[0].tolist()
        raise DataError(f"{path}: {names[chosen[column]]!r} is missing in row {row} of the series, expected a number")
    return values.astype(np.float32), tuple(names[place] for place in chosen)


def cleaned(recording: Recording, *, high_pass: float | None = 0.01, confounds: bool = True) -> Recording:
    """Take a linear trend, slow drift and the runs' confounds out of each run, all at once.

    One least-squares fit a run with a constant, a line, the cosines below ``high_pass`` (as SPM and fMRIPrep have
    them) and the confounds together, since taking them out one after the other brings back what an earlier step
    removed (Lindquist et al. 2019). The fit sees the whole run but nothing of the stimulus. Where not even that is
    wanted, leave the confounds in the recording and give them to the encoding model as a control.

    Args:
        high_pass: Hz; 0.01 takes out periods longer than 100 s. None: only the constant and the line.
        confounds: whether to take out the confounds of the runs that have some; those runs have none afterwards.

    Returns:
        A recording whose channels have mean 0 in each run.

    Raises:
        InputError: ``high_pass`` not below half the sampling rate, or as many regressors as samples.
    """
    runs = []
    for run in recording.runs:
        if high_pass is not None and not 0 < high_pass < run.rate / 2:
            raise InputError(f"clean: high_pass {high_pass:g} Hz, expected between 0 and {run.rate / 2:g} Hz")
        samples = len(run.data)
        regressors = [np.ones(samples), np.linspace(-1, 1, samples)]
        count = 0 if high_pass is None else int(2 * samples / run.rate * high_pass)
        regressors += [np.cos(np.pi * k * (np.arange(samples) + 0.5) / samples) for k in range(1, count + 1)]
        if confounds and run.confounds is not None:
            regressors += list(run.confounds.T.astype(np.float64))
        if len(regressors) >= samples:
            raise InputError(
                f"clean: {len(regressors)} regressors for the {samples} samples of run {run.name!r}; choose fewer "
                "confounds or a lower high_pass"
            )
        data = _residual(run.data, np.column_stack(regressors))
        runs.append(replace(run, data=data, confounds=None if confounds else run.confounds))
    return replace(recording, runs=tuple(runs))


def _residual(data: np.ndarray, design: np.ndarray) -> np.ndarray:
    """data (T, C) less its least-squares fit by the design (T, R), whose columns may depend on each other; float32."""
    scale = np.linalg.norm(design, axis=0)
    left, singular, _ = np.linalg.svd(design / np.where(scale > 0, scale, 1), full_matrices=False)
    basis = left[:, singular > 1e-7 * singular[0]]
    residual = np.empty_like(data, dtype=np.float32)
    # float64 for a part of the channels at a time: a whole brain is large.
    for first in range(0, data.shape[1], 4096):
        part = data[:, first : first + 4096].astype(np.float64)
        residual[:, first : first + 4096] = part - basis @ (basis.T @ part)
    return residual
