import numpy as np
import pytest

from sims.splits import SPLITS
from sims.tasks.task import Outcome
from tests.sims.acting import follow_waypoints, seeds_where


@pytest.mark.parametrize("split", SPLITS)
def test_another_mark_is_a_failure(make, split):
    env = make("SetKnob", split=split, obs=())
    env.reset(seed=1)
    task, asked = env.task, env.task.asked
    task.asked = next(index for index in range(len(task.dial.marks)) if index not in (asked, task.started))
    waypoints = task.expert()
    task.asked = asked
    info = follow_waypoints(env, waypoints)
    assert not info["success"] and info["terminated"] and info["failure"] == "set to another mark"


def test_a_knob_that_is_held_at_the_mark_is_not_set(make):
    env = make("SetKnob", obs=())
    env.reset(seed=0)
    *held, eased, opened, away = env.task.expert()
    info = follow_waypoints(env, held)
    error = env.world.joint(env.task.knob) - env.task.dial.mark_angle(env.task.asked)
    assert abs(error) < np.deg2rad(12) and env.robot.touches(env.task.knob[0])
    assert not info["success"] and not info["terminated"]
    assert follow_waypoints(env, [eased, opened, away])["success"]


def test_success_is_the_angle_of_the_pointer(make):
    env = make("SetKnob", obs=())
    seeds_where(env, lambda task: 0 < task.asked < len(task.dial.marks) - 1)
    task = env.task
    for degrees, success in ((0, True), (11, True), (-11, True), (13, False), (-13, False)):
        env.world.bullet.resetJointState(*task.knob, task.dial.mark_angle(task.asked) + np.deg2rad(degrees))
        assert task.outcome(env.robot) == Outcome(success=success)


def test_a_knob_that_still_turns_is_not_set(make):
    env = make("SetKnob", obs=())
    env.reset(seed=3)
    angle = env.task.dial.mark_angle(env.task.asked)
    env.world.bullet.resetJointState(*env.task.knob, angle, targetVelocity=0.5)
    assert not env.task.outcome(env.robot).success


def test_the_knob_starts_at_another_mark(make):
    env = make("SetKnob", obs=())
    for seed in range(5):
        env.reset(seed=seed)
        task = env.task
        assert task.started != task.asked
        assert env.world.joint(task.knob) == pytest.approx(task.dial.mark_angle(task.started), abs=1e-3)
        found = task.outcome(env.robot)
        assert not found.success and found.failure == ""
