"""Whole BIDS folders as one recording: EEG, MEG and intracranial through MNE-BIDS, fMRI as scanned or from fMRIPrep.

A run is named by its BIDS entities ("sub-01_ses-1_task-alice_run-2"). Its story is that name without the subject, so
that runs in which several subjects heard the same thing share one. Where a stimulus came back in another session or
run, say so with ``stories``, or a fold may train on what it tests.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from grounding.brain.readers import bids_files
from grounding.brain.readers.confounds import read_confounds
from grounding.brain.readers.electrophysiology import quiet, read_raw
from grounding.brain.readers.fmri import Regions, Surface, Voxels, read_fmri
from grounding.brain.readers.runs import Acquired, check_apart, join, with_transcripts, without_channels
from grounding.brain.readers.transcripts import read_events
from grounding.brain.recording import Kind, Recording, Run
from grounding.brain.synthetic.bids import is_synthetic, planted_stories
from grounding.errors import DataError

_DATATYPES: dict[Kind, str] = {"eeg": "eeg", "ecog": "ieeg", "meg": "meg", "fmri": "func"}
_EXTENSIONS = (".vhdr", ".edf", ".bdf", ".set", ".fif", ".nwb", ".mefd", ".ds", ".con", ".sqd", ".pdf")


def read_bids(
    root: str | Path,
    kind: Kind,
    *,
    subjects: Sequence[str] | None = None,
    sessions: Sequence[str] | None = None,
    tasks: Sequence[str] | None = None,
    runs: Sequence[str] | None = None,
    stories: Mapping[str, str] | None = None,
) -> Recording:
    """Every run of an EEG, MEG or iEEG folder that is asked for; words are added by `with_events`.

    Channels that ``channels.tsv`` marks bad, or that are not finite or constant in some run, are left out of all runs
    and named in ``excluded``. Electrodes in the brain have positions only where those are in MNI space.

    Args:
        root: the folder that holds ``dataset_description.json``.
        kind: "eeg", "ecog" (BIDS calls it ieeg) or "meg".
        subjects: labels without "sub-"; all where None, and so for ``sessions``, ``tasks`` and ``runs``.
        stories: what was heard, by run name.

    Raises:
        DataError: no such folder or run, unreadable data, runs of one subject that overlap in time or hold the same
            samples, or no channel common to all runs.

    Example:
        >>> recording = read_bids("study", "ecog", subjects=["01"], tasks=["podcast"])
        >>> recording = with_events(recording, "study", words="word")
    """
    from mne_bids import find_matching_paths

    root = bids_files.demand_bids(root)
    synthetic, stories = _as_made(root, stories)
    with quiet():
        found = find_matching_paths(
            root, suffixes=_DATATYPES[kind], datatypes=_DATATYPES[kind], extensions=list(_EXTENSIONS), ignore_nosub=True
        )
    # Long FIF files come in pieces, and MNE reads the rest with the first.
    paths = [
        path
        for path in sorted(found, key=lambda one: str(one.fpath))
        if path.split in (None, "01", "1")
        and (path.subject != "emptyroom" or "emptyroom" in (subjects or ()))
        and bids_files.chosen(path.fpath, sub=subjects, ses=sessions, task=tasks, run=runs)
    ]
    if not paths:
        raise DataError(f"{root}: no {_DATATYPES[kind]} data of the subjects, sessions, tasks and runs asked for")
    recordings, acquired = [], []
    for path in paths:
        recording, begin = _electrophysiology(root, path, kind, stories)
        first, last = recording.runs[0], recording.runs[-1]
        recordings.append(recording)
        if begin is not None:
            seconds = float(last.times[-1]) + 1 / last.rate
            acquired.append(Acquired(bids_files.run_name(path.fpath), first.subject, begin, seconds))
    check_apart(acquired)
    return replace(join(recordings), synthetic=synthetic)


def read_bids_fmri(
    root: str | Path,
    where: Voxels | Regions | Surface,
    *,
    derivative: str | Path | None = None,
    space: str | None = None,
    subjects: Sequence[str] | None = None,
    sessions: Sequence[str] | None = None,
    tasks: Sequence[str] | None = None,
    runs: Sequence[str] | None = None,
    stories: Mapping[str, str] | None = None,
    confounds: Sequence[str] | None = None,
) -> Recording:
    """Every run of an fMRI folder that is asked for; words are added by `with_events`.

    The repetition time of the sidecar and of the image's header must agree, and a ``StartTime`` of the sidecar, which
    fMRIPrep writes after slice-timing correction, is the moment of the first scan. Confounds are read where a
    ``desc-confounds_timeseries.tsv`` lies beside the image, and kept in ``Run.confounds``; see `cleaned`. For
    ``Voxels()`` a ``desc-brain_mask`` beside the image is its mask, where there is one.

    Args:
        root: the folder that holds ``dataset_description.json``.
        where: what the channels are.
        derivative: folder whose images are read instead, such as "study/derivatives/fmriprep".
        space: read only images of this ``space-``, such as "MNI152NLin2009cAsym".
        subjects: labels without "sub-"; all where None, and so for ``sessions``, ``tasks`` and ``runs``.
        stories: what was heard, by run name.
        confounds: columns or patterns; see `read_confounds`.

    Raises:
        DataError: no such folder or run, two images of one run, voxels on different grids, repetition times that
            contradict each other, unreadable data, or no channel common to all runs.
    """
    root = bids_files.demand_bids(root)
    synthetic, stories = _as_made(root, stories)
    folder = root if derivative is None else bids_files.demand_bids(derivative)
    spaces = None if space is None else [space]
    images: dict[str, Path] = {}
    for image in sorted([*folder.glob("sub-*/func/*_bold.nii*"), *folder.glob("sub-*/ses-*/func/*_bold.nii*")]):
        if bids_files.chosen(image, sub=subjects, ses=sessions, task=tasks, run=runs, space=spaces):
            name = bids_files.run_name(image)
            if name in images:
                raise DataError(f"{image}: a second image of run {name!r} beside {images[name].name}; choose by space=")
            images[name] = image
    if not images:
        raise DataError(f"{folder}: no *_bold.nii.gz of the subjects, sessions, tasks, runs and space asked for")
    recordings, acquired = [], []
    for name, image in images.items():
        recording = _bold(root, image, name, where, stories, confounds)
        run = recording.runs[0]
        recordings.append(recording)
        if (begin := bids_files.acquisition_time(root, name)) is not None:
            acquired.append(Acquired(name, run.subject, begin, len(run.data) / run.rate))
    if isinstance(where, Voxels):
        _demand_one_grid(list(images.values()))
    check_apart(acquired)
    return replace(join(recordings), synthetic=synthetic)


def with_events(
    recording: Recording,
    root: str | Path,
    *,
    words: str = "word",
    types: Sequence[str] | None = None,
    crop: bool = False,
) -> Recording:
    """Give each run of a BIDS recording the words of its ``_events.tsv``.

    Args:
        recording: as `read_bids` and `read_bids_fmri` read it; the runs' names lead to the events.
        root: the folder that it was read from (not the derivative).
        words: column that holds the words; "trial_type" where each event is one.
        types: keep only the events of these ``trial_type``.
        crop: leave out words beyond their run, rather than refuse them; where a file is in several parts, words that
            lie in none of them are left out in any case.

    Raises:
        DataError: a run without events, named with the file expected; and as `read_events` and `with_transcripts`.
    """
    root = bids_files.demand_bids(root)
    files: dict[str, list[Run]] = {}
    for run in recording.runs:
        files.setdefault(run.name.partition("_part-")[0], []).append(run)
    runs: list[Run] = []
    for name, parts in files.items():
        path = bids_files.sidecar(root, name, _DATATYPES[recording.kind], "events", ".tsv")
        if path is None:
            expected = bids_files.run_file(root, name, _DATATYPES[recording.kind], "events", ".tsv")
            raise DataError(f"{expected}: no events found for run {name!r}, expected a table of onsets and words")
        transcript = read_events(path, words=words, types=types)
        of_file = replace(recording, runs=tuple(parts))
        # Words of one part of a file lie outside of the others.
        given = with_transcripts(of_file, {part.name: transcript for part in parts}, crop=crop or len(parts) > 1)
        runs += given.runs
    return replace(recording, runs=tuple(runs))


def _as_made(root: Path, stories: Mapping[str, str] | None) -> tuple[bool, Mapping[str, str] | None]:
    """Whether a generator made the folder, and then the stories that it knows its runs to be."""
    synthetic = is_synthetic(root)
    return synthetic, planted_stories(root) if synthetic and stories is None else stories


def _electrophysiology(
    root: Path, path: Any, kind: Kind, stories: Mapping[str, str] | None
) -> tuple[Recording, float | None]:
    """One file of an EEG, MEG or iEEG folder, and when its acquisition began (seconds), where that is known."""
    from mne_bids import read_raw_bids

    try:
        with quiet():
            raw = read_raw_bids(path)
    except Exception as error:  # MNE-BIDS and the readers below it raise what their format stumbles on
        raise DataError(f"{path.fpath}: cannot be read by MNE-BIDS ({error})") from error
    name = bids_files.run_name(path.fpath)
    datatype = _DATATYPES[kind]
    bad = {one: f"marked bad in run {name!r}" for one in raw.info["bads"]}
    bad |= bids_files.bad_channels(bids_files.sidecar(root, name, datatype, "channels", ".tsv"))
    # They are left out below, where the reason is known.
    raw.info["bads"] = []
    recording = read_raw(raw, name=name, subject=path.subject, story=bids_files.story_of(name, stories), kind=kind)
    recording = without_channels(recording, {one: why for one, why in bad.items() if one in recording.channels})
    if kind == "ecog" or recording.positions is None:
        positions = bids_files.electrode_positions(root, name, datatype, recording.channels)
        recording = replace(recording, positions=positions)
    date = raw.info["meas_date"]
    return recording, None if date is None else date.timestamp()


def _bold(
    root: Path,
    image: Path,
    name: str,
    where: Voxels | Regions | Surface,
    stories: Mapping[str, str] | None,
    confounds: Sequence[str] | None,
) -> Recording:
    labels = bids_files.entities(image)
    if "echo" in labels or labels.get("part", "mag") != "mag":
        raise DataError(f"{image}: one echo or part of several; read the images that were combined (derivative=)")
    mask = image.with_name(image.name.replace("desc-preproc_bold", "desc-brain_mask"))
    if where == Voxels() and mask != image and mask.is_file():
        where = Voxels(mask)
    series = image.with_name(f"{name}_desc-confounds_timeseries.tsv")
    recording = read_fmri(
        image,
        where,
        tr=bids_files.stated_seconds(root, image, "RepetitionTime"),
        name=name,
        subject=labels["sub"],
        story=bids_files.story_of(name, stories),
        confounds=read_confounds(series, confounds)[0] if series.is_file() else None,
    )
    # fMRIPrep moves each scan to the middle of its time when it corrects for the order of the slices.
    start = bids_files.stated_seconds(root, image, "StartTime") or 0.0
    return replace(recording, runs=(replace(recording.runs[0], start=start),))


def _demand_one_grid(images: Sequence[Path]) -> None:
    """Voxels are matched by their indices, which mean the same place only on the same grid."""
    import nibabel

    first = nibabel.load(images[0])
    for path in images[1:]:
        other = nibabel.load(path)
        if other.shape[:3] != first.shape[:3] or not np.allclose(other.affine, first.affine, atol=1e-3):
            raise DataError(
                f"{path}: {other.shape[:3]} voxels on another grid than {images[0].name} {first.shape[:3]}; read one "
                "subject at a time, or images in one space (space=)"
            )
