"""Training: learning, resuming, being killed, refusing."""

import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from grounding.errors import DataError, InputError, StorageError
from grounding.space import FitSettings, collate, evaluate, fit, info_nce, load_weights
from grounding.space.checkpoint import stored
from grounding.space.training import pair_losses
from tests.space.small import SETTINGS, small_samples, small_space

ROOT = Path(__file__).parents[2]


def steps_of(run: Path) -> list[int]:
    return [json.loads(line)["step"] for line in (run / "metrics.jsonl").read_text().splitlines()]


def test_it_learns_and_a_finished_run_is_read_back_at_once(tmp_path: Path) -> None:
    settings = replace(SETTINGS, steps=120, learning_rate=3e-3, checkpoint_every=50, log_every=20)
    space, unseen = small_space(), small_samples(60, seed=9)
    before = evaluate(space, unseen).pairs["text->signal"].recall[1]
    result = fit(space, {"small": small_samples()}, run=tmp_path, settings=settings)
    after = evaluate(space, unseen).pairs["text->signal"].recall[1]
    assert before < 0.5 < 0.9 < after
    assert not space.training and result.steps == 120 and result.resumed_from == 0 and result.loss < 2
    assert steps_of(tmp_path) == [20, 40, 60, 80, 100, 120]
    line = json.loads((tmp_path / "metrics.jsonl").read_text().splitlines()[-1])
    assert {"loss", "loss/points-text", "scale/signal-text", "learning rate", "samples per second"} <= set(line)

    again = small_space(3)
    began = time.monotonic()
    result = fit(again, {"small": small_samples()}, run=tmp_path, settings=settings)
    assert result.resumed_from == 120 and time.monotonic() - began < 1
    assert again.fingerprint() == space.fingerprint()
    loaded = small_space(4)
    load_weights(loaded, tmp_path / "space.safetensors")
    assert loaded.fingerprint() == space.fingerprint()


def test_a_killed_run_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.space.small", str(killed)],
        cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    patience = time.monotonic() + 120
    while not (stored(killed / "space.safetensors").get("step") or 0) >= 3:
        assert process.poll() is None and time.monotonic() < patience, "the run ended before it could be killed"
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL

    resumed, uninterrupted = small_space(), small_space()
    state = torch.random.get_rng_state()
    result = fit(resumed, {"small": small_samples()}, run=killed, settings=SETTINGS)
    assert 3 <= result.resumed_from < SETTINGS.steps
    assert torch.equal(torch.random.get_rng_state(), state)
    torch.manual_seed(99)
    fit(uninterrupted, {"small": small_samples()}, run=whole, settings=SETTINGS)
    assert resumed.fingerprint() == uninterrupted.fingerprint()
    assert (killed / "space.safetensors").read_bytes() == (whole / "space.safetensors").read_bytes()
    assert steps_of(killed) == steps_of(whole) == list(range(2, 25, 2))


class StopError(Exception):
    """Ends a run at a chosen place."""


def stop_after(calls: int) -> Callable[..., torch.Tensor]:
    count = 0

    def loss(*arguments: torch.Tensor) -> torch.Tensor:
        nonlocal count
        count += 1
        if count > calls:
            raise StopError
        return info_nce(*arguments)

    return loss


@pytest.mark.parametrize("calls", [1, 10, 31])
def test_wherever_it_stops_between_checkpoints_it_resumes_to_the_same_weights(tmp_path: Path, calls: int) -> None:
    settings = replace(SETTINGS, steps=12, checkpoint_every=4)
    whole = small_space()
    fit(whole, {"small": small_samples()}, stop_after(10_000), run=tmp_path / "whole", settings=settings)
    with pytest.raises(StopError):
        fit(small_space(), {"small": small_samples()}, stop_after(calls), run=tmp_path / "run", settings=settings)
    resumed = small_space()
    result = fit(resumed, {"small": small_samples()}, stop_after(10_000), run=tmp_path / "run", settings=settings)
    assert result.resumed_from % 4 == 0
    assert resumed.fingerprint() == whole.fingerprint()
    assert steps_of(tmp_path / "run") == [2, 4, 6, 8, 10, 12]


