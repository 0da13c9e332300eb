"""What the rows of a feature matrix and of a response matrix are: which run, when, which word, who."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from grounding.errors import InputError
from grounding.text.tokens import tokenise


@dataclass(frozen=True)
class Rows:
    """One label of each kind for each of n rows, in the order of the matrices that they describe.

    The rows of a run stand together and in order of time. Folds are made from these labels, and features are matched
    to responses by ``run`` and ``index``, so nothing depends on where a row happens to stand.

    Attributes:
        run: (n,) str, the run's name.
        index: (n,) int64, the sample (or word) of the run, counted from 0.
        time: (n,) float64, seconds on the run's own clock.
        story: (n,) str, what was heard, read or seen; runs with the same stimulus share it.
        subject: (n,) str.
        word: (n,) str where each row is a word, else None.
    """

    run: np.ndarray
    index: np.ndarray
    time: np.ndarray
    story: np.ndarray
    subject: np.ndarray
    word: np.ndarray | None = None

    def __post_init__(self) -> None:
        for name in ("index", "time", "story", "subject", "word"):
            found = getattr(self, name)
            if found is not None and found.shape != self.run.shape:
                raise InputError(f"rows: {name} has shape {found.shape}, expected {self.run.shape} as run has")
        starts = np.flatnonzero(self.run[1:] != self.run[:-1]) + 1
        names = self.run[np.r_[0, starts]] if len(self.run) else self.run
        if len(set(names.tolist())) != len(names):
            twice = sorted({name for name in names.tolist() if names.tolist().count(name) > 1})
            raise InputError(f"rows: those of run {twice[0]!r} do not stand together; sort the rows by run")
        if (np.diff(self.index)[self.run[1:] == self.run[:-1]] <= 0).any():
            raise InputError("rows: index does not rise within a run; sort the rows of each run by time")

    def __len__(self) -> int:
        return len(self.run)

    def take(self, chosen: np.ndarray) -> "Rows":
        """The rows at these ascending places, or where this boolean mask is true."""
        labels = {name: getattr(self, name)[chosen] for name in ("run", "index", "time", "story", "subject")}
        return replace(self, **labels, word=None if self.word is None else self.word[chosen])

    def runs(self) -> dict[str, np.ndarray]:
        """Places of the rows of each run, by name, in the order of the rows."""
        names = dict.fromkeys(self.run.tolist())
        return {name: np.flatnonzero(self.run == name) for name in names}

    @classmethod
    def of_run(
        cls,
        run: str,
        time: np.ndarray,
        *,
        index: np.ndarray | None = None,
        story: str | None = None,
        subject: str = "",
        word: Sequence[str] | None = None,
    ) -> "Rows":
        """The rows of one run, sampled at ``time``; ``story`` is the run's own name unless given.

        Example:
            >>> len(Rows.of_run("run-1", np.arange(3) * 2.0))
            3
        """
        n = len(time)
        return cls(
            run=np.full(n, run),
            index=np.arange(n) if index is None else np.asarray(index, dtype=np.int64),
            time=np.asarray(time, dtype=np.float64),
            story=np.full(n, run if story is None else story),
            subject=np.full(n, subject),
            word=None if word is None else np.asarray(word, dtype=np.str_),
        )

    @classmethod
    def joined(cls, parts: Sequence["Rows"]) -> "Rows":
        """Rows of several runs, one run behind the other."""
        if not parts:
            raise InputError("rows: no run found, expected at least one")
        words = [part.word for part in parts]
        return cls(
            **{
                name: np.concatenate([getattr(part, name) for part in parts])
                for name in ("run", "index", "time", "story", "subject")
            },
            word=np.concatenate([w for w in words if w is not None]) if all(w is not None for w in words) else None,
        )


def word_type(word: str) -> str:
    """What tokens of one word have in common: lower case, without punctuation around it.

    Example:
        >>> word_type("“Alice,”"), word_type("rabbit-hole")
        ('alice', 'rabbit hole')
    """
    return " ".join(tokenise(word)) or word.lower()
