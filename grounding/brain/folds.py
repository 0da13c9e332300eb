"""Ways to part rows into training and test, all deterministic; none shuffles unless it is asked to.

Recordings are autocorrelated: neighbouring rows share noise, so a test row whose neighbours were trained on is half
known before any stimulus is looked at. The default keeps test rows together and leaves a gap around them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, get_args

import numpy as np

from grounding.brain.rows import Rows, word_type
from grounding.errors import InputError

Label = Literal["run", "story", "subject"]


@dataclass(frozen=True)
class Fold:
    """Ascending places of the rows to train on and of those to test on, int64."""

    train: np.ndarray
    test: np.ndarray


@dataclass(frozen=True)
class Folds:
    """Folds and how they were made.

    Attributes:
        folds: each row is a test row in at most one of them.
        description: one line for tables, such as "5 contiguous folds, gap of 10 rows".
        shuffled: whether neighbouring rows were parted at random, which inflates scores of autocorrelated data; every
            output says so.
    """

    folds: tuple[Fold, ...]
    description: str
    shuffled: bool = False

    def __iter__(self) -> Iterator[Fold]:
        return iter(self.folds)

    def __len__(self) -> int:
        return len(self.folds)

    @property
    def tested(self) -> np.ndarray:
        """Ascending places of the rows that some fold tests."""
        return np.sort(np.concatenate([fold.test for fold in self.folds]))


class Splitting(Protocol):
    """Anything that parts rows into folds."""

    def split(self, rows: Rows) -> Folds:
        """Folds of these rows."""


@dataclass(frozen=True)
class Contiguous:
    """k stretches of about equal length, cut from the rows in their order; runs may be divided.

    Args:
        k: number of folds.
        purge: rows left out on each side of a test stretch, within the same run. Choose at least the longest delay
            plus the time over which the noise remembers itself.
    """

    k: int = 5
    purge: int = 0

    def split(self, rows: Rows) -> Folds:
        """Raises InputError: fewer rows than folds, or a fold whose gap leaves nothing to train on."""
        _at_least(len(rows), self.k, "rows")
        tests = np.array_split(np.arange(len(rows)), self.k)
        gap = f", gap of {self.purge} rows" if self.purge else ""
        return _checked([_purged(rows, test, self.purge) for test in tests], f"{self.k} contiguous folds{gap}")


@dataclass(frozen=True)
class LeaveOneOut:
    """Each run, story or subject is the test part once."""

    by: Label = "run"

    def split(self, rows: Rows) -> Folds:
        """Raises InputError: only one group."""
        labels = _labels(rows, self.by)
        names = list(dict.fromkeys(labels.tolist()))
        _at_least(len(names), 2, f"groups by {self.by}")
        folds = [Fold(np.flatnonzero(labels != name), np.flatnonzero(labels == name)) for name in names]
        return _checked(folds, f"leave one {self.by} out, {len(names)} folds")


@dataclass(frozen=True)
class Grouped:
    """k folds of whole runs, stories or subjects, with about equally many rows in each."""

    k: int = 5
    by: Label = "run"

    def split(self, rows: Rows) -> Folds:
        """Raises InputError: fewer groups than folds."""
        folds = _by_groups(_labels(rows, self.by), self.k, f"groups by {self.by}")
        return _checked(folds, f"{self.k} folds of whole groups by {self.by}")


@dataclass(frozen=True)
class ByWordType:
    """Zero-shot folds: no word of the test part, in any case or with any punctuation around it, is in training.

    Word types are dealt out by their number of tokens, so the folds are about equally large, do not depend on hash
    order and are the same for the same text. Neighbouring words still share recorded signal; ``purge`` leaves out the
    training words that stand that near to a test word in the same run.

    Args:
        k: number of folds.
        purge: rows left out on each side of each test word. With long gaps little remains to train on.
    """

    k: int = 10
    purge: int = 0

    def split(self, rows: Rows) -> Folds:
        """Raises InputError: rows that are no words, fewer word types than folds, or nothing left to train on."""
        if rows.word is None:
            raise InputError("folds by word type: the rows are no words; use word-locked responses, or Contiguous")
        types = np.array([word_type(word) for word in rows.word.tolist()])
        folds = _by_groups(types, self.k, "word types")
        gap = f", gap of {self.purge} rows" if self.purge else ""
        purged = [Fold(_without(rows, fold.train, fold.test, self.purge), fold.test) for fold in folds]
        return _checked(purged, f"{self.k} folds by word type (no test word in training){gap}")


@dataclass(frozen=True)
class Shuffled:
    """Rows dealt out at random: scores of autocorrelated recordings are inflated, and outputs are marked."""

    k: int = 5
    seed: int = field(kw_only=True)

    def split(self, rows: Rows) -> Folds:
        """Raises InputError: fewer rows than folds."""
        _at_least(len(rows), self.k, "rows")
        order = np.random.default_rng(self.seed).permutation(len(rows))
        everything = np.arange(len(rows))
        tests = [np.sort(part) for part in np.array_split(order, self.k)]
        folds = [Fold(np.setdiff1d(everything, test), test) for test in tests]
        return _checked(folds, f"{self.k} SHUFFLED folds, seed {self.seed}", shuffled=True)


@dataclass(frozen=True)
class Within:
    """Each subject by itself: its rows are parted by ``folding``, and no other subject's rows are trained on."""

    folding: Splitting

    def split(self, rows: Rows) -> Folds:
        """Raises InputError: as the inner folding, for a subject's rows."""
        folds, description, shuffled = [], "", False
        subjects = list(dict.fromkeys(rows.subject.tolist()))
        for subject in subjects:
            own = np.flatnonzero(rows.subject == subject)
            inner = self.folding.split(rows.take(own))
            folds += [Fold(own[fold.train], own[fold.test]) for fold in inner]
            description, shuffled = inner.description, inner.shuffled
        return Folds(tuple(folds), f"within each of {len(subjects)} subjects: {description}", shuffled)


