"""A small deterministic space and entries for the tests of this folder."""

from typing import Any

import numpy as np
import pytest

from grounding.library import Entry, Library

DIM = 16
MODALITIES = ("text", "image", "points", "trajectory")


class HashedSpace:
    """Encodes anything to a direction that depends on its content alone."""

    def __init__(self, name: str = "space one") -> None:
        self.name = name

    def fingerprint(self) -> str:
        return self.name

    def encode(self, **modalities: Any) -> dict[str, np.ndarray]:
        return {
            name: np.stack([direction(item) for item in items])
            for name, items in modalities.items()
            if name in MODALITIES
        }


def direction(item: Any) -> np.ndarray:
    """Equal items have equal directions; texts that share their first word are close."""
    content = item.split()[0].encode() if isinstance(item, str) else np.asarray(item, np.float32).tobytes()
    seed = int.from_bytes(content[:4].ljust(4, b"\0"), "little") + sum(content)
    vector = np.random.default_rng(seed).normal(size=DIM)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def make_entry(number: int, modalities: tuple[str, ...] = MODALITIES, **changes: Any) -> Entry:
    generator = np.random.default_rng(number)
    trajectory = np.zeros((5 + number % 3, 8), np.float32)
    trajectory[:, :3] = generator.normal(size=(len(trajectory), 3))
    trajectory[:, 6] = 1
    fields: dict[str, Any] = {
        "id": f"demo-{number:04d}",
        "task": ("OpenDrawer", "PressButton", "TurnKnob")[number % 3],
        "meaning": f"meaning {number % 5}",
        "instruction": f"instruction {number}",
        "trajectory": trajectory,
        "rate": 20.0,
        "metadata": {"split": "train" if number % 2 else "novel-shape", "seed": number, "frame": "part"},
        "vectors": {name: generator.normal(size=DIM) for name in modalities},
        "extras": {"part": generator.normal(size=(4, 3)).astype(np.float32), "ids": np.arange(number + 1)},
    }
    return Entry(**{**fields, **changes})


def unit(vector: np.ndarray) -> np.ndarray:
    return np.asarray(vector) / np.linalg.norm(vector)


@pytest.fixture
def space() -> HashedSpace:
    return HashedSpace()


@pytest.fixture
def library(tmp_path, space) -> Library:
    library = Library.create(tmp_path / "library", space)
    library.add(make_entry(number) for number in range(30))
    return library
