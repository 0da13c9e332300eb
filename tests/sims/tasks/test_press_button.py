from dataclasses import replace

import pytest

from tests.sims.acting import follow_waypoints


def aimed_at(task, index: int, lift: float = 0.0):
    """The expert's motion at another button, stopping ``lift`` metres higher."""
    asked, task.asked = task.asked, index
    waypoints = task.expert()
    task.asked = asked
    pressed = waypoints[1].pose.copy()
    pressed[2, 3] += lift
    return [waypoints[0], replace(waypoints[1], pose=pressed), waypoints[2]]


@pytest.mark.parametrize("split", ["train", "novel-instance", "novel-shape"])
def test_the_wrong_button_is_a_failure(make, split):
    env = make("PressButton", split=split, obs=())
    env.reset(seed=3)
    info = follow_waypoints(env, aimed_at(env.task, (env.task.asked + 1) % len(env.task.buttons)))
    assert not info["success"] and info["terminated"] and info["failure"] == "pressed another button"


def test_touching_a_button_is_not_pressing_it(make):
    env = make("PressButton", obs=())
    env.reset(seed=0)
    travel = env.task.panel.buttons[env.task.asked].travel
    *down, up = aimed_at(env.task, env.task.asked, lift=travel)
    button = env.task.buttons[env.task.asked]
    for waypoints, low, high in ((down, 0.1, 0.69), ([up], -0.1, 0.1)):
        info = follow_waypoints(env, waypoints, settle=0)
        assert not info["success"] and not info["terminated"] and info["failure"] == ""
        # It springs back when let go.
        assert low * travel < env.world.joint(button) < high * travel


@pytest.mark.parametrize(("share", "success"), [(0.0, False), (0.65, False), (0.75, True)])
def test_success_is_how_far_the_button_is_down(make, share, success):
    env = make("PressButton", obs=())
    env.reset(seed=2)
    travel = env.task.panel.buttons[env.task.asked].travel
    env.world.bullet.resetJointState(*env.task.buttons[env.task.asked], share * travel)
    found = env.task.outcome(env.robot)
    assert found.success is success and found.failure == ""


def test_colours_tell_the_buttons_apart(make):
    env = make("PressButton", obs=())
    counts = set()
    for seed in range(20):
        env.reset(seed=seed)
        colors = [button.color for button in env.task.panel.buttons]
        counts.add(len(colors))
        assert len(set(colors)) == len(colors) == len(env.task.meanings)
        assert env.task.slots == {"color": colors[env.task.asked]}
        assert env.task.meaning == f"PressButton {colors[env.task.asked]}"
    assert counts == {2, 3}
