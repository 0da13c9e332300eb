import numpy as np
import pytest

from tests.sims.acting import follow, follow_waypoints


def put_balls(env, count, place):
    """Moves the first ``count`` balls to lie loosely about a place (3,), in layers."""
    for number, ball in enumerate(env.task.balls[:count]):
        row = np.array([number % 3 - 1, number // 3 % 3 - 1, number // 9]) * 0.0115
        env.world.bullet.resetBasePositionAndOrientation(ball, (place + row).tolist(), (0, 0, 0, 1))


@pytest.mark.parametrize(("count", "success"), [(0, False), (2, False), (13, False), (14, True), (20, True)])
def test_success_is_where_the_balls_lie(make, count, success):
    env = make("Pour", obs=())
    env.reset(seed=0)
    put_balls(env, count, env.task.placements[env.task.asked].position + (0, 0, 0.013))
    found = env.task.outcome(env.robot)
    assert found.success is success and found.failure == ""


def test_balls_in_another_bowl_are_a_failure(make):
    env = make("Pour", obs=())
    env.reset(seed=0)
    put_balls(env, 6, env.task.placements[1 - env.task.asked].position + (0, 0, 0.013))
    assert env.task.outcome(env.robot).failure == "poured into another bowl"


def test_balls_beside_the_bowl_do_not_count(make):
    env = make("Pour", obs=())
    env.reset(seed=0)
    task = env.task
    put_balls(env, 20, task.placements[task.asked].position + (task.bowls[task.asked].reach + 0.03, 0, 0.01))
    assert task.outcome(env.robot) == type(task.outcome(env.robot))()


def test_a_full_cup_put_into_the_bowl_is_not_poured(make):
    env = make("Pour", obs=())
    env.reset(seed=0)
    task, bullet = env.task, env.world.bullet
    shift = task.placements[task.asked].position + (0, 0, 0.004) - env.world.position(task.body) * (1, 1, 0)
    for body in (task.body, *task.balls):
        place, turned = bullet.getBasePositionAndOrientation(body)
        bullet.resetBasePositionAndOrientation(body, (place + shift).tolist(), turned)
    assert task.poured() == [0.0, 0.0]


def test_a_cup_tipped_halfway_keeps_its_balls(make):
    env = make("Pour", obs=())
    env.reset(seed=1)
    info = follow_waypoints(env, env.task.expert()[:7])
    assert not info["success"] and not info["terminated"] and sum(env.task.poured()) == 0


@pytest.mark.parametrize(
    "split", ["novel-category", *(pytest.param(s, marks=pytest.mark.slow) for s in ("train", "novel-shape"))]
)
def test_the_expert_pours(make, split):
    env = make("Pour", split=split, obs=())
    env.reset(seed=2)
    assert follow(env, env.expert_trajectory())["success"]


def test_balls_lie_still_in_the_cup_at_the_start(make):
    env = make("Pour", obs=())
    for seed in range(4):
        env.reset(seed=seed)
        assert max(env.world.speed(ball) for ball in env.task.balls) < 0.05
        assert env.task.poured() == [0.0, 0.0]
        heights = [env.world.position(ball)[2] for ball in env.task.balls]
        assert min(heights) > 0.006 and max(heights) < env.task.cup.height
