import numpy as np
import pytest

from tests.sims.acting import follow_waypoints


def lay(env, which, region, aside=0.0, lift=0.0):
    """Lays a thing into a region, ``aside`` (m) of its middle."""
    x, y = env.task.region_places[region]
    place = (x + aside, y, env.task.table.items[which].height / 2 + lift)
    env.world.bullet.resetBasePositionAndOrientation(env.task.table.bodies[which], place, (0, 0, 0, 1))


@pytest.fixture
def env(make):
    env = make("PushToRegion", obs=())
    env.reset(seed=0)
    return env


def test_success_is_the_middle_of_the_thing_in_the_region(env):
    edge = env.task.regions[0].radius * (np.sqrt(2) if env.task.regions[0].shape == "square" else 1)
    lay(env, 0, 0, aside=edge + 0.005)
    assert env.task.outcome(env.robot) == type(env.task.outcome(env.robot))()
    lay(env, 0, 0, aside=0.02)
    assert env.task.outcome(env.robot).success
    env.world.bullet.resetBaseVelocity(env.task.table.bodies[0], (0.1, 0, 0))
    assert not env.task.outcome(env.robot).success


def test_another_region_another_thing_and_lifting_are_failures(env):
    lay(env, 0, 1)
    assert env.task.outcome(env.robot).failure == "left it in another region"
    lay(env, 0, 0, lift=0.03)
    assert env.task.outcome(env.robot).failure == "lifted a thing"
    env.reset(seed=0)
    lay(env, 1, 0)
    assert env.task.outcome(env.robot).failure == "pushed another thing there"


def test_the_thing_is_pushed_not_lifted(env):
    height = 0.0
    for waypoint in env.task.expert():
        info = follow_waypoints(env, [waypoint], settle=0)
        height = max(height, env.task.table.center(0)[2] - env.task._starts[0][2])
        if info["terminated"]:
            break
    assert info["success"] and height < 0.01


def test_half_the_way_is_not_enough(env):
    waypoints = env.task.expert()
    info = follow_waypoints(env, waypoints[: len(waypoints) // 4])
    assert not info["success"] and not info["terminated"]
