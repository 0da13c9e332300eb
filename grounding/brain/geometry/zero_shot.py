"""Zero-shot mapping between word vectors and brain patterns, with the controls that say what it rests on.

A linear map is trained without any token of the test words. If the two geometries are alike it places words that it
has never seen (Goldstein et al. 2024). Two controls stand beside it. A copy: the prediction is replaced by the vector
of the training word that is nearest in the input space; a map that does not beat it need not interpolate. And vectors
that do not depend on context.
"""

from dataclasses import dataclass

import numpy as np

from grounding.alignment.checks import check_matrix
from grounding.brain.encoding.nesting import autocorrelation_margin
from grounding.brain.folds import ByWordType, Fold
from grounding.brain.geometry.mapping import Mapping, RidgeMapping, Standardisation
from grounding.brain.geometry.matching_scores import FoldScores, WordScore, interval_over_words, score_fold, summarise
from grounding.brain.recording import Responses
from grounding.brain.rows import Rows, word_type
from grounding.errors import InputError
from grounding.text.evaluation.estimates import Estimate

TO_BRAIN, TO_WORD = "word to brain", "brain to word"
MAP, NEAREST, STATIC = "map", "nearest training word", "static vectors"

LONGEST_GAP = 10
"""Words; a longer gap around each test word would leave nothing to train on."""


@dataclass(frozen=True)
class ZeroShot:
    """Scores of words that no map was trained with.

    Attributes:
        scores: by direction ("word to brain", "brain to word"), by method ("map", "nearest training word", and
            "static vectors" where given), by score ("pairwise", "two vs two", "roc auc", "top 1" ...).
        words: how many word types were tested.
        candidates: the fewest and the most words that a prediction was compared with.
        folds: their description.
        synthetic: whether the recording was generated.
        permutations: how many.
        resamples: how many.
        seed: of both.
        notes: what a reader must know before believing the scores.
    """

    scores: dict[str, dict[str, dict[str, WordScore]]]
    words: int
    candidates: tuple[int, int]
    folds: str
    synthetic: bool
    permutations: int
    resamples: int
    seed: int
    notes: tuple[str, ...] = ()

    def difference(self, direction: str, score: str = "roc auc", first: str = MAP, second: str = NEAREST) -> Estimate:
        """By how much one method is better than another, with the 95 % interval over words; word by word.

        Raises:
            InputError: no such direction, score or method, or "two vs two", which is no score of single words.
        """
        try:
            ours, theirs = (self.scores[direction][method][score].words for method in (first, second))
        except KeyError as missing:
            raise InputError(f"difference: {missing} is not among the scores; see `table`") from None
        if ours is None or theirs is None:
            raise InputError(f"difference: {score!r} is a score of pairs of words; take 'pairwise'")
        return interval_over_words(ours - theirs, self.resamples, self.seed)

    def table(self) -> list[dict[str, object]]:
        """A row for each direction, method and score."""
        return [
            {
                "direction": direction,
                "method": method,
                "score": name,
                "value": one.estimate.value,
                "low": one.estimate.low,
                "high": one.estimate.high,
                "chance": one.chance,
                "p": one.p,
                "folds": self.folds,
                "synthetic": self.synthetic,
            }
            for direction, methods in self.scores.items()
            for method, scores in methods.items()
            for name, one in scores.items()
        ]


