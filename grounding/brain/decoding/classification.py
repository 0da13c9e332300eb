"""Which of a few categories a pattern belongs to, by any classifier of scikit-learn, fitted in training rows only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from grounding.brain.decoding.intervals import intervals
from grounding.brain.decoding.linear import check_finite
from grounding.brain.decoding.retrieval import Rate
from grounding.brain.folds import LeaveOneOut, Splitting
from grounding.brain.recording import Responses
from grounding.brain.rows import Rows
from grounding.brain.significance.kept import kept_p
from grounding.errors import InputError


@dataclass(frozen=True)
class Classification:
    """Accuracy of the predictions for held-out rows.

    Attributes:
        classifier: which; where several were offered, how often each was chosen.
        folds: how rows were held out.
        accuracy: with the interval of `grounding.brain.decoding.intervals`; chance is the share of the most frequent
            category; p is of permuting labels.
        categories: K names, sorted.
        confusion: (K, K) int64, tested rows by their true (first axis) and predicted category.
        actual: (n,) str of the tested rows, in the order of ``rows``.
        predicted: (n,) str.
        rows: the tested ones.
        shuffled: whether folds parted neighbouring rows at random.
        synthetic: whether a generator made the recording.
    """

    classifier: str
    folds: str
    accuracy: Rate
    categories: tuple[str, ...]
    confusion: np.ndarray
    actual: np.ndarray
    predicted: np.ndarray
    rows: Rows
    shuffled: bool = False
    synthetic: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        found = self.accuracy
        return {
            "classifier": self.classifier,
            "folds": self.folds,
            "accuracy": found.value,
            "accuracy low": found.low,
            "accuracy high": found.high,
            "accuracy chance": found.chance,
            "accuracy p": None if np.isnan(found.p) else found.p,
            "categories": list(self.categories),
            "confusion": self.confusion.tolist(),
            "n": len(self.actual),
            "shuffled": self.shuffled,
            "synthetic": self.synthetic,
        }

    def __str__(self) -> str:
        marks = ", SHUFFLED FOLDS" * self.shuffled + ", SYNTHETIC" * self.synthetic
        return (
            f"{self.classifier}; {self.folds}; {len(self.actual)} patterns, {len(self.categories)} categories{marks}\n"
            f"  accuracy  {self.accuracy}"
        )


def classify(
    patterns: Responses,
    labels: Sequence[str] | np.ndarray,
    folds: Splitting = LeaveOneOut("run"),
    *,
    classifiers: Mapping[str, Any] | None = None,
    inner: Splitting | None = None,
    permutations: int = 1000,
    resamples: int = 1000,
    seed: int = 0,
) -> Classification:
    """Predict the category of held-out rows.

    In each fold channels are standardised by the training rows. Of several classifiers the one is used that predicts
    best inside the training rows, parted by ``inner``; the first wins a tie.

    The permutation test keeps the predictions, and allows for what folds share by having trained one another
    (`grounding.brain.significance.kept`). Where rows are words it permutes which word has which category, for all
    subjects alike; else it permutes the true labels within each run. It is too easy to pass where neighbouring rows of
    a run share both label and noise, so give it blocks or averages, not single volumes or trials.

    Args:
        patterns: (n, v).
        labels: (n,) the category of each row.
        folds: how rows are held out.
        classifiers: of scikit-learn, unfitted, by name; one or more to choose from. Linear discriminant analysis with
            the covariance shrunk as Ledoit and Wolf (2004) if None.
        inner: how training rows are parted to choose; like ``folds`` if None.
        permutations: of the test; 0 for no p-value.
        resamples: of the bootstrap.
        seed: of both.

    Example:
        >>> blocks, categories = haxby.load(folder).blocks()
        >>> print(classify(blocks, categories, LeaveOneOut("run")))

    Raises:
        InputError: not one label a row, a single category, a category that some fold cannot train on, or numbers that
            are not finite.
    """
    actual = np.asarray(labels, dtype=np.str_)
    _check(patterns, actual)
    offered = _default() if classifiers is None else dict(classifiers)
    parted = folds.split(patterns.rows)
    predicted = np.empty(actual.shape, dtype=actual.dtype)
    chosen: dict[str, int] = dict.fromkeys(offered, 0)
    for fold in parted:
        if missing := sorted(set(actual[fold.test].tolist()) - set(actual[fold.train].tolist())):
            raise InputError(f"folds: category {missing[0]!r} is tested in a fold and never trained on; hold out less")
        name = next(iter(offered))
        if len(offered) > 1:
            name = _best(offered, patterns, actual, fold.train, folds if inner is None else inner)
        chosen[name] += 1
        predicted[fold.test] = _predict(offered[name], patterns.data, actual, fold.train, fold.test)
    tested = parted.tested
    names = tuple(np.unique(actual).tolist())
    rows = patterns.rows.take(tested)
    shown = ", ".join(f"{name} ({count})" if len(chosen) > 1 else name for name, count in chosen.items())
    return Classification(
        shown,
        parted.description,
        _accuracy(actual[tested], predicted[tested], rows, permutations, resamples, seed),
        names,
        _confusion(actual[tested], predicted[tested], names),
        actual[tested],
        predicted[tested],
        rows,
        parted.shuffled,
        patterns.synthetic,
    )


def _check(patterns: Responses, labels: np.ndarray) -> None:
    check_finite(patterns)
    if labels.shape != (len(patterns.rows),):
        raise InputError(f"labels: {labels.shape} found, expected ({len(patterns.rows)},), one a row")
    if len(set(labels.tolist())) < 2:
        raise InputError(f"labels: only {str(labels[0])!r} found, expected two categories at least")


def _default() -> dict[str, Any]:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    return {"shrunk linear discriminant analysis": LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")}


def _predict(classifier: Any, data: np.ndarray, labels: np.ndarray, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    from sklearn.base import clone

    mean, spread = data[train].mean(0), data[train].std(0)
    spread = np.where(spread > 0, spread, 1)
    model = clone(classifier).fit((data[train] - mean) / spread, labels[train])
    return np.asarray(model.predict((data[test] - mean) / spread))


def _best(
    offered: Mapping[str, Any], patterns: Responses, labels: np.ndarray, train: np.ndarray, inner: Splitting
) -> str:
    """The classifier that predicts most rows of the training part right when these are held out in turn."""
    folds = inner.split(patterns.rows.take(train))
    hits = {
        name: sum(
            int((_predict(one, patterns.data, labels, train[f.train], train[f.test]) == labels[train[f.test]]).sum())
            for f in folds
        )
        for name, one in offered.items()
    }
    return max(hits, key=lambda name: hits[name])


def _accuracy(
    actual: np.ndarray, predicted: np.ndarray, rows: Rows, permutations: int, resamples: int, seed: int
) -> Rate:
    correct = (actual == predicted).astype(np.float64)
    low, high = intervals(correct[:, None], rows, rows.word, resamples, seed)[0][0]
    chance = np.unique(actual, return_counts=True)[1].max() / len(actual)
    generator = np.random.default_rng(seed)
    null = np.array([(_relabelled(actual, rows, generator) == predicted).mean() for _ in range(permutations)])
    return Rate(float(correct.mean()), float(low), float(high), float(chance), float(kept_p(null, correct.mean())))


def _relabelled(actual: np.ndarray, rows: Rows, generator: np.random.Generator) -> np.ndarray:
    """(n,) str: labels exchanged between words, if each word has but one, and else between the rows of a run."""
    if rows.word is not None:
        _, first, word = np.unique(rows.word, return_index=True, return_inverse=True)
        if (actual[first][word] == actual).all():
            return generator.permutation(actual[first])[word]
    drawn = np.empty_like(actual)
    for places in rows.runs().values():
        drawn[places] = actual[generator.permutation(places)]
    return drawn


def _confusion(actual: np.ndarray, predicted: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    place = {name: number for number, name in enumerate(names)}
    table = np.zeros((len(names), len(names)), dtype=np.int64)
    for true, guess in zip(actual.tolist(), predicted.tolist(), strict=True):
        table[place[true], place[guess]] += 1
    return table
