"""Environments side by side: gymnasium's vectors, many clients in a process, and windows."""

import os

import gymnasium
import numpy as np
import pytest

import sims  # noqa: F401  (registers the environments)
from sims.world import World

SEEDS = [3, 4]


def run(mode: str, task: str) -> tuple[list, list]:
    """Observations and infos of a reset and four steps of two environments."""
    envs = gymnasium.make_vec(f"grounding/{task}-v0", num_envs=2, vectorization_mode=mode, obs=("depth",))
    observation, info = envs.reset(seed=SEEDS)
    seen, told = [observation], [info]
    for height in (0.5, 0.45, 0.4, 0.35):
        action = np.tile(np.array([0.45, 0.05, height, 1, 0, 0, 0, 0.5], np.float32), (2, 1))
        observation, _, _, _, info = envs.step(action)
        seen.append(observation)
        told.append(info)
    envs.close()
    return seen, told


@pytest.mark.parametrize("task", ["PressButton", "StoreInDrawer"])
def test_vectors_of_environments_in_one_process_and_in_many_are_equal(task):
    (seen, told), (apart, told_apart) = run("sync", task), run("async", task)
    for ours, theirs in zip(seen, apart, strict=True):
        assert list(ours["instruction"]) == list(theirs["instruction"])
        for name in ("proprioception", "depth"):
            np.testing.assert_array_equal(ours[name], theirs[name])
    for ours, theirs in zip(told, told_apart, strict=True):
        for name in ("seconds", "path_length", "peak_force", "success"):
            np.testing.assert_array_equal(ours[name], theirs[name])
        assert list(ours["subgoals"]) == list(theirs["subgoals"])
    assert told[-1]["seconds"].tolist() == [0.2, 0.2] and (seen[0]["depth"][0] != seen[0]["depth"][1]).any()


def clients() -> int:
    import pybullet

    return sum(pybullet.isConnected(number) for number in range(64))


def test_no_client_is_left_behind(make):
    before = clients()
    envs = [make("PressButton", obs=()) for _ in range(12)]
    for env in envs:
        env.reset(seed=0)
    assert clients() == before + 12
    for env in envs:
        env.close()
        env.close()
    for settings in ({"renderer": "painter"}, {"cameras": ()}, {"action": "torque"}, {"instruct": "twice"}):
        with pytest.raises(ValueError):
            make("PressButton", **settings)
    env = make("PressButton", instructions=["push {nothing}"])
    with pytest.raises(ValueError):
        env.reset(seed=0)
    env.close()
    assert clients() == before


@pytest.mark.skipif(bool(os.environ.get("DISPLAY")), reason="there is a display")
def test_a_window_without_a_display_is_refused(make):
    with pytest.raises(ValueError, match="a window needs a display and DISPLAY is not set"):
        make("PressButton", render_mode="human")
    with pytest.raises(ValueError, match="DISPLAY"):
        World(window=True)


def test_a_film_is_rendered_in_its_own_mode_alone(make):
    env = make("PressButton", obs=())
    env.reset(seed=0)
    assert env.render() is None
