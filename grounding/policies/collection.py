"""Demonstrations by the scripted experts, collected in parallel processes."""

import itertools
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from grounding.datasets import Demonstration
from grounding.errors import DataError, InputError
from grounding.policies.rollout import carry_out, motions_allowed
from grounding.trajectories.parts import visible_parts

RATE = 20.0
# An expert that fails this often is broken, and trying on would never end.
_MOST_FAILURES_IN_A_ROW = 20
_AHEAD = 8


@dataclass(frozen=True)
class Order:
    """One demonstration wanted: task, split, seed of the scene, wordings that describe it, and what to record.

    With ``noise`` the expert strays from its way by so many metres, and recovers; see ``expert_trajectory`` of the
    environment.
    """

    task: str
    split: str
    seed: int
    wordings: str = "train"
    image: bool = True
    cloud: bool = True
    noise: float = 0.0

    @property
    def id(self) -> str:
        """The id that the demonstration gets."""
        return f"{self.task}-{self.split}-{self.seed:06d}"


def thinned(order: Order, missing_image: float, missing_cloud: float) -> Order:
    """The order, with its picture left out in a share of all cases and its cloud in another share, never both."""
    drawn = np.random.default_rng([order.seed, *order.task.encode()]).random()
    return replace(order, image=drawn >= missing_image, cloud=drawn < 1 - missing_cloud)


def perform(wanted: Order) -> Demonstration | None:
    """Lets the expert act once, from the picture of the start; None if it fails or a part is hardly seen.

    In a task of several sub-goals its motions are recorded one behind the other, and only the part that it acts on
    first has to be seen at the start: what is in a closed drawer is not.

    Raises:
        InputError: wordings that the environment does not know.
    """
    env = _make_env(wanted)
    try:
        observation, taught = env.reset(seed=wanted.seed)
        trajectory, success = _demonstrate(env, wanted, motions_allowed(taught))
        parts = _seen(taught, visible_parts(observation["segments"]))
        if not success or not parts:
            return None
        return _record(wanted, observation, {**taught, "parts": parts}, trajectory)
    finally:
        env.close()


def _make_env(wanted: Order) -> Any:
    import gymnasium

    try:
        return gymnasium.make(
            f"sims:grounding/{wanted.task}-v0",
            split=wanted.split,
            obs=("image", "points"),
            refresh="reset",
            instructions=wanted.wordings,
            disable_env_checker=True,
        )
    except ValueError as error:
        raise InputError(f"task {wanted.task}: {error}") from error


def _demonstrate(env: Any, wanted: Order, most: int) -> tuple[np.ndarray, bool]:
    """What the expert does in at most so many motions, float32 (T, 8), and whether that succeeds.

    Of the last motion all is kept that was intended, though an episode ends as soon as its goal is reached.
    """
    generator = np.random.default_rng([wanted.seed, *wanted.task.encode()])
    strays = {"noise": wanted.noise, "generator": generator} if wanted.noise else {}
    earlier: list[np.ndarray] = []
    for _ in range(most):
        motion = env.get_wrapper_attr("expert_trajectory")(**strays)
        done, info, ended = carry_out(env, motion)
        if ended:
            break
        earlier += done
    return np.concatenate([np.reshape(earlier, (-1, 8)), motion]).astype(np.float32), bool(info["success"])


def _seen(taught: dict[str, Any], visible: list[int]) -> tuple[int, ...]:
    """The parts acted on, as far as they must be seen; none if one of these is not."""
    parts = tuple(part for part in taught["parts"] if part in visible)
    needed = taught["parts"] if motions_allowed(taught) == 1 else taught["parts"][:1]
    return parts if set(needed) <= set(parts) else ()


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
