"""Data sets that the real package minari wrote."""

import json
import re
import warnings

import h5py
import numpy as np
import pytest
from gymnasium import spaces

from grounding.datasets import minari
from grounding.datasets.minari import read
from grounding.errors import DataError
from tests.datasets.conftest import make_demonstration


def create(tmp_path, monkeypatch, episodes, observation_space, action_space, data_format="hdf5", **options):
    """The folder of a data set that minari itself wrote."""
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    # Imported by its name: the module under test has the same.
    from minari import create_dataset_from_buffers
    from minari.data_collector import EpisodeBuffer

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        create_dataset_from_buffers(
            "drawers/test-v0",
            [EpisodeBuffer(**episode) for episode in episodes],
            observation_space=observation_space,
            action_space=action_space,
            data_format=data_format,
            **options,
        )
    return tmp_path / "drawers" / "test-v0"


def box(*shape, kind=np.float32, low=-10, high=10):
    return spaces.Box(low, high, shape, kind)


OURS = spaces.Dict(
    {
        "instruction": spaces.Text(400),
        "proprioception": box(15),
        "image": box(2, 32, 32, 3, kind=np.uint8, low=0, high=255),
        "points": box(200, 3),
        "colors": box(200, 3, kind=np.uint8, low=0, high=255),
        "segments": box(200, kind=np.int32, low=0, high=1000),
    }
)


def as_in_sims(demonstration, number):
    """An episode with the observations of our environments, seen once."""
    count = len(demonstration.trajectory)

    def repeated(values):
        return np.repeat(values[None], count + 1, axis=0)

    tool = np.concatenate([demonstration.trajectory[:1], demonstration.trajectory])
    return {
        "id": number,
        "seed": demonstration.seed,
        "observations": {
            "instruction": [demonstration.instructions[0]] * (count + 1),
            "proprioception": np.column_stack([np.zeros((count + 1, 7), np.float32), tool]),
            **{name: repeated(getattr(demonstration, name)) for name in ("image", "points", "colors", "segments")},
        },
        "actions": demonstration.trajectory,
        "rewards": [0.0] * (count - 1) + [float(number == 0)],
        "terminations": [False] * (count - 1) + [True],
        "truncations": [False] * count,
        "infos": {"parts": repeated(np.array(demonstration.parts))},
    }


@pytest.fixture
def folder(tmp_path, monkeypatch):
    episodes = [as_in_sims(make_demonstration(number), number) for number in range(2)]
    return create(tmp_path, monkeypatch, episodes, OURS, box(8))


def test_episodes_of_our_environments_become_the_demonstrations_that_they_were(folder):
    for number, found in enumerate(read(folder)):
        asked = make_demonstration(number)
        np.testing.assert_allclose(found.trajectory, asked.trajectory, atol=1e-6)
        assert found.instructions == asked.instructions[:1] and found.parts == asked.parts and found.rate == 20
        for name in ("image", "points", "colors", "segments"):
            np.testing.assert_array_equal(getattr(found, name), getattr(asked, name))
        assert found.success == (number == 0) and found.seed == asked.seed and found.id == f"test-{number}"
    assert [one.id for one in read(folder / "data", rate=10)] == ["test-0", "test-1"]


def other(count, number):
    """An episode of another environment: two cameras, a gripper's pose, and actions of another kind."""
    pictures = np.random.default_rng(number).integers(0, 256, (count + 1, 4, 4, 3), np.uint8)
    return {
        "id": number,
        "observations": {
            "front": np.full((count + 1, 40, 48, 3), 200, np.uint8),
            "wrist": np.full((count + 1, 40, 48, 3), 90, np.uint8),
            "tiny": pictures,
            "pose": np.arange((count + 1) * 7, dtype=np.float64).reshape(count + 1, 7),
        },
        "actions": np.zeros((count, 4), np.float32),
        "rewards": np.ones(count),
        "terminations": [False] * count,
        "truncations": [False] * count,
    }


def test_other_environments_need_to_say_what_their_trajectory_is(tmp_path, monkeypatch):
    picture = box(40, 48, 3, kind=np.uint8, low=0, high=255)
    seen = spaces.Dict(
        {"front": picture, "wrist": picture, "tiny": box(4, 4, 3, kind=np.uint8, low=0, high=255),
         "pose": box(7, kind=np.float64, high=1e6)}
    )  # fmt: skip
    episodes = [other(5, number) for number in range(11)]
    folder = create(tmp_path, monkeypatch, episodes, seen, box(4), description="push the cube")
    with pytest.raises(DataError, match=r"episode_0/actions: no rows of x y z .*give `trajectory`"):
        read(folder)

    def pose(episode):
        rows = episode["observations"]["pose"][:-1]
        return np.column_stack([rows[:, :3], np.tile([1.0, 0, 0, 0], (len(rows), 1)), 1 - rows[:, 6] % 2])

    found = read(folder, trajectory=pose)
    assert [one.id for one in found] == [f"test-{number}" for number in range(11)], "by number, not by letter"
    first = found[0]
    assert first.instructions == ("push the cube",) and first.trajectory.shape == (5, 8) and first.success
    # Kept as JPEG by minari, and only those of one size side by side.
    assert first.image.shape == (2, 40, 48, 3)
    assert np.abs(first.image.mean(axis=(1, 2, 3)) - [200, 90]).max() < 3
    with pytest.raises(DataError, match=r"trajectory of shape \(6, 7\); expected \(T, 8\)"):
        read(folder, trajectory=lambda episode: episode["observations"]["pose"])


def edit(folder, **changes):
    path = folder / "data" / "metadata.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda f: edit(f, data_format="arrow"), "metadata.json: data_format is 'arrow'; expected 'hdf5'"),
        (lambda f: edit(f, total_episodes=3), "main_data.hdf5: 2 episodes; metadata.json promises 3"),
        (lambda f: edit(f, observation_space="{"), "metadata.json: cannot be read"),
        (lambda f: (f / "data/metadata.json").unlink(), "metadata.json: no such file; expected the folder of a Minari"),
        (lambda f: (f / "data/metadata.json").write_text("[]"), "metadata.json: cannot be read"),
        (lambda f: (f / "data/main_data.hdf5").unlink(), "main_data.hdf5: no such file"),
        (lambda f: (f / "data/main_data.hdf5").write_bytes(b"noise" * 99), "main_data.hdf5: cannot be read as HDF5"),
    ],
)
def test_what_is_missing_or_damaged_is_named(folder, harm, words):
    harm(folder)
    with pytest.raises(DataError, match=re.escape(words)):
        read(folder)


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("rewards", None, "episode_1/rewards: no such data set; actions, infos"),
        ("actions", np.full((3, 8), np.nan), "episode_1/actions: NaN or infinity"),
        ("actions", np.ones((3, 8)) * 0, "episode_1: demonstration 'test-1': trajectory has a quaternion of length 0"),
        ("observations/image", np.zeros(3), "episode_1: demonstration 'test-1': image"),
        ("observations/points", np.zeros(3), "episode_1: "),
    ],
)
def test_a_spoilt_episode_is_named(folder, name, values, words):
    with h5py.File(folder / "data" / "main_data.hdf5", "r+") as file:
        del file[f"episode_1/{name}"]
        if values is not None:
            file[f"episode_1/{name}"] = values
    with pytest.raises(DataError, match=re.escape(words)) as caught:
        read(folder)
    assert "main_data.hdf5" in str(caught.value)


def test_the_package_itself_is_not_needed():
    """Reading imports nothing of minari: the names belong to different modules."""
    assert minari.__name__ == "grounding.datasets.minari" and "create_dataset_from_buffers" not in vars(minari)
