import numpy as np
import pytest

from sims.skills.panels import flip_switch
from sims.splits import SPLITS
from sims.tasks.task import Outcome, Waypoint, pose
from tests.sims.acting import follow_waypoints, seeds_where


@pytest.mark.parametrize("split", SPLITS)
def test_another_switch_is_a_failure(make, split):
    env = make("FlipSwitch", split=split, obs=())
    env.reset(seed=1)
    task = env.task
    other = (task.asked + 1) % len(task.initial)
    info = follow_waypoints(env, flip_switch(task.board, task.placement, other, not task.initial[other]))
    assert not info["success"] and info["terminated"] and info["failure"] == "flipped another switch"


@pytest.mark.parametrize("split", ["train", "novel-shape"])
def test_a_lever_that_is_not_pushed_past_the_middle_falls_back(make, split):
    env = make("FlipSwitch", split=split, obs=())
    env.reset(seed=0)
    task = env.task
    before, behind, beyond, _ = task.expert()
    # Slowly, or the lever is flung over.
    steps = [pose(behind.pose[:3, 3] + share * (beyond.pose - behind.pose)[:3, 3], behind.pose[:3, :3])
             for share in np.linspace(0.05, 0.4, 10)]  # fmt: skip
    info = follow_waypoints(env, [before, behind, *(Waypoint(step, 0.0, wait=0.1) for step in steps)])
    # It has been moved, though not far enough.
    assert -0.98 < task._leaning(task.asked, task.goal) < 0
    info = follow_waypoints(env, [behind, before])
    assert task._leaning(task.asked, task.goal) == pytest.approx(-1, abs=0.05)
    assert not info["success"] and not info["terminated"] and info["failure"] == ""


@pytest.mark.parametrize("state", ["on", "off"])
def test_success_is_the_side_to_which_the_switch_leans(make, state):
    env = make("FlipSwitch", obs=())
    seeds_where(env, lambda task: task.requests[0].values == {"state": state})
    task = env.task
    tilt = task.board.switches[task.asked].tilt * (1 if state == "on" else -1)
    part = (task.body, task.board.hinge_link(task.asked))
    for leaning, success in ((-1.0, False), (0.1, False), (0.55, False), (0.65, True), (1.0, True)):
        env.world.bullet.resetJointState(*part, leaning * tilt)
        assert task.outcome(env.robot) == Outcome(success=success)


def test_on_is_away_from_the_robot(make):
    env = make("FlipSwitch", obs=())
    seeds_where(env, lambda task: task.goal)
    task = env.task
    ends = [task.placement.point(task.board.end(task.asked, on)) for on in (True, False)]
    assert ends[0][0] > ends[1][0]
    # The frame's x points the way in which the end has to go.
    assert task.part_frame()[:3, 0] @ (ends[0] - ends[1]) > 0
    assert np.linalg.norm(task.part_frame()[:3, 3] - task.things[task.asked].position) < 1e-9
