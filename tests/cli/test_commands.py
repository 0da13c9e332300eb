"""The commands one after the other on a small, real run."""

import json
import time
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from grounding.cli.evaluate import Evaluate, plan
from grounding.cli.main import main
from grounding.cli.train import Train
from grounding.datasets.lerobot import read
from grounding.policies.results import read_episodes
from grounding.settings import read_settings
from sims import TASK_NAMES

TASKS = ("OpenDrawer", "PressButton", "TurnKnob", "PlaceInBin")
PLAYED = ("--splits", "novel-instance", "--methods", "ours", "random", "--episodes", "8", "--baseline-episodes", "4")


def evaluate(pipeline, out, *words):
    options = ["evaluate", "--run", pipeline.run, "--out", out, *PLAYED, *words]
    return main([str(word) for word in options])


@pytest.fixture(scope="module")
def evaluation(pipeline, tmp_path_factory):
    """An evaluation by two processes, with held-out demonstrations."""
    out = tmp_path_factory.mktemp("evaluation")
    assert evaluate(pipeline, out, "--workers", "2", "--heldout", pipeline.heldout) == 0
    return out


def test_collect_makes_as_many_as_asked_for(pipeline):
    demonstrations, heldout = read(pipeline.demonstrations), read(pipeline.heldout)
    assert Counter(one.task for one in demonstrations) == dict.fromkeys(TASKS, 4)
    assert Counter(one.task for one in heldout) == dict.fromkeys(TASKS, 2)
    assert {one.split for one in heldout} == {"novel-instance"} and min(one.seed for one in heldout) == 50_000
    assert all(one.image is not None and one.points is not None for one in heldout)
    spoken = {words for one in demonstrations for words in one.instructions}
    assert not spoken & {words for one in heldout for words in one.instructions}


def test_collect_again_leaves_a_complete_data_set_alone(pipeline, run):
    before = {path: path.stat().st_mtime_ns for path in pipeline.demonstrations.rglob("*")}
    assert "is complete already" in run("collect", "--data", pipeline.demonstrations, "--episodes", "4")
    assert {path: path.stat().st_mtime_ns for path in pipeline.demonstrations.rglob("*")} == before


def test_collect_of_another_number_into_a_complete_data_set_is_refused(pipeline, refused):
    complaint = refused("collect", "--data", pipeline.demonstrations, "--episodes", "5")
    assert (
        str(pipeline.demonstrations) in complaint and "'OpenDrawer': 4" in complaint and "delete this one" in complaint
    )


def test_train_leaves_a_run_that_tells_its_settings(pipeline, run):
    settings = read_settings(Train, pipeline.run / "config.toml")
    assert settings == Train(data=pipeline.demonstrations, run=pipeline.run, steps=20, batch=12, extra=12, dim=32)
    for name in ("space.safetensors", "trainer.pt", "metrics.jsonl"):
        assert (pipeline.run / name).stat().st_size > 0
    lines = [json.loads(line) for line in (pipeline.run / "metrics.jsonl").read_text().splitlines()]
    assert lines[-1]["step"] == 20 and np.isfinite(lines[-1]["loss"])


def test_train_again_finds_the_run_finished(pipeline, run):
    weights = (pipeline.run / "space.safetensors").read_bytes()
    same = ("--data", pipeline.demonstrations, "--run", pipeline.run, "--batch", "12", "--extra", "12", "--dim", "32")
    began = time.monotonic()
    assert "20 steps in" in run("train", *same, "--steps", "20")
    assert time.monotonic() - began < 10
    assert (pipeline.run / "space.safetensors").read_bytes() == weights


def test_train_with_other_settings_is_refused_and_changes_nothing(pipeline, refused):
    before = {path: path.read_bytes() for path in pipeline.run.glob("*.*")}
    other = ("--data", pipeline.demonstrations, "--run", pipeline.run, "--batch", "12", "--extra", "12", "--dim", "32")
    said = refused("train", *other, "--steps", "30")
    assert "steps 20 there, 30 now" in said and "another run folder" in said
    assert {path: path.read_bytes() for path in pipeline.run.glob("*.*")} == before