def zero_shot(
    vectors: np.ndarray,
    responses: Responses,
    *,
    mapping: Mapping = RidgeMapping(),
    folds: ByWordType | None = None,
    static: np.ndarray | None = None,
    top: tuple[int, ...] = (1, 5, 10),
    permutations: int = 1000,
    resamples: int = 1000,
    seed: int = 0,
) -> ZeroShot:
    """Map both ways between word vectors and brain patterns, over words that were left out of training.

    Both sides are standardised by the training rows; vectors are compared by the cosine of what then remains. Words
    compete with the words of their own fold only, since each fold has its own map.

    Args:
        vectors: (n, p), a vector for each row of the responses.
        responses: word-locked rows of one subject, or of subjects in one space; see `brain_embedding` and
            `average_repetitions`.
        mapping: ridge, or least squares on principal components.
        folds: by word type. None for ten, with a gap as long as both vectors and responses remember themselves: of a
            contextual model neighbouring words have like vectors, in a recording they share noise, and a map of one
            onto the other then places words that it was not trained with although it knows nothing of them. Averages
            over repetitions have lost where words stood, so nothing can be left out around them: of contextual
            vectors give the tokens.
        static: (n, q), vectors of the same words out of context, as a control.
        top: the values of K.
        permutations: of words within each fold.
        resamples: of words, for the intervals.
        seed: of both.

    Raises:
        InputError: shapes that do not fit, NaN or infinity, rows that are no words, or a fold with fewer than three
            words.

    Example:
        >>> found = zero_shot(states, brain_embedding(epochs, first=0.0, last=0.2), static=glove)
        >>> found.difference("word to brain", "roc auc")  # does geometry interpolate?
    """
    X, Y = check_matrix(vectors, "vectors"), check_matrix(responses.data, "responses")
    S = None if static is None else check_matrix(static, "static")
    for name, matrix in (("vectors", X), ("static", X if S is None else S)):
        if len(matrix) != len(Y):
            raise InputError(f"{name}: {len(matrix)} rows found, expected {len(Y)}, as the responses have")
    gap = min(autocorrelation_margin(side, responses.rows, LONGEST_GAP) for side in (X, Y))
    folds = ByWordType(10, purge=gap) if folds is None else folds
    split = folds.split(responses.rows)
    assert responses.rows.word is not None  # else the folds have refused it
    words = np.array([word_type(word) for word in responses.rows.word.tolist()])
    sides = {(TO_BRAIN, MAP): (X, Y), (TO_WORD, MAP): (Y, X)}
    if S is not None:
        sides |= {(TO_BRAIN, STATIC): (S, Y), (TO_WORD, STATIC): (Y, S)}
    kept: dict[tuple[str, str], list[FoldScores]] = {}
    sizes = []
    for fold in split:
        test = words[fold.test]
        sizes.append(len(set(test.tolist())))
        if sizes[-1] < 3:
            raise InputError(f"folds: one tests {sizes[-1]} words, expected at least 3; ask for fewer than {folds.k}")
        for (direction, method), (inputs, outputs) in sides.items():
            predicted, copied, actual = _predict(inputs, outputs, responses.rows, words, fold, mapping)
            kept.setdefault((direction, method), []).append(score_fold(predicted, actual, test, top))
            if method == MAP:
                kept.setdefault((direction, NEAREST), []).append(score_fold(copied, actual, test, top))
    scores: dict[str, dict[str, dict[str, WordScore]]] = {TO_BRAIN: {}, TO_WORD: {}}
    for (direction, method), parts in kept.items():
        scores[direction][method] = summarise(parts, permutations, resamples, seed)
    return ZeroShot(
        scores,
        sum(sizes),
        (min(sizes), max(sizes)),
        split.description,
        responses.synthetic,
        permutations,
        resamples,
        seed,
        _notes(folds.purge, gap),
    )


def _notes(purge: int, gap: int) -> tuple[str, ...]:
    if purge >= gap and gap < LONGEST_GAP:
        return ()
    return (
        f"vectors and responses remember themselves for {gap} words{' or more' if gap == LONGEST_GAP else ''} and the "
        f"gap around test words is {purge}: words near test words were trained on, which inflates every score",
    )


def _predict(
    inputs: np.ndarray, outputs: np.ndarray, rows: Rows, words: np.ndarray, fold: Fold, mapping: Mapping
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For the test rows: what the map says, what the nearest training word says, and what was measured; all (m, w)."""
    of_input, of_output = Standardisation.of(inputs[fold.train]), Standardisation.of(outputs[fold.train])
    train, test = of_input.apply(inputs[fold.train]), of_input.apply(inputs[fold.test])
    known, actual = of_output.apply(outputs[fold.train]), of_output.apply(outputs[fold.test])
    predicted = mapping.fit(train, known, rows.take(fold.train))(test)
    return predicted, _copied(train, known, test, words[fold.train]), actual


def _copied(train: np.ndarray, known: np.ndarray, test: np.ndarray, words: np.ndarray) -> np.ndarray:
    """The mean output of the training word whose mean input has the highest cosine; the first in the alphabet of
    equals.
    """
    types, code, counts = np.unique(words, return_inverse=True, return_counts=True)
    inputs, outputs = np.zeros((len(types), train.shape[1])), np.zeros((len(types), known.shape[1]))
    np.add.at(inputs, code, train)
    np.add.at(outputs, code, known)
    inputs /= np.maximum(np.linalg.norm(inputs, axis=1, keepdims=True), 1e-150)
    return (outputs / counts[:, None])[(test @ inputs.T).argmax(axis=1)]
