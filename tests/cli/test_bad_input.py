"""What cannot be used: exit status 2 and one line that names the culprit, what was found, what was expected and why."""

import json
import shutil

import numpy as np
import pytest

from tests.cli.conftest import complaint

TASKS = "OpenDrawer, PressButton, TurnKnob, PlaceInBin"


def told(line: str, *parts: str) -> None:
    for part in parts:
        assert part in line, f"{part!r} is not in: {line}"


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (("--tasks", "Fly"), ("unknown task 'Fly'", TASKS)),
        (("--tasks",), ("no task given", TASKS)),
        (("--tasks", "TurnKnob", "TurnKnob"), ("'TurnKnob' is named twice", "leave the second out")),
        (("--split", "old"), ("unknown split 'old'", "train, novel-instance, novel-shape")),
        (("--episodes", "3", "4"), ("episodes: (3, 4) found", "one for each of 4 tasks")),
        (("--episodes", "0"), ("episodes: ", "0")),
        (("--workers", "0"), ("workers: 0 found, expected at least 1",)),
        (("--wordings", "rude"), ("wordings: 'rude' found, expected one of train, test",)),
        (("--noise", "-0.01"), ("noise: -0.01 found, expected metres, 0 or more",)),
        (("--missing-image", "0.7", "--missing-cloud", "0.4"), ("missing shares: (0.7, 0.4) found", "less than 1")),
        (("--seed", "-5"), ("seed: -5 found, expected a number of at least 0",)),
    ],
)
def test_collect(words, parts, refused, tmp_path):
    told(refused("collect", "--data", tmp_path / "data", *words), *parts)
    assert not (tmp_path / "data").exists()


def test_unknown_names_in_processes_of_their_own(tmp_path):
    told(complaint("collect", "--data", tmp_path / "data", "--tasks", "Fly"), "unknown task 'Fly'", TASKS)
    told(complaint("evaluate", "--run", tmp_path / "run", "--splits", "old"), "unknown split 'old'", "novel-shape")
    assert not any(tmp_path.iterdir())


def test_a_missing_an_empty_and_an_unfinished_data_set(refused, tmp_path):
    run, data = tmp_path / "run", tmp_path / "data"
    told(refused("train", "--data", data, "--run", run), f"{data}: no such folder", "run `grounding collect` first")
    data.mkdir()
    told(refused("train", "--data", data, "--run", run), f"{data}: meta/info.json is missing", "`grounding collect`")
    (data / "unfinished").mkdir()
    told(refused("train", "--data", data, "--run", run), "the data set is incomplete", "run `grounding collect` again")
    assert not run.exists()


