import numpy as np
import pytest

from tests.sims.acting import follow, follow_waypoints


def put_crumbs(env, heap, count, inside):
    """Moves the first crumbs of a heap into the dustpan, or beside it."""
    for number, crumb in enumerate(env.task.crumbs[heap][:count]):
        local = np.array([-0.03 - 0.02 * (number % 4), 0.03 * (number // 4) + (0.0 if inside else 0.15), 0.014])
        place = env.task.placement.point(local)
        env.world.bullet.resetBasePositionAndOrientation(crumb, place.tolist(), (0, 0, 0, 1))


@pytest.mark.parametrize(("count", "success"), [(0, False), (1, False), (5, False), (6, True), (8, True)])
def test_success_is_where_the_crumbs_lie(make, count, success):
    env = make("Sweep", obs=())
    env.reset(seed=0)
    put_crumbs(env, env.task.asked, count, inside=True)
    found = env.task.outcome(env.robot)
    assert found.success is success and found.failure == ""


def test_crumbs_beside_the_dustpan_do_not_count(make):
    env = make("Sweep", obs=())
    env.reset(seed=0)
    put_crumbs(env, env.task.asked, 8, inside=False)
    assert env.task.swept() == [0.0, 0.0]


def test_other_crumbs_in_the_dustpan_are_a_failure(make):
    env = make("Sweep", obs=())
    env.reset(seed=1)
    env.task.asked = 1 - env.task.asked
    waypoints = env.task.expert()
    env.task.asked = 1 - env.task.asked
    info = follow_waypoints(env, waypoints)
    assert info["terminated"] and not info["success"] and info["failure"] == "swept up other crumbs"


def test_a_brush_pushed_to_the_mouth_has_swept_nothing_up(make):
    env = make("Sweep", obs=())
    env.reset(seed=0)
    info = follow_waypoints(env, env.task.expert()[:-1])
    assert not info["success"] and not info["terminated"]


@pytest.mark.parametrize("split", [pytest.param("train", marks=pytest.mark.slow), "novel-category"])
def test_the_expert_sweeps(make, split):
    env = make("Sweep", split=split, obs=())
    env.reset(seed=2)
    assert follow(env, env.expert_trajectory())["success"]
    assert env.task.swept()[1 - env.task.asked] == 0.0


def test_brush_and_crumbs_rest_at_the_start(make):
    env = make("Sweep", split="novel-category", obs=())
    env.reset(seed=0)
    crumbs = [crumb for heap in env.task.crumbs for crumb in heap]
    assert max(env.world.speed(body) for body in (env.task.body, *crumbs)) < 0.02
    tilt = env.world.bullet.getEulerFromQuaternion(env.world.bullet.getBasePositionAndOrientation(env.task.body)[1])
    assert abs(tilt[0]) < 0.02 and abs(tilt[1]) < 0.02
