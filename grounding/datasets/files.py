"""Writing a file so that a kill or a full disk never leaves half of it under its final name."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from grounding.errors import StorageError


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, renamed to `path` when the block ends without an error.

    The temporary name is fixed, so what a killed process left is overwritten by the next attempt: one writer at a time.
    Raises StorageError naming `path` when the operating system refuses (disk full, folder not writable).
    """
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        os.replace(temporary, path)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        if not isinstance(error, OSError):
            raise
        raise StorageError(
            f"{path}: cannot be written ({error.strerror or error}); free space or choose a writable folder, then run "
            "the same command again"
        ) from error
