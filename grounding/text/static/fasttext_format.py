"""fastText's own binary files (`.bin`), in which words that are not in the vocabulary have vectors too.

The layout is that of fastText 0.2 to 0.9 (version 12; `FastText::saveModel`), all numbers little-endian:

    int32    793712314, version
    int32    dim, window, epochs, min_count, negatives, word n-grams, loss, model, buckets, min_ngram, max_ngram,
             updates between two changes of the rate
    float64  sample
    int32    entries, words, labels
    int64    tokens of the corpus, size of the pruned index or -1
             for each entry: UTF-8 and a zero byte, int64 count, int8 kind (0 a word, 1 a label)
    uint8    whether quantised;  int64 rows, columns;  float32 rows of words, then of buckets
    uint8    whether quantised;  int64 rows, columns;  float32 output rows
"""

import mmap
import struct
from pathlib import Path
from typing import NoReturn

import numpy as np

from grounding.errors import DataError, InputError
from grounding.files import atomic
from grounding.text.static.fasttext import FastText, FastTextSettings
from grounding.text.static.formats import FASTTEXT
from grounding.text.vocabulary import Vocabulary

_VERSION = 12
_ARGUMENTS = struct.Struct("<12id")
_DICTIONARY = struct.Struct("<3i2q")
_ENTRY = struct.Struct("<qb")
_MATRIX = struct.Struct("<?2q")
_NEGATIVE_SAMPLING = 2
_MODELS = {1: "cbow", 2: "skip-gram"}
_ROWS_AT_ONCE = 1 << 14


