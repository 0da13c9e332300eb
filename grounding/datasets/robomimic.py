"""Demonstrations in the HDF5 layout of robomimic, written and read; that of LIBERO is read too.

    data                    attributes total, env_args (JSON: env_name, type, env_kwargs)
    data/demo_0             attributes num_samples, demonstration (JSON: what else we know of it)
        actions (T, 8)      the next waypoint; the last one repeats
        states (T, 8)       the waypoints: x y z qx qy qz qw gripper
        rewards, dones (T,) 1 in the last row, rewards only after a success
        obs/                robot0_eef_pos (T, 3), robot0_eef_quat (T, 4), robot0_gripper_qpos (T, 2), as in robosuite
        next_obs/           the same of the next row
        start/              image, points, colors and segments of the start, ours
    mask/SPLIT              names of the demonstrations of each split

Source: robomimic.github.io/docs/datasets/overview.html.
"""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from grounding.datasets import hdf5
from grounding.datasets.demonstration import Demonstration, trajectory_of
from grounding.errors import DataError, InputError
from grounding.files import write_atomically

if TYPE_CHECKING:
    import h5py

PathLike = str | os.PathLike[str]
FINGER = 0.04
"""Metres that one finger of a Panda's hand travels from closed to open."""
RATE = 20.0
"""Rows per second where a file does not tell: the control rate of robosuite."""
_GYM = 2
_CLOUD = ("points", "colors", "segments")


def write(demonstrations: Iterable[Demonstration], path: PathLike) -> None:
    """Write one file, replacing another of that name.

    robomimic evaluates in one environment a file, that of the first demonstration; write a file a task for it.

    Raises DataError when a demonstration is not valid or there is none, InputError when two have one id, and
    StorageError when the file cannot be written.
    """
    import h5py

    path = Path(path)
    chosen = list(demonstrations)
    if not chosen:
        raise DataError(f"{path}: no demonstrations to write; expected at least one")
    seen: set[str] = set()
    for demonstration in chosen:
        demonstration.validate()
        if demonstration.id in seen:
            raise InputError(f"{path}: two demonstrations have the id {demonstration.id!r}; ids must be unique")
        seen.add(demonstration.id)
    # In memory first: HDF5 brings the whole process down when the disk is full at the end of its work.
    with h5py.File(path.name, "w", driver="core", backing_store=False) as file:
        data = file.create_group("data")
        for number, demonstration in enumerate(chosen):
            _write_one(data.create_group(f"demo_{number}"), demonstration)
        data.attrs["total"] = sum(len(one.trajectory) for one in chosen)
        data.attrs["env_args"] = json.dumps(_environment(chosen))
        for split in sorted({one.split for one in chosen}):
            names = [f"demo_{number}" for number, one in enumerate(chosen) if one.split == split]
            file.create_dataset(f"mask/{split}", data=np.array(names, dtype="S"))
        file.flush()
        content = file.id.get_file_image()
    write_atomically(path, content)


def read(path: PathLike, mask: str | None = None) -> list[Demonstration]:
    """Return the demonstrations of a file, in the order of their numbers.

    What :func:`write` wrote comes back as it was. Of other files the trajectory is that of the end effector
    (robot0_eef_pos and robot0_eef_quat, or LIBERO's ee_pos and ee_ori) with the opening of a Panda's fingers, the
    pictures are the first of every camera, the words are LIBERO's instruction, RoboCasa's, or else the name of the
    environment, and there are no clouds; they count as a success if any reward is above 0.

    Args:
        path: the file.
        mask: of robomimic's filter keys, such as "train"; all demonstrations without.

    Raises:
        DataError: the file is missing, damaged, empty, or lacks what makes a demonstration; it and the key are named.
    """
    path = Path(path)
    with hdf5.opened(path) as file:
        data = hdf5.group(file, "data")
        names = _names(file, data, mask)
        if not names:
            raise DataError(f"{path}: holds no demonstrations; expected groups data/demo_0, data/demo_1 and so on")
        return [_read_one(hdf5.group(data, name), mask) for name in names]


def _environment(demonstrations: Sequence[Demonstration]) -> dict[str, Any]:
    first = demonstrations[0]
    return {
        "env_name": f"grounding/{first.task}-v0",
        "type": _GYM,
        "env_kwargs": {"split": first.split, "control_freq": first.rate},
    }


def _write_one(demo: "h5py.Group", demonstration: Demonstration) -> None:
    path = demonstration.trajectory
    following = np.concatenate([path[1:], path[-1:]])
    last = (np.arange(len(path)) == len(path) - 1).astype(np.int64)
    demo.attrs["num_samples"] = len(path)
    demo.attrs["demonstration"] = json.dumps(_told(demonstration), ensure_ascii=False)
    for name, values in (
        ("actions", following),
        ("states", path),
        ("rewards", last * float(demonstration.success)),
        ("dones", last),
    ):
        demo.create_dataset(name, data=values)
    for name, rows in (("obs", path), ("next_obs", following)):
        observed = demo.create_group(name)
        observed.create_dataset("robot0_eef_pos", data=rows[:, :3])
        observed.create_dataset("robot0_eef_quat", data=rows[:, 3:7])
        observed.create_dataset("robot0_gripper_qpos", data=rows[:, 7:] * np.array([FINGER, -FINGER], np.float32))
    for name in ("image", *_CLOUD):
        values = getattr(demonstration, name)
        if values is not None:
            demo.create_dataset(f"start/{name}", data=values, compression="gzip", compression_opts=1)


