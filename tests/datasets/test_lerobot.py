import dataclasses
import json
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from grounding.datasets.lerobot import DatasetWriter, is_complete, read, write
from grounding.errors import DataError, InputError, StorageError
from tests.datasets.conftest import make_demonstration


@pytest.fixture
def folder(tmp_path):
    write([make_demonstration(number) for number in range(3)], tmp_path / "set", fps=20)
    return tmp_path / "set"


def assert_equal(first, second):
    for field in dataclasses.fields(first):
        left, right = getattr(first, field.name), getattr(second, field.name)
        if isinstance(left, np.ndarray):
            assert left.dtype == right.dtype, field.name
            np.testing.assert_array_equal(left, right, err_msg=field.name)
        else:
            assert left == right, field.name


def files(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_everything_comes_back_exactly(tmp_path):
    written = [
        make_demonstration(0),
        make_demonstration(1, image=None),
        make_demonstration(2, points=None, colors=None, segments=None, parts=(), success=False),
        make_demonstration(3, task="PlaceInBin", parts=(4, 1), meanings={4: "größe, rot", 1: "bin"}),
    ]
    write(written, tmp_path, fps=20)
    back = read(tmp_path)
    assert len(back) == 4
    for first, second in zip(written, back, strict=True):
        assert_equal(first, second)


def test_the_frames_are_those_of_lerobot(folder):
    demonstration = make_demonstration(1)
    table = pq.ParquetFile(folder / "data/chunk-000/file-001.parquet").read().to_pydict()
    count = len(demonstration.trajectory)
    np.testing.assert_array_equal(table["observation.state"], demonstration.trajectory)
    np.testing.assert_array_equal(table["action"][:-1], demonstration.trajectory[1:])
    np.testing.assert_array_equal(table["action"][-1], demonstration.trajectory[-1])
    np.testing.assert_allclose(table["timestamp"], np.arange(count) / 20, atol=1e-6)
    before = len(make_demonstration(0).trajectory)
    assert table["index"] == list(range(before, before + count))
    assert table["frame_index"] == list(range(count))
    assert set(table["episode_index"]) == {1}


def test_tasks_are_indexed_by_their_words_as_pandas_reads_them(tmp_path):
    wordings = ("open the drawer", "pull the drawer open")
    swapped = wordings[::-1]
    numbers = [make_demonstration(n, instructions=words) for n, words in enumerate((wordings, swapped, wordings))]
    write(numbers, tmp_path, fps=20)
    tasks = pd.read_parquet(tmp_path / "meta/tasks.parquet")
    assert tasks.index.name == "task"
    assert list(tasks.index) == list(wordings)
    assert list(tasks["task_index"]) == [0, 1]
    data = [pq.ParquetFile(tmp_path / f"data/chunk-000/file-00{n}.parquet").read() for n in range(3)]
    assert [table["task_index"][0].as_py() for table in data] == [0, 1, 0]


def test_statistics_are_those_of_the_frames(folder):
    frames = np.concatenate([make_demonstration(number).trajectory for number in range(3)]).astype(np.float64)
    stats = json.loads((folder / "meta/stats.json").read_text())["observation.state"]
    np.testing.assert_allclose(stats["mean"], frames.mean(axis=0), atol=1e-9)
    np.testing.assert_allclose(stats["std"], frames.std(axis=0), atol=1e-9)
    np.testing.assert_allclose(stats["q10"], np.quantile(frames, 0.1, axis=0), atol=1e-9)
    assert stats["count"] == [len(frames)]
    episodes = pq.ParquetFile(folder / "meta/episodes/chunk-000/file-000.parquet").read().to_pylist()
    own = make_demonstration(2).trajectory
    np.testing.assert_allclose(episodes[2]["stats/observation.state/max"], own.max(axis=0))
    assert episodes[2]["stats/action/count"] == [len(own)]


@pytest.mark.parametrize(
    ("command", "clean"), [("robovet doctor", "0 fail · 0 warn"), ("lerobot-doctor check", "PASS")]
)
def test_outside_checkers_find_no_failure(folder, command, clean):
    program, verb = command.split()
    done = subprocess.run(
        [Path(sys.executable).with_name(program), verb, folder], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert clean in done.stdout
    assert "[FAIL]" not in done.stdout


def test_an_unfinished_folder_goes_on_to_the_same_files(tmp_path, folder):
    writer = DatasetWriter(tmp_path / "again", fps=20)
    writer.add(make_demonstration(0))
    writer.add(make_demonstration(1))
    assert not is_complete(tmp_path / "again")
    with pytest.raises(DataError, match="run `grounding collect` again, it resumes"):
        read(tmp_path / "again")

    with DatasetWriter(tmp_path / "again", fps=20) as writer:
        assert writer.existing() == ["OpenDrawer-train-000000", "OpenDrawer-train-000001"]
        writer.add(make_demonstration(2))
    assert is_complete(tmp_path / "again")
    assert files(tmp_path / "again") == files(folder)


def test_an_error_inside_the_block_leaves_it_unfinished(tmp_path):
    with pytest.raises(KeyboardInterrupt), DatasetWriter(tmp_path, fps=20) as writer:
        writer.add(make_demonstration(0))
        raise KeyboardInterrupt
    assert DatasetWriter(tmp_path, fps=20).existing() == ["OpenDrawer-train-000000"]


def test_a_kill_loses_no_stored_demonstration_and_resumes(tmp_path, folder):
    script = """
        import sys
        from grounding.datasets.lerobot import DatasetWriter
        from tests.datasets.conftest import make_demonstration
        with DatasetWriter(sys.argv[1], fps=20) as writer:
            for number in range(1000):
                writer.add(make_demonstration(number))
                print(number, flush=True)
    """
    target = tmp_path / "killed"
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script), target], stdout=subprocess.PIPE, text=True, env=environment()
    )
    assert process.stdout is not None
    for line in process.stdout:
        if int(line) == 4:
            break
    time.sleep(0.01)
    process.kill()
    process.wait()
    process.stdout.close()
    writer = DatasetWriter(target, fps=20)
    assert len(writer.existing()) >= 5
    writer.close()
    for number, demonstration in enumerate(read(target)):
        assert_equal(demonstration, make_demonstration(number))


