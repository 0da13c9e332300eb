import pytest

from sims.tasks.furniture import OPEN, SHUT
from tests.sims.acting import follow, follow_all


def set_drawer(env, index, share):
    env.world.bullet.resetJointState(env.task.drawers.body, 2 * index, share * env.task.drawers.cabinet.travel)


def put_in(env, which, index):
    """Lays a thing on the floor of a drawer, where that stands now."""
    drawers = env.task.drawers
    middle = drawers.handle(index) - drawers.outward * (drawers.cabinet.depth / 2 + drawers.cabinet.reach)
    env.world.bullet.resetBasePositionAndOrientation(env.task.table.bodies[which], middle.tolist(), (0, 0, 0, 1))
    env.world.bullet.resetBaseVelocity(env.task.table.bodies[which], (0, 0, 0), (0, 0, 0))


def test_the_sub_goals_are_met_one_by_one(make):
    env = make("StoreInDrawer", obs=())
    env.reset(seed=0)
    assert [request.task for request in env.task.requests] == ["OpenDrawer", "PlaceIn", "CloseDrawer"]
    assert env.task.outcome(env.robot).subgoals == (False, False, False)
    set_drawer(env, 1, OPEN - 0.02)
    assert env.task.outcome(env.robot).subgoals == (False, False, False)
    set_drawer(env, 1, OPEN + 0.02)
    assert env.task.outcome(env.robot).subgoals == (True, False, False)
    put_in(env, 0, 1)
    assert env.task.outcome(env.robot).subgoals == (True, True, False)
    set_drawer(env, 1, SHUT + 0.02)
    put_in(env, 0, 1)
    assert not env.task.outcome(env.robot).success
    set_drawer(env, 1, SHUT - 0.02)
    put_in(env, 0, 1)
    assert env.task.outcome(env.robot).success


def test_shutting_it_empty_is_no_success(make):
    env = make("StoreInDrawer", obs=())
    env.reset(seed=0)
    for share in (1.0, 0.0):
        set_drawer(env, 1, share)
        found = env.task.outcome(env.robot)
    assert found.subgoals == (True, False, False) and not found.success


def test_the_wrong_drawer_or_thing_is_a_failure(make):
    env = make("StoreInDrawer", obs=())
    env.reset(seed=0)
    set_drawer(env, 0, 0.5)
    assert env.task.outcome(env.robot).failure == "opened another drawer"
    set_drawer(env, 0, 0.0)
    set_drawer(env, 1, 1.0)
    put_in(env, 1, 1)
    assert env.task.outcome(env.robot).failure == "put another thing in the drawer"


@pytest.mark.slow
@pytest.mark.parametrize("split", ["train", "novel-instance", "novel-shape", "novel-category"])
def test_the_expert_stores_it(make, split):
    env = make("StoreInDrawer", split=split, obs=())
    env.reset(seed=1)
    assert not follow(env, env.expert_trajectory())["success"]
    assert env.task.outcome(env.robot).subgoals == (True, False, False)
    assert follow_all(env)["success"]
