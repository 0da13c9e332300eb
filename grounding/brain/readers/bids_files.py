"""What lies beside the data in a BIDS folder: names and their entities, sidecars, scan times, channels, electrodes."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from grounding.brain.readers.tables import MISSING, existing_file, numbers, read_columns
from grounding.errors import DataError

# Entities that tell runs apart; the others tell what was made of a run (space, desc, res, den, hemi, split).
RUN_ENTITIES = ("sub", "ses", "task", "acq", "ce", "rec", "dir", "run", "echo", "part", "proc")


def demand_bids(root: str | Path) -> Path:
    """The folder, once it is known to be the root of a BIDS data set.

    Raises:
        DataError: no such folder, or no ``dataset_description.json`` or ``sub-`` folder in it.
    """
    root = Path(root)
    if not root.is_dir():
        raise DataError(f"{root}: no folder found, expected the root of a BIDS data set; check the path")
    if not (root / "dataset_description.json").is_file() and not any(root.glob("sub-*")):
        raise DataError(
            f"{root}: neither dataset_description.json nor a sub- folder found, expected the root of a BIDS data set"
        )
    return root


def entities(path: Path) -> dict[str, str]:
    """Labels by entity, in the name's order: {"sub": "01", "task": "alice"}."""
    parts = path.name.split(".")[0].split("_")
    return dict(part.split("-", 1) for part in parts if "-" in part)


def run_name(path: Path) -> str:
    """The part of a file's name that tells runs apart: "sub-01_task-alice_run-2"."""
    return "_".join(f"{key}-{label}" for key, label in entities(path).items() if key in RUN_ENTITIES)


def story_of(run: str, stories: Mapping[str, str] | None) -> str:
    """The run's name without its subject, unless ``stories`` has another for the run."""
    return (stories or {}).get(run) or "_".join(part for part in run.split("_") if not part.startswith("sub-"))


def chosen(path: Path, **labels: Sequence[str] | None) -> bool:
    """Whether the name has one of the labels asked for of each entity; None asks for none."""
    found = entities(path)
    return all(wanted is None or found.get(key) in wanted for key, wanted in labels.items())


def run_file(root: Path, run: str, datatype: str, suffix: str, ending: str) -> Path:
    """The path of a run's own sidecar, such as its events, whether or not it is there."""
    found = entities(Path(run))
    folders = [f"{key}-{found[key]}" for key in ("sub", "ses") if key in found]
    return Path(root, *folders, datatype, f"{run}_{suffix}{ending}")


def sidecar(root: Path, run: str, datatype: str, suffix: str, ending: str) -> Path | None:
    """The nearest sidecar that applies to a run: its own, or one for its task at a level above (inheritance)."""
    own = run_file(root, run, datatype, suffix, ending)
    wanted = entities(Path(run))
    for folder in (own.parent, *own.parent.parents):
        fitting = [
            one
            for one in sorted(folder.glob(f"*{suffix}{ending}"))
            if one.name.split(".")[0].split("_")[-1] == suffix
            and all(wanted.get(key) == label for key, label in entities(one).items())
        ]
        if fitting:
            return max(fitting, key=lambda one: len(entities(one)))
        if folder == root:
            break
    return None


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON sidecar.

    Raises:
        DataError: not JSON, or no object.
    """
    try:
        content = json.loads(existing_file(path, "a JSON sidecar").read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise DataError(f"{path}: not valid JSON ({error})") from error
    if not isinstance(content, dict):
        raise DataError(f"{path}: a {type(content).__name__} found, expected an object")
    return content


def stated_seconds(root: Path, image: Path, key: str) -> float | None:
    """A time such as ``RepetitionTime`` from the sidecar beside the image or, failing that, of the raw run; or None.

    Raises:
        DataError: a value that is no number.
    """
    own = image.with_name(image.name.split(".")[0] + ".json")
    for path in (own if own.is_file() else None, sidecar(root, run_name(image), "func", "bold", ".json")):
        content = {} if path is None else read_json(path)
        if key in content:
            try:
                return float(content[key])
            except (TypeError, ValueError) as error:
                raise DataError(f"{path}: {key} {content[key]!r}, expected seconds") from error
    return None


def acquisition_time(root: Path, run: str) -> float | None:
    """Seconds at which a run began, from the ``acq_time`` of its subject's ``scans.tsv``, or None."""
    found = entities(Path(run))
    folders = [f"{key}-{found[key]}" for key in ("sub", "ses") if key in found]
    scans = Path(root, *folders, "_".join(folders) + "_scans.tsv")
    if not scans.is_file():
        return None
    columns = read_columns(scans, "a BIDS scans table")
    for name, time in zip(columns.get("filename", ()), columns.get("acq_time", ()), strict=False):
        if run_name(Path(name)) == run and time not in MISSING:
            try:
                return datetime.fromisoformat(time).timestamp()
            except ValueError as error:
                raise DataError(f"{scans}: acq_time {time!r}, expected a date as 2026-01-31T12:00:00") from error
    return None


def bad_channels(path: Path | None) -> dict[str, str]:
    """Why channels are bad, by name, from a ``channels.tsv``."""
    if path is None:
        return {}
    columns = read_columns(path, "a BIDS channels table")
    names, status = columns.get("name", []), columns.get("status", [])
    why = columns.get("status_description", ["n/a"] * len(names))
    return {
        name: f"marked bad in {path.name}" + ("" if reason in MISSING else f": {reason}")
        for name, is_good, reason in zip(names, status, why, strict=False)
        if is_good.lower() == "bad"
    }


def electrode_positions(root: Path, run: str, datatype: str, channels: Sequence[str]) -> np.ndarray | None:
    """(C, 3) float32 metres from ``electrodes.tsv``: MNI space for ieeg, CapTrak (MNE's head axes) for eeg, or None.

    Electrodes in the brain that are in another space have no place in a picture of the standard brain.
    """
    folder = run_file(root, run, datatype, "x", "").parent
    subject = next(iter(entities(Path(run)).items()))
    for table in sorted(folder.glob(f"{subject[0]}-{subject[1]}*_electrodes.tsv")):
        system = table.with_name(table.name.replace("_electrodes.tsv", "_coordsystem.json"))
        if not system.is_file():
            continue
        prefix = {"ieeg": "iEEG", "eeg": "EEG"}.get(datatype, "")
        content = read_json(system)
        name, unit = (content.get(f"{prefix}Coordinate{what}") or "" for what in ("System", "Units"))
        fits = name.startswith(("MNI", "ICBM", "fsaverage")) if datatype == "ieeg" else name == "CapTrak"
        scale = {"m": 1.0, "cm": 0.01, "mm": 0.001}.get(unit)
        if not fits or scale is None:
            continue
        columns = read_columns(table, "a BIDS electrodes table")
        axes = [numbers(table, axis, columns.get(axis, []), missing=True) for axis in "xyz"]
        if {len(axis) for axis in axes} != {len(columns["name"])}:
            raise DataError(f"{table}: columns {', '.join(columns)}, expected name, x, y and z")
        places = dict(zip(columns["name"], np.stack(axes, axis=1) * scale, strict=True))
        found = np.array([places.get(one, np.full(3, np.nan)) for one in channels], dtype=np.float32)
        if np.isfinite(found).all():
            return found
    return None
