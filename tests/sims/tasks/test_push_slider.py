from dataclasses import replace

import numpy as np
import pytest

from sims.splits import SPLITS
from sims.tasks.task import Outcome, pose
from tests.sims.acting import follow_waypoints, seeds_where


@pytest.mark.parametrize("split", SPLITS)
def test_another_slider_is_a_failure(make, split):
    env = make("PushSlider", split=split, obs=())
    env.reset(seed=1)
    task, asked = env.task, env.task.asked
    task.asked = (asked + 1) % len(task.sliders)
    waypoints = task.expert()
    task.asked = asked
    info = follow_waypoints(env, waypoints)
    assert not info["success"] and info["terminated"] and info["failure"] == "moved another slider"


def test_half_the_way_is_not_the_end(make):
    env = make("PushSlider", obs=())
    env.reset(seed=0)
    task = env.task
    before, gripped, moved, opened, away = task.expert()
    half = pose((gripped.pose[:3, 3] + moved.pose[:3, 3]) / 2, moved.pose[:3, :3])
    up = half.copy()
    up[2, 3] += 0.1
    started = task.initial[task.asked]
    info = follow_waypoints(
        env, [before, gripped, replace(moved, pose=half), replace(opened, pose=half), replace(away, pose=up)]
    )
    share = (env.world.joint(task.sliders[task.asked]) - started) / (task.goal - started)
    assert 0.3 < share < 0.7
    assert not info["success"] and not info["terminated"] and info["failure"] == ""


def test_the_other_end_is_a_failure(make):
    env = make("PushSlider", obs=())
    env.reset(seed=2)
    task = env.task
    goal, task.goal = task.goal, task.board.travel - task.goal
    waypoints = task.expert()
    task.goal = goal
    info = follow_waypoints(env, waypoints)
    assert not info["success"] and info["terminated"] and info["failure"] == "pushed to the other end"


@pytest.mark.parametrize("end", ["near", "far"])
def test_success_is_where_the_slider_stands(make, end):
    env = make("PushSlider", obs=())
    seeds_where(env, lambda task: task.requests[0].values == {"end": end})
    task = env.task
    spoiled = "pushed to the other end"
    stands = [(0.0, True, ""), (0.09, True, ""), (0.11, False, ""), (0.89, False, ""), (0.91, False, spoiled)]
    for left, success, failure in stands:
        share = 1 - left if end == "far" else left
        env.world.bullet.resetJointState(*task.sliders[task.asked], share * task.board.travel)
        assert task.outcome(env.robot) == Outcome(success=success, failure=failure)


def test_far_is_away_from_the_robot(make):
    env = make("PushSlider", obs=())
    for end, sign in (("near", -1), ("far", 1)):
        seeds_where(env, lambda task, end=end: task.requests[0].values == {"end": end})
        assert np.sign(env.task.part_frame()[0, 0]) == sign
