"""Small, complete demonstrations for the tests of this folder."""

from collections.abc import Callable

import numpy as np
import pytest

from grounding.datasets import Demonstration
from grounding.trajectories import densify

Make = Callable[..., Demonstration]


def make_demonstration(number: int = 0, **changes: object) -> Demonstration:
    generator = np.random.default_rng(number)
    waypoints = np.zeros((4, 8))
    waypoints[:, :3] = generator.uniform([0.3, -0.2, 0.2], [0.6, 0.2, 0.5], (4, 3))
    waypoints[:, 3:7] = generator.normal(size=(4, 4))
    waypoints[:, 3:7] /= np.linalg.norm(waypoints[:, 3:7], axis=1, keepdims=True)
    waypoints[:, 7] = [1, 1, 0, 0]
    fields: dict[str, object] = {
        "id": f"OpenDrawer-train-{number:06d}",
        "task": "OpenDrawer",
        "split": "train",
        "seed": number,
        "meaning": "OpenDrawer top",
        "instructions": tuple(f"{verb} the top drawer" for verb in ("open", "pull", "slide open", f"tug {number % 3}")),
        "trajectory": densify(waypoints, 20.0),
        "rate": 20.0,
        "success": True,
        "image": generator.integers(0, 256, (2, 32, 32, 3), dtype=np.uint8),
        "points": generator.normal(size=(200, 3)).astype(np.float32),
        "colors": generator.integers(0, 256, (200, 3), dtype=np.uint8),
        "segments": (1 + np.arange(200) % 4).astype(np.int32),
        "parts": (2,),
        "meanings": {2: "OpenDrawer top", 3: "OpenDrawer bottom"},
    }
    return Demonstration(**{**fields, **changes})  # type: ignore[arg-type]


@pytest.fixture
def make() -> Make:
    return make_demonstration
