"""Demonstrations in the LeRobot v3.0 layout, with first pictures and point clouds beside it.

    meta/info.json  meta/stats.json  meta/tasks.parquet  meta/episodes/chunk-000/file-000.parquet
    data/chunk-000/file-000.parquet            one episode a file, one frame a row
    images/chunk-000/episode_000000_camera0.png
    points/chunk-000/episode_000000.npz        points float32 (N, 3), colors uint8 (N, 3), segments int32 (N,)
    unfinished/episode_000000.json             while collecting: what the episode's row will say

LeRobot's own tools read meta/ and data/; the other folders and the further columns of the episode table are ours.
An episode counts as stored once its file in unfinished/ exists, a data set as complete once meta/info.json exists.
"""

import json
import os
import shutil
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from grounding.datasets import frames
from grounding.datasets.demonstration import Demonstration
from grounding.datasets.images import read_image, write_png
from grounding.errors import DataError, InputError
from grounding.files import atomic

PathLike = str | os.PathLike[str]
REMEDY = "run `grounding collect` again into a new folder"


class DatasetWriter:
    """Adds demonstrations to a folder one by one, so that a killed collection goes on where it stopped.

        with DatasetWriter("runs/demo/demonstrations", fps=20) as writer:
            done = set(writer.existing())
            for demonstration in collected(skipping=done):
                writer.add(demonstration)

    Leaving the block without an error closes the writer, which completes the data set. One writer a folder at a time.
    """

    def __init__(self, folder: PathLike, *, fps: float) -> None:
        """Open `folder`, new or left unfinished. `fps`: rows per second of every trajectory.

        Raises InputError when the folder already holds a complete data set or `fps` is unusable, DataError when what
        an earlier run left cannot be continued.
        """
        if not np.isfinite(fps) or fps <= 0:
            raise InputError(f"fps is {fps!r}; expected a positive number of frames per second")
        self.folder = Path(folder)
        self.fps = float(fps)
        if (self.folder / frames.INFO_PATH).exists():
            raise InputError(
                f"{self.folder} already holds a complete data set; expected a new or unfinished folder; "
                "choose another one or delete it"
            )
        self._rows = self._unfinished()
        self._ids = {row["id"] for row in self._rows}
        self._tasks = {text: None for row in self._rows for text in row["tasks"]}
        self._frames = self._rows[-1]["dataset_to_index"] if self._rows else 0

    def existing(self) -> list[str]:
        """Ids of the demonstrations stored so far, in order, those of an unfinished earlier run included."""
        return [row["id"] for row in self._rows]

    def add(self, demonstration: Demonstration) -> None:
        """Store one demonstration; when this returns, a kill no longer loses it.

        Raises DataError when it is not valid, InputError when its id is stored already or its rate is not `fps`, and
        StorageError when a file cannot be written.
        """
        demonstration.validate()
        if demonstration.id in self._ids:
            raise InputError(f"{self.folder}: demonstration {demonstration.id!r} is stored already; ids must be unique")
        if not np.isclose(demonstration.rate, self.fps):
            raise InputError(
                f"demonstration {demonstration.id!r} has {demonstration.rate:g} rows per second; the data set "
                f"{self.folder} has {self.fps:g}; resample the trajectory first"
            )
        episode = len(self._rows)
        task = demonstration.instructions[0]
        self._tasks.setdefault(task)
        row = _episode_row(demonstration, episode, self._frames)
        table = frames.frame_table(
            demonstration.trajectory, self.fps, episode, self._frames, list(self._tasks).index(task)
        )
        _write_table(self.folder / _data_path(episode), table)
        _write_observations(self.folder, episode, demonstration)
        _write_json(self.folder / _row_path(episode), {**row, "fps": self.fps})
        self._rows.append(row)
        self._ids.add(demonstration.id)
        self._frames = row["dataset_to_index"]

    def close(self) -> None:
        """Write meta/, info.json last, which completes the data set; closing twice does nothing.

        Raises DataError when there are no demonstrations, StorageError when a file cannot be written.
        """
        if (self.folder / frames.INFO_PATH).exists():
            return
        if not self._rows:
            raise DataError(f"{self.folder}: no demonstrations to write; expected at least one")
        tables = [_read_table(self.folder / _data_path(index)) for index in range(len(self._rows))]
        names = [*frames.VECTORS, *frames.SCALARS]
        columns = [{name: frames.column(table, name) for name in names} for table in tables]
        whole = {name: np.concatenate([entry[name] for entry in columns]) for name in names}
        episodes = frames.episode_table(self._rows, [frames.stats(entry) for entry in columns])
        _write_table(self.folder / frames.EPISODES_PATH, episodes)
        _write_table(self.folder / frames.TASKS_PATH, frames.task_table(list(self._tasks)))
        _write_json(self.folder / frames.STATS_PATH, frames.stats(whole))
        info = frames.info(self.fps, len(self._rows), self._frames, len(self._tasks))
        _write_json(self.folder / frames.INFO_PATH, info)
        shutil.rmtree(self.folder / "unfinished", ignore_errors=True)

    def __enter__(self) -> "DatasetWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()

    def _unfinished(self) -> list[dict[str, Any]]:
        rows = []
        for index, path in enumerate(sorted((self.folder / "unfinished").glob("episode_*.json"))):
            row = _read_json(path, f"delete {self.folder} and collect again")
            fps = row.pop("fps", None)
            if path.name != _row_path(index).name or fps != self.fps:
                raise DataError(
                    f"{path}: belongs to episode {row.get('episode_index')} at {fps} frames per second; expected "
                    f"episode {index} at {self.fps:g}; collect with the earlier settings or delete {self.folder}"
                )
            rows.append(row)
        return rows


