import dataclasses
import json
import math
import os
import random

import pytest
from scipy.stats import binomtest

from grounding.errors import DataError, InputError, StorageError
from grounding.policies.results import Episode, append_episode, read_episodes, summarise, wilson


def episode(**changes) -> Episode:
    base = Episode(
        method="ours", task="OpenDrawer", split="novel-shape", seed=0, instruction="öffne", success=True, seconds=4.0,
        path_length=0.5, shortest_path=0.4, retrieved="OpenDrawer-train-000001", retrieved_task="OpenDrawer",
    )  # fmt: skip
    return dataclasses.replace(base, **changes)


@pytest.mark.parametrize(("successes", "n"), [(0, 5), (5, 5), (1, 1), (17, 20), (68, 80), (333, 1000)])
@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
def test_wilson_is_scipys(successes, n, confidence):
    interval = wilson(successes, n, confidence)
    reference = binomtest(successes, n).proportion_ci(confidence, method="wilson")
    assert math.isclose(interval.low, reference.low, abs_tol=1e-12)
    assert math.isclose(interval.high, reference.high, abs_tol=1e-12)
    assert interval.low <= interval.rate <= interval.high and interval.n == n


@pytest.mark.parametrize(("successes", "n", "confidence"), [(0, 0, 0.95), (3, 2, 0.95), (-1, 2, 0.95), (1, 2, 1.0)])
def test_wilson_refuses_what_cannot_be(successes, n, confidence):
    with pytest.raises(InputError, match="expected"):
        wilson(successes, n, confidence)


def test_efficiency():
    assert episode().efficiency == pytest.approx(0.8)
    assert episode(success=False).efficiency == 0
    assert episode(path_length=0.3).efficiency == 1, "a path shorter than the shortest is measured, not earned"
    assert episode(path_length=0.0, shortest_path=0.0).efficiency == 1


def test_summary_counts():
    episodes = [
        episode(seed=0),
        episode(seed=1, success=False, failure="slipped", retrieved_task="TurnKnob"),
        episode(seed=2, task="TurnKnob", seconds=6.0, path_length=0.8, retrieved_task="TurnKnob"),
        episode(method="expert", retrieved=None, retrieved_task=None, success=False, failure=None),
    ]
    summary = summarise(episodes)
    cell = summary["success"]["ours"]["novel-shape"]
    assert list(cell) == ["OpenDrawer", "TurnKnob", "all"]
    assert cell["OpenDrawer"] == wilson(1, 2)._asdict()
    assert cell["all"]["n"] == 3 and cell["all"]["rate"] == pytest.approx(2 / 3)
    assert summary["time"]["ours"]["novel-shape"]["all"] == {"mean": 5.0, "median": 5.0, "n": 2}
    assert summary["time"]["expert"]["novel-shape"]["all"] == {"mean": None, "median": None, "n": 0}
    efficiency = summary["efficiency"]["ours"]["novel-shape"]["all"]
    assert efficiency["mean"] == pytest.approx((0.8 + 0 + 0.5) / 3)
    assert efficiency["of_successes"] == pytest.approx(0.65)
    assert summary["failures"] == {
        "ours": {"novel-shape": {"slipped": 1}},
        "expert": {"novel-shape": {"not recorded": 1}},
    }
    assert summary["right_task"]["ours"]["novel-shape"]["all"]["rate"] == pytest.approx(2 / 3)
    assert "expert" not in summary["right_task"]


def test_summary_does_not_depend_on_order():
    generator = random.Random(0)
    episodes = [
        episode(method=method, seed=seed, seconds=generator.random(), path_length=generator.random() + 0.4)
        for method in ("image", "zeta", "ours", "expert")
        for seed in range(30)
    ]
    first = json.dumps(summarise(episodes))
    generator.shuffle(episodes)
    assert json.dumps(summarise(episodes)) == first
    assert list(summarise(episodes)["success"]) == ["ours", "expert", "image", "zeta"]


def test_summary_of_nothing():
    tables = ("success", "right_task", "time", "efficiency", "dtw_mt", "violations", "subgoals", "failures")
    assert summarise([]) == {name: {} for name in tables}


