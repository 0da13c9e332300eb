"""Fixtures for all tests, and the marker for tests that need the folder of real data sets."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

REASON = "needs real data sets: set GROUNDING_DATA to their folder"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.environ.get("GROUNDING_DATA"):
        return
    for item in items:
        if "realdata" in item.keywords:
            item.add_marker(pytest.mark.skip(reason=REASON))


@pytest.fixture
def data_folder() -> Path:
    """The folder of real data sets; for tests marked `realdata`."""
    folder = Path(os.environ["GROUNDING_DATA"])
    assert folder.is_dir(), f"GROUNDING_DATA names {folder}, which is no folder"
    return folder


@pytest.fixture
def generator() -> np.random.Generator:
    return np.random.default_rng(0)


COLLECTED = ("--episodes", "4", "--missing-image", "0.3", "--missing-cloud", "0.2")


@dataclass(frozen=True)
class Pipeline:
    """A real, small run: 4 demonstrations a task, 2 held out, 20 steps of training, indexed. To be read only."""

    demonstrations: Path
    heldout: Path
    run: Path


@pytest.fixture(scope="session")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """Made by the commands themselves, once for all tests that want it."""
    from grounding.cli.main import main

    root = tmp_path_factory.mktemp("pipeline")
    made = Pipeline(root / "demonstrations", root / "heldout", root / "run")
    whole = ("--missing-image", "0", "--missing-cloud", "0")
    small = ("--steps", "20", "--batch", "12", "--extra", "12", "--dim", "32")
    for words in (
        ("collect", "--data", made.demonstrations, *COLLECTED),
        ("collect", "--data", made.heldout, "--episodes", "2", "--split", "novel-instance", "--wordings", "test",
         "--seed", "50000", *whole),
        ("train", "--data", made.demonstrations, "--run", made.run, *small),
        ("index", "--run", made.run),
    ):  # fmt: skip
        assert main([str(word) for word in words]) == 0, words
    return made
