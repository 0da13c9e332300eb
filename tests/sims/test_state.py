import numpy as np
import pytest

from tests.sims.acting import digest, follow


def rest(env, actions) -> tuple[list[str], dict]:
    """Hashes of what is seen along the actions, and the last info."""
    seen = []
    for action in actions:
        observation, *_, info = env.step(action)
        seen.append(digest(observation))
    return seen, info


@pytest.mark.parametrize(("task", "share"), [("PlaceInBin", 0.6), ("OpenDrawer", 0.7)])
def test_what_follows_a_restored_state_is_the_same_bit_by_bit(make, task, share):
    """The moments are those in which the hand holds a block, and a handle."""
    env = make(task, obs=("points",), refresh="reset")
    env.reset(seed=3)
    actions = env.expert_trajectory()
    begun = int(share * len(actions))
    follow(env, actions[:begun], settle=0)
    assert env.world.bullet.getContactPoints(env.robot.body)
    state, shown = env.save_state(), digest(env.look())
    env.restore_state(state)
    env.refresh = "step"
    first = rest(env, actions[begun : begun + 6])
    env.reset(seed=8)
    assert digest(env.restore_state(state)) != shown
    assert rest(env, actions[begun : begun + 6]) == first
    # Whatever else was tried, in another environment too.
    other = make(task, obs=("points",))
    other.reset(seed=1)
    other.restore_state(state)
    assert rest(other, actions[begun : begun + 6]) == first


def test_a_dry_run_leaves_no_trace(make):
    env, untouched = make("PressButton", obs=()), make("PressButton", obs=())
    for one in (env, untouched):
        one.reset(seed=2)
    actions = env.expert_trajectory()
    follow(env, actions[:5], settle=0)
    state = env.save_state()
    tried = follow(env, actions[5:])
    assert tried["success"]
    env.restore_state(state)
    follow(untouched, actions[:5], settle=0)
    assert rest(env, actions[5:9]) == rest(untouched, actions[5:9])
    # Scenes go on as if nothing had been tried.
    assert digest(env.reset()[0]) == digest(untouched.reset()[0])


def test_a_long_task_remembers_what_was_done(make):
    env = make("StoreInDrawer", obs=())
    env.reset(seed=0)
    info = follow(env, env.expert_trajectory())
    assert info["subgoals"] == (True, False, False)
    state = env.save_state()
    env.reset(seed=1)
    env.restore_state(state)
    hold = env.robot.tool_pose()
    assert env.step([*hold[:3, 3], 1, 0, 0, 0, 1.0])[4]["subgoals"] == (True, False, False)


def test_states_that_do_not_fit_are_named(make):
    env = make("PressButton", obs=())
    with pytest.raises(ValueError, match=r"no episode has begun: call reset\(\)"):
        env.save_state()
    env.reset(seed=0)
    state = env.save_state()
    for settings, said in (
        ({"task": "TurnKnob"}, "with task 'PressButton' cannot be restored in one with 'TurnKnob'"),
        ({"task": "PressButton", "split": "novel-shape"}, "with split 'train' cannot be restored"),
        ({"task": "PressButton", "action": "joint"}, "with action 'pose' cannot be restored"),
    ):
        with pytest.raises(ValueError, match=said):
            make(**settings | {"obs": ()}).restore_state(state)
    env.close()
    for call in (env.save_state, lambda: env.restore_state(state)):
        with pytest.raises(ValueError, match="the environment is closed: make another one"):
            call()


def test_saving_holds_no_part_of_the_simulation(make):
    env = make("PressButton", obs=())
    env.reset(seed=0)
    before = env.save_state()
    env.step(env.expert_trajectory()[0])
    assert before.actions == () and len(env.save_state().actions) == 1
    assert all(isinstance(action, np.ndarray) for action in env.save_state().actions)
