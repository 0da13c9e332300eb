from dataclasses import replace

import pytest

from sims.splits import SPLITS
from sims.tasks.task import Outcome
from tests.sims.acting import follow_waypoints


def aimed_at(task, index: int, lift: float = 0.0):
    """The expert's motion at another button, stopping ``lift`` metres higher."""
    asked, task.asked = task.asked, index
    waypoints = task.expert()
    task.asked = asked
    pressed = waypoints[1].pose.copy()
    pressed[2, 3] += lift
    return [waypoints[0], replace(waypoints[1], pose=pressed), waypoints[2]]


@pytest.mark.parametrize("split", SPLITS)
def test_the_wrong_button_is_a_failure(make, split):
    env = make("PressButton", split=split, obs=())
    env.reset(seed=3)
    info = follow_waypoints(env, aimed_at(env.task, (env.task.asked + 1) % len(env.task.buttons)))
    assert not info["success"] and info["terminated"] and info["failure"] == "pressed another button"


@pytest.mark.parametrize("split", ["train", "novel-category"])
def test_touching_a_button_is_not_pressing_it(make, split):
    env = make("PressButton", split=split, obs=())
    env.reset(seed=0)
    asked = env.task.asked
    stroke = env.task.panel.stroke(asked)
    *down, up = aimed_at(env.task, asked, lift=env.task.panel.buttons[asked].travel + 0.002)
    for waypoints, low, high in ((down, 0.05, 0.69), ([up], -0.1, 0.1)):
        info = follow_waypoints(env, waypoints, settle=0)
        assert not info["success"] and not info["terminated"] and info["failure"] == ""
        # It springs back when let go.
        assert low * stroke < env.world.joint(env.task.buttons[asked]) < high * stroke


@pytest.mark.parametrize("split", ["train", "novel-category"])
def test_success_is_how_far_the_button_is_down(make, split):
    env = make("PressButton", split=split, obs=())
    env.reset(seed=2)
    stroke = env.task.panel.stroke(env.task.asked)
    for share, success in ((0.0, False), (0.65, False), (0.75, True)):
        env.world.bullet.resetJointState(*env.task.buttons[env.task.asked], share * stroke)
        assert env.task.outcome(env.robot) == Outcome(success=success)


def test_colours_tell_the_buttons_apart(make):
    env = make("PressButton", obs=())
    counts = set()
    for seed in range(8):
        env.reset(seed=seed)
        colors = [button.color for button in env.task.panel.buttons]
        counts.add(len(colors))
        assert len(set(colors)) == len(colors) == len(env.task.meanings)
        assert [thing.attributes["color"] for thing in env.task.things] == colors
        assert env.task.requests[0].target == env.task.buttons[env.task.asked]
        assert env.task.meaning == f"PressButton {colors[env.task.asked]}"
    assert counts == {2, 3}
