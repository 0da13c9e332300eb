"""The word2vec file formats, text and binary, which GloVe, fastText's `.vec` and most published vectors share.

A text file has one word and its vector a line, separated by spaces; a binary file has the word, a space and the vector
as little-endian float32. Both begin with a line `words width`, which GloVe's text files leave out. Neither has counts.
"""

import codecs
import gzip
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from grounding.errors import DataError, InputError
from grounding.files import atomic
from grounding.text.static.embedding import StaticEmbedding
from grounding.text.vocabulary import Vocabulary

FASTTEXT = (793712314).to_bytes(4, "little")
"""What fastText's own binary files (`.bin`) begin with."""

_BLOCK = 1 << 24


def read_word2vec(path: str | Path) -> StaticEmbedding:
    """Read word vectors in word2vec's text or binary format, GloVe's text format, or fastText's `.vec`.

    Which of them a file is shows in its first bytes; a name that ends in `.gz` says that it is compressed. Words may
    have spaces in a text file (the last fields of a line are the vector), not in a binary one. The formats have no
    counts, only an order, most frequent first: counts V, V − 1, … 1 keep that order and say nothing else. Beyond the
    vectors themselves some tens of megabytes of memory are needed.

    Example:
        >>> read_word2vec("glove.6B.100d.txt.gz").similar("drawer", k=2)

    Raises:
        DataError: the file is missing, damaged, cut short, has more or fewer words than it announces, a word twice, a
            word that is not UTF-8, or a value that is no finite number; the message names the line or the byte.
    """
    path = Path(path)
    try:
        with path.open("rb") as disk:
            stream: BinaryIO = gzip.open(disk) if path.suffix == ".gz" else disk  # type: ignore[assignment]
            first = stream.readline(_BLOCK)
            if first.startswith(FASTTEXT):
                raise DataError(f"{path}: fastText's binary format found, expected word2vec's; use read_fasttext")
            announced = _announced(first.removeprefix(codecs.BOM_UTF8))
            if announced is None:
                words, values, width = _read_text(path, stream, first.removeprefix(codecs.BOM_UTF8), 1, None)
            else:
                count, width = announced
                second = stream.read(_BLOCK)
                if _is_text(second):
                    words, values, width = _read_text(path, stream, second, 2, width)
                else:
                    words, values = _read_binary(path, stream, second, len(first), count, width)
                if len(words) != count:
                    raise DataError(
                        f"{path}: {len(words)} words found, its first line announces {count}; the file is cut short or "
                        "put together wrongly, fetch it again or correct the line"
                    )
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path}: damaged gzip data ({error}); fetch the file again") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}); expected a file of vectors") from error
    counts = np.arange(len(words), 0, -1, dtype=np.int64)
    try:
        return StaticEmbedding(Vocabulary(words, counts), np.frombuffer(values, dtype="<f4").reshape(-1, width))
    except InputError as error:
        raise DataError(f"{path}: {error}; correct the file") from error


def write_word2vec(embedding: StaticEmbedding, path: str | Path, binary: bool = False) -> None:
    """Write word vectors in word2vec's format, compressed if the name ends in `.gz`; counts are lost.

    Text has nine significant digits, from which the same float32 are read back. Of a `FastText` these are the vectors
    of the words of its vocabulary: what fastText calls `.vec`.

    Raises:
        InputError: a word has a space or line break in it, which the format cannot hold.
        StorageError: the file cannot be written.
    """
    for word in embedding.words.words:
        if " " in word or "\n" in word:
            raise InputError(
                f"words: {word!r} has a space or line break, which ends a word in word2vec's format; use embedding.save"
            )
    path = Path(path)
    with atomic(path) as temporary, temporary.open("wb") as disk:
        if path.suffix == ".gz":
            # Without the time of day, so that the same vectors make the same file.
            with gzip.GzipFile(fileobj=disk, mode="wb", filename="", mtime=0) as stream:
                _write(embedding, stream, binary)
        else:
            _write(embedding, disk, binary)


def _write(embedding: StaticEmbedding, stream: BinaryIO | gzip.GzipFile, binary: bool) -> None:
    stream.write(f"{len(embedding)} {embedding.width}\n".encode())
    template = " ".join(["%.9g"] * embedding.width)
    for word, row in zip(embedding.words.words, embedding.matrix, strict=True):
        vector = row.astype("<f4", copy=False).tobytes() if binary else (template % tuple(row.tolist())).encode()
        stream.write(word.encode() + b" " + vector + b"\n")


def _announced(line: bytes) -> tuple[int, int] | None:
    """Number of words and width, if that is what a line says."""
    fields = line.split()
    # More than 18 digits are no number of words, and maybe more than int() takes.
    if len(fields) == 2 and all(field.isdigit() and len(field) <= 18 for field in fields) and int(fields[1]) > 0:
        return int(fields[0]), int(fields[1])
    return None


def _is_text(block: bytes) -> bool:
    """Whether what follows the first line is text: no control characters, and UTF-8 or a line that ends in a number."""
    beginning = block[:1000]
    if any(byte < 32 and byte not in b"\t\n\r" for byte in beginning):
        return False
    try:
        codecs.getincrementaldecoder("utf-8")().decode(beginning)
        return True
    except UnicodeDecodeError:
        return _numbers(block.partition(b"\n")[0].rpartition(b" ")[2]) is not None


