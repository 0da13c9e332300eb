"""Two processes do what one does."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

from grounding.space import evaluate, fit
from grounding.space.distributed import gather_objects, gather_rows, rank, share, world
from tests.space.parallel import LOSSES, SETTINGS, gradients, quiet_space
from tests.space.small import small_samples

ROOT = Path(__file__).parents[2]


def in_processes(count: int, *words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(count), *words],
        cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
        timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]


def close(found: dict[str, Tensor], expected: dict[str, Tensor], name: str, floor: float = 1e-6) -> None:
    """Relative error below 1e-5 of each tower, each head, each temperature and each bias, and none absent."""
    assert found.keys() == expected.keys(), name
    for part in {".".join(key.split(".")[:2]) for key in expected}:
        ours, theirs = (
            torch.cat([value.flatten() for key, value in sorted(values.items()) if f"{key}.".startswith(f"{part}.")])
            for values in (found, expected)
        )
        error = (ours - theirs).norm() / theirs.norm().clamp_min(floor)
        assert error < 1e-5, (name, part, float(error))


def test_alone_everything_is_one_process() -> None:
    part = torch.arange(3.0)
    assert (rank(), world(), list(share(5))) == (0, 1, [0, 1, 2, 3, 4])
    assert gather_rows(part) is part and gather_objects("x") == ["x"]


@pytest.mark.slow
def test_the_gradients_of_two_processes_are_those_of_one(tmp_path: Path) -> None:
    in_processes(2, "-m", "tests.space.parallel", "gradients", str(tmp_path))
    found = torch.load(tmp_path / "gradients.pt", weights_only=True)
    expected = {name: gradients(name) for name in LOSSES}
    expected |= {f"{name} in chunks": gradients(name) for name in ("InfoNCE", "Triplet hardest")}
    expected["InfoNCE with memory"] = gradients("InfoNCE", memory=20)
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        close(found[name], values, name)
    assert {"biases.points-text", "log_scales.points-text"} <= found["SigLIP"].keys()


@pytest.mark.slow
def test_a_process_without_samples_takes_part(tmp_path: Path) -> None:
    in_processes(3, "-m", "tests.space.parallel", "few", str(tmp_path))
    found = torch.load(tmp_path / "gradients.pt", weights_only=True)["InfoNCE"]
    # Two samples that are told apart already have gradients that nearly cancel out.
    close(found, gradients("InfoNCE", batch=2, extra=0), "InfoNCE", floor=0.1)


@pytest.mark.slow
def test_training_caching_and_evaluating_in_two_processes_is_that_of_one(tmp_path: Path) -> None:
    for times in (1, 2):
        in_processes(2, "-m", "tests.space.parallel", "fit", str(tmp_path))
        first, second = (torch.load(tmp_path / f"fit-{number}.pt", weights_only=True) for number in (0, 1))
        assert first["steps"] == second["steps"] == (0 if times == 1 else SETTINGS.steps)
        assert first["report"] == second["report"] and first["trained"] == second["trained"]
        assert all(torch.equal(second["state"][key], value) for key, value in first["state"].items())
    space, samples = quiet_space(), small_samples(48)
    fit(space, {"small": samples}, run=tmp_path / "alone", settings=SETTINGS, validation=samples[:20])
    for key, value in space.state_dict().items():
        torch.testing.assert_close(first["state"][key], value, rtol=1e-3, atol=1e-5)
    alone, together = evaluate(space, small_samples(60, seed=9)).as_dict(), json.loads(first["report"])
    assert alone.keys() == together.keys()
    for pair, numbers in alone.items():
        assert together[pair]["n"] == numbers["n"]
        assert together[pair]["R@5"] == pytest.approx(numbers["R@5"], abs=0.05)
    steps = [json.loads(line)["step"] for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert steps == [2, 4, 6]
    assert len(list((tmp_path / "features").glob("*.sqlite"))) == 1
    # And a single process takes up what two have done.
    training = fit(quiet_space(), {"small": samples}, run=tmp_path / "run", settings=SETTINGS, validation=samples[:20])
    assert training.resumed_from == SETTINGS.steps


@pytest.mark.slow
def test_processes_start_with_the_same_weights_and_refuse_other_data(tmp_path: Path) -> None:
    in_processes(2, "-m", "tests.space.parallel", "unlike", str(tmp_path))
    first, second = (torch.load(tmp_path / f"unlike-{number}.pt", weights_only=True) for number in (0, 1))
    assert all(torch.equal(second[name], value) for name, value in first.items())
    for number in (0, 1):
        assert f"process {number} of 2 has other data or settings" in (tmp_path / f"error-{number}.txt").read_text()
