"""Demonstrations read from data sets of Minari (Farama Foundation), stored as HDF5.

    data/metadata.json              total_episodes, data_format "hdf5", observation_space, env_spec (JSON)
    data/main_data.hdf5
        episode_0                   attributes id, seed, total_steps
            observations/KEY        (T + 1, ...)
            actions                 (T, ...)
            rewards, terminations, truncations (T,)
            infos/KEY

Source: minari.farama.org/main/content/dataset_standards. The package minari is not needed.
"""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from grounding.datasets import hdf5
from grounding.datasets.demonstration import Demonstration, trajectory_of
from grounding.datasets.images import decode_image
from grounding.errors import DataError

if TYPE_CHECKING:
    import h5py

PathLike = str | os.PathLike[str]
_METADATA, _EPISODES = "metadata.json", "main_data.hdf5"
_TOOL = slice(7, 15)


def read(
    folder: PathLike, rate: float = 20.0, trajectory: Callable[[Mapping[str, Any]], ArrayLike] | None = None
) -> list[Demonstration]:
    """Return the episodes of a data set as demonstrations, in their order.

    The words are the observation "instruction" if there is one, else the data set's description or the environment's
    name. Pictures and cloud are the first observations "image", "points", "colors" and "segments" in the form that
    :class:`sims.environment.ManipulationEnv` gives them, or the first picture of every camera of another environment; a
    cloud is kept only where infos/parts says what is acted on. An episode succeeded if its last reward is above 0.

    Args:
        folder: of the data set: the one that holds data/, or data/ itself.
        rate: rows per second of the episodes, which the format does not tell.
        trajectory: gives (T, 8) x y z qx qy qz qw gripper of an episode, a mapping with "actions", "observations" (an
            array, or arrays by name) and "rewards"; needed unless actions are such rows already or "proprioception" is
            observed as in sims.

    Raises:
        DataError: something is missing, damaged, of the format arrow or no trajectory; file and key are named.
    """
    folder = Path(folder)
    folder = folder / "data" if (folder / "data").is_dir() else folder
    told = _metadata(folder / _METADATA)
    with hdf5.opened(folder / _EPISODES) as file:
        names = sorted((name for name in file if name.startswith("episode_")), key=lambda name: int(name[8:]))
        if len(names) != told.get("total_episodes") or not names:
            raise DataError(
                f"{folder / _EPISODES}: {len(names)} episodes; {_METADATA} promises {told.get('total_episodes')} and "
                "at least one is expected; download or create the data set again"
            )
        return [_checked(hdf5.group(file, name), told, rate, trajectory) for name in names]


