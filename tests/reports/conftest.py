"""A report as a real run would fill it, from random numbers."""

import numpy as np
import pytest

from grounding.policies.results import Episode
from grounding.reports import Filmstrip, Report, SpaceMap

TASKS = ("OpenDrawer", "PlaceInBin", "PressButton", "TurnKnob")
RATES = {"ours": 0.88, "expert": 0.99, "random": 0.06, "text": 0.55, "points": 0.7, "image": 0.6}
REASONS = ("the gripper missed the part", "the part moved too little", "the object slipped", "time ran out")


def example_episodes(seed: int = 0, each: int = 10) -> list[Episode]:
    """Episodes of every method on every task of two splits; the first method is tried twice as often."""
    generator = np.random.default_rng(seed)
    episodes = []
    for method, rate in RATES.items():
        for split, drop in (("novel-instance", 0.0), ("novel-shape", 0.12)):
            for task in TASKS:
                for number in range(each * 2 if method == "ours" else each):
                    success = bool(generator.random() < rate - drop)
                    shortest = float(generator.uniform(0.3, 0.6))
                    episodes.append(
                        Episode(
                            method=method,
                            task=task,
                            split=split,
                            seed=number,
                            instruction="pull the <top> drawer open",
                            success=success,
                            seconds=float(generator.uniform(3, 8)),
                            path_length=shortest * float(generator.uniform(1.02, 1.6)),
                            shortest_path=shortest,
                            retrieved=None if method == "expert" else f"{task}-train-{number:06d}",
                            retrieved_task=None if method == "expert" else task if success else "TurnKnob",
                            failure="" if success else str(generator.choice(REASONS)),
                            dtw_mt=0.0 if method == "expert" else float(generator.uniform(2, 20)),
                            joint_violations=int(generator.integers(2)),
                            peak_force=float(generator.uniform(0, 150)),
                        )
                    )
    return episodes


def long_episodes(tasks: int) -> list[Episode]:
    """Two methods on so many tasks of three sub-goals, all met by the expert and the first alone by the other."""
    return [
        Episode(
            method, f"Task{number:02}", "novel-category", 0, "tidy up", method == "expert", 20.0, 3.0, 2.0,
            failure="" if method == "expert" else "met 1 of 3 sub-goals", dtw_mt=0.0 if method == "expert" else 12.0,
            subgoals=(True, method == "expert", method == "expert"),
        )
        for method in ("ours", "expert")
        for number in range(tasks)
    ]  # fmt: skip


def example_filmstrip(success: bool, seed: int) -> Filmstrip:
    """A red square that walks over a table."""
    generator = np.random.default_rng(seed)
    frames = []
    for step in range(6):
        frame = np.full((128, 128, 3), (214, 205, 190), dtype=np.uint8)
        frame[:40] = (176, 190, 205)
        frame[60 : 80 + seed, 16 * step + 8 : 16 * step + 30] = (200, 60, 50)
        noise = generator.integers(-6, 7, frame.shape)
        frames.append(np.clip(frame + noise, 0, 255).astype(np.uint8))
    ending = "" if success else ", failed: the gripper missed the part"
    return Filmstrip(frames, f"ours, OpenDrawer, novel-shape: “pull the top drawer open”{ending}", success)


def example_map(seed: int = 0) -> SpaceMap:
    """Four clusters, one a task, in which four modalities mix."""
    generator = np.random.default_rng(seed)
    tasks = [task for task in TASKS for _ in range(100)]
    modalities = [("text", "image", "points", "trajectory")[i % 4] for i in range(400)]
    centres = np.repeat([[0, 0], [4, 1], [1, 4], [4.5, 4.5]], 100, axis=0)
    positions = centres + generator.normal(size=(400, 2)) * 0.8
    return SpaceMap(
        positions, tasks, modalities, "Embeddings of 100 held-out demonstrations, laid flat by PCA and t-SNE."
    )


def example_retrieval(a: str, b: str, generator: np.random.Generator) -> dict[str, object]:
    """One row of what an evaluation gives; pictures and clouds never were in one sample."""
    row: dict[str, object] = {"kind": "emergent" if {a, b} == {"image", "points"} else "paired"}
    for place, rate in enumerate(("R@1", "R@5", "R@10", "mAP")):
        value = float(generator.uniform(0.2 * place + 0.1, 0.2 * place + 0.3))
        row |= {rate: value, f"{rate} low": value - 0.06, f"{rate} high": value + 0.07}
        row[f"chance {rate}"] = (place + 1) / 120
    return row | {
        "median rank": float(generator.integers(1, 9)),
        "n": 1000,
        "gallery": 120,
        "gap": float(generator.uniform(0.2, 1.0)),
        "alignment": 0.7,
        "query uniformity": -2.1,
        "gallery uniformity": -2.5,
    }


def example_report(seed: int = 0) -> Report:
    """A complete report; equal seeds give equal reports."""
    generator = np.random.default_rng(seed)
    names = ("text", "image", "points", "trajectory")
    retrieval = {f"{a}->{b}": example_retrieval(a, b, generator) for a in names for b in names if a != b}
    return Report(
        title="Told in words, done by a robot arm",
        lead=(
            "A Franka Panda arm was told in words what to do with objects it had never seen. For each instruction it "
            "searched 320 demonstrations through one embedding space of words, pictures, point clouds and motions, "
            "carried the best motion over to the object in front of it and executed it.\n\n"
            "The methods below it differ only in how the demonstration is chosen."
        ),
        episodes=example_episodes(seed),
        seconds=412.3,
        demonstrations=320,
        retrieval=retrieval,
        space_map=example_map(seed),
        filmstrips=[example_filmstrip(success, number) for success in (True, False) for number in range(3)],
        settings={"train": {"steps": 1500, "batch": 128, "learning_rate": 3e-4}, "tasks": TASKS, "wordings": None},
        seeds={"demonstrations": 0, "training": 1, "evaluation": 2},
    )


@pytest.fixture
def report() -> Report:
    return example_report()
