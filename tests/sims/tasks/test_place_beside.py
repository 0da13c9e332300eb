from dataclasses import replace

import numpy as np
import pytest

from sims.language.references import stands
from sims.tasks.place_beside import RELATIONS
from tests.sims.acting import seeds_where


def stand(env, which, relation, gap, box=0, aside=0.0):
    """Stands a thing beside a box; gap and aside in metres."""
    task = env.task
    item, landmark = task.table.items[which], task.boxes[box]
    direction = RELATIONS[relation]
    across = np.array([-direction[1], direction[0], 0.0])
    place = env.world.position(task.box_bodies[box]) + direction * (landmark.width / 2 + gap + item.width / 2)
    place += across * aside
    place[2] = item.height / 2
    turned = (0, 0, 0, 1)
    env.world.bullet.resetBasePositionAndOrientation(task.table.bodies[which], place.tolist(), turned)


def alone(env):
    """Takes away what else stands about, but for the first box and the first two things."""
    away = [*env.task.box_bodies[1:], env.task.table.bodies[2]]
    for number, body in enumerate(away):
        env.world.bullet.resetBasePositionAndOrientation(body, (0.85, 0.3 * (number - 1), 0.08), (0, 0, 0, 1))


def opposite(relation):
    return next(name for name in RELATIONS if np.allclose(RELATIONS[name], -RELATIONS[relation]))


@pytest.fixture
def env(make):
    env = make("PlaceBeside", obs=())
    seeds_where(env, lambda task: all(item.kind in ("cube", "cylinder") for item in task.table.items[:2]))
    alone(env)
    return env


@pytest.mark.parametrize(("gap", "success"), [(0.02, False), (0.06, True), (0.10, True), (0.15, False)])
def test_success_is_a_gap_of_4_to_12_cm_on_the_side_asked_for(env, gap, success):
    stand(env, 0, env.task.relation, gap)
    found = env.task.outcome(env.robot)
    assert found.success is success and not found.failure


def test_further_aside_than_ahead_is_another_side(env):
    stand(env, 0, env.task.relation, 0.06, aside=0.06)
    assert env.task.outcome(env.robot).success
    stand(env, 0, env.task.relation, 0.0, aside=0.11)
    assert env.task.outcome(env.robot).failure == "put it on another side"


def test_the_wrong_side_box_or_thing_is_a_failure(env):
    stand(env, 0, opposite(env.task.relation), 0.07)
    assert env.task.outcome(env.robot).failure == "put it on another side"
    stand(env, 0, env.task.relation, 0.07, box=1)
    assert env.task.outcome(env.robot).failure == "put it beside another box"
    env.reset(seed=3)
    stand(env, 1, env.task.relation, 0.07)
    assert env.task.outcome(env.robot).failure == "put another thing there"


def test_what_moves_is_not_there_yet(env):
    stand(env, 0, env.task.relation, 0.07)
    env.world.bullet.resetBaseVelocity(env.task.table.bodies[0], (0.2, 0, 0))
    assert env.task.outcome(env.robot) == type(env.task.outcome(env.robot))()


def test_at_the_start_nothing_is_decided_and_sides_are_those_that_words_mean(make):
    env = make("PlaceBeside", obs=())
    for seed in range(8):
        env.reset(seed=seed)
        task = env.task
        assert task.outcome(env.robot) == type(task.outcome(env.robot))()
        target, anchor = (next(one for one in task.things if one.part == part) for part in task.parts)
        moved = replace(target, position=task._goal())
        level = replace(anchor, position=np.append(anchor.position[:2], task._goal()[2]))
        assert stands(moved, task.relation, level)