def _metadata(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise DataError(f"{path}: no such file; expected the folder of a Minari data set, which holds data/{_METADATA}")
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        told["observation_space"] = json.loads(told.get("observation_space") or "{}")
        told["env_spec"] = json.loads(told.get("env_spec") or "{}")
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise DataError(f"{path}: cannot be read ({error}); expected a JSON object; restore or replace it") from error
    if told.get("data_format") != "hdf5":
        raise DataError(
            f"{path}: data_format is {told.get('data_format')!r}; expected 'hdf5'; create the data set with "
            "data_format='hdf5'"
        )
    return told


def _checked(
    episode: "h5py.Group",
    told: Mapping[str, Any],
    rate: float,
    trajectory: Callable[[Mapping[str, Any]], ArrayLike] | None,
) -> Demonstration:
    place = hdf5.place(episode, "").rstrip("/")
    try:
        demonstration = _read_one(episode, told, rate, trajectory)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise DataError(f"{place}: cannot be understood ({error!r}); create the data set again") from error
    try:
        demonstration.validate()
    except DataError as error:
        raise DataError(f"{place}: {error}") from error
    return demonstration


def _read_one(
    episode: "h5py.Group",
    told: Mapping[str, Any],
    rate: float,
    trajectory: Callable[[Mapping[str, Any]], ArrayLike] | None,
) -> Demonstration:
    environment = str(told["env_spec"].get("id") or told.get("dataset_id") or "unknown")
    task = environment.rpartition("/")[2].rpartition("-v")[0] or environment
    observed = episode["observations"] if "observations" in episode else {}
    words = _words(observed) or str(told.get("description") or task)
    rewards = hdf5.array(episode, "rewards", None)
    cloud, parts = _cloud(episode, observed)
    return Demonstration(
        id=f"{task}-{episode.name.rpartition('_')[2]}",
        task=task,
        split=str(told["env_spec"].get("kwargs", {}).get("split", "train")),
        seed=int(episode.attrs.get("seed", 0)),
        meaning=words,
        instructions=(words,),
        trajectory=_rows(episode, observed, trajectory),
        rate=rate,
        success=bool(len(rewards) and rewards[-1] > 0),
        image=_pictures(observed, told),
        points=cloud.get("points"),
        colors=cloud.get("colors"),
        segments=cloud.get("segments"),
        parts=parts,
        meanings={},
    )


def _rows(
    episode: "h5py.Group", observed: Any, trajectory: Callable[[Mapping[str, Any]], ArrayLike] | None
) -> np.ndarray:
    """The trajectory of an episode, float32 (T, 8)."""
    if trajectory is not None:
        rows = np.asarray(trajectory(_loaded(episode)), np.float64)
    elif getattr(episode.get("actions"), "shape", ())[1:] == (8,):
        rows = hdf5.array(episode, "actions", None, 8)
    elif "proprioception" in observed:
        rows = hdf5.array(observed, "proprioception", None, 15)[:, _TOOL]
    else:
        raise DataError(
            f"{hdf5.place(episode, 'actions')}: no rows of x y z qx qy qz qw gripper and no observed proprioception; "
            "give `trajectory`, which makes such rows of an episode"
        )
    if rows.ndim != 2 or rows.shape[1] != 8:
        raise DataError(f"{hdf5.place(episode, '')}: trajectory of shape {rows.shape}; expected (T, 8)")
    return trajectory_of(rows[:, :3], rows[:, 3:7], rows[:, 7])


def _loaded(node: Any) -> dict[str, Any]:
    """Groups as dictionaries and data sets as arrays."""
    return {name: _loaded(child) if hasattr(child, "keys") else child[()] for name, child in node.items()}


def _words(observed: Any) -> str:
    said = observed.get("instruction") if hasattr(observed, "keys") else None
    return "" if said is None or not len(said) else hdf5.text(said[0]).strip()


def _cloud(episode: "h5py.Group", observed: Any) -> tuple[dict[str, np.ndarray], tuple[int, ...]]:
    """The first cloud and the segments acted on; nothing where not all of it is there."""
    names = {"points": np.float32, "colors": np.uint8, "segments": np.int32}
    if not hasattr(observed, "keys") or not set(names) <= set(observed) or "infos/parts" not in episode:
        return {}, ()
    cloud = {name: np.asarray(observed[name][0], kind) for name, kind in names.items()}
    return cloud, tuple(int(part) for part in np.atleast_1d(episode["infos/parts"][0]))


def _pictures(observed: Any, told: Mapping[str, Any]) -> np.ndarray | None:
    """uint8 (C, H, W, 3): the first of "image", or of every camera whose pictures are as large as the first one's."""
    if not hasattr(observed, "keys"):
        return None
    spaces = told["observation_space"].get("subspaces", {})
    if "image" in observed and len(spaces.get("image", {}).get("shape", ())) == 4:
        return np.asarray(observed["image"][0], np.uint8)
    found = [
        _picture(observed, name, told)
        for name in sorted(observed)
        if spaces.get(name, {}).get("dtype") == "uint8" and (*spaces[name]["shape"], 0, 0, 0)[2] == 3
    ]
    return np.stack([one for one in found if one.shape == found[0].shape]) if found else None


def _picture(observed: "h5py.Group", name: str, told: Mapping[str, Any]) -> np.ndarray:
    """The first picture (H, W, 3) of a camera, which Minari keeps as JPEG unless told otherwise."""
    stored = hdf5.dataset(observed, name)
    if stored.ndim == 4:
        return np.asarray(stored[0], np.uint8)
    return decode_image(bytes(np.asarray(stored[0], np.uint8)), hdf5.place(observed, name))
