"""robomimic's HDF5 layout: what is written comes back, others' files are read, and bad ones are named."""

import dataclasses
import json
import re
import resource
import signal

import h5py
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from grounding.datasets import robomimic
from grounding.datasets.robomimic import read, write
from grounding.errors import DataError, InputError, StorageError
from tests.datasets.conftest import make_demonstration


@pytest.fixture
def path(tmp_path):
    write([make_demonstration(number, split="novel-shape" if number == 2 else "train") for number in range(3)],
          tmp_path / "set.hdf5")  # fmt: skip
    return tmp_path / "set.hdf5"


def assert_equal(first, second):
    for field in dataclasses.fields(first):
        left, right = getattr(first, field.name), getattr(second, field.name)
        if isinstance(left, np.ndarray):
            assert left.dtype == right.dtype, field.name
            np.testing.assert_array_equal(left, right, err_msg=field.name)
        else:
            assert left == right, field.name


def test_everything_comes_back_exactly(tmp_path):
    written = [
        make_demonstration(0),
        make_demonstration(1, image=None),
        make_demonstration(2, points=None, colors=None, segments=None, parts=(), success=False, rate=10.0),
        make_demonstration(3, task="PlaceInBin", parts=(4, 1), meanings={4: "größe, rot", 1: "bin"}),
        *(make_demonstration(number, image=None) for number in range(4, 12)),
    ]
    write(written, tmp_path / "a" / "set.hdf5")
    for first, second in zip(written, read(tmp_path / "a" / "set.hdf5"), strict=True):
        assert_equal(first, second)
    write(written, tmp_path / "again.hdf5")
    assert (tmp_path / "again.hdf5").read_bytes() == (tmp_path / "a" / "set.hdf5").read_bytes()


def test_the_layout_is_that_of_robomimic(path):
    """As its documentation lists it."""
    path_of_tool = make_demonstration(1).trajectory
    with h5py.File(path) as file:
        data = file["data"]
        assert data.attrs["total"] == sum(len(make_demonstration(number).trajectory) for number in range(3))
        environment = json.loads(data.attrs["env_args"])
        assert environment["env_name"] == "grounding/OpenDrawer-v0" and environment["type"] == 2
        assert environment["env_kwargs"]["control_freq"] == 20
        demo = data["demo_1"]
        count = demo.attrs["num_samples"]
        assert count == len(path_of_tool)
        assert all(len(demo[name]) == count for name in ("actions", "states", "rewards", "dones"))
        assert demo["rewards"][:].tolist() == demo["dones"][:].tolist() == [0] * (count - 1) + [1]
        np.testing.assert_array_equal(demo["actions"][:-1], path_of_tool[1:])
        assert demo["obs"].keys() == demo["next_obs"].keys()
        for name in demo["obs"]:
            np.testing.assert_array_equal(demo["next_obs"][name][:-1], demo["obs"][name][1:])
        np.testing.assert_array_equal(demo["obs/robot0_eef_quat"], path_of_tool[:, 3:7])
        np.testing.assert_allclose(demo["obs/robot0_gripper_qpos"][0], [0.04, -0.04])
        assert file["mask/train"][:].tolist() == [b"demo_0", b"demo_1"]
    assert [one.seed for one in read(path, mask="novel-shape")] == [2]


def another(path, *, libero=False, **attributes):
    """A file as robosuite or LIBERO write it."""
    generator = np.random.default_rng(3)
    positions = generator.normal(size=(6, 3))
    turns = Rotation.random(6, rng=generator)
    fingers = np.linspace([0.04, -0.04], [0, 0], 6)
    with h5py.File(path, "w") as file:
        data = file.create_group("data")
        data.attrs.update(attributes)
        for number in (0, 10, 2):
            demo = data.create_group(f"demo_{number}")
            observed = demo.create_group("obs")
            if libero:
                observed["ee_pos"], observed["ee_ori"] = positions, turns.as_rotvec()
                observed["gripper_states"] = fingers
            else:
                observed["robot0_eef_pos"], observed["robot0_eef_quat"] = positions, -turns.as_quat(canonical=True)
                observed["robot0_gripper_qpos"] = fingers
            for camera, value in (("agentview", 7), ("wrist", 9)):
                observed[f"{camera}_image"] = np.full((6, 8, 8, 3), value, np.uint8)
            observed["object"] = np.zeros((6, 10))
            demo["actions"] = np.zeros((6, 7))
            demo["rewards"] = np.array([0, 0, 0, 0, 0, float(number < 10)])
        file["mask/valid"] = np.array([b"demo_10"])
    return positions, turns, fingers


def test_robosuites_files_are_read(tmp_path):
    path = tmp_path / "can.hdf5"
    told = {"env_name": "PickPlaceCan", "type": 1, "env_kwargs": {"control_freq": 10}}
    positions, turns, fingers = another(path, env_args=json.dumps(told))
    found = read(path)
    assert [one.id for one in found] == ["can-demo_0", "can-demo_2", "can-demo_10"], "by number, not by letter"
    assert [one.success for one in found] == [True, True, False]
    first = found[0]
    assert (first.task, first.instructions, first.rate) == ("PickPlaceCan", ("pick place can",), 10)
    np.testing.assert_allclose(first.trajectory[:, :3], positions, atol=1e-6)
    assert (Rotation.from_quat(first.trajectory[:, 3:7]).inv() * turns).magnitude().max() < 1e-5
    np.testing.assert_allclose(first.trajectory[:, 7], fingers[:, 0] / 0.04, atol=1e-6)
    assert first.image[:, 0, 0, 0].tolist() == [7, 9] and first.points is None
    assert [one.split for one in read(path, mask="valid")] == ["valid"]