def environment():
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}


@pytest.mark.parametrize(
    ("limit", "changes", "name"),
    [
        (100, {}, ".parquet"),
        (20_000, {"image": (2, 96, 96, 3)}, "camera0.png"),
        (20_000, {"points": (4000, 3), "colors": (4000, 3), "segments": (4000,)}, ".npz"),
    ],
)
def test_a_full_disk_is_a_storage_error_and_leaves_nothing_half_written(tmp_path, limit, changes, name):
    """A limit on the size of a file makes the operating system refuse the write as a full disk does."""
    script = f"""
        import resource, signal, sys
        import numpy as np
        from grounding.datasets.lerobot import DatasetWriter
        from grounding.errors import StorageError
        from tests.datasets.conftest import make_demonstration
        generator = np.random.default_rng(0)
        kinds = {{"image": np.uint8, "points": np.float32, "colors": np.uint8, "segments": np.int32}}
        large = {{key: (1 + 99 * generator.random(shape)).astype(kinds[key]) for key, shape in {changes}.items()}}
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        writer = DatasetWriter(sys.argv[1], fps=20)
        writer.add(make_demonstration(0))
        resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, resource.RLIM_INFINITY))
        try:
            writer.add(make_demonstration(1, **large))
        except StorageError as error:
            print(error)
            sys.exit(7)
    """
    command = [sys.executable, "-c", textwrap.dedent(script), tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(), timeout=60)
    assert done.returncode == 7, done.stdout + done.stderr
    assert "cannot be written" in done.stdout
    assert str(tmp_path) in done.stdout
    assert name in done.stdout
    assert not list(tmp_path.rglob(".*.tmp"))
    writer = DatasetWriter(tmp_path, fps=20)
    assert writer.existing() == ["OpenDrawer-train-000000"]
    writer.add(make_demonstration(1))
    writer.close()
    assert len(read(tmp_path)) == 2


