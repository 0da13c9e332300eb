import numpy as np
import pytest

from sims.tasks.task import Outcome
from tests.sims.acting import follow_waypoints, seeds_where


def motion_for(task, sort: str, asked: int):
    """The expert's motion if another part had been asked for."""
    kept = task.sort, task.asked
    task.sort, task.asked = sort, asked
    waypoints = task.expert()
    task.sort, task.asked = kept
    return waypoints


def failure_of(make, split, sort, moved, reason):
    env = make("UseAppliance", split=split, obs=())
    seeds_where(env, lambda task: task.sort == sort)
    task = env.task
    other = (task.asked + 1) % 2 if moved == sort else 0
    info = follow_waypoints(env, motion_for(task, moved, other))
    assert not info["success"] and info["terminated"] and info["failure"] == reason


@pytest.mark.parametrize(("split", "sort", "moved", "reason"), [
    ("train", "knob", "knob", "turned another knob"),
    ("novel-instance", "button", "button", "pressed another button"),
    ("novel-shape", "knob", "button", "pressed another button"),
    ("novel-category", "button", "drawer", "opened the drawer"),
    ("train", "drawer", "knob", "turned another knob"),
])  # fmt: skip
def test_every_wrong_part_is_a_failure(make, split, sort, moved, reason):
    failure_of(make, split, sort, moved, reason)


def test_the_other_way_is_a_failure(make):
    env = make("UseAppliance", obs=())
    seeds_where(env, lambda task: task.sort == "knob")
    env.task.sign *= -1
    waypoints = env.task.expert()
    env.task.sign *= -1
    assert follow_waypoints(env, waypoints)["failure"] == "turned the other way"


@pytest.mark.parametrize(("sort", "shares"), [
    ("knob", ((0.9, False), (1.1, True))), ("button", ((0.9, False), (1.1, True))),
    ("drawer", ((0.1, False), (0.9, False), (1.1, True))),
])  # fmt: skip
def test_success_is_where_the_part_stands(make, sort, shares):
    env = make("UseAppliance", obs=())
    seeds_where(env, lambda task: task.sort == sort)
    task = env.task
    part, goal = {
        "knob": lambda: (task.knobs[task.asked], task.sign * np.deg2rad(45)),
        "button": lambda: (task.buttons[task.asked], 0.7 * task.appliance.buttons[task.asked].travel),
        "drawer": lambda: (task.drawer, 0.7 * task.appliance.travel),
    }[sort]()
    for share, success in shares:
        env.world.bullet.resetJointState(*part, share * goal)
        assert task.outcome(env.robot) == Outcome(success=success)


@pytest.mark.parametrize("split", ["train", "novel-category"])
def test_every_sort_of_part_is_asked_for_by_what_it_is(make, split):
    env = make("UseAppliance", split=split, obs=())
    sorts = set()
    for seed in range(14):
        env.reset(seed=seed)
        task = env.task
        sorts.add(task.sort)
        (request,) = task.requests
        assert request.task == {"knob": "TurnKnob", "button": "PressButton", "drawer": "OpenDrawer"}[task.sort]
        thing = next(one for one in task.things if one.part == request.target)
        assert thing.noun == task.sort and thing.whole == task.things[0].part
        assert np.linalg.norm(task.part_frame()[:3, 3] - thing.position) < 1e-3
        assert len(set(task.meanings.values())) == len(task.meanings) and task.meaning in task.meanings.values()
    assert sorts == {"knob", "button", "drawer"}