def test_index_again_adds_nothing(pipeline, run):
    assert "16 demonstrations" in (said := run("index", "--run", pipeline.run)) and "(0 new)" in said


def test_search_by_words(pipeline, run):
    said = run("search", "open the bottom drawer", "--run", pipeline.run, "--k", "3")
    assert said.count("-train-") == 3 and "instruction" in said
    said = run("search", "open it", "--run", pipeline.run, "--where", "task = 'TurnKnob'", "--k", "9")
    assert said.count("TurnKnob-train-") == 4 and "Drawer" not in said


def test_search_by_a_cloud_and_a_picture(pipeline, run, tmp_path):
    demonstration = next(one for one in read(pipeline.heldout) if one.task == "OpenDrawer")
    part = demonstration.segments == demonstration.parts[0]
    cloud, picture = tmp_path / "handle.ply", tmp_path / "scene.png"
    rows = [f"{x:.5f} {y:.5f} {z:.5f} {r} {g} {b}" for (x, y, z), (r, g, b) in
            zip(demonstration.points[part], demonstration.colors[part], strict=True)]  # fmt: skip
    properties = "".join(f"property float {axis}\n" for axis in "xyz")
    properties += "".join(f"property uchar {color}\n" for color in ("red", "green", "blue"))
    header = f"ply\nformat ascii 1.0\nelement vertex {len(rows)}\n{properties}end_header\n"
    cloud.write_text(header + "\n".join(rows) + "\n")
    Image.fromarray(demonstration.image[0]).save(picture)
    for words in (
        ("--points", cloud),
        ("--image", picture),
        ("pull the drawer open", "--points", cloud, "--image", picture),
    ):
        assert run("search", *words, "--run", pipeline.run, "--k", "2").count("-train-") == 2
    bare = tmp_path / "handle.xyz"
    np.savetxt(bare, demonstration.points[part])
    assert run("search", "--points", bare, "--run", pipeline.run, "--k", "1").count("-train-") == 1


def test_one_process_and_two_play_the_same_episodes(pipeline, evaluation, tmp_path):
    assert evaluate(pipeline, tmp_path, "--workers", "1") == 0
    one, two = read_episodes(tmp_path / "episodes.jsonl"), read_episodes(evaluation / "episodes.jsonl")
    assert one == two and len(one) == 12
    assert Counter((episode.method, episode.task) for episode in one) == {
        (method, task): count for method, count in (("ours", 2), ("random", 1)) for task in TASKS
    }
    assert {episode.split for episode in one} == {"novel-instance"}


def test_evaluate_writes_a_report_and_its_numbers(evaluation, pipeline):
    summary = json.loads((evaluation / "summary.json").read_text())
    assert summary["demonstrations"] == 16 and summary["seconds"] > 0
    assert set(summary["success"]) == {"ours", "random"}
    assert summary["success"]["ours"]["novel-instance"]["all"]["n"] == 8
    assert len(summary["retrieval"]) == 12 and {"R@1", "R@5", "R@10"} <= set(summary["retrieval"]["text->points"])
    assert summary["settings"]["evaluate"]["episodes"] == 8 and summary["settings"]["wordings"] == "test"
    assert 100_000 in summary["seeds"].values()
    page = (evaluation / "report.html").read_text()
    assert page.startswith("<!doctype html>") and page.count("<img") > 8


def test_evaluate_again_plays_only_what_is_missing(pipeline, evaluation, tmp_path):
    log = evaluation / "episodes.jsonl"
    lines = log.read_text().splitlines(keepends=True)
    kept = [line.replace('"instruction": "', '"instruction": "KEPT ') for line in lines[:9]]
    for name in ("episodes.jsonl", "evaluation.json"):
        (tmp_path / name).write_bytes((evaluation / name).read_bytes())
    # Torn in the middle of a line, as a kill leaves it.
    (tmp_path / "episodes.jsonl").write_text("".join(kept) + lines[9][:30])
    assert evaluate(pipeline, tmp_path, "--workers", "1") == 0
    assert (tmp_path / "episodes.jsonl").read_text() == "".join(kept + lines[9:])


