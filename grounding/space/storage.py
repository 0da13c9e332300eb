"""Writing files so that a kill or a full disk leaves the last good state."""

import os
from pathlib import Path

from grounding.errors import StorageError


def write_atomically(file: Path, content: bytes) -> None:
    """Write through a temporary file beside `file` that is renamed into place once it is on the disk.

    Raises:
        StorageError: the disk is full or the folder is not writable; `file` is then as it was before.
    """
    temporary = file.with_name(file.name + ".tmp")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, file)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise unwritable(file, error) from error


def unwritable(file: Path, error: OSError) -> StorageError:
    """The error to raise when `file` could not be written."""
    return StorageError(
        f"{file}: cannot be written ({error.strerror or error}); what was there before is untouched; "
        "free space or make the folder writable, then run the same command again"
    )
