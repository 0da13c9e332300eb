"""Readers of what language models are judged by: word similarity, analogies, sentence similarity, and translations.

Files are UTF-8, plain or gzip (by name, `.gz`). What is wrong with a file is told by its name and the line.
"""

import csv
import gzip
import io
import os
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from grounding.errors import DataError

Question = tuple[str, str, str, str]


@dataclass(frozen=True, eq=False)
class ScoredPairs:
    """Pairs of words or of sentences, and how alike people found them.

    Attributes:
        first: (N,) words or sentences.
        second: (N,) what each is compared with.
        scores: float64 (N,), on the scale of the file: 0 to 10, 0 to 5, ...
    """

    first: tuple[str, ...]
    second: tuple[str, ...]
    scores: np.ndarray

    def __len__(self) -> int:
        return len(self.first)


def read_word_similarity(path: str | os.PathLike[str]) -> ScoredPairs:
    """Word pairs with scores: `word1 word2 score` a line, between tabs, spaces, commas or semicolons.

    That is the form of WordSim-353, MEN, RG-65, MC-30 and MTurk. A first line of column names is skipped, and so are
    blank lines and lines that begin with `#`.

    Raises:
        DataError: the file is missing, unreadable or has no pairs, or a line is not two words and a number.

    Example:
        >>> pairs = read_word_similarity("EN-WS-353-ALL.txt")
        >>> len(pairs), pairs.first[1], pairs.second[1], pairs.scores[1]
        (353, 'tiger', 'cat', 7.35)
    """
    file = Path(path)
    rows: list[tuple[str, str, float]] = []
    for number, line in _lines(file):
        if line.startswith("#"):
            continue
        fields = line.replace(",", " ").replace(";", " ").split()
        if not rows and len(fields) >= 3 and _number(fields[2]) is None:
            continue
        score = _number(fields[2]) if len(fields) == 3 else None
        if score is None:
            raise DataError(f"{file}, line {number}: {line!r} found, expected word1 word2 score")
        rows.append((fields[0], fields[1], score))
    return _scored(file, rows)


def read_sentence_similarity(path: str | os.PathLike[str]) -> ScoredPairs:
    """Sentence pairs with scores, as the STS benchmark (Cer et al. 2017) is handed round.

    Read are: comma-separated `sentence1,sentence2,score` with quotes where needed; and tab-separated without quotes, of
    three columns or of seven and more, the original `genre file year id score sentence1 sentence2 ...`. Columns are
    found by name where the first line has the names sentence1, sentence2 and score.

    Raises:
        DataError: the file is missing, unreadable or has no pairs, or a line is not two sentences and a number.

    Example:
        >>> pairs = read_sentence_similarity("stsb-en-dev.csv")
        >>> len(pairs), pairs.first[3], pairs.scores[3]
        (1500, 'A woman is playing the guitar.', 2.4)
    """
    file = Path(path)
    text = _text(file)
    tabs = "\t" in text.partition("\n")[0]
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter="\t" if tabs else ",",
        quoting=csv.QUOTE_NONE if tabs else csv.QUOTE_MINIMAL,
        strict=not tabs,
    )
    columns: tuple[int, int, int] | None = None
    rows: list[tuple[str, str, float]] = []
    try:
        for fields in reader:
            if not any(field.strip() for field in fields):
                continue
            if columns is None:
                columns, is_header = _sentence_columns(fields)
                if is_header:
                    continue
            found = [fields[column].strip() if column < len(fields) else "" for column in columns]
            score = _number(found[2])
            if not found[0] or not found[1] or score is None or (not tabs and len(fields) != 3 and columns[2] == 2):
                raise DataError(f"{file}, line {reader.line_num}: {fields} found, expected two sentences and a score")
            rows.append((found[0], found[1], score))
    except csv.Error as error:
        raise DataError(f"{file}, line {reader.line_num}: not readable as CSV ({error}); mend its quotes") from error
    return _scored(file, rows)


def _sentence_columns(fields: list[str]) -> tuple[tuple[int, int, int], bool]:
    """Where sentences and score are, by the first line, and whether that line is one of names."""
    names = [field.strip().lower() for field in fields]
    wanted = ("sentence1", "sentence2", "score")
    if set(wanted) <= set(names):
        first, second, score = (names.index(name) for name in wanted)
        return (first, second, score), True
    return ((5, 6, 4) if len(fields) >= 7 else (0, 1, 2)), False