def test_a_kill_between_the_two_files_of_a_checkpoint(tmp_path: Path) -> None:
    settings = replace(SETTINGS, steps=6, checkpoint_every=3)
    space = small_space()
    fit(space, {"small": small_samples()}, run=tmp_path, settings=settings)
    last = (tmp_path / "space.safetensors").read_bytes()
    (tmp_path / "space.safetensors").unlink()
    fit(small_space(), {"small": small_samples()}, run=tmp_path, settings=settings)
    assert (tmp_path / "space.safetensors").read_bytes() == last


def test_a_full_disk_keeps_the_last_checkpoint(tmp_path: Path) -> None:
    settings = replace(SETTINGS, steps=8, checkpoint_every=4)
    with pytest.raises(StopError):
        fit(small_space(), {"small": small_samples()}, stop_after(13), run=tmp_path, settings=settings)
    good = (tmp_path / "trainer.pt").read_bytes()
    (tmp_path / ".trainer.pt.tmp").symlink_to("/dev/full")
    with pytest.raises(StorageError, match=r"trainer.pt: cannot be written \(No space left"):
        fit(small_space(), {"small": small_samples()}, stop_after(10_000), run=tmp_path, settings=settings)
    assert (tmp_path / "trainer.pt").read_bytes() == good
    result = fit(small_space(), {"small": small_samples()}, stop_after(10_000), run=tmp_path, settings=settings)
    assert result.resumed_from == 4


def test_numbers_that_cannot_be_written_are_named(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").symlink_to("/dev/full")
    with pytest.raises(StorageError, match="metrics.jsonl"):
        fit(small_space(), {"small": small_samples()}, run=tmp_path, settings=replace(SETTINGS, steps=2))
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="file"):
        fit(small_space(), {"small": small_samples()}, run=tmp_path / "file", settings=replace(SETTINGS, steps=2))


def test_damaged_or_foreign_checkpoints_are_named(tmp_path: Path) -> None:
    settings = replace(SETTINGS, steps=2)
    fit(small_space(), {"small": small_samples()}, run=tmp_path, settings=settings)
    good = (tmp_path / "trainer.pt").read_bytes()
    with pytest.raises(DataError, match=r"batch 16 there, 12 now.*another run folder"):
        fit(small_space(), {"small": small_samples()}, run=tmp_path, settings=replace(settings, batch=12))
    with pytest.raises(DataError, match="data"):
        fit(small_space(), {"small": small_samples(seed=1)}, run=tmp_path, settings=settings)
    for damaged in (b"", good[: len(good) // 2], b"not a checkpoint" * 100, good[:2000] + bytes(3000) + good[5000:]):
        (tmp_path / "trainer.pt").write_bytes(damaged)
        with pytest.raises(DataError, match=r"trainer.pt: damaged.*delete"):
            fit(small_space(), {"small": small_samples()}, run=tmp_path, settings=settings)


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "trapped"),)

    torch.save({"step": 1, "identity": Trap()}, tmp_path / "trainer.pt")
    with pytest.raises(DataError, match="damaged"):
        fit(small_space(), {"small": small_samples()}, run=tmp_path, settings=SETTINGS)
    assert not (tmp_path / "trapped").exists()


def test_an_unobserved_pair_adds_nothing_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    cloud = np.ones((8, 3), np.float32)
    batch = collate([{"id": "a", "text": "x", "points": cloud}, {"id": "b", "text": "y", "points": 2 * cloud}])
    space = small_space()
    with caplog.at_level(logging.INFO):
        terms = pair_losses(space, batch, info_nce)
    assert set(terms) == {"points-text"}
    assert "not observed" in caplog.text and "signal-text" in caplog.text
    terms["points-text"].backward()
    assert all(parameter.grad is None for parameter in space.heads["signal"].parameters())
    assert space.log_scales["points-signal"].grad is None


def test_unusable_settings_and_data_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="steps: 0"):
        FitSettings(steps=0)
    with pytest.raises(InputError, match="at least 2"):
        FitSettings(batch=1)
    samples = small_samples()
    samples[3]["signal"] = np.full(6, np.nan, np.float32)
    with pytest.raises(DataError, match=r"'mine', sample 3.*signal: 6 numbers are NaN"):
        fit(small_space(), {"mine": samples}, run=tmp_path, settings=SETTINGS)
    assert not list(tmp_path.iterdir())
