"""The linear decoder: ridge regression from patterns to vectors of words or pictures, then the nearest candidate."""

from collections.abc import Callable, Mapping

import numpy as np

from grounding.brain.decoding.retrieval import Decoding, Scored, summarise
from grounding.brain.folds import ByWordType, Folds, Splitting
from grounding.brain.recording import Epochs, Responses
from grounding.brain.rows import Rows
from grounding.errors import InputError

Score = Callable[[np.ndarray, np.ndarray, list[str]], np.ndarray]
"""Similarity (m, c) of the test rows (m,) and candidates, after training on the training rows (t,): places of rows."""


def decode(
    patterns: Responses,
    vectors: Mapping[str, np.ndarray],
    folds: Splitting = ByWordType(10),
    *,
    inner: Splitting | None = None,
    alphas: str | np.ndarray = "auto",
    permutations: int = 1000,
    resamples: int = 1000,
    seed: int = 0,
) -> Decoding:
    """Find each row's word by ridge regression from its pattern to the word's vector.

    In each fold, patterns and vectors are standardised by the training rows, the penalty of each dimension is chosen
    inside them, and the predicted vector ranks the words of the test rows by the cosine of what remains when the mean
    training vector is taken out.

    Of one-hot vectors this is a template for each word, so folds must then share words; of real vectors folds by word
    type find words that were never trained on. As a dull control give the vectors of what is not meaning, such as
    length and frequency, or the patterns of `grounding.brain.decoding.order_only`.

    Args:
        patterns: (n, v), rows with words; standardise runs and average repetitions before.
        vectors: (d,) by word, for every word of the rows.
        folds: how rows are held out.
        inner: how the training rows are parted to choose penalties; like ``folds`` if None.
        alphas: penalties to choose from, as `grounding.brain.ridge.RidgeCV`.
        permutations: of the test; 0 for no p-values.
        resamples: of the bootstrap.
        seed: of both.

    Example:
        >>> print(decode(averaged(standardised(trials)), vectors, LeaveOneOut("subject")))

    Raises:
        InputError: rows that are no words, a word without a vector, vectors that are all the same, or numbers that are
            not finite.
    """
    from grounding.brain.ridge import RidgeCV

    words, targets = vectors_of(patterns.rows, vectors)
    check_finite(patterns)

    def score(train: np.ndarray, test: np.ndarray, items: list[str]) -> np.ndarray:
        x, mean = patterns.data[train].astype(np.float64), targets[train].mean(0)
        spread = np.where(targets[train].std(0) > 0, targets[train].std(0), 1)
        centre, scale = x.mean(0), np.where(x.std(0) > 0, x.std(0), 1)
        model = RidgeCV(alphas=alphas, folds=_inner(folds, inner, patterns.rows.take(train)))
        model.fit((x - centre) / scale, (targets[train] - mean) / spread)
        predicted = np.asarray(model.predict((patterns.data[test] - centre) / scale))
        candidates = (np.array([vectors[item] for item in items]) - mean) / spread
        return cosine(predicted, candidates)

    parted = folds.split(patterns.rows)
    scored = scored_folds(parted, words, score)
    return summarise(
        f"ridge from {patterns.data.shape[1]} channels",
        parted,
        scored,
        patterns.rows,
        words,
        synthetic=patterns.synthetic,
        permutations=permutations,
        resamples=resamples,
        seed=seed,
    )


def _inner(folds: Splitting, inner: Splitting | None, rows: Rows) -> Folds:
    if inner is not None:
        return inner.split(rows)
    try:
        return folds.split(rows)
    except InputError as error:
        raise InputError(
            f"decode: training rows cannot be parted as all rows are, to choose penalties ({error}); give `inner`, "
            "such as ByWordType(5)"
        ) from error


def scored_folds(folds: Folds, words: np.ndarray, score: Score) -> list[Scored]:
    """Each fold's similarities between its test rows and the words among them, sorted."""
    found = []
    for fold in folds:
        items = sorted(set(words[fold.test].tolist()))
        found.append(Scored(fold.test, items, score(fold.train, fold.test, items)))
    return found


def vectors_of(rows: Rows, vectors: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The (n,) word and the (n, d) float64 vector of each row.

    Raises:
        InputError: rows that are no words, or a word without a vector or with one of another length.
    """
    if rows.word is None:
        raise InputError("decode: the rows are no words; give rows whose `word` names what was seen or heard")
    names = sorted(set(rows.word.tolist()))
    if missing := [name for name in names if name not in vectors]:
        raise InputError(f"vectors: none for {', '.join(missing[:5])} ({len(missing)} of {len(names)} words); "
                         "give one for each, or leave their rows out")  # fmt: skip
    shapes = {np.shape(vectors[name]) for name in names}
    if len(shapes) > 1 or any(len(shape) != 1 for shape in shapes):
        raise InputError(f"vectors: shapes {sorted(shapes)} found, expected one (d,) for all words")
    table = np.array([vectors[name] for name in names], dtype=np.float64)
    if not np.isfinite(table).all():
        bad = names[int(np.flatnonzero(~np.isfinite(table).all(1))[0])]
        raise InputError(f"vectors: that of {bad!r} is not finite; repair it or leave its rows out")
    if (np.ptp(table, axis=0) == 0).all():
        raise InputError(f"vectors: all {len(names)} are the same, so none can be told from another")
    place = np.searchsorted(names, rows.word)
    return rows.word, table[place]


def check_finite(brain: Responses | Epochs) -> None:
    """Raises InputError: a channel with a number that is not finite."""
    finite = np.isfinite(brain.data).all(axis=tuple(axis for axis in range(brain.data.ndim) if axis != 1))
    names = brain.channels if isinstance(brain, Epochs) else brain.targets
    if (bad := np.flatnonzero(~finite)).size:
        raise InputError(
            f"decode: channel {names[bad[0]]!r} holds numbers that are not finite ({len(bad)} such channels); leave "
            "these channels or rows out"
        )


def cosine(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(m, c): the cosine of each row of a (m, d) and each of b (c, d), 0 for a row of zeros."""
    unit = [
        rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.finfo(np.float64).tiny) for rows in (a, b)
    ]
    return unit[0] @ unit[1].T
