"""What came of a set of episodes: the record of each, and success, time and path efficiency with their uncertainty.

An evaluation appends one line an episode to `episodes.jsonl`, so a killed evaluation goes on where it stopped:

    done = {episode.key for episode in read_episodes(path)}
    for key in planned:
        if key not in done:
            append_episode(path, play(key))
    summary = summarise(read_episodes(path))
"""

import dataclasses
import json
import os
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from grounding.errors import DataError, StorageError
from grounding.policies import measures
from grounding.policies.measures import Interval, wilson

__all__ = ["ALL", "METHODS", "SPLITS", "Episode", "Interval", "append_episode", "read_episodes", "summarise", "wilson"]

METHODS = ("ours", "expert", "random", "text", "points", "image")
SPLITS = ("train", "novel-instance", "novel-shape", "novel-category")
ALL = "all"


@dataclasses.dataclass(frozen=True)
class Episode:
    """One attempt at one instruction.

    Times are seconds of simulated execution and lengths are metres of end-effector path. `retrieved` is the id of the
    demonstration that was carried out and `retrieved_task` its task, both None for a method that retrieves nothing; of
    a task of several sub-goals they are those of the first motion. `failure` names in a few words why the attempt
    failed and is empty when it succeeded. `dtw_mt` is the distance of the (first) motion planned from the expert's in
    the same scene, in the frame of the part acted on; None where there was no motion or no expert to ask. Of steps,
    `ik_failures`, `joint_violations` and `force_violations` count those with a target out of reach, with a joint at its
    limit and with more contact force on the robot than its environment allows; `peak_force` is the greatest such force
    in newtons. `subgoals` says of each sub-goal in order whether it was met.
    """

    method: str
    task: str
    split: str
    seed: int
    instruction: str
    success: bool
    seconds: float
    path_length: float
    shortest_path: float
    retrieved: str | None = None
    retrieved_task: str | None = None
    failure: str | None = ""
    dtw_mt: float | None = None
    ik_failures: int = 0
    joint_violations: int = 0
    force_violations: int = 0
    peak_force: float = 0.0
    subgoals: tuple[bool, ...] = ()

    @property
    def key(self) -> tuple[str, str, str, int]:
        """What identifies the attempt within an evaluation: method, task, split and seed."""
        return self.method, self.task, self.split, self.seed

    @property
    def efficiency(self) -> float:
        """Success weighted by path length: shortest / max(travelled, shortest), or 0 after a failure.

        Anderson et al., On Evaluation of Embodied Navigation Agents, 2018, equation 1, for a single episode.
        """
        longest = max(self.path_length, self.shortest_path)
        if not self.success:
            return 0.0
        return self.shortest_path / longest if longest > 0 else 1.0


def summarise(episodes: Iterable[Episode]) -> dict[str, dict[str, Any]]:
    """Aggregate episodes into the tables of `summary.json`.

    Every table is nested method -> split -> task, with the further task `"all"`, except `failures`, which counts
    reasons by method and split. What each holds is told at its function in :mod:`grounding.policies.measures`:
    `success`, `right_task` (absent for methods that retrieve nothing), `time`, `efficiency`, `dtw_mt` (absent where no
    expert was asked), `violations`, `subgoals` (of tasks of several) and `failures`.

    The result depends on the set of episodes alone, not on their order.
    """
    cells: dict[tuple[str, str], dict[str, list[Episode]]] = defaultdict(lambda: defaultdict(list))
    for episode in sorted(episodes, key=_order):
        cells[episode.method, episode.split][episode.task].append(episode)
        cells[episode.method, episode.split][ALL].append(episode)
    tables: dict[str, Callable[[list[Episode]], dict[str, Any] | None]] = {
        "success": measures.success,
        "right_task": measures.right_task,
        "time": measures.time,
        "efficiency": measures.efficiency,
        "dtw_mt": measures.dtw_mt,
        "violations": measures.violations,
        "subgoals": measures.subgoals,
    }
    summary: dict[str, dict[str, Any]] = {name: {} for name in (*tables, "failures")}
    for (method, split), tasks in cells.items():
        for name, statistic in tables.items():
            row = {task: statistic(tasks[task]) for task in sorted(tasks, key=lambda task: (task == ALL, task))}
            if any(value is not None for value in row.values()):
                summary[name].setdefault(method, {})[split] = row
        summary["failures"].setdefault(method, {})[split] = measures.failures(tasks[ALL])
    return summary


def append_episode(path: Path, episode: Episode) -> None:
    """Add one line to an `episodes.jsonl`, first dropping a line that a kill tore off in the middle.

    One writer at a time. Raises StorageError when the file cannot be written.
    """
    line = json.dumps(dataclasses.asdict(episode), ensure_ascii=False, allow_nan=False) + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        with os.fdopen(descriptor, "r+b") as file:
            _drop_torn_line(file)
            file.write(line.encode())
    except OSError as error:
        raise StorageError(
            f"{path}: cannot append an episode ({error.strerror}); free space or choose a writable folder, "
            "then run the same command again: it goes on from the last complete episode"
        ) from error


def read_episodes(path: Path) -> list[Episode]:
    """Read an `episodes.jsonl`; a missing file is an evaluation not begun, and a torn last line is dropped.

    Raises DataError naming the line that is not an episode.
    """
    if not path.exists():
        return []
    complete = path.read_bytes().rpartition(b"\n")[0]
    return [_parse(line, f"{path} line {number}") for number, line in enumerate(complete.split(b"\n"), 1) if line]


def rank(name: str, known: tuple[str, ...]) -> tuple[int, str]:
    """Sort key that puts known names in their given order and any others after them, alphabetically."""
    return (known.index(name) if name in known else len(known)), name


def _order(episode: Episode) -> tuple[Any, ...]:
    return *rank(episode.method, METHODS), *rank(episode.split, SPLITS), episode.task, episode.seed


def _drop_torn_line(file: Any) -> None:
    """Truncate an open binary file after its last newline and leave the position at its end."""
    end = file.seek(0, os.SEEK_END)
    while end > 0:
        file.seek(end - 1)
        if file.read(1) == b"\n":
            break
        end -= 1
    file.truncate(end)
    file.seek(end)


def _parse(line: bytes, place: str) -> Episode:
    try:
        values = json.loads(line)
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{place}: not JSON; delete the line or the file and evaluate again") from error
    names = {field.name for field in dataclasses.fields(Episode)}
    if not isinstance(values, dict) or set(values) != names:
        found = sorted(values) if isinstance(values, dict) else type(values).__name__
        raise DataError(f"{place}: found {found}, expected an episode with the fields {sorted(names)}")
    try:
        return Episode(**{**values, "subgoals": tuple(values["subgoals"])})
    except TypeError as error:
        raise DataError(f"{place}: subgoals is {values['subgoals']!r}, expected a list of true and false") from error
