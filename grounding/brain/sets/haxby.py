"""Pictures of eight categories: fMRI of one person, twelve runs, one slice (Haxby et al., 2001)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from grounding.brain.recording import Recording, Responses, Run
from grounding.brain.rows import Rows
from grounding.brain.sets.files import Layout, read_table
from grounding.errors import DataError, InputError

REST = "rest"
DELAY = 2
"""Volumes (5 s) from the beginning of a block to its haemodynamic response."""

LAYOUT = Layout(
    "Haxby",
    "bold.nii.gz, mask.nii.gz and attributes_literal.txt, as in the example data of PyMVPA; or haxby2001/sub001, the "
    "OpenFMRI layout",
    "the example data of PyMVPA (Haxby et al., 2001; CC BY-SA)",
)


@dataclass(frozen=True)
class Haxby:
    """A recording and what was seen at each of its volumes.

    Attributes:
        recording: twelve runs of 121 volumes, (121, 530) in scanner units; 2.5 s a volume.
        labels: by run, (121,) str: the category of the picture shown at each volume, or "rest".
    """

    recording: Recording
    labels: dict[str, np.ndarray]

    def blocks(self, delay: int = DELAY) -> tuple[Responses, np.ndarray]:
        """The mean pattern of each block of pictures, and the (n,) categories.

        Each voxel's linear trend is taken out and its standard deviation over the run made 1, run by run, which looks
        at no label and no other run. The volumes of a block are then taken ``delay`` later than its pictures, for the
        haemodynamic response; a block whose response would leave the run keeps the volumes inside.

        Returns:
            (96, 530) float32, eight blocks a run, with ``rows.index`` the block's first volume; and (96,) str.

        Raises:
            InputError: a negative delay, or one that moves a block out of its run.
        """
        if delay < 0:
            raise InputError(f"delay: {delay} found, expected at least 0 volumes")
        data, parts, labels = [], [], []
        for run in self.recording.runs:
            values, seen = standardised(run.data), self.labels[run.name]
            begins = np.flatnonzero(np.r_[True, seen[1:] != seen[:-1]])
            ends = np.r_[begins[1:], len(seen)]
            chosen = [(first, last) for first, last in zip(begins, ends, strict=True) if seen[first] != REST]
            if not chosen:
                raise DataError(f"run {run.name}: no block of pictures, only {REST}")
            for first, last in chosen:
                block = values[first + delay : last + delay]
                if not len(block):
                    raise InputError(f"delay: {delay} volumes move the block at volume {first} of {run.name} out of it")
                data.append(block.mean(0))
                labels.append(seen[first])
            firsts = np.array([first for first, _ in chosen])
            parts.append(Rows.of_run(run.name, run.times[firsts], index=firsts, subject=run.subject))
        rows = Rows.joined(parts)
        return Responses(np.array(data, dtype=np.float32), rows, self.recording.channels, "fmri"), np.array(labels)


def load(folder: Path | str) -> Haxby:
    """Read the slice, its labels and its runs.

    Voxels that are constant in a run are left out, as ``recording.excluded`` says.

    Raises:
        DataError: a file is missing, or labels and volumes are not equally many.
    """
    table = LAYOUT.path(folder, "attributes_literal.txt")
    attributes = [line.split() for line in table.read_text(encoding="utf-8").splitlines() if line.strip()]
    if any(len(entry) != 2 for entry in attributes):
        raise DataError(f"{table}: expected two columns, category and run; get the file again")
    labels, runs = np.array([entry[0] for entry in attributes]), np.array([entry[1] for entry in attributes])
    mask = np.asarray(_image(LAYOUT.path(folder, "mask.nii.gz")).dataobj).squeeze() > 0
    image = _image(LAYOUT.path(folder, "bold.nii.gz"))
    data = _masked(image, mask, "bold.nii.gz")
    if len(data) != len(labels):
        raise DataError(
            f"{table}: {len(labels)} labels found, expected {len(data)}, one for each volume of bold.nii.gz"
        )
    names = {run: f"run-{int(run) + 1:02d}" for run in dict.fromkeys(runs.tolist())}
    rate = 1 / float(image.header.get_zooms()[-1])
    kept, channels, excluded = _varying({names[run]: data[runs == run] for run in names})
    recording = Recording(
        tuple(Run(name, values, rate, subject="1") for name, values in kept.items()), channels, "fmri",
        excluded=excluded,
    )  # fmt: skip
    return Haxby(recording, {names[run]: labels[runs == run] for run in names})


def load_openfmri(folder: Path | str) -> Haxby:
    """The same slice from the OpenFMRI copy: one NIfTI file and one table of events a run.

    Args:
        folder: the same, holding ``haxby2001/sub001/BOLD/task001_runNNN/{bold_1slice.nii.gz, bold_events.tsv}`` and
            ``mask.nii.gz``.

    Raises:
        DataError: a file or column is missing, or an event leaves its run.
    """
    mask = np.asarray(_image(LAYOUT.path(folder, "mask.nii.gz")).dataobj).squeeze() > 0
    data, labels, rate = {}, {}, 0.0
    for place in LAYOUT.matching(folder, "haxby2001/sub001/BOLD/task001_run*/bold_1slice.nii.gz"):
        name = f"run-{place.parent.name[-2:]}"
        image = _image(place)
        rate = 1 / float(image.header.get_zooms()[-1])
        data[name] = _masked(image, mask, str(place))
        labels[name] = _events(LAYOUT.path(place.parent, "bold_events.tsv"), len(data[name]), rate)
    kept, channels, excluded = _varying(data)
    runs = tuple(Run(name, values, rate, subject="1") for name, values in kept.items())
    return Haxby(Recording(runs, channels, "fmri", excluded=excluded), labels)


def standardised(data: np.ndarray) -> np.ndarray:
    """(T, v) float32: each voxel of a run without its mean and linear trend, with standard deviation 1."""
    design = np.column_stack([np.ones(len(data)), np.linspace(-1, 1, len(data))])
    residual = data - design @ np.linalg.lstsq(design, data.astype(np.float64), rcond=None)[0]
    return (residual / residual.std(0)).astype(np.float32)


def _image(path: Path) -> Any:
    import nibabel
    from nibabel.filebasedimages import ImageFileError

    try:
        return nibabel.load(path)
    except ImageFileError as error:
        raise DataError(f"{path}: not readable as NIfTI ({error}); get the file again") from error


def _masked(image: Any, mask: np.ndarray, name: str) -> np.ndarray:
    """(T, v) float32: the voxels in the mask, in the order in which the mask is stored."""
    volumes = np.asarray(image.dataobj)
    if volumes.ndim != 4 or volumes.shape[:-1] != (*mask.shape, 1)[:3]:
        raise DataError(
            f"{name}: {volumes.shape}, expected ({', '.join(map(str, mask.shape))}, 1, volumes) as the mask"
        )
    return volumes.reshape(-1, volumes.shape[-1])[mask.ravel()].T.astype(np.float32)


def _varying(runs: dict[str, np.ndarray]) -> tuple[dict[str, np.ndarray], tuple[str, ...], dict[str, str]]:
    """Runs without the voxels that are constant in one, the names of those kept, and why the others were left out."""
    voxels = next(iter(runs.values())).shape[1]
    excluded: dict[str, str] = {}
    for name, data in runs.items():
        for voxel in np.flatnonzero(np.ptp(data, 0) == 0).tolist():
            excluded.setdefault(f"voxel {voxel}", f"constant in {name}")
    keep = [voxel for voxel in range(voxels) if f"voxel {voxel}" not in excluded]
    if not keep:
        raise DataError("Haxby: every voxel is constant in some run; get the files again")
    return {name: data[:, keep] for name, data in runs.items()}, tuple(f"voxel {voxel}" for voxel in keep), excluded


def _events(path: Path, volumes: int, rate: float) -> np.ndarray:
    """(T,) str: what is shown at each volume."""
    table = read_table(path, ("onset", "duration", "trial_type"), delimiter="\t")
    labels = np.full(volumes, REST, dtype="<U16")
    for onset, duration, kind in zip(table["onset"], table["duration"], table["trial_type"], strict=True):
        first, count = round(float(onset) * rate), round(float(duration) * rate)
        if first < 0 or first + count > volumes:
            raise DataError(f"{path}: {kind} at {onset} s lasts {duration} s, beyond the run's {volumes / rate} s")
        labels[first : first + count] = kind
    return labels
