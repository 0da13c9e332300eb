"""Writing a file so that a kill or a full disk never leaves half of it under its final name."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from grounding.errors import StorageError


@contextmanager
def atomic(path: Path, *, contended: bool = False) -> Iterator[Path]:
    """Yield a temporary path beside `path`, renamed to `path` when the block ends without an error.

    The folder is made when needed. The temporary name is fixed, so that what a killed process left is overwritten by
    the next attempt: one writer at a time. With `contended`, for files that several processes may write at once, it is
    a new one every time, and the last writer wins.

    Raises:
        StorageError: the operating system refuses (disk full, folder not writable); `path` is then as it was before.

    Example:
        >>> with atomic(Path("runs/demo/picture.png")) as temporary:
        ...     figure.savefig(temporary, format="png")
    """
    mark = f"{uuid.uuid4().hex}.tmp" if contended else "tmp"
    temporary = path.with_name(f".{path.name}.{mark}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        os.replace(temporary, path)
    except BaseException as error:
        # The first error is the one to tell: the temporary file may be out of reach for the same reason.
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise unwritable(path, error) from error
        raise


def put_in_place(temporary: Path, path: Path) -> None:
    """Give a finished file its name, where its making cannot be one block of `atomic`.

    Raises:
        StorageError: the operating system refuses.
    """
    try:
        os.replace(temporary, path)
    except OSError as error:
        raise unwritable(path, error) from error


def write_atomically(path: Path, content: bytes | str) -> None:
    """Replace a file by `content`, text as UTF-8, once that is on the disk.

    Raises:
        StorageError: as :func:`atomic`.
    """
    with atomic(path) as temporary, temporary.open("wb") as stream:
        stream.write(content.encode() if isinstance(content, str) else content)
        stream.flush()
        os.fsync(stream.fileno())


def unwritable(path: Path, error: OSError) -> StorageError:
    """The error to raise when `path` could not be written."""
    return StorageError(
        f"{path}: cannot be written ({error.strerror or error}); what was there before is untouched; free space or "
        "choose a writable folder, then run the same command again"
    )
