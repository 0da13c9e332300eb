import pytest

from tests.sims.acting import follow_all


def turn_to(env, index, angle):
    env.world.bullet.resetJointState(*env.task.knobs[index], angle)


def push(env, index, share=1.0):
    travel = env.task.stove.buttons[index].travel
    env.world.bullet.resetJointState(*env.task.buttons[index], share * travel)


def test_two_knobs_and_then_the_button(make):
    env = make("PrepareStove", obs=())
    env.reset(seed=0)
    task = env.task
    push(env, task.button)
    assert task.outcome(env.robot).subgoals == (False, False, False)
    push(env, task.button, 0.0)
    for number, (index, sign) in enumerate(task.signs.items()):
        turn_to(env, index, 0.75 * sign)
        assert sum(task.outcome(env.robot).subgoals) == number
        turn_to(env, index, 0.80 * sign)
        assert sum(task.outcome(env.robot).subgoals) == number + 1
    push(env, task.button, 0.6)
    assert not task.outcome(env.robot).success
    push(env, task.button, 0.8)
    assert task.outcome(env.robot).success


def test_wrong_controls_are_failures(make):
    env = make("PrepareStove", obs=())
    env.reset(seed=0)
    task = env.task
    first, sign = next(iter(task.signs.items()))
    other = min(set(range(len(task.knobs))) - set(task.signs))
    turn_to(env, other, 0.9)
    assert task.outcome(env.robot).failure == "turned another knob"
    turn_to(env, other, 0.0)
    turn_to(env, first, -0.9 * sign)
    assert task.outcome(env.robot).failure == "turned the other way"
    turn_to(env, first, 0.0)
    push(env, 1 - task.button)
    assert task.outcome(env.robot).failure == "pressed another button"


@pytest.mark.parametrize("split", ["train", "novel-shape", "novel-category"])
def test_the_links_are_what_they_are_called(make, split):
    env = make("PrepareStove", split=split, obs=())
    env.reset(seed=0)
    bullet = env.world.bullet
    names = [
        bullet.getJointInfo(env.task.body, link)[12].decode() for link in range(bullet.getNumJoints(env.task.body))
    ]
    assert [names[link] for _, link in env.task.knobs] == [f"knob{index}" for index in range(len(env.task.knobs))]
    assert [names[link] for _, link in env.task.buttons] == [f"button{index}" for index in range(len(env.task.buttons))]


@pytest.mark.slow
@pytest.mark.parametrize("split", ["train", "novel-shape", "novel-category"])
def test_the_expert_prepares_it(make, split):
    env = make("PrepareStove", split=split, obs=())
    env.reset(seed=0)
    assert follow_all(env)["success"]