def write(demonstrations: Iterable[Demonstration], folder: PathLike, *, fps: float) -> None:
    """Write a complete data set into `folder`, which must be new; errors as in DatasetWriter."""
    with DatasetWriter(folder, fps=fps) as writer:
        for demonstration in demonstrations:
            writer.add(demonstration)


def is_complete(folder: PathLike) -> bool:
    """Whether `folder` holds a data set that was written to the end."""
    return (Path(folder) / frames.INFO_PATH).is_file()


def task_counts(folder: PathLike) -> dict[str, int]:
    """How many demonstrations of each task a complete data set holds. Raises DataError as :func:`read` does."""
    folder = Path(folder)
    _read_info(folder)
    table = _read_table(folder / frames.EPISODES_PATH)
    return dict(Counter(table.column("task").to_pylist())) if "task" in table.column_names else {}


def read(folder: PathLike) -> list[Demonstration]:
    """Return the demonstrations of a complete data set, in the order in which they were added.

    Raises DataError naming the file when the folder is missing, empty, unfinished, of another version or damaged.
    """
    folder = Path(folder)
    info = _read_info(folder)
    rows = _read_table(folder / frames.EPISODES_PATH).to_pylist()
    if not rows or len(rows) != info["total_episodes"]:
        raise DataError(
            f"{folder / frames.EPISODES_PATH}: {len(rows)} episodes; {frames.INFO_PATH} promises "
            f"{info['total_episodes']} and at least one is expected; {REMEDY}"
        )
    absent = {"id", "instructions", "meanings", "cameras", "observed_points"} - rows[0].keys()
    if absent:
        raise DataError(
            f"{folder / frames.EPISODES_PATH}: columns {sorted(absent)} are missing; expected a data set written by "
            f"grounding; {REMEDY}"
        )
    return [
        _read_episode(folder, row, float(info["fps"])) for row in sorted(rows, key=lambda row: row["episode_index"])
    ]


def _read_info(folder: Path) -> dict[str, Any]:
    path = folder / frames.INFO_PATH
    if not folder.is_dir():
        raise DataError(
            f"{folder}: no such folder; expected a data set of demonstrations; run `grounding collect` first"
        )
    if not path.exists():
        if (folder / "unfinished").is_dir():
            raise DataError(f"{folder}: the data set is incomplete; run `grounding collect` again, it resumes")
        raise DataError(f"{folder}: {frames.INFO_PATH} is missing; expected a LeRobot v3 data set; {REMEDY}")
    info = _read_json(path, REMEDY)
    version = info.get("codebase_version")
    if version != frames.VERSION:
        raise DataError(f"{path}: codebase_version is {version!r}; expected {frames.VERSION!r}; convert the data set")
    if not isinstance(info.get("total_episodes"), int) or not isinstance(info.get("fps"), int | float):
        raise DataError(f"{path}: total_episodes or fps is missing or no number; {REMEDY}")
    if info["total_episodes"] < 1:
        raise DataError(f"{folder}: the data set holds no demonstrations; expected at least one; {REMEDY}")
    return info


def _data_path(episode: int) -> Path:
    chunk, file = divmod(episode, frames.FILES_PER_CHUNK)
    return Path(frames.DATA_PATH.format(chunk_index=chunk, file_index=file))


def _row_path(episode: int) -> Path:
    return Path("unfinished") / f"episode_{episode:06d}.json"


def _image_path(episode: int, camera: int) -> Path:
    return (
        Path("images") / f"chunk-{episode // frames.FILES_PER_CHUNK:03d}" / f"episode_{episode:06d}_camera{camera}.png"
    )


def _points_path(episode: int) -> Path:
    return Path("points") / f"chunk-{episode // frames.FILES_PER_CHUNK:03d}" / f"episode_{episode:06d}.npz"


