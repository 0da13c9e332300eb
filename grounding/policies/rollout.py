"""Carrying plans out in an environment, one episode at a time."""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from grounding.errors import InputError
from grounding.policies.results import Episode
from grounding.policies.retrieval import Plan

SETTLING_STEPS = 10


class Policy(Protocol):
    """Anything that plans a motion from an observation."""

    def plan(self, observation: Mapping[str, Any]) -> Plan:
        """A motion for the scene observed."""
        ...


class ExpertPolicy:
    """The scripted expert of an environment, which reads the simulator's state: a ceiling, not a competitor."""

    def __init__(self, env: Any) -> None:
        self._trajectory = env.get_wrapper_attr("expert_trajectory")

    def plan(self, observation: Mapping[str, Any]) -> Plan:
        """The expert's motion; the observation is not looked at."""
        return Plan(self._trajectory())


def play(
    policy: Policy, env: Any, seed: int, method: str = "ours", frames: list[np.ndarray] | None = None, every: int = 6
) -> Episode:
    """One episode: reset with ``seed``, plan once, carry the motion out, and let the scene settle for half a second.

    Args:
        policy: what plans.
        env: a gymnasium environment with the observation and ``info`` keys of ``sims``.
        seed: of the scene.
        method: name to record.
        frames: if given, pictures from ``env.render()`` are appended to it, one every ``every`` steps.

    Returns:
        What happened, with the reason of a failure.
    """
    observation, info = env.reset(seed=seed)
    taught = info
    try:
        plan = policy.plan(observation)
    except InputError as error:
        plan = Plan(np.empty((0, 8), np.float32))
        info = {**info, "failure": f"no plan: {error}"}
    ended = False
    settling = np.repeat(plan.trajectory[-1:], SETTLING_STEPS, axis=0)
    for step, action in enumerate(np.concatenate([plan.trajectory, settling])):
        if frames is not None and step % every == 0:
            frames.append(env.render())
        _, _, terminated, truncated, info = env.step(action)
        ended = terminated or truncated
        if ended:
            break
    if frames is not None:
        frames.append(env.render())
    task = env.unwrapped.spec.id if env.unwrapped.spec else env.spec.id
    return Episode(
        method=method,
        task=task.partition("/")[2].rpartition("-v")[0] or task,
        split=str(env.spec.kwargs.get("split", "train")),
        seed=seed,
        instruction=str(observation["instruction"]),
        success=bool(info["success"]),
        seconds=float(info["seconds"]),
        path_length=float(info["path_length"]),
        shortest_path=float(info["shortest_path"]),
        retrieved=plan.retrieved,
        retrieved_task=plan.task,
        failure="" if info["success"] else _reason(plan, info, taught),
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


def _reason(plan: Plan, info: Mapping[str, Any], taught: Mapping[str, Any]) -> str:
    """Why an episode failed, from what the environment says and what its teacher knows."""
    if info["failure"]:
        return str(info["failure"])
    asked = str(taught.get("meaning", "")).partition(" ")[0]
    if plan.task is not None and asked and plan.task != asked:
        return "found a motion of another task"
    if plan.part is not None and taught.get("parts") and plan.part != taught["parts"][0]:
        return "acted on another part"
    if info["ik_failures"]:
        return "out of reach"
    return "the motion did not have its effect"