def _told(demonstration: Demonstration) -> dict[str, Any]:
    """All that is not an array."""
    return {
        "id": demonstration.id,
        "task": demonstration.task,
        "split": demonstration.split,
        "seed": int(demonstration.seed),
        "meaning": demonstration.meaning,
        "instructions": list(demonstration.instructions),
        "rate": float(demonstration.rate),
        "success": bool(demonstration.success),
        "parts": [int(part) for part in demonstration.parts],
        "meanings": {str(segment): meaning for segment, meaning in sorted(demonstration.meanings.items())},
    }


def _names(file: "h5py.File", data: "h5py.Group", mask: str | None) -> list[str]:
    if mask is not None:
        chosen = hdf5.dataset(hdf5.group(file, "mask"), mask)[()]
        return [hdf5.text(name) for name in np.atleast_1d(chosen)]
    names = [name for name in data if name.rpartition("_")[2].isdigit()]
    return sorted(names, key=lambda name: int(name.rpartition("_")[2]))


def _read_one(demo: "h5py.Group", mask: str | None) -> Demonstration:
    place = hdf5.place(demo, "").rstrip("/")
    told = _json(demo, "demonstration")
    try:
        demonstration = _ours(demo, told) if told else _another(demo, mask)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"{place}: what it tells cannot be understood ({error!r}); write the file again") from error
    try:
        demonstration.validate()
    except DataError as error:
        raise DataError(f"{place}: {error}") from error
    return demonstration


def _ours(demo: "h5py.Group", told: Mapping[str, Any]) -> Demonstration:
    start = hdf5.group(demo, "start") if "start" in demo else {}
    shapes: dict[str, tuple[int | None, ...]] = {
        "image": (None, None, None, 3),
        "points": (None, 3),
        "colors": (None, 3),
        "segments": (None,),
    }
    seen = {name: hdf5.array(start, name, *shape) for name, shape in shapes.items() if name in start}
    return Demonstration(
        id=told["id"],
        task=told["task"],
        split=told["split"],
        seed=told["seed"],
        meaning=told["meaning"],
        instructions=tuple(told["instructions"]),
        trajectory=hdf5.array(demo, "states", None, 8),
        rate=told["rate"],
        success=told["success"],
        image=seen.get("image"),
        points=seen.get("points"),
        colors=seen.get("colors"),
        segments=seen.get("segments"),
        parts=tuple(told["parts"]),
        meanings={int(segment): meaning for segment, meaning in told["meanings"].items()},
    )


def _another(demo: "h5py.Group", mask: str | None) -> Demonstration:
    data = demo.parent
    assert data is not None
    environment, problem = _json(data, "env_args"), _json(data, "problem_info")
    task = str(problem.get("problem_name") or environment.get("env_name") or Path(demo.file.filename).stem)
    words = _json(demo, "ep_meta").get("lang") or problem.get("language_instruction")
    observed = hdf5.group(demo, "obs")
    rewards = hdf5.array(demo, "rewards", None) if "rewards" in demo else np.zeros(1)
    return Demonstration(
        id=f"{Path(demo.file.filename).stem}-{demo.name.rpartition('/')[2]}",
        task=task,
        split=mask or "train",
        seed=0,
        meaning=str(words or task),
        instructions=(str(words or _spoken(task)),),
        trajectory=_trajectory(observed),
        rate=float(environment.get("env_kwargs", {}).get("control_freq", RATE)),
        success=bool(rewards.max() > 0),
        image=_first_pictures(observed),
        points=None,
        colors=None,
        segments=None,
        parts=(),
        meanings={},
    )


def _trajectory(observed: "h5py.Group") -> np.ndarray:
    """The end effector's way, float32 (T, 8)."""
    from scipy.spatial.transform import Rotation

    if "robot0_eef_pos" in observed:
        positions = hdf5.array(observed, "robot0_eef_pos", None, 3)
        quaternions = hdf5.array(observed, "robot0_eef_quat", len(positions), 4)
        fingers = hdf5.array(observed, "robot0_gripper_qpos", len(positions), 2)
    else:
        positions = hdf5.array(observed, "ee_pos", None, 3)
        quaternions = Rotation.from_rotvec(hdf5.array(observed, "ee_ori", len(positions), 3)).as_quat()
        fingers = hdf5.array(observed, "gripper_states", len(positions), 2)
    return trajectory_of(positions, quaternions, np.abs(fingers).sum(axis=1) / (2 * FINGER))


def _first_pictures(observed: "h5py.Group") -> np.ndarray | None:
    """uint8 (C, H, W, 3), the first picture of each camera whose pictures have the size of the first camera's."""
    cameras = [observed[name] for name in sorted(observed) if getattr(observed[name], "ndim", 0) == 4]
    pictures = [camera[0] for camera in cameras if camera.dtype == np.uint8 and camera.shape[3] == 3 and len(camera)]
    return np.stack([one for one in pictures if one.shape == pictures[0].shape]) if pictures else None


def _json(parent: "h5py.Group", name: str) -> dict[str, Any]:
    """An attribute that holds a JSON object; empty where there is none."""
    if name not in parent.attrs:
        return {}
    try:
        found = json.loads(hdf5.text(parent.attrs[name]))
    except ValueError as error:
        raise DataError(f"{hdf5.place(parent, name)}: attribute is no JSON ({error}); repair or replace it") from error
    if not isinstance(found, dict):
        raise DataError(f"{hdf5.place(parent, name)}: attribute is {type(found).__name__}; expected a JSON object")
    return found


def _spoken(name: str) -> str:
    """A name such as PickPlaceCan as words."""
    spaced = "".join(f" {letter}" if letter.isupper() else letter for letter in name.replace("_", " "))
    return " ".join(spaced.lower().split()) or name