def test_summary_of_likeness_care_and_progress():
    """Of each table the cell of all tasks, counted by hand."""
    tower = {"task": "BuildTower", "retrieved_task": "Stack"}
    episodes = [
        episode(seed=0, dtw_mt=4.0, joint_violations=2, peak_force=20.0),
        episode(seed=1, dtw_mt=None, ik_failures=1, success=False, failure="out of reach"),
        episode(seed=2, dtw_mt=10.0, force_violations=1, peak_force=130.0, subgoals=(True, True), **tower),
        episode(seed=3, dtw_mt=19.0, subgoals=(True, False), success=False, failure="x", **tower),
        episode(seed=4, dtw_mt=2.0, subgoals=(False, True, True), success=False, failure="x", task="Workbench"),
    ]
    summary = summarise(episodes)
    alike = summary["dtw_mt"]["ours"]["novel-shape"]["all"]
    assert alike == {"mean": 8.75, "median": 7.0, "n": 4, "under_10": 0.5}
    assert summary["violations"]["ours"]["novel-shape"]["all"] == {
        "joint": 0.2, "force": 0.2, "reach": 0.2, "peak_force_mean": 30.0, "peak_force_max": 130.0, "n": 5,
    }  # fmt: skip
    goals = summary["subgoals"]["ours"]["novel-shape"]
    assert goals["OpenDrawer"] is None
    assert goals["BuildTower"] == {"rate": 0.75, "length": 1.5, "in_a_row": {"1": 1.0, "2": 0.5}, "n": 2}
    # A sub-goal met after one that was not is met, but not in a row; only the last episode has three.
    assert goals["all"]["in_a_row"] == {"1": pytest.approx(2 / 3), "2": pytest.approx(1 / 3), "3": 0.0}
    assert goals["all"]["rate"] == pytest.approx((1 + 1 / 2 + 2 / 3) / 3) and goals["all"]["length"] == 1.0
    # What task a motion of several is of is not asked.
    assert summary["right_task"]["ours"]["novel-shape"]["all"]["n"] == 2
    plain = summarise([episode(method="expert", retrieved=None, retrieved_task=None)])
    assert plain["dtw_mt"] == plain["subgoals"] == plain["right_task"] == {}


def test_episodes_on_disk(tmp_path):
    path = tmp_path / "run" / "episodes.jsonl"
    assert read_episodes(path) == []
    episodes = [episode(seed=seed, failure=None if seed else "", subgoals=(True,) * seed) for seed in range(3)]
    for one in episodes:
        append_episode(path, one)
    assert read_episodes(path) == episodes
    assert episodes[1].key == ("ours", "OpenDrawer", "novel-shape", 1)


@pytest.mark.parametrize("cut", [1, 5, 100])
def test_a_torn_last_line_is_dropped_and_mended(tmp_path, cut):
    path = tmp_path / "episodes.jsonl"
    append_episode(path, episode(seed=0))
    append_episode(path, episode(seed=1))
    os.truncate(path, path.stat().st_size - cut)
    assert read_episodes(path) == [episode(seed=0)]
    append_episode(path, episode(seed=2))
    assert read_episodes(path) == [episode(seed=0), episode(seed=2)]


@pytest.mark.parametrize("line", ["not json", "{}", "[1]", '{"method": "ours"}', "\\xff"])
def test_a_spoilt_line_is_named(tmp_path, line):
    path = tmp_path / "episodes.jsonl"
    append_episode(path, episode())
    with path.open("a") as file:
        file.write(line + "\n")
    append_episode(path, episode(seed=1))
    with pytest.raises(DataError, match=r"episodes\.jsonl line 2"):
        read_episodes(path)


def test_subgoals_that_are_none_are_named(tmp_path):
    path = tmp_path / "episodes.jsonl"
    append_episode(path, episode())
    path.write_text(path.read_text().replace('"subgoals": []', '"subgoals": 3'))
    with pytest.raises(DataError, match=r"line 1: subgoals is 3, expected a list"):
        read_episodes(path)


def test_a_folder_that_is_a_file(tmp_path):
    (tmp_path / "run").write_text("")
    with pytest.raises(StorageError, match="cannot append"):
        append_episode(tmp_path / "run" / "episodes.jsonl", episode())