def test_a_folder_that_is_a_file_is_a_storage_error(tmp_path):
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(StorageError, match="taken"):
        DatasetWriter(tmp_path / "taken", fps=20).add(make_demonstration(0))


def test_the_writer_refuses_what_does_not_fit(tmp_path, folder):
    with pytest.raises(InputError, match="already holds a complete data set"):
        DatasetWriter(folder, fps=20)
    with pytest.raises(InputError, match="fps is 0"):
        DatasetWriter(tmp_path / "new", fps=0)
    writer = DatasetWriter(tmp_path / "new", fps=20)
    with pytest.raises(DataError, match="no demonstrations"):
        writer.close()
    writer.add(make_demonstration(0))
    with pytest.raises(InputError, match="stored already"):
        writer.add(make_demonstration(0))
    with pytest.raises(InputError, match="10 rows per second"):
        writer.add(make_demonstration(1, rate=10.0))
    with pytest.raises(DataError, match="task is"):
        writer.add(make_demonstration(1, task=""))
    with pytest.raises(DataError, match="at 20.0 frames per second"):
        DatasetWriter(tmp_path / "new", fps=10)
    assert writer.existing() == ["OpenDrawer-train-000000"]


def test_a_missing_an_empty_and_a_foreign_folder(tmp_path, folder):
    with pytest.raises(DataError, match="no such folder"):
        read(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="meta/info.json is missing"):
        read(tmp_path / "empty")
    info = folder / "meta/info.json"
    content = json.loads(info.read_text())
    for changes, words in (
        ({"codebase_version": "v2.1"}, "'v2.1'; expected 'v3.0'"),
        ({"total_episodes": 0}, "holds no demonstrations"),
        ({"total_episodes": 4}, "promises 4"),
        ({"fps": None}, "fps is missing"),
    ):
        info.write_text(json.dumps({**content, **changes}))
        with pytest.raises(DataError, match=words) as caught:
            read(folder)
        assert str(folder) in str(caught.value)


@pytest.mark.parametrize(
    "name",
    [
        "meta/info.json",
        "meta/episodes/chunk-000/file-000.parquet",
        "data/chunk-000/file-001.parquet",
        "images/chunk-000/episode_000001_camera1.png",
        "points/chunk-000/episode_000001.npz",
    ],
)
@pytest.mark.parametrize("harm", ["empty", "cut", "noise", "missing"])
def test_a_damaged_file_is_named(folder, name, harm):
    path = folder / name
    content = path.read_bytes()
    if harm == "missing":
        path.unlink()
    else:
        path.write_bytes({"empty": b"", "cut": content[: len(content) // 2], "noise": b"\x80noise" * 20}[harm])
    with pytest.raises(DataError, match=path.name):
        read(folder)


def test_a_stored_demonstration_that_is_not_valid_is_named(folder):
    path = folder / "points/chunk-000/episode_000001.npz"
    with np.load(path) as archive:
        arrays = dict(archive)
    arrays["points"][0, 0] = np.nan
    np.savez(path, **arrays)
    with pytest.raises(DataError, match="OpenDrawer-train-000001.*NaN"):
        read(folder)


def test_a_pickled_array_is_not_loaded(folder):
    path = folder / "points/chunk-000/episode_000001.npz"
    np.savez(path, points=np.array([{"a": 1}], dtype=object), colors=np.zeros(1), segments=np.zeros(1))
    with pytest.raises(DataError, match="episode_000001.npz"):
        read(folder)


def test_more_than_a_thousand_episodes_go_into_chunks(tmp_path):
    from grounding.datasets.lerobot import _data_path

    assert str(_data_path(999)) == "data/chunk-000/file-999.parquet"
    assert str(_data_path(1000)) == "data/chunk-001/file-000.parquet"


def test_adding_is_fast_enough_not_to_matter(tmp_path):
    demonstrations = [make_demonstration(number) for number in range(12)]
    writer = DatasetWriter(tmp_path, fps=20)
    writer.add(demonstrations[0])
    start = time.process_time()
    for demonstration in demonstrations[1:]:
        writer.add(demonstration)
    assert (time.process_time() - start) / 11 < 0.02
