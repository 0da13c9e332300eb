"""A corpus encoded once: word ids in a memory-mapped file, so that training never tokenises twice."""

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from grounding.errors import DataError, InputError
from grounding.files import unwritable
from grounding.settings import read_settings, write_settings
from grounding.text.reading import Unit, find_files, read_documents
from grounding.text.tokens import tokenise
from grounding.text.vocabulary import Vocabulary

Tokeniser = Callable[[str], Sequence[str]]

_BLOCK = 1 << 20
# Few enough words that their strings are still in the processor's cache when they are looked up.
_PENDING = 1 << 13


@dataclass(frozen=True)
class Source:
    """What a corpus was made from: files with their sizes and times, the unit of a document, and the tokeniser."""

    files: tuple[str, ...]
    sizes: tuple[int, ...]
    modified: tuple[int, ...]
    unit: str
    tokeniser: str


class Corpus:
    """Documents as word ids, with the vocabulary of all their words.

    A corpus is immutable. `Corpus.build` reads text files and keeps the ids on the disk; `Corpus.of` holds documents
    that are in memory, and `save` writes them. Rare words are in it too: whoever trains on it cuts the vocabulary, and
    since ids follow frequency, words cut off are those with ids beyond the cut.

    Attributes:
        vocabulary: every word, most frequent first.
        tokens: int32 (N,), word ids of all documents, one after another; a read-only memory map if built on the disk.
        starts: int64 (D + 1,), where each document begins; the last entry is N.

    Example:
        >>> corpus = Corpus.build("books/*.txt.gz", "runs/books")
        >>> corpus.vocabulary.words[:3]
        ['the', 'and', 'of']
    """

    def __init__(self, vocabulary: Vocabulary, tokens: np.ndarray, starts: np.ndarray) -> None:
        self.vocabulary = vocabulary
        self.tokens = tokens
        self.starts = starts

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __repr__(self) -> str:
        return f"Corpus({len(self):,} documents, {len(self.tokens):,} words, {len(self.vocabulary):,} different)"

    def __iter__(self) -> Iterator[list[str]]:
        """The documents, each a list of its words."""
        words = self.vocabulary.words
        for start, end in zip(self.starts[:-1], self.starts[1:], strict=True):
            yield [words[token] for token in self.tokens[start:end].tolist()]

    @classmethod
    def of(cls, documents: Iterable[Sequence[str]]) -> "Corpus":
        """From documents in memory, each a sequence of words.

        Raises:
            InputError: a document is a string, or there is no word at all.
        """
        encoder = _Encoder()
        blocks, starts = [], [0]
        for position, document in enumerate(documents):
            if isinstance(document, str):
                raise InputError(f"document {position}: a string found, expected a list of words; use tokenise(text)")
            blocks.append(encoder(document))
            starts.append(starts[-1] + len(document))
        if starts[-1] == 0:
            raise InputError("corpus: no words found, expected one document with words or more")
        vocabulary, place = encoder.ranked()
        return cls(vocabulary, place[np.concatenate(blocks)], np.array(starts, dtype=np.int64))

    @classmethod
    def build(
        cls,
        sources: str | Path | Iterable[str | Path],
        folder: str | Path,
        *,
        unit: Unit = "line",
        tokeniser: Tokeniser = tokenise,
        progress: bool = False,
    ) -> "Corpus":
        """Read and encode text files into `folder`; if that was done from the same files before, only open it.

        Args:
            sources: paths, folders and glob patterns of UTF-8 text files, plain or `.gz`.
            folder: where `tokens.npy`, `starts.npy`, `words.tsv` and `corpus.toml` go.
            unit: a document is a line, or a whole file.
            tokeniser: text → words; told apart by its name.
            progress: show a bar.

        Raises:
            DataError: a file that cannot be read as text (it is named, with the line), or no word in any; or `folder`
                holds something else.
            InputError: no sources, or an unknown `unit`.
            StorageError: the folder cannot be written.
        """
        folder, files = Path(folder), find_files(sources)
        source = _source(files, unit, tokeniser)
        if (folder / "corpus.toml").is_file() and read_settings(Source, folder / "corpus.toml") == source:
            return cls.open(folder)
        if _is_taken(folder):
            raise DataError(
                f"{folder}: something other than the corpus of these {len(files)} files, read by {unit} with "
                f"{source.tokeniser}, found; choose another folder, or delete it"
            )
        with _made_whole(folder) as unfinished:
            _encode(files, unit, tokeniser, unfinished, progress)
            write_settings(source, unfinished / "corpus.toml")
        return cls.open(folder)

    def save(self, folder: str | Path) -> "Corpus":
        """Write the corpus into a folder, and open it from there, so that its ids are no longer in memory.

        Raises:
            DataError: the folder is not empty.
            StorageError: the folder cannot be written.
        """
        folder = Path(folder)
        if _is_taken(folder):
            raise DataError(f"{folder}: something found in it, expected an empty folder or none; choose another")
        with _made_whole(folder) as unfinished:
            np.save(unfinished / "tokens.npy", self.tokens, allow_pickle=False)
            np.save(unfinished / "starts.npy", self.starts, allow_pickle=False)
            self.vocabulary.save(unfinished / "words.tsv")
            write_settings(Source((), (), (), "document", "none"), unfinished / "corpus.toml")
        return Corpus.open(folder)

    @classmethod
    def open(cls, folder: str | Path) -> "Corpus":
        """Open a corpus that `build` made; the ids stay on the disk.

        Raises:
            DataError: the folder is no corpus, or its files do not fit together.
        """
        folder = Path(folder)
        read_settings(Source, folder / "corpus.toml")
        try:
            tokens = np.lib.format.open_memmap(folder / "tokens.npy", mode="r")
            starts = np.array(np.lib.format.open_memmap(folder / "starts.npy", mode="r"))
        except (OSError, ValueError, EOFError) as error:
            raise DataError(f"{folder}: not readable as a corpus ({error}); delete it and build it again") from error
        vocabulary = Vocabulary.load(folder / "words.tsv")
        if (tokens.dtype, tokens.ndim, starts.dtype, starts.ndim) != (np.int32, 1, np.int64, 1) or not starts.size:
            raise DataError(
                f"{folder}: tokens {tokens.dtype} {tokens.shape} and starts {starts.dtype} {starts.shape} found, "
                "expected int32 and int64 of one dimension; delete it and build it again"
            )
        if starts[-1] != len(tokens) or vocabulary.counts.sum() != len(tokens):
            raise DataError(
                f"{folder}: {len(tokens)} tokens, documents up to {starts[-1]} and counts of {vocabulary.counts.sum()} "
                "words found, expected the same number; delete it and build it again"
            )
        # Kernels take ids and starts for places in memory.
        if starts[0] != 0 or (np.diff(starts) < 0).any() or tokens.min() < 0 or tokens.max() >= len(vocabulary):
            raise DataError(
                f"{folder}: word ids from {tokens.min()} to {tokens.max()} found, expected 0 to {len(vocabulary) - 1} "
                "in documents one after another; delete it and build it again"
            )
        return cls(vocabulary, tokens, starts)


