"""Environments that are closed after the test."""

from collections.abc import Callable, Iterator

import gymnasium
import pytest

import sims  # noqa: F401  (registers the environments)
from sims.environment import ManipulationEnv
from sims.world import World

Make = Callable[..., ManipulationEnv]


@pytest.fixture
def make() -> Iterator[Make]:
    made: list[ManipulationEnv] = []

    def build(task: str, **settings: object) -> ManipulationEnv:
        env = gymnasium.make(f"grounding/{task}-v0", disable_env_checker=True, **settings).unwrapped
        made.append(env)
        return env

    yield build
    for env in made:
        env.close()


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    made.clear()
    yield made
    made.close()