def read_analogies(paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]]) -> dict[str, list[Question]]:
    """Analogy questions by section: `a b c d` a line, for a is to b as c is to d.

    Sections are begun by lines `: name`, as in the questions-words.txt of Mikolov et al. (2013). Questions before any
    such line, or in a file without one, make up a section named like the file.

    Args:
        paths: files, or one folder, of which every `*.txt` is read.

    Raises:
        DataError: a file is missing or unreadable, nothing is found, or a line is not four words.

    Example:
        >>> sections = read_analogies("google_analogies")
        >>> sections["family"][0]
        ('boy', 'girl', 'brother', 'sister')
    """
    if isinstance(paths, str | os.PathLike):
        folder = Path(paths)
        paths = sorted(folder.glob("*.txt")) if folder.is_dir() else [folder]
        if not paths:
            raise DataError(f"{folder}: no *.txt found, expected files of analogies")
    files = [Path(path) for path in paths]
    sections: dict[str, list[Question]] = {}
    for file in files:
        name = file.name.removesuffix(".gz").removesuffix(".txt")
        for number, line in _lines(file):
            if line.startswith(":"):
                name = line[1:].strip()
                continue
            words = line.split()
            if len(words) != 4:
                raise DataError(f"{file}, line {number}: {line!r} found, expected four words or ': section'")
            a, b, c, d = words
            sections.setdefault(name, []).append((a, b, c, d))
    if not sections:
        raise DataError(f"{', '.join(map(str, files))}: no analogies found; expected four words a line")
    return sections


def read_dictionary(path: str | os.PathLike[str]) -> list[tuple[str, str]]:
    """Translations, one a line: `word<TAB>translation`, or two words between spaces (the layout of MUSE).

    A word with several translations has several lines. Between tabs either side may be of several words.

    Raises:
        DataError: the file is missing, unreadable or empty, or a line is neither.

    Example:
        >>> read_dictionary("eng-fra.tsv")[:2]
        [('... ago', 'il y a ...'), ('... to', '... à')]
    """
    file = Path(path)
    pairs = []
    for number, line in _lines(file):
        fields = [field.strip() for field in line.split("\t")] if "\t" in line else line.split()
        if len(fields) != 2 or not all(fields):
            raise DataError(f"{file}, line {number}: {line!r} found, expected word<TAB>translation, or two words")
        pairs.append((fields[0], fields[1]))
    if not pairs:
        raise DataError(f"{file}: no translations found, expected word<TAB>translation in every line")
    return pairs


def read_parallel(
    source: str | os.PathLike[str], target: str | os.PathLike[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Two texts of which line i of one translates line i of the other. Pairs with a blank side are left out.

    Raises:
        DataError: a file is missing or unreadable, they have different numbers of lines, or no pair is left.

    Example:
        >>> english, german = read_parallel("val.en.gz", "val.de.gz")
        >>> len(english) == len(german) == 1014
        True
    """
    left, right = (_text(Path(path)).removesuffix("\n").split("\n") for path in (source, target))
    if len(left) != len(right):
        raise DataError(
            f"{source} and {target}: {len(left)} and {len(right)} lines found, expected as many; line i of one should "
            "translate line i of the other"
        )
    pairs = [(a.strip(), b.strip()) for a, b in zip(left, right, strict=True) if a.strip() and b.strip()]
    if not pairs:
        raise DataError(f"{source} and {target}: no pair of lines with words found; expected translations")
    first, second = zip(*pairs, strict=True)
    return first, second


# ---- What the readers share


def _scored(file: Path, rows: list[tuple[str, str, float]]) -> ScoredPairs:
    if not rows:
        raise DataError(f"{file}: no pairs found, expected two texts and a score in every line")
    first, second, scores = zip(*rows, strict=True)
    return ScoredPairs(first, second, np.array(scores, dtype=np.float64))


def _lines(file: Path) -> list[tuple[int, str]]:
    """Lines that are not blank, stripped, with their numbers from 1."""
    numbered = enumerate(_text(file).split("\n"), start=1)
    return [(number, line.strip()) for number, line in numbered if line.strip()]


def _text(file: Path) -> str:
    try:
        content = file.read_bytes()
        if file.suffix == ".gz":
            content = gzip.decompress(content)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{file}: damaged gzip data ({error}); fetch the file again") from error
    except OSError as error:
        raise DataError(f"{file}: cannot be read ({error.strerror or error}); expected a readable file") from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # Of the error's own object, from which the byte order mark was cut off.
        line, found = error.object.count(b"\n", 0, error.start) + 1, error.object[error.start]
        raise DataError(
            f"{file}, line {line}: byte 0x{found:02x} found, which is not UTF-8; convert the file, for example with: "
            "iconv -f LATIN1 -t UTF-8"
        ) from error


def _number(text: str) -> float | None:
    """The finite number that a text is, or None."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if np.isfinite(value) else None