def _is_taken(folder: Path) -> bool:
    """Whether there is anything of that name but an empty folder."""
    return folder.exists() and (not folder.is_dir() or any(folder.iterdir()))


@contextmanager
def _made_whole(folder: Path) -> Iterator[Path]:
    """A folder to write into that takes the name of `folder`, empty or missing until then, once all is written."""
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    try:
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        yield unfinished
        if folder.exists():
            folder.rmdir()
        unfinished.rename(folder)
    except OSError as error:
        raise unwritable(folder, error) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


class _Encoder:
    """Gives words ids in the order in which they are met, and counts them."""

    def __init__(self) -> None:
        self._ids = _Ids()
        self._counts = np.zeros(0, dtype=np.int64)

    def __call__(self, words: Sequence[str]) -> np.ndarray:
        ids = np.fromiter(map(self._ids.__getitem__, words), dtype=np.int32, count=len(words))
        if len(self._ids) > len(self._counts):
            # Doubled, not extended by what is missing, so that growing stays linear in the number of words.
            self._counts = np.pad(self._counts, (0, 2 * len(self._ids) - len(self._counts)))
        if len(ids) < 256:
            np.add.at(self._counts, ids, 1)
        else:
            found = np.bincount(ids)
            self._counts[: len(found)] += found
        return ids

    def ranked(self) -> tuple[Vocabulary, np.ndarray]:
        """The vocabulary, and the rank int32 (V,) of each id given so far."""
        counts = self._counts[: len(self._ids)]
        order = np.argsort(-counts, kind="stable")
        words = list(self._ids)
        place = np.empty(len(words), dtype=np.int32)
        place[order] = np.arange(len(words), dtype=np.int32)
        return Vocabulary([words[i] for i in order.tolist()], counts[order]), place


class _Ids(dict[str, int]):
    def __missing__(self, word: str) -> int:
        self[word] = number = len(self)
        return number


def _source(files: list[Path], unit: str, tokeniser: Tokeniser) -> Source:
    states = [file.stat() for file in files]
    return Source(
        files=tuple(str(file.resolve()) for file in files),
        sizes=tuple(state.st_size for state in states),
        modified=tuple(state.st_mtime_ns for state in states),
        unit=unit,
        tokeniser=f"{tokeniser.__module__}.{getattr(tokeniser, '__qualname__', type(tokeniser).__qualname__)}",
    )


def _encode(files: list[Path], unit: Unit, tokeniser: Tokeniser, folder: Path, progress: bool) -> None:
    from rich.progress import Progress

    encoder, lengths = _Encoder(), []
    with Progress(disable=not progress) as bar, (folder / "ids").open("wb") as stream:
        task = bar.add_task("reading text", total=sum(file.stat().st_size for file in files))
        pending: list[str] = []
        for document in read_documents(files, unit, lambda read: bar.advance(task, read)):
            words = tokeniser(document)
            lengths.append(len(words))
            pending += words
            if len(pending) >= _PENDING:
                encoder(pending).tofile(stream)
                pending.clear()
        encoder(pending).tofile(stream)
    starts = np.concatenate(([0], np.cumsum(lengths, dtype=np.int64)))
    if starts[-1] == 0:
        raise DataError(f"{files[0]}{' and others' if len(files) > 1 else ''}: no words found, expected text")
    vocabulary, place = encoder.ranked()
    ids = np.memmap(folder / "ids", dtype=np.int32, mode="r")
    tokens = np.lib.format.open_memmap(folder / "tokens.npy", mode="w+", dtype=np.int32, shape=ids.shape)
    for start in range(0, len(ids), _BLOCK):
        tokens[start : start + _BLOCK] = place[ids[start : start + _BLOCK]]
    tokens.flush()
    del ids, tokens
    (folder / "ids").unlink()
    np.save(folder / "starts.npy", starts, allow_pickle=False)
    vocabulary.save(folder / "words.tsv")
