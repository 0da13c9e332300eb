"""Carrying plans out in an environment, one episode at a time."""

import itertools
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np

from grounding.errors import InputError
from grounding.policies.results import Episode
from grounding.policies.retrieval import Plan
from grounding.trajectories import inverse, transform

SETTLING_STEPS = 10


class Policy(Protocol):
    """Anything that plans a motion from an observation."""

    def plan(self, observation: Mapping[str, Any]) -> Plan:
        """A motion for the scene observed."""
        ...


class ExpertPolicy:
    """The scripted expert of an environment, which reads the simulator's state: a ceiling, not a competitor.

    Asked again in a task of several sub-goals, it does what is to be done next.
    """

    def __init__(self, env: Any) -> None:
        self._trajectory = env.get_wrapper_attr("expert_trajectory")

    def plan(self, observation: Mapping[str, Any]) -> Plan:
        """The expert's motion; the observation is not looked at."""
        return Plan(self._trajectory())


def carry_out(
    env: Any, motion: np.ndarray, watch: Callable[[], object] | None = None
) -> tuple[list[np.ndarray], Mapping[str, Any], bool]:
    """Steps an environment through a motion and half a second more at its end, for the scene to settle.

    Args:
        env: a gymnasium environment whose actions are rows of trajectories.
        motion: (T, 8) with T >= 1.
        watch: called before every step.

    Returns:
        The actions done, the ``info`` of the last step, and whether the episode is over.
    """
    done: list[np.ndarray] = []
    info: Mapping[str, Any] = {}
    ended = False
    for action in np.concatenate([motion, np.repeat(motion[-1:], SETTLING_STEPS, axis=0)]):
        if watch is not None:
            watch()
        _, _, terminated, truncated, info = env.step(action)
        done.append(action)
        ended = bool(terminated or truncated)
        if ended:
            break
    return done, info, ended


def motions_allowed(taught: Mapping[str, Any]) -> int:
    """How many motions an episode may have: one, or two more than sub-goals where there are several."""
    goals = len(taught.get("subgoals", ()))
    return goals + 2 if goals > 1 else 1


def play(
    policy: Policy, env: Any, seed: int, method: str = "ours", frames: list[np.ndarray] | None = None, every: int = 6
) -> Episode:
    """One episode: reset with ``seed``, plan once, carry the motion out, and let the scene settle for half a second.

    In a task of several sub-goals the policy looks and plans again after each motion while the episode goes on, at most
    two times more often than there are sub-goals.

    Args:
        policy: what plans.
        env: a gymnasium environment with the observation and ``info`` keys of ``sims``.
        seed: of the scene.
        method: name to record.
        frames: if given, pictures from ``env.render()`` are appended to it, one every ``every`` steps.

    Returns:
        What happened, with the reason of a failure.
    """
    observation, taught = env.reset(seed=seed)
    instruction = str(observation["instruction"])
    expert = env.get_wrapper_attr("expert_trajectory")() if env.has_wrapper_attr("expert_trajectory") else None
    steps = itertools.count()

    def film() -> None:
        if frames is not None and next(steps) % every == 0:
            frames.append(env.render())

    info: Mapping[str, Any] = taught
    plans: list[Plan] = []
    for number in range(motions_allowed(taught)):
        if number and env.has_wrapper_attr("look"):
            observation = env.get_wrapper_attr("look")()
        try:
            plans.append(policy.plan(observation))
        except InputError as error:
            info = {**info, "failure": f"no plan: {error}"}
            break
        _, info, ended = carry_out(env, plans[-1].trajectory, film)
        if ended:
            break
    if frames is not None:
        frames.append(env.render())
    first = plans[0] if plans else Plan(np.empty((0, 8), np.float32))
    task = env.unwrapped.spec.id if env.unwrapped.spec else env.spec.id
    return Episode(
        method=method,
        task=task.partition("/")[2].rpartition("-v")[0] or task,
        split=str(env.spec.kwargs.get("split", "train")),
        seed=seed,
        instruction=instruction,
        success=bool(info["success"]),
        seconds=float(info["seconds"]),
        path_length=float(info["path_length"]),
        shortest_path=float(info["shortest_path"]),
        retrieved=first.retrieved,
        retrieved_task=first.task,
        failure="" if info["success"] else _reason(first, info, taught),
        dtw_mt=_from_expert(first.trajectory, expert, taught),
        ik_failures=int(info["ik_failures"]),
        joint_violations=int(info.get("joint_violations", 0)),
        force_violations=int(info.get("force_violations", 0)),
        peak_force=float(info.get("peak_force", 0.0)),
        subgoals=tuple(bool(met) for met in info.get("subgoals", ())),
    )


def rollout(policy: Policy, env: Any, episodes: int, seed: int = 0, method: str = "ours") -> list[Episode]:
    """``episodes`` episodes with seeds ``seed``, ``seed`` + 1, ...

    Example:
        >>> results = rollout(RetrievalPolicy(library), env, episodes=100, seed=0)
        >>> summarise(results)["success"]["ours"]
    """
    if episodes < 1:
        raise InputError(f"episodes: {episodes} found; expected at least 1")
    return [play(policy, env, seed + index, method) for index in range(episodes)]


def _from_expert(motion: np.ndarray, expert: np.ndarray | None, taught: Mapping[str, Any]) -> float | None:
    """DTW-MT of a motion (T, 8) from the expert's, both in the frame of the part that is to be acted on."""
    if expert is None or "part_frame" not in taught or not len(motion):
        return None
    from grounding.trajectories.distance import dtw_mt, without_pauses

    into = inverse(taught["part_frame"])
    return dtw_mt(*(without_pauses(transform(one, into)) for one in (motion, expert)))


def _reason(plan: Plan, info: Mapping[str, Any], taught: Mapping[str, Any]) -> str:
    """Why an episode failed, from what the environment says and what its teacher knows."""
    if info["failure"]:
        return str(info["failure"])
    goals = info.get("subgoals", ())
    if len(goals) > 1:
        return f"met {sum(map(bool, goals))} of {len(goals)} sub-goals"
    asked = str(taught.get("meaning", "")).partition(" ")[0]
    if plan.task is not None and asked and plan.task != asked:
        return "found a motion of another task"
    if plan.part is not None and taught.get("parts") and plan.part != taught["parts"][0]:
        return "acted on another part"
    if info["ik_failures"]:
        return "out of reach"
    return "the motion did not have its effect"
