import pytest

from sims.tasks.task import pose
from tests.sims.acting import follow, follow_all


def lift_onto(env, top, base):
    """Sets a thing down on another one, and lets it come to rest."""
    items, table = env.task.table.items, env.task.table
    place = table.center(base) + (0, 0, (items[base].height + items[top].height) / 2 + 0.0005)
    env.world.bullet.resetBasePositionAndOrientation(table.bodies[top], place.tolist(), (0, 0, 0, 1))
    env.world.bullet.resetBaseVelocity(table.bodies[top], (0, 0, 0), (0, 0, 0))
    env.world.step(60)


def test_a_tower_of_three_in_order_is_success(make):
    env = make("BuildTower", obs=())
    env.reset(seed=0)
    lift_onto(env, 1, 0)
    found = env.task.outcome(env.robot)
    assert found.subgoals == (True, False) and not found.success and found.failure == ""
    lift_onto(env, 2, 1)
    assert env.task.outcome(env.robot).success


@pytest.mark.parametrize(("top", "base"), [(0, 1), (2, 0), (3, 0)])
def test_another_order_is_a_failure(make, top, base):
    env = make("BuildTower", obs=())
    env.reset(seed=0)
    lift_onto(env, top, base)
    assert env.task.outcome(env.robot).failure == "stacked on another thing"


def test_the_words_name_what_the_requests_mean(make):
    env = make("BuildTower", obs=())
    _, info = env.reset(seed=3)
    names = [item.name for item in env.task.table.items]
    assert info["meaning"] == f"Stack {names[1]} on {names[0]}; Stack {names[2]} on {names[1]}"
    assert env.task.part_frame()[:2, 3] == pytest.approx(env.task.table.center(1)[:2])
    assert pose(env.task.part_frame()[:3, 3], env.task.part_frame()[:3, :3]) == pytest.approx(env.task.part_frame())


@pytest.mark.slow
@pytest.mark.parametrize("split", ["train", "novel-shape", "novel-category"])
def test_the_expert_builds_it(make, split):
    env = make("BuildTower", split=split, obs=())
    env.reset(seed=1)
    follow(env, env.expert_trajectory())
    assert env.task.outcome(env.robot).subgoals == (True, False)
    assert follow_all(env)["success"]
