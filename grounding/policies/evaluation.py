"""Many episodes of many methods in parallel processes, with results that do not depend on how many."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from grounding.cluster import dask_cluster
from grounding.errors import InputError
from grounding.policies.results import METHODS, SPLITS, Episode
from grounding.policies.retrieval import RetrievalPolicy
from grounding.policies.rollout import ExpertPolicy, Policy, play
from grounding.policies.workers import worker_pool

Loader = Callable[[Path], Any]

_QUERY_OF: Mapping[str, tuple[str, ...]] = {
    "ours": ("text", "points"),
    "random": (),
    "text": ("text",),
    "points": ("points",),
    "image": ("image",),
}


@dataclass(frozen=True)
class Job:
    """One episode to play: method, task, split and seed."""

    method: str
    task: str
    split: str
    seed: int
    film: bool = False

    @property
    def key(self) -> tuple[str, str, str, int]:
        """The same as :attr:`Episode.key`."""
        return self.method, self.task, self.split, self.seed


@dataclass
class Player:
    """Plays jobs in one process; loads the run when a method first needs it, which the expert never does.

    Args:
        run: folder of a trained and indexed run.
        load: from that folder to an opened :class:`grounding.library.Library`.
        wordings: task -> instruction templates in place of the test wordings.
    """

    run: Path
    load: Loader
    wordings: Mapping[str, Sequence[str]] = field(default_factory=dict)
    _policies: dict[str, Policy] = field(default_factory=dict, compare=False, repr=False)
    _library: Any = field(default=None, compare=False, repr=False)

    def __reduce__(self) -> tuple[Any, ...]:
        # What was loaded stays behind: other processes load it for themselves.
        return Player, (self.run, self.load, self.wordings)

    def play(self, job: Job) -> tuple[Episode, list[np.ndarray]]:
        """The episode and, if the job asks for a film, its pictures."""
        frames: list[np.ndarray] = []
        with closing(make_env(job.task, job.split, self.wordings.get(job.task, "test"))) as env:
            episode = play(self._policy(job.method, env), env, job.seed, job.method, frames if job.film else None)
        return episode, frames

    def _policy(self, method: str, env: Any) -> Policy:
        if method == "expert":
            return ExpertPolicy(env)
        if method not in self._policies:
            if self._library is None:
                self._library = self._load()
            self._policies[method] = RetrievalPolicy(self._library, _QUERY_OF[method])
        return self._policies[method]

    def _load(self) -> Any:
        import torch

        # Sums come out the same in any process only if none is split over threads.
        torch.set_num_threads(1)
        return self.load(self.run)


def make_env(task: str, split: str, instructions: str | Sequence[str] = "test") -> Any:
    """The environment of a simulated task for open-loop policies: it looks at the start and when asked to.

    Of a task of several sub-goals it tells the next one that is not met, as CALVIN does.

    Raises:
        InputError: unknown task or split, or wordings that do not fit the task's slots.
    """
    import gymnasium

    try:
        return gymnasium.make(
            f"sims:grounding/{task}-v0",
            split=split,
            obs=("image", "points"),
            refresh="reset",
            instructions=instructions,
            instruct="stepwise",
            render_mode="rgb_array",
            disable_env_checker=True,
        )
    except gymnasium.error.Error as error:
        raise InputError(f"unknown task {task!r}: expected one of {', '.join(task_names())}") from error
    except ValueError as error:
        raise InputError(f"task {task}: {error}") from error


def task_names() -> tuple[str, ...]:
    """The tasks of ``sims``, in their order."""
    import importlib

    return tuple(importlib.import_module("sims").TASK_NAMES)


def wording_sets() -> tuple[str, ...]:
    """The sets of wordings that ``sims`` brings."""
    import importlib

    return tuple(importlib.import_module("sims.language").WORDING_SETS)


def check_wordings(wordings: Mapping[str, Any], tasks: Sequence[str]) -> None:
    """Makes sure that each template fits its task, by filling it in a scene.

    Raises:
        InputError: no task or an unknown one, not a list of texts, no templates, or a template with other slots.
    """
    if not wordings:
        raise InputError(
            'wordings: no task found; expected lines like OpenDrawer = ["slide the {position} drawer out"]'
        )
    for task, templates in wordings.items():
        if task not in tasks:
            raise InputError(f"wordings: unknown task {task!r}; expected some of {', '.join(tasks)}")
        if not isinstance(templates, list) or not templates or not all(isinstance(one, str) for one in templates):
            raise InputError(f"wordings of {task}: expected a list of at least one template, found {templates!r}")
        env = make_env(task, "train", templates)
        try:
            env.reset(seed=0)
        except ValueError as error:
            raise InputError(f"wordings of {task}: {error}") from error
        finally:
            env.close()


def check_names(what: str, given: Sequence[str], known: Sequence[str]) -> None:
    """Makes sure that names of ``what`` were given, all of them known and none twice.

    Raises:
        InputError: otherwise.
    """
    expected = f"expected some of {', '.join(known)}"
    if not given:
        raise InputError(f"no {what} given: {expected}")
    for name in given:
        if name not in known:
            raise InputError(f"unknown {what} {name!r}: {expected}")
        if list(given).count(name) > 1:
            raise InputError(f"{what} {name!r} is named twice: expected each once; leave the second out")


def jobs(methods: Mapping[str, int], splits: Sequence[str], tasks: Sequence[str], seed: int) -> list[Job]:
    """All episodes of an evaluation: of each method so many a split, dealt out evenly over the tasks.

    Every method meets the same scenes.

    Raises:
        InputError: methods, splits or tasks that are unknown, none or named twice, fewer episodes than tasks, or a
            seed below 0.
    """
    check_names("method", tuple(methods), METHODS)
    check_names("split", splits, SPLITS)
    check_names("task", tasks, task_names())
    if seed < 0:
        raise InputError(f"seed: {seed} found, expected a number of at least 0")
    planned = []
    for method, count in methods.items():
        if count < len(tasks):
            raise InputError(
                f"episodes of {method}: {count} found, expected at least one for each of {len(tasks)} tasks"
            )
        for split in splits:
            for index in range(count):
                task, turn = tasks[index % len(tasks)], index // len(tasks)
                planned.append(Job(method, task, split, seed + turn))
    return planned


def play_all(
    planned: Iterable[Job], player: Player, workers: int, dask: str | None = None
) -> Iterator[tuple[Episode, list[np.ndarray]]]:
    """Plays jobs and yields results as they come, in the order of the jobs; they are the same wherever they are played.

    Args:
        planned: what to play.
        player: plays here, and its like in other processes.
        workers: processes of this machine; 1 plays in this one.
        dask: address of a Dask scheduler, whose workers play instead; they must see the run's folder under its path.

    Raises:
        InputError: no scheduler answers, or it has no worker.
    """
    if dask is not None:
        yield from _play_on_cluster(planned, player, dask)
    elif workers <= 1:
        yield from (_play(player, job) for job in planned)
    else:
        with worker_pool(workers) as pool:
            futures = [pool.submit(_play, player, job) for job in planned]
            try:
                for future in futures:
                    yield future.result()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise


def _play_on_cluster(
    planned: Iterable[Job], player: Player, address: str
) -> Iterator[tuple[Episode, list[np.ndarray]]]:
    import joblib

    with dask_cluster(address):
        yield from joblib.Parallel(return_as="generator")(joblib.delayed(_play)(player, job) for job in planned)


# A process of a pool has no other way to keep what it loaded between jobs, and may be given two at a time.
_player: Player | None = None
_turn = threading.Lock()


def _play(player: Player, job: Job) -> tuple[Episode, list[np.ndarray]]:
    global _player
    with _turn:
        if _player != player:
            _player = player
        return _player.play(job)
