"""What a report shows of an evaluation."""

import numpy as np
import pytest

from grounding.policies.evaluation import Job
from grounding.policies.results import Episode
from grounding.reports.assembly import FRAMES, MOST_FAILURES, filmstrips, lead, space_map, worth_filming
from tests.reports.conftest import example_episodes


def episode(seed=0, success=True, **changes):
    fields = {
        "method": "ours",
        "task": "TurnKnob",
        "split": "novel-instance",
        "seed": seed,
        "instruction": "turn it <left>",
        "success": success,
        "seconds": 2.0,
        "path_length": 0.5,
        "shortest_path": 0.4,
        "retrieved": "TurnKnob-train-000003",
        "retrieved_task": "TurnKnob",
        "failure": "" if success else "turned the other way",
    }
    return Episode(**{**fields, **changes})


def test_the_lead_tells_how_often_ours_succeeded_split_by_split():
    ours = [episode(seed, seed > 0) for seed in range(4)] + [episode(seed, split="novel-shape") for seed in range(2)]
    text = lead([*ours, episode(method="expert", success=False)], 320)
    assert "searched 320 demonstrations" in text
    first, _, second = text.partition("\n\n")
    assert "succeeded" not in first
    assert second.startswith("It succeeded in 75 % of 4 attempts on objects in combinations of kind")
    assert "and 100 % of 2 attempts on objects whose very shapes were in no demonstration" in second


def test_without_ours_the_lead_claims_nothing():
    assert "succeeded" not in lead([episode(method="expert")], 10)
    assert "succeeded" not in lead([], 10)


def test_a_map_has_a_point_for_every_vector(generator):
    centres = np.eye(16)[:2].repeat(12, axis=0)
    vectors = {name: centres + generator.normal(scale=0.05, size=centres.shape) for name in ("text", "points")}
    vectors = {name: rows / np.linalg.norm(rows, axis=1, keepdims=True) for name, rows in vectors.items()}
    tasks = ["OpenDrawer"] * 12 + ["TurnKnob"] * 12
    found = space_map(vectors, tasks, seed=1)
    assert found.positions.shape == (48, 2) and np.isfinite(found.positions).all()
    assert found.tasks == tasks * 2 and found.modalities == ["text"] * 24 + ["points"] * 24
    assert "24 held-out demonstrations" in found.caption
    np.testing.assert_array_equal(space_map(vectors, tasks, seed=1).positions, found.positions)
    # Two tasks far apart in the space lie apart on the map, and the modalities of one task together.
    drawer = np.array(found.tasks) == "OpenDrawer"
    middles = found.positions[drawer].mean(axis=0), found.positions[~drawer].mean(axis=0)
    nearer = np.linalg.norm(found.positions[:, None] - np.array(middles), axis=2).argmin(axis=1) == 0
    assert (nearer == drawer).mean() > 0.9


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_map_of_very_few(count, generator):
    vectors = {name: generator.normal(size=(count, 8)) for name in ("text", "image", "points", "trajectory")}
    assert np.isfinite(space_map(vectors, ["TurnKnob"] * count).positions).all()


def test_the_first_success_of_every_task_and_split_is_filmed():
    chosen = worth_filming(reversed(example_episodes()))
    assert all(job.film and job.method == "ours" for job in chosen)
    known = {one.key: one for one in example_episodes()}
    successes = [job for job in chosen if known[job.key].success]
    assert len({(job.task, job.split) for job in successes}) == len(successes) == 8
    for job in successes:
        earlier = [one for key, one in known.items() if key[:3] == job.key[:3] and key[3] < job.seed]
        assert not any(one.success for one in earlier)
    assert len({job.key for job in chosen}) == len(chosen)


def test_failures_are_filmed_one_of_each_kind_first():
    same = [episode(seed, False) for seed in range(10)]
    assert [job.seed for job in worth_filming(same)] == list(range(MOST_FAILURES))
    other = [episode(20, False, failure="out of reach"), episode(21, False, task="PressButton")]
    chosen = worth_filming([*same, *other])
    assert len(chosen) == MOST_FAILURES
    assert {(job.task, job.seed) for job in chosen} >= {("TurnKnob", 0), ("TurnKnob", 20), ("PressButton", 21)}
    assert worth_filming([]) == [] and worth_filming([episode(method="text")]) == []


def test_a_filmstrip_keeps_a_few_pictures_from_first_to_last():
    frames = [np.full((8, 8, 3), number, np.uint8) for number in range(31)]
    played = {
        1: (episode(1), frames),
        2: (episode(2, False), frames[:4]),
        3: (episode(3, False, retrieved=None, failure="no plan: too few points"), frames[:1]),
    }
    jobs = [Job("ours", "TurnKnob", "novel-instance", seed, film=True) for seed in played]
    strips = filmstrips(jobs, lambda job: played[job.seed])
    assert [strip.success for strip in strips] == [True, False, False]
    assert [int(frame[0, 0, 0]) for frame in strips[0].frames] == [0, 6, 12, 18, 24, 30]
    assert all(len(strip.frames) == FRAMES for strip in strips)
    assert strips[0].caption == "TurnKnob, novel-instance: “turn it <left>”. Motion of TurnKnob-train-000003."
    assert strips[1].caption.endswith("Motion of TurnKnob-train-000003. Failed: turned the other way.")
    assert strips[2].caption.endswith("”. Failed: no plan: too few points.")
