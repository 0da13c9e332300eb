"""Writing a synthetic recording as a BIDS folder that says that it is synthetic.

EEG and ECoG become BrainVision files. fMRI becomes what a preprocessed study looks like: events in the folder itself,
images in MNI space with their mask below ``derivatives/synthetic``. The truth lies in ``sourcedata/truth``: what
drives each channel (``channels.tsv``), which story each run is (``runs.tsv``), and the layers (``layers.npz``).
"""

import json
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from grounding.brain.recording import Features, Recording, Run
from grounding.brain.synthetic.fmri import GRID
from grounding.brain.synthetic.truth import Simulation
from grounding.errors import DataError, InputError, StorageError
from grounding.files import atomic

MAKER = "grounding.brain.synthetic"
"""The name under ``GeneratedBy`` in ``dataset_description.json`` by which a synthetic folder is known."""

TRUTH = Path("sourcedata", "truth")
DERIVATIVE = Path("derivatives", "synthetic")
SPACE = "MNI152NLin2009cAsym"


def write_bids(simulation: Simulation, folder: str | Path) -> Path:
    """Write all runs, their words and the truth. The folder appears when it is complete.

    Args:
        simulation: of any kind. Names of runs are their BIDS entities, as the makers give them.
        folder: must not exist yet, or be empty.

    Returns:
        The folder.

    Raises:
        InputError: a recording that cannot be written so: not synthetic, names of runs that are no BIDS entities, or
            voxels that do not lie on the 4 mm grid.
        StorageError: the folder cannot be written, or there is something in it.

    Example:
        >>> folder = write_bids(simulate_eeg(seed=0), "runs/synthetic")
        >>> recording = with_events(read_bids(folder, "eeg"), folder, words="word")
    """
    recording, folder = simulation.recording, Path(folder)
    if not recording.synthetic:
        raise InputError("recording: it is not marked synthetic, and this folder would say that it is")
    for run in recording.runs:
        _entities(run)
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise StorageError(f"{folder}: it is there and no empty folder; name one that does not exist yet")
    with atomic(folder) as temporary:
        # What a killed process left.
        shutil.rmtree(temporary, ignore_errors=True)
        try:
            _write_all(simulation, temporary)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
    return folder


def is_synthetic(folder: str | Path) -> bool:
    """Whether `write_bids` made this folder, by its ``dataset_description.json``.

    Raises:
        DataError: there is no such file, or it is no JSON object.
    """
    path = Path(folder) / "dataset_description.json"
    try:
        description = json.loads(path.read_text(encoding="utf-8"))
        return any(one.get("Name") == MAKER for one in description.get("GeneratedBy", ()))
    except (OSError, ValueError, AttributeError) as error:
        raise DataError(f"{path}: cannot be read ({error}); give the folder that holds it") from error


def _write_all(simulation: Simulation, root: Path) -> None:
    recording = simulation.recording
    root.mkdir(parents=True)
    if recording.kind == "fmri":
        _write_images(recording, simulation.truth.regions, root)
    else:
        for run in recording.runs:
            _write_raw(recording, run, root)
    for run in recording.runs:
        _write_events(recording, run, root)
    _write_description(recording, simulation.truth.seed, root)
    _write_truth(simulation, root / TRUTH)


def planted_stories(folder: str | Path) -> dict[str, str]:
    """Which story each run of a folder of `write_bids` is, by the run's name.

    Raises:
        DataError: the folder's truth is missing.
    """
    path = Path(folder) / TRUTH / "runs.tsv"
    try:
        return dict(line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()[1:])
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read ({error}); make the synthetic folder again") from error


def planted_layers(folder: str | Path, recording: Recording) -> dict[str, Features]:
    """The layers that drive a recording read from a folder of `write_bids`, a row a word, by name.

    Raises:
        DataError: the folder's truth is missing, or the recording has runs that are not in it.
    """
    path = Path(folder) / TRUTH / "layers.npz"
    story = planted_stories(folder)
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read ({error}); make the synthetic folder again") from error
    if unknown := [run.name for run in recording.runs if run.name not in story]:
        raise DataError(f"{path}: nothing about run {unknown[0]!r}, expected {', '.join(story)}")
    return {
        layer: Features(layer, {run.name: arrays[f"{layer}/{story[run.name]}"] for run in recording.runs})
        for layer in dict.fromkeys(name.split("/")[0] for name in arrays)
    }


