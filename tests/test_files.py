"""The one way in which the package writes files."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from grounding.errors import DataError, StorageError
from grounding.files import atomic, write_atomically

ROOT = Path(__file__).parents[1]


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_text_and_bytes_replace_what_was_there(tmp_path):
    file = tmp_path / "some folder" / "new" / "file.txt"
    write_atomically(file, b"\x00\xff")
    assert file.read_bytes() == b"\x00\xff"
    write_atomically(file, "größer\n")
    assert file.read_bytes() == "größer\n".encode()
    assert names(file.parent) == {"file.txt"}


def test_an_error_in_the_block_passes_through_and_leaves_the_old_file(tmp_path):
    file = tmp_path / "file"
    write_atomically(file, "old")
    for error in (DataError("spoilt"), KeyboardInterrupt()):
        with pytest.raises(type(error)) as caught, atomic(file) as temporary:
            temporary.write_text("new")
            raise error
        assert caught.value is error
    assert file.read_text() == "old" and names(tmp_path) == {"file"}


def test_what_a_kill_left_is_overwritten(tmp_path):
    script = """
        import os, signal, sys
        from pathlib import Path
        from grounding.files import atomic
        with atomic(Path(sys.argv[1])) as temporary:
            temporary.write_text("half of a long text")
            os.kill(os.getpid(), signal.SIGKILL)
    """
    file = tmp_path / "file"
    write_atomically(file, "old")
    command = [sys.executable, "-c", re.sub(r"^        ", "", script, flags=re.MULTILINE), str(file)]
    done = subprocess.run(command, cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    assert file.read_text() == "old" and len(names(tmp_path)) == 2
    write_atomically(file, "new")
    assert file.read_text() == "new" and names(tmp_path) == {"file"}


def test_a_full_disk_is_named_and_leaves_the_old_file(tmp_path):
    file = tmp_path / "file"
    write_atomically(file, "old")
    (tmp_path / ".file.tmp").symlink_to("/dev/full")
    with pytest.raises(
        StorageError, match=r"file: cannot be written \(No space left.*\); what was there.*; free space"
    ):
        write_atomically(file, "new")
    assert file.read_text() == "old" and names(tmp_path) == {"file"}


def test_a_folder_that_cannot_be_made_is_named_not_the_failed_cleaning_up(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file" / "x", tmp_path / "file" / "y" / "x"):
        with pytest.raises(StorageError, match=re.escape(str(path))) as caught:
            write_atomically(path, "new")
        assert isinstance(caught.value.__cause__, OSError)
    (tmp_path / "folder" / "inside").mkdir(parents=True)
    with pytest.raises(StorageError, match="folder: cannot be written"):
        write_atomically(tmp_path / "folder", "new")


def test_cleaning_up_that_fails_does_not_hide_what_happened(tmp_path):
    """A folder in place of the temporary file can neither be written nor unlinked."""
    (tmp_path / ".file.tmp").mkdir()
    with pytest.raises(StorageError, match="file: cannot be written"):
        write_atomically(tmp_path / "file", "new")
    with pytest.raises(DataError, match="spoilt"), atomic(tmp_path / "file"):
        raise DataError("spoilt")


def test_writers_at_the_same_time_do_not_meet(tmp_path):
    file = tmp_path / "file"
    with atomic(file, contended=True) as first, atomic(file, contended=True) as second:
        assert first != second
        first.write_text("first")
        second.write_text("second")
    assert file.read_text() == "first" and names(tmp_path) == {"file"}
    assert os.path.samefile(first.parent, tmp_path)
