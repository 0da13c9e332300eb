"""What several tests do with an environment."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sims import experts
from sims.environment import ManipulationEnv
from sims.tasks.task import Waypoint

SPLITS = ("train", "novel-instance", "novel-shape")
TASKS = ("OpenDrawer", "PressButton", "TurnKnob", "PlaceInBin")


def digest(observation: Mapping[str, Any]) -> str:
    """A hash of every byte of an observation."""
    found = hashlib.sha256()
    for name, value in sorted(observation.items()):
        found.update(name.encode())
        found.update(value.encode() if isinstance(value, str) else np.ascontiguousarray(value).tobytes())
    return found.hexdigest()


def follow(env: ManipulationEnv, actions: np.ndarray, settle: int = 10) -> dict[str, Any]:
    """Carries actions out, then holds the last one for ``settle`` steps; returns the last info."""
    info: dict[str, Any] = {}
    for action in [*actions, *[actions[-1]] * settle]:
        _, _, terminated, _, info = env.step(action)
        if terminated:
            break
    return info | {"terminated": terminated}


def follow_waypoints(env: ManipulationEnv, waypoints: Sequence[Waypoint], settle: int = 10) -> dict[str, Any]:
    """As :func:`follow`, through waypoints from where the tool is."""
    return follow(env, experts.trajectory(env.robot.tool_pose(), waypoints, env.robot.target), settle)


def follow_all(env: ManipulationEnv, motions: int = 8) -> dict[str, Any]:
    """Follows one expert's motion after another until the episode ends; returns the last info."""
    for _ in range(motions):
        info = follow(env, env.expert_trajectory())
        if info["terminated"]:
            break
    return info


def seeds_where(env: ManipulationEnv, holds: Any, count: int = 1) -> list[int]:
    """The first seeds whose scenes satisfy a condition on the task; the environment stands in the last of them."""
    found = []
    for seed in range(200):
        env.reset(seed=seed)
        if holds(env.task):
            found.append(seed)
        if len(found) == count:
            return found
    raise AssertionError("no scene in 200 satisfies the condition")