def test_damaged_data_sets(pipeline, refused, tmp_path):
    def damage(name, pattern, change):
        data = tmp_path / name
        shutil.copytree(pipeline.demonstrations, data)
        file = sorted(data.glob(pattern))[-1]
        file.write_bytes(change(file.read_bytes()))
        line = refused("train", "--data", data, "--run", tmp_path / "run")
        told(line, str(file), "cannot be read", "run `grounding collect` again")

    damage("cut", "data/chunk-*/*.parquet", lambda content: content[: len(content) // 2])
    damage("cut-information", "meta/info.json", lambda content: content[:-20])
    damage("cut-table", "meta/episodes/*/*.parquet", lambda content: content[:-20])
    damage("flipped", "points/chunk-*/*.npz", lambda content: content[:5000] + bytes(2000) + content[7000:])
    damage("emptied", "points/chunk-*/*.npz", lambda content: b"")
    assert not (tmp_path / "run").exists()


def test_train_settings(pipeline, refused, tmp_path):
    data = ("--data", pipeline.demonstrations, "--run", tmp_path / "run")
    told(refused("train", *data, "--seed", "-1"), "seed: -1 found, expected a number of at least 0")
    told(refused("train", *data, "--steps", "0"), "steps: 0 found, expected at least 1")
    told(refused("train", *data, "--batch", "1"), "batch: 1 found, expected at least 2")


def test_missing_weights(pipeline, refused, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    train = ("train", "--data", pipeline.demonstrations, "--run", tmp_path / "run", "--text")
    told(refused(*train, "nobody/unknown-model"), "'nobody/unknown-model' not found", "(1) give the path of a folder")
    told(refused(*train, tmp_path / "nowhere"), f"weights folder {tmp_path / 'nowhere'}", "model.safetensors not found")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("command", [("index",), ("search", "open it"), ("evaluate",)])
def test_a_run_without_training(command, refused, tmp_path):
    line = refused(*command, "--run", tmp_path)
    told(line, str(tmp_path), "no such file", "run `grounding train` first")
    assert not any(tmp_path.iterdir())


def test_a_run_without_a_library(pipeline, refused, tmp_path):
    for name in ("config.toml", "space.toml", "space.safetensors"):
        shutil.copy(pipeline.run / name, tmp_path)
    told(refused("search", "open it", "--run", tmp_path), "library: no library here", "run `grounding index` first")


def test_the_library_of_another_space(pipeline, refused, run, tmp_path):
    """The remedy that is named is one: the folder deleted, indexing works."""
    other = tmp_path / "other"
    run("train", "--data", pipeline.demonstrations, "--run", other, "--steps", "1", "--batch", "4", "--dim", "32")
    shutil.copytree(pipeline.run / "library", other / "library")
    for command in (("search", "open it"), ("index",), ("evaluate", "--out", tmp_path / "out")):
        line = refused(*command, "--run", other)
        told(line, f"{other / 'library'}: was made with the space", "opened with the space", "delete that folder")
    shutil.rmtree(other / "library")
    assert "(16 new)" in run("index", "--run", other)


def test_damaged_runs(pipeline, refused, tmp_path):
    shutil.copytree(pipeline.run, tmp_path / "run")
    run = tmp_path / "run"
    (run / "library" / "library.sqlite").write_bytes(b"garbage" * 100)
    told(
        refused("search", "open it", "--run", run),
        "library.sqlite: not a library or damaged",
        "`grounding index` again",
    )
    (run / "space.safetensors").write_bytes(b"garbage" * 100)
    told(refused("search", "open it", "--run", run), "space.safetensors", "damaged")
    (run / "config.toml").write_text("steps = twenty\n")
    told(refused("index", "--run", run), "config.toml", "not readable as TOML")


def test_search(pipeline, refused, tmp_path):
    at = ("--run", pipeline.run)
    told(refused("search", *at), "nothing to search for; give words, --points FILE or --image FILE")
    for words in ("", "  ", "?!"):
        told(
            refused("search", words, *at),
            f"query text is {' '.join(repr(words).split())}",
            "an instruction with words in it",
        )
    told(refused("search", "open it", "--k", "0", *at), "k is 0; expected a whole number of at least 1")
    told(refused("search", "open it", "--where", "color = 'red'", *at), "color = 'red'", "columns id, task")
    nowhere = tmp_path / "nowhere.png"
    told(refused("search", "--image", nowhere, *at), f"{nowhere}: no such picture", "expected a PNG or JPEG")
    nowhere.write_text("no picture")
    told(refused("search", "--image", nowhere, *at), f"{nowhere}: cannot be read as a picture", "restore or replace it")


def test_clouds(pipeline, refused, tmp_path):
    at = ("--run", pipeline.run)
    cloud = tmp_path / "cloud.npy"
    points = np.random.default_rng(0).uniform(0, 0.1, (100, 3))
    points[3:5, 1] = np.nan
    np.save(cloud, points)
    told(refused("search", "--points", cloud, *at), f"{cloud}: ", "2 of 100 points are NaN", "leave them out", "finite")
    np.save(cloud, points[:3])
    told(refused("search", "--points", cloud, *at), "3 points; expected at least 8")
    np.save(cloud, np.array([{"x": 1}]), allow_pickle=True)
    told(refused("search", "--points", cloud, *at), f"{cloud}: cannot be used as a point cloud")
    told(refused("search", "--points", tmp_path / "cloud.obj", *at), "unknown kind of point cloud '.obj'", ".ply")


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        ('OpenDrawer = ["open {foo}"]', ("wordings of OpenDrawer", "open {foo}", "{position}")),
        ("OpenDrawer = [", ("cannot be read as TOML", "expected lines like OpenDrawer = [...]", "mend")),
        ('Fly = ["fly"]', ("unknown task 'Fly'", TASKS)),
        ("OpenDrawer = []", ("wordings of OpenDrawer", "at least one template, found []")),
        ('OpenDrawer = "open it"', ("wordings of OpenDrawer", "a list", "'open it'")),
        ('[test]\nOpenDrawer = ["open it"]', ("unknown task 'test'", TASKS)),
        ('OpenDrawer = ["..."]', ("wordings of OpenDrawer", "no words")),
        ("# nothing yet", ("no task found", "expected lines like OpenDrawer = [")),
        (b"\xff\xfe", ("cannot be read as TOML",)),
    ],
)
def test_wordings(content, parts, refused, tmp_path):
    """Found before anything is loaded, collected or trained."""
    file = tmp_path / "wordings.toml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    for command in ("evaluate", "demo"):
        told(refused(command, "--run", tmp_path / "run", "--wordings", file), str(file), *parts)
    assert not (tmp_path / "run").exists()


def test_wordings_that_are_nowhere(tmp_path):
    file = tmp_path / "nowhere.toml"
    told(
        complaint("evaluate", "--run", tmp_path, "--wordings", file),
        f"{file}: cannot be read",
        "mend the file or its path",
    )


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (("--tasks", "Fly"), ("unknown task 'Fly'", TASKS)),
        (("--tasks",), ("no task given",)),
        (("--splits", "train", "train"), ("split 'train' is named twice",)),
        (("--methods", "best"), ("unknown method 'best'", "ours, expert, random, text, points, image")),
        (("--methods",), ("no method given",)),
        (("--episodes", "3"), ("episodes of ours: 3 found, expected at least one for each of 4 tasks",)),
        (("--baseline-episodes", "0"), ("episodes of expert: 0 found",)),
        (("--seed", "-3"), ("seed: -3 found, expected a number of at least 0",)),
        (("--workers", "0"), ("workers: 0 found, expected at least 1",)),
        (("--tasks", "all", "TurnKnob"), ("unknown task 'all'",)),
        (("--heldout", "nowhere"), ("nowhere: no such folder", "`grounding collect`")),
    ],
)
def test_evaluate(words, parts, pipeline, refused, tmp_path):
    told(refused("evaluate", "--run", pipeline.run, "--out", tmp_path / "out", *words), *parts)
    assert not (tmp_path / "out").exists()


