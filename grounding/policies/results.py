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
import math
import os
import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from grounding.errors import DataError, InputError, StorageError

METHODS = ("ours", "expert", "random", "text", "points", "image")
SPLITS = ("train", "novel-instance", "novel-shape")
ALL = "all"


@dataclasses.dataclass(frozen=True)
class Episode:
    """One attempt at one instruction.

    Times are seconds of simulated execution and lengths are metres of end-effector path. `retrieved` is the id of the
    demonstration that was carried out and `retrieved_task` its task, both None for a method that retrieves nothing.
    `failure` names in a few words why the attempt failed and is empty when it succeeded.
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


class Interval(NamedTuple):
    """A proportion with its confidence interval and the number of trials behind it; all but `n` within 0..1."""

    rate: float
    low: float
    high: float
    n: int


def wilson(successes: int, n: int, confidence: float = 0.95) -> Interval:
    """Score interval of a proportion.

    With p = successes / n and z the two-sided normal quantile, the interval is
    (p + z^2 / 2n ± z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n):
    E. B. Wilson, Probable Inference, the Law of Succession, and Statistical Inference, JASA 22, 1927.

    Args:
        successes: number of successes, 0..n.
        n: number of trials, at least 1.
        confidence: coverage, strictly between 0 and 1.

    Raises:
        InputError: counts that cannot be, or a confidence outside its range.

    >>> wilson(17, 20)
    Interval(rate=0.85, low=0.6395811352592431, high=0.9476312541037835, n=20)
    """
    if n < 1 or not 0 <= successes <= n:
        raise InputError(f"wilson: {successes} successes of {n} trials; expected 0 <= successes <= n and n >= 1")
    if not 0 < confidence < 1:
        raise InputError(f"wilson: confidence {confidence}; expected a number between 0 and 1, such as 0.95")
    z = statistics.NormalDist().inv_cdf(0.5 + confidence / 2)
    rate = successes / n
    centre = rate + z * z / (2 * n)
    half = z * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    # Rounding would otherwise leave 0 successes a hair above 0, and n of n a hair below 1.
    low = 0.0 if successes == 0 else (centre - half) / scale
    high = 1.0 if successes == n else (centre + half) / scale
    return Interval(rate, low, high, n)


def summarise(episodes: Iterable[Episode]) -> dict[str, dict[str, Any]]:
    """Aggregate episodes into the tables of `summary.json`.

    Every table is nested method -> split -> task, with the further task `"all"`, except `failures`, which counts
    reasons by method and split:

    - `success`: `{"rate", "low", "high", "n"}`, Wilson 95 % interval.
    - `right_task`: the same for episodes whose retrieved demonstration is of the task that was asked for; absent for
      methods that retrieve nothing.
    - `time`: `{"mean", "median", "n"}`, simulated seconds of the successful episodes; None where none succeeded.
    - `efficiency`: `{"mean", "of_successes", "n"}`, mean of `Episode.efficiency` over all and over successful episodes.
    - `failures`: `{reason: count}`, most frequent first.

    The result depends on the set of episodes alone, not on their order.
    """
    cells: dict[tuple[str, str], dict[str, list[Episode]]] = defaultdict(lambda: defaultdict(list))
    for episode in sorted(episodes, key=_order):
        cells[episode.method, episode.split][episode.task].append(episode)
        cells[episode.method, episode.split][ALL].append(episode)
    tables: dict[str, Callable[[list[Episode]], dict[str, Any] | None]] = {
        "success": lambda group: wilson(sum(e.success for e in group), len(group))._asdict(),
        "right_task": _right_task,
        "time": _time,
        "efficiency": _efficiency,
    }
    summary: dict[str, dict[str, Any]] = {name: {} for name in (*tables, "failures")}
    for (method, split), tasks in cells.items():
        for name, statistic in tables.items():
            row = {task: statistic(tasks[task]) for task in sorted(tasks, key=lambda task: (task == ALL, task))}
            if any(value is not None for value in row.values()):
                summary[name].setdefault(method, {})[split] = row
        summary["failures"].setdefault(method, {})[split] = _failures(tasks[ALL])
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


def _right_task(group: list[Episode]) -> dict[str, Any] | None:
    retrieved = [episode for episode in group if episode.retrieved is not None]
    if not retrieved:
        return None
    return wilson(sum(e.retrieved_task == e.task for e in retrieved), len(retrieved))._asdict()


def _time(group: list[Episode]) -> dict[str, Any]:
    seconds = [episode.seconds for episode in group if episode.success]
    if not seconds:
        return {"mean": None, "median": None, "n": 0}
    return {"mean": _mean(seconds), "median": statistics.median(seconds), "n": len(seconds)}


def _efficiency(group: list[Episode]) -> dict[str, Any]:
    succeeded = [episode.efficiency for episode in group if episode.success]
    return {
        "mean": _mean([episode.efficiency for episode in group]),
        "of_successes": _mean(succeeded) if succeeded else None,
        "n": len(group),
    }


def _failures(group: list[Episode]) -> dict[str, int]:
    reasons = Counter(episode.failure or "not recorded" for episode in group if not episode.success)
    return dict(sorted(reasons.items(), key=lambda item: (-item[1], item[0])))


def _mean(values: list[float]) -> float:
    # fsum is exact, so that episodes finishing in another order give the very same mean.
    return math.fsum(values) / len(values)


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
    return Episode(**values)
