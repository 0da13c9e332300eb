from dataclasses import replace

import numpy as np
import pytest

from sims.objects.blocks import BLOCKS
from sims.tasks.tabletop import draw_items
from tests.sims.acting import follow_waypoints

SPLITS = ("train", "novel-instance", "novel-shape", "novel-category")


def swap(table):
    """The table with its first two things taken for one another."""
    return replace(
        table,
        items=(table.items[1], table.items[0], *table.items[2:]),
        bodies=(table.bodies[1], table.bodies[0], *table.bodies[2:]),
    )


def test_a_thing_held_over_the_bin_is_not_in_it(make):
    env = make("PlaceInBin", obs=())
    env.reset(seed=0)
    info = follow_waypoints(env, env.task.expert()[:4])
    body = env.task.table.bodies[0]
    assert env.robot.touches(body) and env.world.position(body)[2] > env.task.bin.height
    assert not info["success"] and not info["terminated"]


def test_a_thing_held_in_the_bin_is_not_let_go(make):
    env = make("PlaceInBin", obs=())
    env.reset(seed=0)
    *way, over, low, _ = env.task.expert()
    deep = low.pose.copy()
    deep[2, 3] -= 0.075
    held = replace(low, pose=deep, gripper=0.0, wait=1.0)
    info = follow_waypoints(env, [*way, over, held])
    assert env.task._inside(env.task.table.bodies[0]) and env.robot.touches(env.task.table.bodies[0])
    assert not info["success"] and not info["terminated"]
    assert follow_waypoints(env, [replace(held, gripper=1.0), replace(over, gripper=1.0)])["success"]


@pytest.mark.parametrize("split", SPLITS)
def test_another_thing_in_the_bin_is_a_failure(make, split):
    env = make("PlaceInBin", split=split, obs=())
    env.reset(seed=1)
    task = env.task
    right, task.table = task.table, swap(task.table)
    waypoints = task.expert()
    task.table = right
    info = follow_waypoints(env, waypoints)
    assert not info["success"] and info["terminated"] and info["failure"] == "put another thing in the bin"


@pytest.mark.parametrize(
    ("lift", "speed", "aside", "success"),
    [(0.0, 0.0, 0.0, True), (0.0, 0.5, 0.0, False), (0.2, 0.0, 0.0, False), (0.0, 0.0, 0.3, False)],
)
def test_success_is_lying_at_rest_in_the_bin(make, lift, speed, aside, success):
    env = make("PlaceInBin", obs=())
    env.reset(seed=4)
    task, body = env.task, env.task.table.bodies[0]
    place = task.bin_base + (-aside, 0, 0.01 + task.table.items[0].height / 2 + lift)
    env.world.bullet.resetBasePositionAndOrientation(body, place.tolist(), (0, 0, 0, 1))
    env.world.bullet.resetBaseVelocity(body, (speed, 0, 0))
    assert task.outcome(env.robot).success is success


@pytest.mark.parametrize("split", SPLITS)
def test_no_single_word_gives_the_thing_away(split):
    alike = []
    for seed in range(60):
        target, *others = draw_items(np.random.default_rng(seed), BLOCKS, split)
        names = {block.name for block in (target, *others)}
        assert len(names) == 4
        assert all(block.kind == target.kind and block.size == target.size for block in others) is False
        alike.append(
            any(block.color == target.color for block in others) and any(block.kind == target.kind for block in others)
        )
    # Three things of novel-instance have no neighbour of their colour or shape.
    assert np.mean(alike) > (0.6 if split == "novel-instance" else 0.99)


def test_things_lie_apart_and_off_the_bin(make):
    env = make("PlaceInBin", obs=())
    for seed in range(15):
        env.reset(seed=seed)
        task = env.task
        places = [env.world.position(body)[:2] for body in task.table.bodies]
        for index, (place, block) in enumerate(zip(places, task.table.items, strict=True)):
            assert not task._inside(task.table.bodies[index])
            for other, far in zip(places[:index], task.table.items[:index], strict=True):
                assert np.linalg.norm(place - other) > block.reach + far.reach
        assert task.outcome(env.robot) == type(task.outcome(env.robot))()
