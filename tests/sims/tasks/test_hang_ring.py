import numpy as np
import pytest

from sims.objects.hooks import THICK
from tests.sims.acting import follow_waypoints


def hang(env, which, hook):
    """Hangs a ring on a hook and lets it come to rest."""
    task = env.task
    ring, stand = task.rings[which], task.stands[hook]
    drop = ring.radius - THICK / 2 - task.hooks[hook].arm_radius - 0.001
    place = stand.point(task.hooks[hook].middle) - (0, 0, drop)
    turned = env.world.bullet.getQuaternionFromEuler((0, 0, stand.yaw + np.pi / 2))
    env.world.bullet.resetBasePositionAndOrientation(task.bodies[which], place.tolist(), turned)
    env.world.step(240)


@pytest.mark.parametrize("split", ["train", "novel-instance", "novel-shape", "novel-category"])
def test_hanging_on_the_named_hook_is_success(make, split):
    env = make("HangRing", split=split, obs=())
    env.reset(seed=0)
    assert env.task.outcome(env.robot) == type(env.task.outcome(env.robot))()
    hang(env, 0, 0)
    assert env.task.outcome(env.robot).success


def test_another_hook_and_another_ring_are_failures(make):
    env = make("HangRing", obs=())
    env.reset(seed=0)
    hang(env, 0, 2)
    assert env.task.outcome(env.robot).failure == "hung it on another hook"
    env.reset(seed=0)
    hang(env, 1, 0)
    assert env.task.outcome(env.robot).failure == "hung another thing"


def test_lying_under_the_hook_is_not_hanging(make):
    env = make("HangRing", obs=())
    env.reset(seed=0)
    place = env.task.stands[0].point(np.array([0.1, 0, 0.01]))
    lying = env.world.bullet.getQuaternionFromEuler((np.pi / 2, 0, 0))
    env.world.bullet.resetBasePositionAndOrientation(env.task.bodies[0], place.tolist(), lying)
    env.world.step(120)
    assert env.task.outcome(env.robot) == type(env.task.outcome(env.robot))()


def test_held_on_the_hook_it_is_not_let_go(make):
    env = make("HangRing", obs=())
    env.reset(seed=0)
    waypoints = env.task.expert()
    info = follow_waypoints(env, waypoints[:-2])
    body, arm = env.task.bodies[0], env.task.stands[0].point(env.task.hooks[0].middle)
    assert env.robot.touches(body) and np.linalg.norm(env.world.position(body) - arm) < 0.04
    assert not info["success"] and not info["terminated"]
    assert follow_waypoints(env, waypoints[-2:])["success"]