def _read_text(
    path: Path, stream: BinaryIO, begun: bytes, line: int, width: int | None
) -> tuple[list[str], bytearray, int]:
    """Words, values and width of a stream of lines.

    Args:
        path: for messages.
        stream: what follows `begun`.
        begun: what was read already.
        line: the number of the first line of `begun`, from 1.
        width: length of a vector, None if the first line is to tell.
    """
    words: list[str] = []
    values = bytearray()
    for block in _whole_lines(stream, begun):
        lines = [text.rstrip(b" \r") for text in block.split(b"\n")]
        if width is None:
            width = lines[0].count(b" ")
        # The last line may be empty, others not.
        if not lines[-1]:
            lines.pop()
        pairs = [_cut(text, width) for text in lines]
        numbers = _numbers(b" ".join(pair[1] for pair in pairs))
        if numbers is None or len(numbers) != len(lines) * width or not np.isfinite(numbers).all():
            raise _wrong_line(path, pairs, line, width)
        for position, (word, _) in enumerate(pairs):
            words.append(_decoded(word, f"{path}, line {line + position}"))
        values += numbers.tobytes()
        line += len(lines)
    if not words or not width:
        raise DataError(f"{path}: no word with a vector found; expected one a line, with spaces between the values")
    return words, values, width


def _whole_lines(stream: BinaryIO, begun: bytes) -> Iterator[bytes]:
    while block := begun + stream.read(_BLOCK):
        end = block.rfind(b"\n") + 1
        if end and len(block) > len(begun):
            yield block[:end]
            begun = block[end:]
        elif len(block) > len(begun):
            begun = block
        else:
            yield block
            return


def _cut(line: bytes, width: int) -> tuple[bytes, bytes]:
    """The word and the values of a line; the word may have spaces."""
    if line.count(b" ") == width:
        word, _, values = line.partition(b" ")
        return word, values
    word, *fields = line.rsplit(b" ", width)
    return word, b" ".join(fields)


def _numbers(text: bytes) -> np.ndarray | None:
    """Numbers between spaces, float32, or None if anything else is there, or white space alone."""
    if text.isspace():
        # numpy reads a -1 there.
        return None
    with warnings.catch_warnings():
        # What numpy says where it cannot read on, depending on its version an error.
        warnings.simplefilter("error", DeprecationWarning)
        try:
            return np.fromstring(text, dtype="<f4", sep=" ")
        except (ValueError, DeprecationWarning):
            return None


def _wrong_line(path: Path, pairs: list[tuple[bytes, bytes]], line: int, width: int) -> DataError:
    """The error that names the first line without `width` finite numbers."""
    for position, (word, text) in enumerate(pairs):
        numbers = _numbers(text)
        if numbers is None or len(numbers) != width or not np.isfinite(numbers).all():
            shown = text if len(text) < 60 else text[:60] + b"..."
            return DataError(
                f"{path}, line {line + position}: {word.decode(errors='replace')!r} with the values "
                f"{shown.decode(errors='replace')!r} found, expected a word and {width} finite numbers; correct or "
                "remove the line"
            )
    return DataError(f"{path}, from line {line}: expected a word and {width} finite numbers a line; correct the file")


def _read_binary(
    path: Path, stream: BinaryIO, begun: bytes, offset: int, count: int, width: int
) -> tuple[list[str], bytearray]:
    """Words and values; `offset` is the place in the file of the first byte of `begun`."""
    words: list[str] = []
    values = bytearray()
    size = 4 * width
    block = begun
    while len(words) < count:
        view, start = memoryview(block), 0
        checked = len(values)
        while len(words) < count:
            space = block.find(b" ", start)
            if space < 0 or space + 1 + size > len(block):
                break
            # The original program ends a vector with a line feed, others do not.
            words.append(_decoded(block[start:space].lstrip(b"\n"), f"{path}, byte {offset + start}"))
            start = space + 1 + size
            values += view[space + 1 : start]
        finite = np.isfinite(np.frombuffer(memoryview(values)[checked:].toreadonly(), dtype="<f4")).reshape(-1, width)
        if not finite.all():
            word = words[checked // size + int(np.flatnonzero(~finite.all(axis=1))[0])]
            raise DataError(
                f"{path}, before byte {offset + start}: the vector of {word!r} has values that are not finite, or "
                f"the width is not the {width} that the first line announces; fetch the file again"
            )
        more = stream.read(_BLOCK)
        if not more and len(words) < count:
            raise DataError(
                f"{path}, byte {offset + start}: the file ends in word {len(words) + 1} of the {count} that its first "
                "line announces; fetch it again"
            )
        block, offset = block[start:] + more, offset + start
    left = block.lstrip(b"\n")
    if left:
        raise DataError(
            f"{path}, byte {offset}: further bytes found after the {count} words that the first line announces; "
            "correct the line or fetch the file again"
        )
    return words, values


def _decoded(word: bytes, place: str) -> str:
    try:
        text = word.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{place}: the word {word[:40]!r} is not UTF-8; convert the file or remove the word") from error
    if not text:
        raise DataError(f"{place}: a vector without a word found; remove it")
    return text
