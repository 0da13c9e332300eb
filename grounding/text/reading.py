"""Text files as a stream of documents."""

import glob
import gzip
import os
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Literal

from grounding.errors import DataError, InputError

Unit = Literal["line", "file"]

_BLOCK = 1 << 20


def find_files(sources: str | Path | Iterable[str | Path]) -> list[Path]:
    """Files named by paths, folders (their `*.txt` and `*.txt.gz`, at any depth) and glob patterns, each once.

    They come in the order of the sources, those of one source sorted.

    Raises:
        DataError: a source that names no file.
        InputError: no sources.
    """
    if isinstance(sources, str | Path):
        sources = [sources]
    found: dict[Path, Path] = {}
    for source in sources:
        path = Path(source).expanduser()
        if path.is_dir():
            files = sorted(
                file for file in path.rglob("*") if file.name.endswith((".txt", ".txt.gz")) and not file.is_dir()
            )
        elif path.exists():
            files = [path]
        else:
            files = sorted(Path(name) for name in glob.glob(str(path), recursive=True) if os.path.isfile(name))
        if not files:
            raise DataError(
                f"{source}: no text file found; expected a file, a folder with .txt or .txt.gz files, or a pattern "
                "such as 'books/*.txt.gz'"
            )
        for file in files:
            found.setdefault(file.resolve(), file)
    if not found:
        raise InputError("sources: none found, expected one path, folder or pattern or more")
    return list(found.values())


def read_documents(
    sources: str | Path | Iterable[str | Path], unit: Unit = "line", progress: Callable[[int], None] | None = None
) -> Iterator[str]:
    """The documents of text files, UTF-8, plain or gzip (by name, `.gz`), without holding a whole file.

    Args:
        sources: paths, folders and glob patterns, as :func:`find_files` takes them.
        unit: a document is a line that is not blank, without its line end (LF or CR LF), or a whole file.
        progress: called with the number of bytes on the disk that were read since the last call.

    Raises:
        DataError: a file is missing, unreadable, empty, damaged or not UTF-8; the message names it, and the line.
        InputError: an unknown `unit`.
    """
    if unit not in ("line", "file"):
        raise InputError(f"unit: {unit!r} found, expected 'line' or 'file'")
    for file in find_files(sources):
        if unit == "file":
            yield "".join(_blocks(file, progress))
        else:
            for block in _blocks(file, progress):
                # Only line feeds end a line: str.splitlines would also cut at form feeds and Unicode separators.
                yield from (line.removesuffix("\r") for line in block.split("\n") if line and not line.isspace())


def _blocks(file: Path, progress: Callable[[int], None] | None) -> Iterator[str]:
    """Whole lines, about a megabyte at a time."""
    lines, empty = 0, True
    try:
        with file.open("rb") as disk:
            text: BinaryIO = gzip.open(disk) if file.suffix == ".gz" else disk  # type: ignore[assignment]
            told = 0
            while block := text.readlines(_BLOCK):
                joined = b"".join(block)
                try:
                    decoded = joined.decode("utf-8-sig" if lines == 0 else "utf-8")
                except UnicodeDecodeError as error:
                    # Of the error's own object, from which the byte order mark was cut off.
                    line = lines + 1 + error.object.count(b"\n", 0, error.start)
                    found = error.object[error.start : error.start + 1].hex()
                    raise DataError(
                        f"{file}, line {line}: byte 0x{found} found, which is not UTF-8; convert the file, for example "
                        "with: iconv -f LATIN1 -t UTF-8"
                    ) from error
                empty = empty and not decoded.strip()
                yield decoded
                lines += len(block)
                if progress is not None:
                    progress(disk.tell() - told)
                    told = disk.tell()
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{file}, after line {lines}: damaged gzip data ({error}); fetch the file again") from error
    except OSError as error:
        raise DataError(f"{file}: cannot be read ({error.strerror or error}); expected a readable text file") from error
    if empty:
        raise DataError(f"{file}: no text found, the file is empty or blank; remove it from the sources or fill it")
