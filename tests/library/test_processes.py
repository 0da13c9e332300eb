"""A library under a kill, a full disk, and several processes at once."""

import multiprocessing
import os
import sqlite3
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from grounding.errors import DataError, StorageError
from grounding.library import Library, store
from tests.library.conftest import DIM, MODALITIES, HashedSpace, make_entry


def start(script: str, *arguments: object) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)


ADD_FOREVER = """
    import itertools, sys
    from grounding.library import Library
    from tests.library.conftest import HashedSpace, make_entry
    library = Library.open(sys.argv[1], HashedSpace())
    for batch in itertools.count(1):
        def entries():
            for number in range(batch * 100, batch * 100 + 100):
                yield make_entry(number)
                if number % 100 == 50:
                    print("half", batch, flush=True)
        library.add(entries())
        print("added", batch, flush=True)
"""


@pytest.mark.parametrize("moment", ["half 1", "added 1", "half 3"])
def test_a_kill_while_adding_loses_nothing_and_leaves_no_half(library, space, moment):
    process = start(ADD_FOREVER, library.path)
    added = 0
    assert process.stdout is not None
    for line in process.stdout:
        added += line.startswith("added")
        if line.strip() == moment:
            break
    process.kill()
    process.wait()
    process.stdout.close()

    reopened = Library.open(library.path, space)
    count = len(reopened)
    assert count % 100 == 30
    assert count >= 30 + 100 * added
    numbers = [*range(30), *range(100, 100 + count - 30)]
    assert reopened.ids() == [f"demo-{number:04d}" for number in numbers]
    last = reopened.get(reopened.ids()[-1])
    np.testing.assert_array_equal(last.trajectory, make_entry(numbers[-1]).trajectory)
    assert set(last.vectors) == set(MODALITIES)
    assert not np.isnan(reopened.vectors("points")).any()
    with store.connect(reopened._file) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert reopened.add([make_entry(9999)]) == 1


def test_a_full_disk_is_a_storage_error_and_loses_nothing(library, space):
    script = """
        import resource, signal, sys
        from grounding.errors import StorageError
        from grounding.library import Library
        from tests.library.conftest import HashedSpace, make_entry
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        library = Library.open(sys.argv[1], HashedSpace())
        resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, resource.RLIM_INFINITY))
        try:
            library.add(make_entry(number) for number in range(100, 2000))
        except StorageError as error:
            print(error)
            sys.exit(7)
    """
    process = start(script, library.path)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 7, output
    assert "library.sqlite" in output
    reopened = Library.open(library.path, space)
    assert len(reopened) == 30
    assert reopened.add([make_entry(100)]) == 1


def searches(path: str, seconds: float) -> tuple[int, int]:
    """Search until the time is up; return the numbers of rows seen first and last. Each answer must be complete."""
    library = Library.open(path, HashedSpace())
    seen, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        hits = library.search({"text": np.ones(DIM)}, k=100_000)
        assert len(hits) % 10 == 0
        assert len({hit.id for hit in hits}) == len(hits)
        assert np.isfinite([hit.score for hit in hits]).all()
        seen.append(len(hits))
    assert seen == sorted(seen)
    return seen[0], seen[-1]


def test_readers_go_on_beside_a_writer(library):
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(3, mp_context=context) as pool:
        readers = [pool.submit(searches, str(library.path), 1.0) for _ in range(3)]
        number = 1000
        while not all(reader.done() for reader in readers):
            library.add(make_entry(n) for n in range(number, number + 10))
            number += 10
            time.sleep(0.02)
        results = [reader.result() for reader in readers]
    assert max(last for _, last in results) > 30
    assert len(list(library.path.glob("matrix-*.npy"))) == 1
    assert not list(library.path.glob(".matrix-*"))


def test_a_library_may_be_used_after_a_fork(library):
    wanted = library.search({"text": np.ones(DIM)})
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as pool:
        assert pool.submit(library.search, {"text": np.ones(DIM)}).result() == wanted


def test_a_second_writer_is_told_to_wait(library, monkeypatch):
    monkeypatch.setattr(store, "LOCK_SECONDS", 0.1)
    other = sqlite3.connect(library._file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageError, match="wait for the other writer"):
        library.add([make_entry(70)])
    assert len(library.search({"text": np.ones(DIM)}, k=50)) == 30
    other.execute("ROLLBACK")
    other.close()
    assert library.add([make_entry(70)]) == 1


def test_a_damaged_array_and_another_layout_are_named(library, space):
    connection = sqlite3.connect(library._file)
    connection.execute("UPDATE demonstrations SET trajectory = x'00' WHERE id = 'demo-0003'")
    connection.commit()
    with pytest.raises(DataError, match="entry 'demo-0003' is damaged"):
        library.get("demo-0003")
    connection.execute("UPDATE properties SET value = '99' WHERE name = 'layout'")
    connection.commit()
    connection.close()
    with pytest.raises(DataError, match="layout '99'; expected '1'"):
        Library.open(library.path, space)
