"""Commands that are killed, interrupted or run out of room: what is left, and how they go on."""

import os
import resource
import shutil
import signal
import time
from contextlib import contextmanager

from grounding.policies.results import read_episodes
from tests.cli.conftest import complaint, start
from tests.conftest import COLLECTED

EVALUATED = ("--splits", "novel-instance", "--methods", "expert", "ours", "--baseline-episodes", "8", "--episodes", "8")


def kill_when(process, happened, sent=signal.SIGKILL):
    """Kills the process as soon as something has happened, which must be before its end."""
    patience = time.monotonic() + 90
    while not happened():
        assert process.poll() is None and time.monotonic() < patience, "it ended before it could be killed"
        time.sleep(0.005)
    os.kill(process.pid, sent)


def files_in(folder):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def small_files(size):
    """No file may grow beyond this many bytes, as when a disk is nearly full."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


@contextmanager
def limited(size):
    """The same for this process."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    small_files(size)()
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_killed_collection_goes_on_to_the_same_data_set(pipeline, run, refused, tmp_path):
    data = tmp_path / "data"
    process = start("collect", "--data", data, *COLLECTED)
    kill_when(process, lambda: len(list(data.glob("unfinished/*.json"))) >= 6)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert 6 <= len(list(data.glob("unfinished/*.json"))) < 16
    assert "incomplete" in refused("train", "--data", data, "--run", tmp_path / "run")
    assert "16 in" in run("collect", "--data", data, *COLLECTED, "--workers", "1")
    assert files_in(data) == files_in(pipeline.demonstrations)


def heed_interrupts():
    """A shell starts what runs in the background with interrupts ignored, and children inherit that."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_an_interrupted_collection_says_that_it_resumes(tmp_path):
    data = tmp_path / "data"
    process = start("collect", "--data", data, *COLLECTED, start_new_session=True, preexec_fn=heed_interrupts)
    kill_when(process, lambda: list(data.glob("unfinished/*.json")), signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors == "error: interrupted; type the same command again to resume from the last saved state\n"


def test_a_killed_evaluation_goes_on_to_the_same_episodes(pipeline, run, tmp_path):
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    words = ("evaluate", "--run", pipeline.run, *EVALUATED, "--workers", "1")
    process = start(*words, "--out", killed)
    log = killed / "episodes.jsonl"
    kill_when(process, lambda: log.exists() and log.read_bytes().count(b"\n") >= 3)
    process.communicate()
    played = len(read_episodes(log))
    assert 3 <= played < 16 and not (killed / "report.html").exists()
    run(*words, "--out", killed)
    run(*words, "--out", whole)
    assert log.read_bytes() == (whole / "episodes.jsonl").read_bytes()
    assert (killed / "report.html").exists() and len(read_episodes(log)) == 16


def test_a_full_disk_while_collecting(tmp_path, run):
    data = tmp_path / "data"
    whole = ("--episodes", "1", "--missing-image", "0", "--missing-cloud", "0", "--workers", "1")
    words = ("collect", "--data", data, "--tasks", "OpenDrawer", *whole)
    line = complaint(*words, preexec_fn=small_files(40_000))
    assert str(data / "points") in line and "cannot be written (File too large)" in line and "free space" in line
    assert not list(data.rglob(".*")) and not (data / "meta").exists()
    assert "1 in" in run(*words)


def test_a_full_disk_while_training(pipeline, run, refused, tmp_path):
    folder = tmp_path / "run"
    words = ("train", "--data", pipeline.demonstrations, "--run", folder, "--steps", "3", "--batch", "4", "--dim", "32")
    with limited(1_000_000):
        line = refused(*words)
    assert f"{folder / 'trainer.pt'}: cannot be written (File too large)" in line and "same command again" in line
    assert not list(folder.glob(".*")) and not (folder / "trainer.pt").exists()
    run(*words)
    assert (folder / "space.safetensors").exists()


def test_a_full_disk_while_indexing_and_reporting(pipeline, run, refused, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(pipeline.run, folder)
    shutil.rmtree(folder / "library")
    with limited(60_000):
        assert "library.sqlite: cannot be written" in refused("index", "--run", folder)
    assert "(16 new)" in run("index", "--run", folder)
    words = ("evaluate", "--run", folder, *EVALUATED[:2], "--methods", "ours", "--episodes", "4", "--workers", "1")
    with limited(150_000):
        line = refused(*words)
    out = folder / "evaluation"
    assert f"{out / 'report.html'}: cannot be written (File too large)" in line
    assert not list(out.glob(".*")) and not (out / "report.html").exists()
    played = (out / "episodes.jsonl").read_bytes()
    run(*words)
    assert (out / "episodes.jsonl").read_bytes() == played and (out / "report.html").exists()
