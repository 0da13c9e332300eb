"""Fixtures for all tests, and the marker for tests that need the folder of real data sets."""

import os
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