@dataclass(frozen=True)
class NewSubjectNewWord:
    """The strictest folds: the tested subject was never trained on, and neither were the tested words.

    Args:
        k: parts that the word types are dealt into; there are k folds a subject.
        kinds: the kind of each word, such as its category; each part then gets about equally many of each. Without it,
            holding words out takes most from the very kinds that are tested, and classifiers of kinds score below
            chance.
    """

    k: int = 5
    kinds: Mapping[str, str] | None = None

    def split(self, rows: Rows) -> Folds:
        """Raises InputError: fewer than two subjects, rows that are no words, or fewer word types than parts."""
        if rows.word is None:
            raise InputError("folds by word: the rows are no words; expected rows with words")
        names = sorted({word_type(word) for word in rows.word.tolist()})
        if not 2 <= self.k <= len(names):
            raise InputError(f"folds by word: {self.k} parts of {len(names)} words found, expected 2 to {len(names)}")
        part = self._parts(names)
        of_row = np.array([part[word_type(word)] for word in rows.word.tolist()])
        folds = []
        for subject in LeaveOneOut("subject").split(rows):
            for number in range(self.k):
                train = subject.train[of_row[subject.train] != number]
                test = subject.test[of_row[subject.test] == number]
                # A subject may lack all words of a part.
                if len(test):
                    folds.append(Fold(train, test))
        if any(not len(fold.train) for fold in folds):
            raise InputError("folds by word: nothing is left to train on; other subjects have no other words")
        kinds = "" if self.kinds is None else ", balanced by kind"
        subjects = len(set(rows.subject.tolist()))
        return Folds(tuple(folds), f"new subject and new words, {subjects} subjects by {self.k} parts{kinds}")

    def _parts(self, names: list[str]) -> dict[str, int]:
        """The part of each word type: dealt out in turn, kind by kind, in alphabetical order."""
        kinds = {word_type(word): kind for word, kind in (self.kinds or {}).items()}
        if missing := [name for name in names if self.kinds is not None and name not in kinds]:
            raise InputError(f"kinds: none for {', '.join(missing[:5])}; expected one for each word")
        ordered = sorted(names, key=lambda name: (kinds.get(name, ""), name))
        return {name: place % self.k for place, name in enumerate(ordered)}


Folding = Contiguous | LeaveOneOut | Grouped | ByWordType | Shuffled
"""What encoding takes, which chooses penalties by inner folds of the same kind."""


def _labels(rows: Rows, by: str) -> np.ndarray:
    if by not in get_args(Label):
        raise InputError(f"folds: by {by!r} found, expected one of {', '.join(get_args(Label))}")
    return getattr(rows, by)


def _purged(rows: Rows, test: np.ndarray, purge: int) -> Fold:
    return Fold(_without(rows, np.setdiff1d(np.arange(len(rows)), test), test, purge), test)


def _without(rows: Rows, train: np.ndarray, test: np.ndarray, purge: int) -> np.ndarray:
    """The training places further than ``purge`` from each test row of their own run, counted by ``rows.index``."""
    if purge < 0:
        raise InputError(f"purge: {purge} rows found, expected 0 or more")
    if not purge:
        return train
    keep = np.ones(len(train), dtype=bool)
    for run in dict.fromkeys(rows.run[test].tolist()):
        of_run = rows.run[train] == run
        near = np.sort(rows.index[test[rows.run[test] == run]])
        place = rows.index[train[of_run]]
        after = np.searchsorted(near, place)
        behind = place - near[np.maximum(after - 1, 0)]
        ahead = near[np.minimum(after, len(near) - 1)] - place
        is_near = ((after > 0) & (behind <= purge)) | ((after < len(near)) & (ahead <= purge))
        keep[of_run] = ~is_near
    return train[keep]


def _by_groups(labels: np.ndarray, k: int, what: str) -> list[Fold]:
    names, group, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    _at_least(len(names), k, what)
    fold_of = np.empty(len(names), dtype=np.int64)
    filled = np.zeros(k, dtype=np.int64)
    # The largest first, each into the emptiest fold; names in sorted order break ties.
    for one in np.argsort(-sizes, kind="stable"):
        fold_of[one] = int(np.argmin(filled))
        filled[fold_of[one]] += sizes[one]
    return [Fold(np.flatnonzero(fold_of[group] != f), np.flatnonzero(fold_of[group] == f)) for f in range(k)]


def _at_least(found: int, needed: int, what: str) -> None:
    if needed < 2:
        raise InputError(f"folds: {needed} found, expected at least 2")
    if found < needed:
        raise InputError(f"folds: {found} {what} found, expected at least {needed}")


def _checked(folds: list[Fold], description: str, shuffled: bool = False) -> Folds:
    for number, fold in enumerate(folds):
        if not len(fold.train) or not len(fold.test):
            part = "train on" if not len(fold.train) else "test on"
            raise InputError(
                f"folds: nothing is left to {part} in fold {number} of {description}; make the gap smaller"
            )
    return Folds(tuple(folds), description, shuffled)
