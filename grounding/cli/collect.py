"""``grounding collect``: demonstrations by scripted experts in simulation."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from grounding.policies.collection import Order


@dataclass(frozen=True)
class Collect:
    """Let scripted experts demonstrate every task in simulation and store it as a LeRobot data set.

    Run again after an interruption, it goes on where it stopped.
    """

    data: Path = Path("runs/demo/demonstrations")
    """Folder of the data set."""
    tasks: tuple[str, ...] = ("OpenDrawer", "PressButton", "TurnKnob", "PlaceInBin")
    """Tasks to demonstrate; all for every one there is."""
    episodes: tuple[int, ...] = (100, 100, 100, 240)
    """Demonstrations of each task, or one number for all."""
    split: str = "train"
    """Which objects: train, novel-instance, novel-shape or novel-category."""
    wordings: str = "train"
    """Set of wordings that describes them: train, test or composed."""
    missing_image: float = 0.15
    """Share of demonstrations recorded without pictures."""
    missing_cloud: float = 0.05
    """Share of demonstrations recorded without a point cloud."""
    noise: float = 0.0
    """How far (m) the expert strays and recovers on its way, for policies that must recover too; 0 for not at all."""
    seed: int = 0
    """Seed of the first scene of each task."""
    workers: int = 2
    """Parallel processes."""


def run(settings: Collect) -> None:
    """Collects what is not there yet."""
    from rich.progress import Progress

    from grounding.datasets.lerobot import DatasetWriter, is_complete
    from grounding.policies.collection import RATE, collect
    from grounding.policies.workers import worker_pool

    counts = _counts(settings)
    if is_complete(settings.data):
        _check_same(settings.data, counts)
        print(f"demonstrations: {settings.data} is complete already")
        return
    writer = DatasetWriter(settings.data, fps=RATE)
    stored = writer.existing()
    with worker_pool(settings.workers) as pool, Progress() as progress:
        for task, count in counts.items():
            done = [name for name in stored if name.startswith(f"{task}-{settings.split}-")]
            first = 1 + max(int(name.rpartition("-")[2]) for name in done) if done else settings.seed
            bar = progress.add_task(f"demonstrating {task}", total=count, completed=len(done))
            for demonstration in collect(count - len(done), pool, partial(_order, settings, task), first):
                writer.add(demonstration)
                progress.advance(bar)
    writer.close()
    print(f"demonstrations: {sum(counts.values())} in {settings.data}")


def _order(settings: Collect, task: str, seed: int) -> "Order":
    from grounding.policies.collection import Order, thinned

    wanted = Order(task, settings.split, seed, settings.wordings, noise=settings.noise)
    return thinned(wanted, settings.missing_image, settings.missing_cloud)


def _check_same(data: Path, counts: dict[str, int]) -> None:
    from grounding.datasets.lerobot import task_counts
    from grounding.errors import InputError

    found = task_counts(data)
    if found != counts:
        raise InputError(
            f"{data}: holds {found} already, asked for {counts}; choose another folder, or delete this one first"
        )


def _counts(settings: Collect) -> dict[str, int]:
    from grounding.errors import InputError
    from grounding.policies.evaluation import check_names, task_names, wording_sets
    from grounding.policies.results import ALL, SPLITS

    tasks = task_names() if settings.tasks == (ALL,) else settings.tasks
    check_names("task", tasks, task_names())
    if settings.split not in SPLITS:
        raise InputError(f"unknown split {settings.split!r}: expected one of {', '.join(SPLITS)}")
    if settings.seed < 0:
        raise InputError(f"seed: {settings.seed} found, expected a number of at least 0")
    if settings.wordings not in wording_sets():
        raise InputError(f"wordings: {settings.wordings!r} found, expected one of {', '.join(wording_sets())}")
    if not 0 <= settings.noise < float("inf"):
        raise InputError(f"noise: {settings.noise} found, expected metres, 0 or more")
    if settings.workers < 1:
        raise InputError(f"workers: {settings.workers} found, expected at least 1")
    episodes = settings.episodes if len(settings.episodes) > 1 else settings.episodes * len(tasks)
    if len(episodes) != len(tasks) or min(episodes) < 1:
        raise InputError(f"episodes: {episodes} found, expected one number or one for each of {len(tasks)} tasks")
    shares = (settings.missing_image, settings.missing_cloud)
    if min(shares) < 0 or sum(shares) >= 1:
        raise InputError(f"missing shares: {shares} found, expected numbers of at least 0 that sum to less than 1")
    return dict(zip(tasks, episodes, strict=True))
