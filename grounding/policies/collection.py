"""Demonstrations by the scripted experts, collected in parallel processes."""

import itertools
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from grounding.datasets import Demonstration
from grounding.errors import DataError
from grounding.trajectories.parts import visible_parts

RATE = 20.0
# An expert that fails this often is broken, and trying on would never end.
_MOST_FAILURES_IN_A_ROW = 20
_AHEAD = 8


@dataclass(frozen=True)
class Order:
    """One demonstration wanted: task, split, seed of the scene, wordings that describe it, and what to record."""

    task: str
    split: str
    seed: int
    wordings: str = "train"
    image: bool = True
    cloud: bool = True

    @property
    def id(self) -> str:
        """The id that the demonstration gets."""
        return f"{self.task}-{self.split}-{self.seed:06d}"


def thinned(order: Order, missing_image: float, missing_cloud: float) -> Order:
    """The order, with its picture left out in a share of all cases and its cloud in another share, never both."""
    drawn = np.random.default_rng([order.seed, *order.task.encode()]).random()
    return replace(order, image=drawn >= missing_image, cloud=drawn < 1 - missing_cloud)


def perform(wanted: Order) -> Demonstration | None:
    """Lets the expert act once, from the picture of the start; None if it fails or a part is hardly seen."""
    import gymnasium

    env = gymnasium.make(
        f"sims:grounding/{wanted.task}-v0",
        split=wanted.split,
        obs=("image", "points"),
        refresh="reset",
        instructions=wanted.wordings,
        disable_env_checker=True,
    )
    try:
        observation, taught = env.reset(seed=wanted.seed)
        trajectory = env.get_wrapper_attr("expert_trajectory")()
        info: dict[str, Any] = taught
        for action in trajectory:
            _, _, terminated, truncated, info = env.step(action)
            if terminated or truncated:
                break
        if not info["success"] or not set(taught["parts"]) <= set(visible_parts(observation["segments"])):
            return None
        return _record(wanted, observation, taught, trajectory)
    finally:
        env.close()


def collect(
    count: int, pool: ProcessPoolExecutor, make_order: Callable[[int], Order], first_seed: int = 0
) -> Iterator[Demonstration]:
    """``count`` successful demonstrations with rising seeds from ``first_seed``, in order, whatever the pool's size.

    ``make_order`` says what to do for a seed.

    Raises:
        DataError: the expert failed 20 times in a row.
    """
    seeds = itertools.count(first_seed)
    pending: deque[Future[Demonstration | None]] = deque()
    found = failures = 0
    while found < count:
        while len(pending) < _AHEAD:
            pending.append(pool.submit(perform, make_order(next(seeds))))
        demonstration = pending.popleft().result()
        if demonstration is None:
            failures += 1
            if failures >= _MOST_FAILURES_IN_A_ROW:
                task = make_order(first_seed).task
                raise DataError(
                    f"the expert of {task} failed {failures} times in a row; mend the task before collecting"
                )
            continue
        found, failures = found + 1, 0
        yield demonstration
    for future in pending:
        future.cancel()


def _record(
    wanted: Order, observation: dict[str, Any], taught: dict[str, Any], trajectory: np.ndarray
) -> Demonstration:
    cloud = wanted.cloud
    return Demonstration(
        id=wanted.id,
        task=wanted.task,
        split=wanted.split,
        seed=wanted.seed,
        meaning=taught["meaning"],
        instructions=taught["instructions"],
        trajectory=trajectory,
        rate=RATE,
        success=True,
        image=observation["image"] if wanted.image else None,
        points=observation["points"] if cloud else None,
        colors=observation["colors"] if cloud else None,
        segments=observation["segments"] if cloud else None,
        parts=taught["parts"] if cloud else (),
        meanings=taught["meanings"],
    )
