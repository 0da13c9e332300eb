import numpy as np
import pytest

from sims.objects.hutch import OPENING
from sims.tasks.put_in_cupboard import OPEN, SHUT
from tests.sims.acting import follow_all


def set_door(env, share):
    env.world.bullet.resetJointState(*env.task.door, share * OPENING)


def put_in(env, which, deeper=0.03):
    """Lays a thing on the floor of the cupboard, or in front of it."""
    task = env.task
    local = np.array([task.hutch.depth / 2 - 0.05 - deeper, 0.0, task.hutch.floor + task.table.items[which].height / 2])
    place = task.placement.point(local + (0, 0, 0.001))
    env.world.bullet.resetBasePositionAndOrientation(task.table.bodies[which], place.tolist(), (0, 0, 0, 1))
    env.world.bullet.resetBaseVelocity(task.table.bodies[which], (0, 0, 0), (0, 0, 0))


@pytest.mark.parametrize("split", ["train", "novel-category"])
def test_the_sub_goals_are_met_one_by_one(make, split):
    env = make("PutInCupboard", split=split, obs=())
    env.reset(seed=0)
    assert [request.task for request in env.task.requests] == ["OpenDoor", "PlaceIn", "CloseDoor"]
    set_door(env, OPEN - 0.02)
    assert env.task.outcome(env.robot).subgoals == (False, False, False)
    set_door(env, OPEN + 0.02)
    put_in(env, 0, deeper=-0.10)
    assert env.task.outcome(env.robot).subgoals == (True, False, False)
    put_in(env, 0)
    assert env.task.outcome(env.robot).subgoals == (True, True, False)
    set_door(env, SHUT + 0.02)
    assert not env.task.outcome(env.robot).success
    set_door(env, SHUT - 0.02)
    assert env.task.outcome(env.robot).success


def test_another_thing_in_the_cupboard_is_a_failure(make):
    env = make("PutInCupboard", obs=())
    env.reset(seed=0)
    put_in(env, 1)
    assert env.task.outcome(env.robot).failure == "put another thing in the cupboard"


def test_nothing_stands_where_the_door_swings(make):
    env = make("PutInCupboard", obs=())
    for seed in range(6):
        env.reset(seed=seed)
        axle = env.task.placement.point(env.task.hutch.axle)
        for index, item in enumerate(env.task.table.items):
            away = np.linalg.norm((env.task.table.center(index) - axle)[:2])
            assert away > env.task.hutch.width + item.reach


@pytest.mark.slow
@pytest.mark.parametrize("split", ["train", "novel-shape", "novel-category"])
def test_the_expert_puts_it_in(make, split):
    env = make("PutInCupboard", split=split, obs=())
    env.reset(seed=1)
    assert follow_all(env)["success"]