def test_the_expert_is_played_without_a_run(run, tmp_path):
    tasks = ("--tasks", "BuildTower", "PressButton", "--splits", "novel-category")
    said = run("evaluate", "--run", tmp_path / "nowhere", "--out", tmp_path, "--methods", "expert", *tasks,
               "--baseline-episodes", "2", "--workers", "1")  # fmt: skip
    assert "Success on novel-category" in said and "Sub-goals met" in said
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "episodes.jsonl", "evaluation.json", "report.html", "summary.json",
    ]  # fmt: skip
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["subgoals"]["expert"]["novel-category"]["BuildTower"]["in_a_row"].keys() == {"1", "2"}
    assert summary["dtw_mt"]["expert"]["novel-category"]["all"]["mean"] == 0
    assert summary["violations"]["expert"]["novel-category"]["all"]["n"] == 2 and summary["demonstrations"] == 0


def test_all_stands_for_every_task_and_split():
    every = Evaluate(tasks=("all",), splits=("all",), methods=("expert",), baseline_episodes=len(TASK_NAMES))
    planned = plan(every)
    assert [job.task for job in planned] == 4 * [*TASK_NAMES]
    assert {job.split for job in planned} == {"train", "novel-instance", "novel-shape", "novel-category"}


def test_episodes_of_an_earlier_version_are_put_aside(run, tmp_path):
    words = ("evaluate", "--out", tmp_path, "--methods", "expert", "--tasks", "PressButton", "--splits", "train",
             "--baseline-episodes", "1", "--workers", "1")  # fmt: skip
    run(*words)
    identity = json.loads((tmp_path / "evaluation.json").read_text())
    (tmp_path / "evaluation.json").write_text(json.dumps({**identity, "fields": identity["fields"][:-1]}))
    episodes = (tmp_path / "episodes.jsonl").read_bytes()
    (tmp_path / "episodes.jsonl").write_text('{"method": "expert"}\n')
    assert "are kept in" in run(*words) and (tmp_path / "episodes.1.jsonl").exists()
    assert (tmp_path / "episodes.jsonl").read_bytes() == episodes


def test_there_and_back_a_data_set_stays_the_same(pipeline, run, tmp_path):
    there, back = tmp_path / "set.hdf5", tmp_path / "set"
    assert "16 in" in run("convert", pipeline.demonstrations, there)
    assert "16 in" in run("convert", there, back)
    for path in pipeline.demonstrations.rglob("*.*"):
        assert (back / path.relative_to(pipeline.demonstrations)).read_bytes() == path.read_bytes(), path


def test_words_of_ones_own_replace_those_of_the_test(pipeline, evaluation, tmp_path):
    """A template names what is meant by a slot; other tasks keep their wordings."""
    wordings = tmp_path / "my wordings.toml"
    wordings.write_text('PressButton = ["Do press {target}, will you?"]\nOpenDrawer = ["{position} drawer: öffnen!"]\n')
    out = tmp_path / "out"
    out.mkdir()
    for name in ("episodes.jsonl", "evaluation.json"):
        (out / name).write_bytes((evaluation / name).read_bytes())
    assert evaluate(pipeline, out, "--workers", "1", "--wordings", wordings) == 0
    episodes, before = read_episodes(out / "episodes.jsonl"), read_episodes(evaluation / "episodes.jsonl")
    assert read_episodes(out / "episodes.1.jsonl") == before
    assert [episode.key for episode in episodes] == [episode.key for episode in before]
    spoken = {task: {episode.instruction for episode in episodes if episode.task == task} for task in TASKS}
    assert all(words.startswith("Do press the ") and words.endswith(", will you?") for words in spoken["PressButton"])
    assert all(words.endswith(" drawer: öffnen!") and "{" not in words for words in spoken["OpenDrawer"])
    for task in ("TurnKnob", "PlaceInBin"):
        assert spoken[task] == {episode.instruction for episode in before if episode.task == task}
    summary = json.loads((out / "summary.json").read_text())
    assert summary["settings"]["wordings"]["PressButton"] == ["Do press {target}, will you?"]