def _entities(run: Run) -> dict[str, str]:
    """{"sub": "01", "task": "story1"} of "sub-01_task-story1"."""
    pairs = [part.split("-") for part in run.name.split("_")]
    if any(len(pair) != 2 or not pair[1].isalnum() for pair in pairs) or [pair[0] for pair in pairs][:2] != [
        "sub",
        "task",
    ]:
        raise InputError(f"run {run.name!r}: expected BIDS entities such as 'sub-01_task-story1_run-1'")
    return dict(pairs)


def _datatype(recording: Recording) -> str:
    return {"fmri": "func", "eeg": "eeg", "ecog": "ieeg", "meg": "meg"}[recording.kind]


def _place(recording: Recording, run: Run, root: Path) -> Path:
    return root / f"sub-{_entities(run)['sub']}" / _datatype(recording)


def _write_raw(recording: Recording, run: Run, root: Path) -> None:
    import mne
    import mne_bids

    type_ = {"eeg": "eeg", "ecog": "ecog"}[recording.kind]
    info = mne.create_info(list(recording.channels), run.rate, type_, verbose="error")
    raw = mne.io.RawArray(run.data.T.astype(np.float64), info, verbose="error")
    if recording.positions is not None:
        frame = "head" if recording.kind == "eeg" else "mni_tal"
        places = dict(zip(recording.channels, recording.positions.astype(np.float64), strict=True))
        # Head space is defined by these three points, at the head's usual size.
        fiducials: dict[str, Any] = (
            {"nasion": (0, 0.095, 0), "lpa": (-0.08, 0, 0), "rpa": (0.08, 0, 0)} if frame == "head" else {}
        )
        raw.set_montage(
            mne.channels.make_dig_montage(places, coord_frame=frame, **fiducials), on_missing="ignore", verbose="error"
        )
    raw.info["line_freq"] = 50
    named = _entities(run)
    path = mne_bids.BIDSPath(
        subject=named["sub"], task=named["task"], run=named.get("run"), datatype=_datatype(recording), root=root
    )
    mne_bids.write_raw_bids(
        raw, path, format="BrainVision", allow_preload=True, overwrite=True, verbose="error", montage=None
    )


def _write_images(recording: Recording, regions: tuple[str, ...], root: Path) -> None:
    import nibabel

    if recording.positions is None:
        raise InputError("recording: voxels without positions have no place in an image")
    steps = recording.positions.astype(np.float64) / GRID
    places = np.round(steps).astype(int)
    if np.abs(steps - places).max() > 0.01 or len(np.unique(places, axis=0)) < len(places):
        raise InputError(
            "recording: voxels do not lie on the 4 mm grid, one at each place, and have no place in an image"
        )
    # A margin of one voxel, so that nothing lies at the edge.
    first = places.min(0) - 1
    places = places - first
    shape = tuple(places.max(0) + 2)
    affine = np.diag([GRID * 1000] * 3 + [1.0])
    affine[:3, 3] = first * GRID * 1000
    derivative = root / DERIVATIVE

    def image(values: np.ndarray, dtype: Any) -> nibabel.Nifti1Image:
        volume = np.zeros((*shape, *values.shape[1:]), dtype=dtype)
        volume[tuple(places.T)] = values
        made = nibabel.Nifti1Image(volume, affine)
        made.header.set_xyzt_units("mm", "sec")
        made.header["sform_code"] = made.header["qform_code"] = 4
        return made

    for run in recording.runs:
        folder = _place(recording, run, derivative)
        folder.mkdir(parents=True, exist_ok=True)
        bold = image(run.data.T, np.float32)
        bold.header.set_zooms((*[GRID * 1000] * 3, 1 / run.rate))
        stem = f"{run.name}_space-{SPACE}_desc"
        nibabel.save(bold, folder / f"{stem}-preproc_bold.nii.gz")
        nibabel.save(image(np.ones(len(places)), np.uint8), folder / f"{stem}-brain_mask.nii.gz")
        sidecar = {"RepetitionTime": 1 / run.rate, "TaskName": _entities(run)["task"]}
        _json(folder / f"{stem}-preproc_bold.json", sidecar)
    names = list(dict.fromkeys(regions))
    numbers = np.array([names.index(region) + 1 for region in regions])
    nibabel.save(image(numbers, np.int16), derivative / f"space-{SPACE}_dseg.nii.gz")
    _table(derivative / f"space-{SPACE}_dseg.tsv", ("index", "name"), enumerate(names, start=1))


