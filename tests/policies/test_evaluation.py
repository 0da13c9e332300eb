"""Many episodes: which ones, in which environments, and with whose words."""

import pickle
from collections import Counter

import pytest

from grounding.cli.index import load_library
from grounding.errors import DataError, InputError
from grounding.policies.evaluation import Job, Player, check_names, check_wordings, jobs, make_env, play_all, task_names
from grounding.policies.results import METHODS

TASKS = ("OpenDrawer", "PressButton", "TurnKnob", "PlaceInBin")
SPLITS = ("novel-instance", "novel-shape")


@pytest.fixture(scope="module")
def player(pipeline):
    return Player(pipeline.run, load_library)


def test_the_tasks_are_those_of_the_simulated_world():
    assert task_names()[:4] == TASKS and len(task_names()) > 20


def test_episodes_are_dealt_out_evenly_and_every_method_meets_the_same_scenes():
    planned = jobs({"ours": 8, "expert": 6}, SPLITS, TASKS, 100)
    assert len(planned) == len({job.key for job in planned}) == 2 * (8 + 6)
    assert Counter((job.split, job.task) for job in planned if job.method == "ours") == {
        (split, task): 2 for split in SPLITS for task in TASKS
    }
    scenes = {method: {job.key[1:] for job in planned if job.method == method} for method in ("ours", "expert")}
    assert scenes["expert"] < scenes["ours"]
    assert {job.seed for job in planned} == {100, 101}
    assert jobs({"ours": 8, "expert": 6}, SPLITS, TASKS, 100) == planned


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"methods": {"best": 4}}, "unknown method 'best': expected some of ours, expert"),
        ({"methods": {}}, "no method given: expected some of ours"),
        ({"methods": {"ours": 3}}, "episodes of ours: 3 found, expected at least one for each of 4 tasks"),
        ({"splits": ("old",)}, "unknown split 'old': expected some of train, novel-instance, novel-shape"),
        ({"splits": ()}, "no split given"),
        ({"splits": ("train", "train")}, "split 'train' is named twice"),
        ({"tasks": ("OpenDrawer", "Fly")}, "unknown task 'Fly': expected some of OpenDrawer"),
        ({"tasks": ()}, "no task given"),
        ({"tasks": ("TurnKnob", "TurnKnob")}, "task 'TurnKnob' is named twice"),
        ({"seed": -1}, "seed: -1 found, expected a number of at least 0"),
    ],
)
def test_what_cannot_be_played_is_refused(changes, message):
    with pytest.raises(InputError, match=message):
        jobs(**{"methods": {"ours": 4}, "splits": SPLITS, "tasks": TASKS, "seed": 0, **changes})


def test_names_are_checked():
    check_names("method", METHODS, METHODS)
    with pytest.raises(InputError, match="unknown method"):
        check_names("method", ("Ours",), METHODS)


def test_environments_that_cannot_be_made_are_refused():
    with pytest.raises(InputError, match="unknown task 'Fly': expected one of OpenDrawer"):
        make_env("Fly", "train")
    with pytest.raises(InputError, match="task TurnKnob: unknown split 'old'"):
        make_env("TurnKnob", "old")


def test_wordings_of_ones_own_are_spoken(pipeline):
    wordings = {
        "OpenDrawer": ["Please look into the {position} drawer."],
        "PressButton": ["press the button, {target}"],
    }
    check_wordings(wordings, TASKS)
    player = Player(pipeline.run, load_library, wordings)
    for task, words in (("OpenDrawer", "Please look into the "), ("PressButton", "press the button, the ")):
        episode, _ = player.play(Job("ours", task, "novel-instance", 4))
        assert episode.instruction.startswith(words) and "{" not in episode.instruction


@pytest.mark.parametrize(
    ("wordings", "message"),
    [
        ({}, "no task found; expected lines like OpenDrawer ="),
        ({"Fly": ["fly away"]}, "unknown task 'Fly'; expected some of OpenDrawer"),
        ({"TurnKnob": []}, "wordings of TurnKnob: expected a list of at least one template, found"),
        ({"TurnKnob": "turn it"}, "expected a list of at least one template, found 'turn it'"),
        ({"TurnKnob": {"train": ["turn it"]}}, "expected a list of at least one template"),
        ({"TurnKnob": ["turn it", 3]}, "expected a list of at least one template"),
        ({"TurnKnob": ["turn it {direction}", "turn it {where}"]}, r"wordings of TurnKnob: .*where.*\{direction\}"),
        ({"TurnKnob": ["turn it {direction"]}, "wordings of TurnKnob: .*turn it {direction"),
        ({"TurnKnob": ["turn it {direction[x]}"]}, "wordings of TurnKnob: .*direction"),
        ({"TurnKnob": ["  "]}, "wordings of TurnKnob: .*no words"),
    ],
)
def test_wordings_that_do_not_fit_are_refused(wordings, message):
    with pytest.raises(InputError, match=message):
        check_wordings(wordings, TASKS)


def test_a_player_plays_every_method_and_films_if_asked(player):
    for method in METHODS:
        episode, frames = player.play(Job(method, "PressButton", "novel-shape", 8))
        assert episode.key == (method, "PressButton", "novel-shape", 8) and not frames
        assert (episode.retrieved is None) == (method == "expert")
        again, frames = player.play(Job(method, "PressButton", "novel-shape", 8, film=True))
        assert again == episode and len(frames) > 2


def test_one_process_plays_in_order(player):
    planned = jobs({"expert": 4}, ("novel-instance",), TASKS, 30)
    played = list(play_all(planned, player, 1))
    assert [episode.key for episode, _ in played] == [job.key for job in planned]
    assert all(episode.success for episode, _ in played)
    assert list(play_all([], player, 1)) == []


def test_a_run_without_a_library_is_named(pipeline, tmp_path):
    player = Player(tmp_path, load_library)
    assert player.play(Job("expert", "OpenDrawer", "train", 0))[0].success
    with pytest.raises(DataError, match="no such file.*run `grounding train` first"):
        player.play(Job("ours", "OpenDrawer", "train", 0))


SMALL = [Job("expert", "PressButton", "novel-category", 3), Job("expert", "OpenDrawer", "train", 4)]


def test_a_player_that_has_played_can_be_sent_to_other_processes(player):
    """That two of them play what one does is tested with the command."""
    player.play(Job("random", "PressButton", "train", 0))
    sent = pickle.loads(pickle.dumps(player))
    assert sent == player and sent._library is None
    assert sent.play(SMALL[0]) == player.play(SMALL[0])


def test_a_dask_cluster_of_two_plays_what_one_process_does(tmp_path):
    from distributed import LocalCluster

    player = Player(tmp_path / "nowhere", load_library)
    # The expert needs no run.
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1") as cluster:
        there = list(play_all(SMALL * 2, player, 1, dask=cluster.scheduler_address))
    assert there == list(play_all(SMALL, player, 1)) * 2


def test_a_cluster_that_does_not_answer_is_named(tmp_path):
    with pytest.raises(InputError, match=r"dask: no scheduler answers at 'nonsense'"):
        list(play_all(SMALL, Player(tmp_path, load_library), 1, dask="nonsense"))
