"""Folds that decoding of several subjects asks for, made of those of `grounding.brain.folds`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from grounding.brain.folds import Fold, Folds, LeaveOneOut
from grounding.brain.rows import Rows
from grounding.errors import InputError


class Splitting(Protocol):
    """Anything that parts rows into folds."""

    def split(self, rows: Rows) -> Folds:
        """Folds of these rows."""


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
        names = sorted({word.lower() for word in rows.word.tolist()})
        if not 2 <= self.k <= len(names):
            raise InputError(f"folds by word: {self.k} parts of {len(names)} words found, expected 2 to {len(names)}")
        part = self._parts(names)
        of_row = np.array([part[word.lower()] for word in rows.word.tolist()])
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
        kinds = {word.lower(): kind for word, kind in (self.kinds or {}).items()}
        if missing := [name for name in names if self.kinds is not None and name not in kinds]:
            raise InputError(f"kinds: none for {', '.join(missing[:5])}; expected one for each word")
        ordered = sorted(names, key=lambda name: (kinds.get(name, ""), name))
        return {name: place % self.k for place, name in enumerate(ordered)}