def _write_events(recording: Recording, run: Run, root: Path) -> None:
    transcript = run.transcript
    if transcript is None:
        return
    folder = _place(recording, run, root)
    folder.mkdir(parents=True, exist_ok=True)
    sentences = transcript.sentences if transcript.sentences is not None else ["n/a"] * len(transcript)
    rows = zip(transcript.onsets - run.start, transcript.offsets - transcript.onsets, ["word"] * len(transcript),
               transcript.words, sentences, strict=True)  # fmt: skip
    _table(
        folder / f"{run.name}_events.tsv",
        ("onset", "duration", "trial_type", "word", "sentence"),
        ((f"{onset:.6f}", f"{duration:.6f}", *rest) for onset, duration, *rest in rows),
    )


def _write_description(recording: Recording, seed: int, root: Path) -> None:
    made = {
        "Name": f"Synthetic {recording.kind}, seed {seed}",
        "BIDSVersion": "1.9.0",
        "License": "CC0",
        "Authors": ["no person took part"],
        "GeneratedBy": [{"Name": MAKER, "Description": f"Synthetic recording with planted truth, seed {seed}."}],
    }
    _json(root / "dataset_description.json", {**made, "DatasetType": "raw"})
    if recording.kind == "fmri":
        _json(root / DERIVATIVE / "dataset_description.json", {**made, "DatasetType": "derivative"})
        subjects = dict.fromkeys(f"sub-{run.subject}" for run in recording.runs)
        _table(root / "participants.tsv", ("participant_id",), ((subject,) for subject in subjects))
    text = (
        f"Synthetic {recording.kind} made by {MAKER}, seed {seed}. Nobody was recorded.\n"
        "What was planted is in sourcedata/truth.\n"
    )
    if recording.kind == "ecog":
        text += "The channels are amplitudes of high gamma, not raw voltages: take no envelope of them.\n"
    (root / "README").write_text(text, encoding="utf-8")


def _write_truth(simulation: Simulation, folder: Path) -> None:
    folder.mkdir(parents=True)
    truth, recording = simulation.truth, simulation.recording
    positions = np.full((len(truth.regions), 3), np.nan) if recording.positions is None else recording.positions
    _table(
        folder / "channels.tsv",
        ("name", "x", "y", "z", "region", "layer", "lag", "ceiling_r2", "word_rate", "sound"),
        (
            (name, *(f"{value:.6f}" for value in place), region, layer, *(f"{value:.6g}" for value in numbers))
            for name, place, region, layer, *numbers in zip(
                recording.channels, positions, truth.regions, truth.layer, truth.lag, truth.ceiling, truth.word_rate,
                truth.sound, strict=True,
            )
        ),
    )  # fmt: skip
    _table(folder / "runs.tsv", ("run", "story"), ((run.name, run.story) for run in recording.runs))
    first_of_story = {run.story: run.name for run in reversed(recording.runs)}
    arrays = {
        f"{layer.name}/{story}": layer.runs[run] for layer in simulation.layers for story, run in first_of_story.items()
    }
    np.savez(folder / "layers.npz", **arrays)  # type: ignore[arg-type]


def _table(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    lines = ["\t".join(header), *("\t".join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _json(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