def test_heldout_demonstrations_that_lack_modalities(pipeline, refused, run, tmp_path):
    data = tmp_path / "data"
    bare = ("--episodes", "1", "--missing-image", "0.99", "--missing-cloud", "0", "--workers", "1")
    run("collect", "--data", data, "--tasks", "PressButton", *bare)
    line = refused("evaluate", "--run", pipeline.run, "--out", tmp_path / "out", "--heldout", data)
    told(line, f"{data}: none of 1 demonstrations has both pictures and a cloud", "--missing-image 0 --missing-cloud 0")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", ["{", "", '{"seed": 1', "\x00"])
def test_a_damaged_record_of_an_evaluation_keeps_its_episodes(content, pipeline, refused, tmp_path):
    (tmp_path / "evaluation.json").write_text(content)
    (tmp_path / "episodes.jsonl").write_text("played for hours\n")
    line = refused("evaluate", "--run", pipeline.run, "--out", tmp_path, "--workers", "1")
    told(line, f"{tmp_path / 'evaluation.json'}: cannot be read", "as JSON", "delete the file to play them all again")
    assert (tmp_path / "episodes.jsonl").read_text() == "played for hours\n"


def test_episodes_that_are_none(pipeline, refused, run, tmp_path):
    words = ("evaluate", "--run", pipeline.run, "--out", tmp_path, "--tasks", "PressButton", "--splits", "train",
             "--methods", "expert", "--baseline-episodes", "1", "--workers", "1")  # fmt: skip
    run(*words)
    log = tmp_path / "episodes.jsonl"
    log.write_text("no episode\n" + log.read_text())
    told(refused(*words), f"{log} line 1: not JSON", "delete the line or the file")


def test_the_clock_of_a_demo(refused, tmp_path):
    (tmp_path / "demonstrations" / "meta").mkdir(parents=True)
    (tmp_path / "heldout" / "meta").mkdir(parents=True)
    for name in ("demonstrations", "heldout"):
        (tmp_path / name / "meta" / "info.json").write_text("{}")
    for content in ("{", "[1]", json.dumps({"collect": "long"})):
        (tmp_path / "seconds.json").write_text(content)
        told(refused("demo", "--run", tmp_path), f"{tmp_path / 'seconds.json'}: cannot be read", "delete the file")


def test_a_demo_that_cannot_end_well_does_not_begin(refused, tmp_path):
    told(refused("demo", "--run", tmp_path / "run", "--episodes", "3"), "episodes of ours: 3 found")
    told(refused("demo", "--run", tmp_path / "run", "--workers", "0"), "workers: 0 found")
    assert not (tmp_path / "run").exists()


def test_convert(pipeline, refused, tmp_path):
    nowhere, target = tmp_path / "nowhere", tmp_path / "new.hdf5"
    told(refused("convert", nowhere, target), f"{nowhere}: no such folder", "`grounding collect`")
    told(refused("convert", tmp_path / "old.hdf5", target), f"{tmp_path / 'old.hdf5'}: no such file")
    told(refused("convert", pipeline.heldout, tmp_path), f"{tmp_path}: is there already", "choose another name")
    assert not any(tmp_path.iterdir())


def test_a_cluster_that_does_not_answer(refused, tmp_path):
    words = ("evaluate", "--run", tmp_path, "--methods", "expert", "--dask", "nonsense")
    told(refused(*words), "dask: no scheduler answers at 'nonsense'", "start one with launch/dask.sh")
