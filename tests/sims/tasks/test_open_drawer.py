from dataclasses import replace

import pytest

from sims.tasks.task import pose
from tests.sims.acting import follow_waypoints, seeds_where

SPLITS = ("train", "novel-instance", "novel-shape", "novel-category")


def pulled(task, share: float):
    """The expert's motion, pulling by ``share`` of the drawer's travel."""
    above, taken, out = task.expert()
    place = taken.pose[:3, 3] + share * task.cabinet.travel * task.outward
    return [above, taken, replace(out, pose=pose(place, out.pose[:3, :3]))]


def test_a_drawer_opened_by_a_tenth_is_not_open(make):
    env = make("OpenDrawer", obs=())
    env.reset(seed=0)
    info = follow_waypoints(env, pulled(env.task, 0.1))
    opened = env.world.joint(env.task.drawers[env.task.asked]) / env.task.cabinet.travel
    assert 0.02 < opened < 0.3
    assert not info["success"] and not info["terminated"] and info["failure"] == ""


@pytest.mark.parametrize("split", SPLITS)
def test_the_other_drawer_is_a_failure(make, split):
    env = make("OpenDrawer", split=split, obs=())
    env.reset(seed=1)
    env.task.asked = 1 - env.task.asked
    waypoints = env.task.expert()
    env.task.asked = 1 - env.task.asked
    info = follow_waypoints(env, waypoints)
    assert not info["success"] and info["terminated"] and info["failure"] == "opened another drawer"


@pytest.mark.parametrize(("share", "success"), [(0.0, False), (0.1, False), (0.69, False), (0.71, True), (1.0, True)])
def test_success_is_where_the_drawer_stands(make, share, success):
    env = make("OpenDrawer", obs=())
    env.reset(seed=2)
    env.world.bullet.resetJointState(*env.task.drawers[env.task.asked], share * env.task.cabinet.travel)
    found = env.task.outcome(env.robot)
    assert found.success is success and found.failure == ""


def test_words_meaning_and_parts_agree(make):
    env = make("OpenDrawer", obs=())
    for place, link in (("bottom", 1), ("top", 3)):
        seeds_where(env, lambda task, place=place: task.meaning == f"OpenDrawer {place}")
        assert env.task.meaning == f"OpenDrawer {place}" and [part[1] for part in env.task.parts] == [link]
        assert sorted(env.task.meanings.values()) == ["OpenDrawer bottom", "OpenDrawer top"]
