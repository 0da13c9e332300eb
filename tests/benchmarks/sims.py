"""How fast the simulated world moves, looks and starts anew, beside the same scenes with the stock Panda meshes.

Run: python -m tests.benchmarks.report sims

One thread; processor seconds, not wall-clock, so that a busy machine changes little; the best of several repetitions
of each, taken in turn, over one scene of every task and seed.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import gymnasium
import pybullet_data

import sims  # noqa: F401  (registers the environments)
from sims.environment import ManipulationEnv
from tests.benchmarks import _sims_control, _sims_frames

TASKS = ("OpenDrawer", "PressButton", "TurnKnob", "PlaceInBin")
SEEDS = (0, 1)
THREADS = {"simulation": 1}
REPETITIONS = 3
STOCK = "stock Panda visual meshes"
ALL = ("image", "depth", "segmentation", "points")

Scenes = list[ManipulationEnv]
Work = Callable[[], tuple[int, float]]


def measure() -> list[dict[str, object]]:
    """Rows for `launch/bench.sh sims`: measure, ours, peer, peer_name, ratio, unit, reach."""
    with _scenes(ALL) as ours, _stock_robot(), _scenes(ALL) as stock:
        looking = _rates(lambda: _steps(ours, 10), lambda: _steps(stock, 10))
    with _scenes(()) as ours:
        moving, _ = _rates(lambda: _steps(ours, 40))
        resets = _rates(lambda: _resets(ours), lambda: _resets_with_stock_robot(ours[:2]))
    return [
        _row("control steps: inverse kinematics and 12 of physics", moving, None, "steps/s", 1000.0),
        *_sims_control.rows(),
        *_sims_frames.rows(),
        _row("steps with two cameras at 192 x 192 and fused cloud", *looking, "steps/s", 50.0),
        _row("scenes rebuilt from nothing, not looked at", *resets, "resets/s", 67.0),
    ]


@contextlib.contextmanager
def _stock_robot() -> Iterator[None]:
    """Robots made in here have the 101,735 faces that pybullet_data draws them with."""
    file = Path(pybullet_data.getDataPath()) / "franka_panda" / "panda.urdf"
    with mock.patch("sims.robot.panda_file", return_value=file):
        yield


@contextlib.contextmanager
def _scenes(obs: tuple[str, ...]) -> Iterator[Scenes]:
    """One environment for every seed and task."""
    envs = []
    for _ in SEEDS:
        for task in TASKS:
            made = gymnasium.make(f"grounding/{task}-v0", obs=obs, disable_env_checker=True).unwrapped
            assert isinstance(made, ManipulationEnv)
            envs.append(made)
    _resets(envs)
    yield envs
    for env in envs:
        env.close()


def _resets(envs: Scenes) -> tuple[int, float]:
    """Begins every scene; how many, and in how many processor seconds."""
    began = time.process_time()
    for index, env in enumerate(envs):
        env.reset(seed=SEEDS[index // len(TASKS)])
    return len(envs), time.process_time() - began


def _resets_with_stock_robot(envs: Scenes) -> tuple[int, float]:
    with _stock_robot():
        return _resets(envs)


def _steps(envs: Scenes, count: int) -> tuple[int, float]:
    """The first steps of the experts' motions; the robots stand where they stood before when this begins."""
    done, seconds = 0, 0.0
    for env in envs:
        actions = env.expert_trajectory()[:count]
        began = time.process_time()
        for action in actions:
            env.step(action)
        seconds += time.process_time() - began
        done += len(actions)
    return done, seconds


def _rates(ours: Work, peer: Work | None = None) -> tuple[float, float | None]:
    best: list[float | None] = [0.0, None if peer is None else 0.0]
    for turn in range(REPETITIONS + 1):
        for which, work in enumerate((ours, peer)):
            if work is not None:
                done, seconds = work()
                if turn:  # the first turn warms caches up
                    best[which] = max(best[which] or 0.0, done / seconds)
    return best[0] or 0.0, best[1]


def _row(measure: str, ours: float, peer: float | None, unit: str, reach: float) -> dict[str, object]:
    return {
        "measure": measure,
        "ours": round(ours, 1),
        "peer": None if peer is None else round(peer, 1),
        "peer_name": None if peer is None else STOCK,
        "ratio": None if peer is None else round(ours / peer, 3),
        "unit": unit,
        "reach": reach,
    }