def test_liberos_files_are_read(tmp_path):
    problem = {"problem_name": "libero_kitchen", "language_instruction": "open the top drawer"}
    _, turns, _ = another(tmp_path / "x.hdf5", libero=True, problem_info=json.dumps(problem))
    first = read(tmp_path / "x.hdf5")[0]
    assert first.instructions == ("open the top drawer",) and first.task == "libero_kitchen" and first.rate == 20
    assert (Rotation.from_quat(first.trajectory[:, 3:7]).inv() * turns).magnitude().max() < 1e-5


def changed(path, change):
    with h5py.File(path, "r+") as file:
        change(file)
    return path


def replaced(name, values):
    def change(file):
        del file[name]
        if values is not None:
            file[name] = values

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (replaced("data", None), "/data: no such group; mask found beside it"),
        (replaced("data/demo_1/states", None), "/data/demo_1/states: no such data set; actions, dones"),
        (
            replaced("data/demo_1/states", np.zeros((4, 7))),
            "float64 of shape (4, 7); expected numbers of shape",
        ),
        (replaced("data/demo_1/states", np.full((4, 8), np.nan)), "states: NaN or infinity in it"),
        (replaced("data/demo_1/states", np.zeros((4, 8), np.float32)), "trajectory has a quaternion of length 0.0000"),
        (replaced("data/demo_1/states", "a text"), "states: object of shape (); expected numbers"),
        (lambda file: file["data/demo_1"].attrs.update(demonstration="{"), "demonstration: attribute is no JSON"),
        (
            lambda file: file["data/demo_1"].attrs.update(demonstration="[]"),
            "attribute is list; expected a JSON object",
        ),
        (lambda file: file["data/demo_1"].attrs.update(demonstration='{"id": 3}'), "demo_1: what it tells cannot be"),
    ],
)
def test_what_is_missing_or_wrong_is_named_with_file_and_key(path, change, words):
    with pytest.raises(DataError, match=re.escape(words)) as caught:
        read(changed(path, change))
    assert str(path) in str(caught.value)


def test_of_other_files_what_a_trajectory_needs_is_named(tmp_path):
    path = tmp_path / "x.hdf5"
    another(path)
    with pytest.raises(DataError, match=r"obs/robot0_eef_quat: no such data set; agentview_image, object"):
        read(changed(path, replaced("data/demo_2/obs/robot0_eef_quat", None)))
    with pytest.raises(DataError, match=r"mask/test: no such data set; valid found beside it"):
        read(path, mask="test")
    with h5py.File(tmp_path / "empty.hdf5", "w") as file:
        file.create_group("data")
    with pytest.raises(DataError, match="holds no demonstrations"):
        read(tmp_path / "empty.hdf5")


@pytest.mark.parametrize("harm", ["empty", "cut", "noise", "missing"])
def test_a_damaged_file_is_named(path, harm):
    content = path.read_bytes()
    if harm == "missing":
        path.unlink()
    else:
        path.write_bytes({"empty": b"", "cut": content[: len(content) // 2], "noise": b"\x80noise" * 99}[harm])
    with pytest.raises(DataError, match=path.name):
        read(path)


def test_damage_in_the_middle_is_named(path):
    """Compressed pictures that do not decompress."""
    content = bytearray(path.read_bytes())
    with h5py.File(path) as file:
        chunk = file["data/demo_1/start/image"].id.get_chunk_info(0)
    content[chunk.byte_offset + 20 : chunk.byte_offset + 60] = bytes(40)
    path.write_bytes(content)
    with pytest.raises(DataError, match=path.name):
        read(path)


def test_what_cannot_be_written_is_refused_and_leaves_nothing(tmp_path):
    path = tmp_path / "set.hdf5"
    with pytest.raises(DataError, match="no demonstrations to write"):
        write([], path)
    with pytest.raises(InputError, match="two demonstrations have the id"):
        write([make_demonstration(0), make_demonstration(0)], path)
    with pytest.raises(DataError, match="task is"):
        write([make_demonstration(0, task="")], path)
    assert not list(tmp_path.iterdir())
    path.write_text("a file")
    with pytest.raises(StorageError, match="cannot be written"):
        write([make_demonstration(0)], path / "set.hdf5")


def test_a_full_disk_is_a_storage_error_and_leaves_nothing_half_written(path):
    """A limit on the size of a file makes the operating system refuse the write as a full disk does."""
    before, limits = path.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        with pytest.raises(StorageError, match=r"set\.hdf5: cannot be written"):
            write([make_demonstration(number) for number in range(9)], path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    assert path.read_bytes() == before and list(path.parent.iterdir()) == [path]


def test_names_become_words():
    assert robomimic._spoken("NutAssemblySquare") == "nut assembly square"
    assert robomimic._spoken("kitchen_mixed") == "kitchen mixed"
