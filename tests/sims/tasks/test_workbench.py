import pytest

from sims.tasks.workbench import LENGTH
from tests.sims.acting import follow_all, seeds_where


def test_chains_are_five_different_sub_tasks_that_can_be_done_in_turn(make):
    env = make("Workbench", obs=())
    seen = set()
    for seed in range(12):
        env.reset(seed=seed)
        meanings = [step.meaning for step in env.task.steps]
        assert len(meanings) == LENGTH == len(set(meanings))
        opened = set()
        for meaning in meanings:
            kind, _, which = meaning.partition(" ")
            if kind == "OpenDrawer":
                assert not opened
                opened.add(which)
            elif kind == "CloseDrawer":
                opened.remove(which)
        seen |= {meaning.split()[0] for meaning in meanings}
        assert not any(env.task.outcome(env.robot).subgoals)
    assert seen == {"OpenDrawer", "CloseDrawer", "PressButton", "PlaceInBin"}


def test_the_instruction_says_every_sub_task_in_order(make):
    env = make("Workbench", obs=())
    _, info = env.reset(seed=0)
    actions = [request.values["action"] for request in env.task.requests]
    for text in info["instructions"]:
        places = []
        at = 0
        for action in actions:
            at = text.index(f"{action} the ", at) + 1
            places.append(at)
        assert places == sorted(places)


def test_what_was_never_asked_is_a_failure(make):
    env = make("Workbench", obs=())
    seeds_where(env, lambda task: task.drawers.handle_part(0) not in {request.target for request in task.requests})
    env.world.bullet.resetJointState(env.task.drawers.body, 0, 0.5 * env.task.drawers.cabinet.travel)
    assert env.task.outcome(env.robot).failure == "opened another drawer"


@pytest.mark.slow
@pytest.mark.parametrize("split", ["train", "novel-instance", "novel-shape"])
def test_the_expert_does_all_five(make, split):
    env = make("Workbench", split=split, obs=())
    env.reset(seed=1)
    info = follow_all(env)
    assert info["success"] and env.task.outcome(env.robot).subgoals == (True,) * LENGTH
