import numpy as np
import pytest

from tests.sims.acting import follow_all


def drop(env, which, aside=0.0, height=0.0):
    """Lays a thing on the floor of the bin, ``aside`` of its middle along it."""
    item, placement = env.task.table.items[which], env.task.placement
    place = placement.point(np.array([aside, 0.0, 0.009 + item.height / 2 + height]))
    env.world.bullet.resetBasePositionAndOrientation(env.task.table.bodies[which], place.tolist(), (0, 0, 0, 1))
    env.world.bullet.resetBaseVelocity(env.task.table.bodies[which], (0, 0, 0), (0, 0, 0))


def test_both_named_things_must_lie_in_the_bin(make):
    env = make("ClearTable", obs=())
    env.reset(seed=0)
    drop(env, 0, -0.04)
    found = env.task.outcome(env.robot)
    assert found.subgoals == (True, False) and not found.success
    drop(env, 1, 0.04)
    assert env.task.outcome(env.robot).success


def test_what_was_taken_out_again_is_missing_at_the_end(make):
    env = make("ClearTable", obs=())
    env.reset(seed=0)
    drop(env, 0)
    env.task.outcome(env.robot)
    drop(env, 0, height=0.3)
    drop(env, 1)
    found = env.task.outcome(env.robot)
    assert found.subgoals == (True, True) and not found.success


def test_a_thing_that_was_to_stay_is_a_failure(make):
    env = make("ClearTable", obs=())
    env.reset(seed=0)
    drop(env, 2)
    assert env.task.outcome(env.robot).failure == "put another thing in the bin"


@pytest.mark.slow
@pytest.mark.parametrize("split", ["train", "novel-instance", "novel-shape", "novel-category"])
def test_the_expert_clears_it(make, split):
    env = make("ClearTable", split=split, obs=())
    env.reset(seed=0)
    assert follow_all(env)["success"]