def read_fasttext(path: str | Path) -> FastText:
    """Read a model that fastText trained without labels, or that gensim wrote for it (`save_facebook_model`).

    All buckets are kept, so that words that are not in the vocabulary get the vectors that fastText gives them. The
    output vectors are kept if they are those of negative sampling. The file does not tell learning rates: `settings`
    has the defaults there. Quantised models (`.ftz`) and classifiers are refused.

    Example:
        >>> read_fasttext("cc.en.300.bin").similar("unopenable", k=2)

    Raises:
        DataError: the file is missing, cut short, of another format or version, quantised, a classifier, or its parts
            do not fit together; the message names the byte.
    """
    path = Path(path)
    try:
        with path.open("rb") as disk, mmap.mmap(disk.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _Reader(path, data).model()
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read ({error}); expected a .bin file of fastText") from error


def write_fasttext(embedding: FastText, path: str | Path) -> None:
    """Write a model as fastText does; fastText and gensim read it and give the same vectors for every word.

    The file has a row for every bucket, zeros where the vocabulary uses none: with 2 million buckets of width 100,
    800 MB. Where the output vectors are not known, they are zeros.

    Raises:
        InputError: a word has a zero byte, which ends a word in this format.
        StorageError: the file cannot be written.
    """
    settings, words, inputs = embedding.settings, embedding.words, embedding.arrays["input"]
    held, output = embedding.arrays["buckets"], embedding.arrays.get("output")
    buckets = settings.buckets if settings.max_ngram else 0
    if wrong := next((word for word in words.words if "\0" in word), None):
        raise InputError(f"words: {wrong!r} has a zero byte, which ends a word in fastText's format; remove it")
    model = next(number for number, name in _MODELS.items() if name == settings.architecture)
    with atomic(Path(path)) as temporary, temporary.open("wb") as disk:
        disk.write(FASTTEXT + struct.pack("<i", _VERSION))
        disk.write(
            _ARGUMENTS.pack(
                *(settings.dim, settings.window, settings.epochs, settings.min_count, settings.negatives),
                *(1, _NEGATIVE_SAMPLING, model, buckets, settings.min_ngram, settings.max_ngram, 100),
                settings.sample,
            )
        )
        disk.write(_DICTIONARY.pack(len(words), len(words), 0, int(words.counts.sum()), -1))
        for word, count in zip(words.words, words.counts.tolist(), strict=True):
            disk.write(word.encode() + b"\0" + _ENTRY.pack(count, 0))
        disk.write(_MATRIX.pack(False, len(words) + buckets, settings.dim))
        inputs[: len(words)].astype("<f4", copy=False).tofile(disk)
        for start in range(0, buckets, _ROWS_AT_ONCE):
            block = np.zeros((min(_ROWS_AT_ONCE, buckets - start), settings.dim), dtype="<f4")
            inside = slice(*np.searchsorted(held, [start, start + len(block)]))
            block[held[inside] - start] = inputs[len(words) :][inside]
            block.tofile(disk)
        disk.write(_MATRIX.pack(False, len(words), settings.dim))
        (np.zeros((len(words), settings.dim)) if output is None else output).astype("<f4", copy=False).tofile(disk)


class _Reader:
    """Takes a file apart from its beginning to its end."""

    def __init__(self, path: Path, data: mmap.mmap) -> None:
        self.path = path
        self.data = data
        self.place = 0

    def model(self) -> FastText:
        if self.data[:4] != FASTTEXT:
            self.refuse(f"{self.data[:4].hex()} found, expected {FASTTEXT.hex()}, which marks fastText's binary files")
        self.place = 4
        (version,) = self.take(struct.Struct("<i"))
        if version not in (11, _VERSION):
            self.refuse(f"version {version} found, expected {_VERSION}; convert it with a newer fastText")
        settings, loss = self.settings()
        words = self.words()
        inputs = self.matrix(len(words) + settings.buckets, settings.dim)
        # Quantised models have their output here; others go on with a second matrix of the same form.
        output = self.matrix(len(words), settings.dim)
        if self.place != len(self.data):
            self.refuse(f"{len(self.data) - self.place} further bytes found, expected the end of the file")
        buckets = np.arange(settings.buckets, dtype=np.int64)
        try:
            return FastText.of(words, inputs, buckets, settings, output if loss == _NEGATIVE_SAMPLING else None)
        except InputError as error:
            raise DataError(f"{self.path}: {error}; fetch the file again") from error

    def settings(self) -> tuple[FastTextSettings, int]:
        dim, window, epochs, min_count, negatives, _, loss, model, buckets, shortest, longest, _, sample = self.take(
            _ARGUMENTS
        )
        if model not in _MODELS:
            self.refuse("a classifier found, expected word vectors; train with fastText's skipgram or cbow")
        try:
            settings = FastTextSettings(
                dim=dim,
                window=window,
                architecture=_MODELS[model],  # type: ignore[arg-type]
                negatives=max(negatives, 1),
                min_ngram=max(shortest, 1),
                max_ngram=longest,
                buckets=buckets,
                epochs=epochs,
                min_count=max(min_count, 1),
                sample=sample,
            )
        except InputError as error:
            raise DataError(f"{self.path}, before byte {self.place}: {error}; fetch the file again") from error
        return settings, loss

    def words(self) -> Vocabulary:
        entries, count, labels, _, pruned = self.take(_DICTIONARY)
        if labels or entries != count or count < 1:
            self.refuse(f"{entries} entries, {count} words and {labels} labels found, expected words only")
        if pruned >= 0:
            self.refuse("a pruned index found, which only quantised models have; use the .bin file, not the .ftz file")
        words, counts = [], np.empty(count, dtype=np.int64)
        for number in range(count):
            end = self.data.find(b"\0", self.place)
            if end < 0:
                self.refuse(f"the file ends in word {number + 1} of {count}; fetch it again")
            try:
                words.append(self.data[self.place : end].decode("utf-8"))
            except UnicodeDecodeError:
                self.refuse(f"the word {self.data[self.place : end]!r} is not UTF-8")
            self.place = end + 1
            counts[number], _ = self.take(_ENTRY)
        try:
            return Vocabulary(words, counts)
        except InputError as error:
            raise DataError(f"{self.path}, before byte {self.place}: {error}; fetch the file again") from error

    def matrix(self, rows: int, columns: int) -> np.ndarray:
        (quantised, *shape) = self.take(_MATRIX)
        if quantised:
            self.refuse("a quantised matrix found, which is not supported; use the .bin file, not the .ftz file")
        if shape != [rows, columns]:
            self.refuse(f"a matrix of {shape[0]} rows and {shape[1]} columns found, expected {rows} and {columns}")
        if self.place + 4 * rows * columns > len(self.data):
            self.refuse(f"the file ends within a matrix of {rows} rows and {columns} columns; fetch it again")
        values = np.frombuffer(self.data, dtype="<f4", count=rows * columns, offset=self.place)
        matrix = values.astype(np.float32).reshape(rows, columns)
        # The map cannot be closed while an array looks into it.
        del values
        self.place += 4 * rows * columns
        if not np.isfinite(matrix).all():
            self.refuse("the matrix that ends here has values that are not finite; fetch the file again")
        return matrix

    def take(self, form: struct.Struct) -> tuple:
        if self.place + form.size > len(self.data):
            self.refuse("the file ends here, expected more; fetch it again")
        values = form.unpack_from(self.data, self.place)
        self.place += form.size
        return values

    def refuse(self, found: str) -> NoReturn:
        raise DataError(f"{self.path}, byte {self.place}: {found}")