def _episode_row(demonstration: Demonstration, episode: int, first: int) -> dict[str, Any]:
    chunk, file = divmod(episode, frames.FILES_PER_CHUNK)
    meanings = {str(segment): text for segment, text in sorted(demonstration.meanings.items())}
    return {
        "episode_index": episode,
        "tasks": [demonstration.instructions[0]],
        "length": len(demonstration.trajectory),
        "dataset_from_index": first,
        "dataset_to_index": first + len(demonstration.trajectory),
        "data/chunk_index": chunk,
        "data/file_index": file,
        "id": demonstration.id,
        "task": demonstration.task,
        "split": demonstration.split,
        "seed": int(demonstration.seed),
        "meaning": demonstration.meaning,
        "instructions": list(demonstration.instructions),
        "success": bool(demonstration.success),
        "parts": [int(part) for part in demonstration.parts],
        "meanings": json.dumps(meanings, ensure_ascii=False),
        "cameras": 0 if demonstration.image is None else len(demonstration.image),
        "observed_points": 0 if demonstration.points is None else len(demonstration.points),
    }


def _write_observations(folder: Path, episode: int, demonstration: Demonstration) -> None:
    if demonstration.image is not None:
        for camera, picture in enumerate(demonstration.image):
            write_png(folder / _image_path(episode, camera), picture)
    if demonstration.points is not None:
        arrays = {name: getattr(demonstration, name) for name in ("points", "colors", "segments")}
        _write_npz(folder / _points_path(episode), arrays)


def _write_npz(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """As numpy.savez_compressed, at the fastest compression level, which that function does not offer."""
    with atomic(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, array in arrays.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w") as file:
                np.lib.format.write_array(file, np.ascontiguousarray(array), allow_pickle=False)


def _write_table(path: Path, table: pa.Table) -> None:
    with atomic(path) as temporary:
        pq.write_table(table, temporary, compression="snappy")


def _write_json(path: Path, content: Any) -> None:
    with atomic(path) as temporary:
        temporary.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")


def _read_json(path: Path, remedy: str) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read ({error}); expected JSON; {remedy}") from error
    if not isinstance(content, dict):
        raise DataError(f"{path}: holds {type(content).__name__}; expected a JSON object; {remedy}")
    return content


def _read_table(path: Path) -> pa.Table:
    if not path.is_file():
        raise DataError(f"{path}: missing; expected a Parquet file of the data set; {REMEDY}")
    try:
        return pq.ParquetFile(path).read()
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: cannot be read ({error}); expected a Parquet file; {REMEDY}") from error


def _read_episode(folder: Path, row: dict[str, Any], fps: float) -> Demonstration:
    episode = row["episode_index"]
    cloud = _read_cloud(folder / _points_path(episode), row["observed_points"])
    pictures = [read_image(folder / _image_path(episode, camera)) for camera in range(row["cameras"])]
    try:
        demonstration = Demonstration(
            id=row["id"],
            task=row["task"],
            split=row["split"],
            seed=row["seed"],
            meaning=row["meaning"],
            instructions=tuple(row["instructions"]),
            trajectory=_read_trajectory(folder / _data_path(episode), row),
            rate=fps,
            success=row["success"],
            image=np.stack(pictures) if pictures else None,
            points=cloud.get("points"),
            colors=cloud.get("colors"),
            segments=cloud.get("segments"),
            parts=tuple(row["parts"]),
            meanings={int(segment): text for segment, text in json.loads(row["meanings"]).items()},
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{folder}: episode {episode} cannot be read ({error!r}); {REMEDY}") from error
    try:
        demonstration.validate()
    except DataError as error:
        raise DataError(f"{folder}: {error}") from error
    return demonstration


def _read_trajectory(path: Path, row: dict[str, Any]) -> np.ndarray:
    table = _read_table(path)
    if "observation.state" not in table.column_names or len(table) != row["length"]:
        raise DataError(
            f"{path}: {len(table)} rows, columns {table.column_names}; expected {row['length']} rows with "
            f"observation.state; {REMEDY}"
        )
    return frames.column(table, "observation.state").astype(np.float32)


def _read_cloud(path: Path, count: int) -> dict[str, np.ndarray]:
    if count == 0:
        return {}
    if not path.is_file():
        raise DataError(f"{path}: missing; the episode table promises {count} points; {REMEDY}")
    try:
        with np.load(path, allow_pickle=False) as archive:
            cloud = {name: archive[name] for name in ("points", "colors", "segments")}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"{path}: cannot be read ({error}); expected points, colors and segments; {REMEDY}") from error
    if len(cloud["points"]) != count:
        raise DataError(f"{path}: {len(cloud['points'])} points; the episode table promises {count}; {REMEDY}")
    return cloud
