"""The tables of the LeRobot v3.0 layout: one row a frame, one row an episode, one row a task, and their statistics.

Names and shapes follow `lerobot.datasets` (LeRobot 0.4 and later, codebase version v3.0).
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

VERSION = "v3.0"
FILES_PER_CHUNK = 1000
DATA_PATH = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
EPISODES_PATH = "meta/episodes/chunk-000/file-000.parquet"
TASKS_PATH = "meta/tasks.parquet"
STATS_PATH = "meta/stats.json"
INFO_PATH = "meta/info.json"

AXES = ["x", "y", "z", "qx", "qy", "qz", "qw", "gripper"]
QUANTILES = {"q01": 0.01, "q10": 0.10, "q50": 0.50, "q90": 0.90, "q99": 0.99}
VECTORS = ("observation.state", "action")
SCALARS = {"timestamp": "float32", "frame_index": "int64", "episode_index": "int64", "index": "int64"}
SCALARS["task_index"] = "int64"

Stats = dict[str, dict[str, list[float] | list[int]]]


def features() -> dict[str, dict[str, Any]]:
    """The `features` entry of meta/info.json."""
    vectors = {name: {"dtype": "float32", "shape": [8], "names": AXES} for name in VECTORS}
    return vectors | {name: {"dtype": kind, "shape": [1], "names": None} for name, kind in SCALARS.items()}


def info(fps: float, episodes: int, frames: int, tasks: int) -> dict[str, Any]:
    """The content of meta/info.json."""
    return {
        "codebase_version": VERSION,
        "robot_type": None,
        "total_episodes": episodes,
        "total_frames": frames,
        "total_tasks": tasks,
        "chunks_size": FILES_PER_CHUNK,
        "data_files_size_in_mb": 100,
        "video_files_size_in_mb": 500,
        "fps": int(fps) if float(fps).is_integer() else fps,
        "splits": {"train": f"0:{episodes}"},
        "data_path": DATA_PATH,
        "video_path": None,
        "features": features(),
    }


def frame_table(trajectory: np.ndarray, fps: float, episode: int, first: int, task: int) -> pa.Table:
    """One row a frame. `trajectory` float32 (T, 8); the action of a frame is the next waypoint, the last one repeats.

    `first` is the index of the episode's first frame in the whole data set.
    """
    count = len(trajectory)
    action = np.concatenate([trajectory[1:], trajectory[-1:]])
    columns = {
        "observation.state": _rows(trajectory),
        "action": _rows(action),
        "timestamp": pa.array((np.arange(count) / fps).astype(np.float32)),
        "frame_index": pa.array(np.arange(count, dtype=np.int64)),
        "episode_index": pa.array(np.full(count, episode, dtype=np.int64)),
        "index": pa.array(np.arange(first, first + count, dtype=np.int64)),
        "task_index": pa.array(np.full(count, task, dtype=np.int64)),
    }
    return pa.table(columns)


def _rows(matrix: np.ndarray) -> pa.Array:
    flat = np.ascontiguousarray(matrix, dtype=np.float32).reshape(-1)
    return pa.FixedSizeListArray.from_arrays(pa.array(flat), matrix.shape[1])


def column(table: pa.Table, name: str) -> np.ndarray:
    """The column as an array, (T,) for scalars and (T, 8) for vectors."""
    values = table.column(name).combine_chunks()
    if isinstance(values, pa.ChunkedArray):
        values = values.chunk(0)
    if isinstance(values, pa.FixedSizeListArray | pa.ListArray):
        return values.flatten().to_numpy(zero_copy_only=False).reshape(len(values), -1)
    return values.to_numpy(zero_copy_only=False)


def stats(columns: Mapping[str, np.ndarray]) -> Stats:
    """Minimum, maximum, mean, standard deviation, count and quantiles of each column, (T,) or (T, D), over its rows."""
    result: Stats = {}
    for name, values in columns.items():
        values = values.reshape(len(values), -1).astype(np.float64)
        quantiles = np.quantile(values, list(QUANTILES.values()), axis=0)
        result[name] = {
            "min": values.min(axis=0).tolist(),
            "max": values.max(axis=0).tolist(),
            "mean": values.mean(axis=0).tolist(),
            "std": values.std(axis=0).tolist(),
            "count": [len(values)],
            **{key: row.tolist() for key, row in zip(QUANTILES, quantiles, strict=True)},
        }
    return result


def episode_table(rows: Sequence[dict[str, Any]], statistics: Sequence[Stats]) -> pa.Table:
    """One row an episode: our own columns, then LeRobot's, then `stats/FEATURE/STATISTIC`."""
    wide = []
    for row, stat in zip(rows, statistics, strict=True):
        flat = {f"stats/{name}/{key}": value for name, entry in stat.items() for key, value in entry.items()}
        wide.append({**row, "meta/episodes/chunk_index": 0, "meta/episodes/file_index": 0, **flat})
    return pa.Table.from_pylist(wide)


def task_table(tasks: Sequence[str]) -> pa.Table:
    """The instructions by task index; LeRobot keeps the text in the pandas index, declared here without pandas."""
    table = pa.table({"task_index": pa.array(range(len(tasks)), pa.int64()), "task": pa.array(tasks, pa.string())})
    described = [
        {"name": "task_index", "field_name": "task_index", "pandas_type": "int64", "numpy_type": "int64"},
        {"name": "task", "field_name": "task", "pandas_type": "unicode", "numpy_type": "object"},
    ]
    pandas = {
        "index_columns": ["task"],
        "column_indexes": [],
        "columns": [{**entry, "metadata": None} for entry in described],
        "creator": {"library": "pyarrow", "version": pa.__version__},
        "pandas_version": "2.0.0",
    }
    return table.replace_schema_metadata({"pandas": json.dumps(pandas)})
