"""Analogies: which word is to c as b is to a?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from grounding.errors import InputError
from grounding.text.evaluation.estimates import RESAMPLES, Estimate, share_correct
from grounding.text.evaluation.words import Embedding, spell, units

METHODS = ("add", "mul")
EPSILON = 1e-3
"""Of 3CosMul, so that nothing is divided by 0 (Levy and Goldberg 2014)."""
LARGEST = 2**22
"""The most scores in memory at a time."""

Question = tuple[str, str, str, str]


@dataclass(frozen=True)
class Accuracy:
    """The share of right answers among the covered questions; NaN where none is covered."""

    share: Estimate
    covered: int
    total: int


@dataclass(frozen=True)
class Analogies:
    """Right answers over all questions, and by section."""

    overall: Accuracy
    sections: dict[str, Accuracy]


def analogies(
    embedding: Embedding,
    sections: Mapping[str, Sequence[Question]],
    *,
    method: str = "add",
    vocabulary: int | None = None,
    ignore_case: bool = True,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Analogies:
    """How often the word that is to c as b is to a is the expected one, the question's own words left out.

    The answer has the highest cos(x, b) - cos(x, a) + cos(x, c) with "add" (3CosAdd, Mikolov et al. 2013), or with
    "mul" the highest cos(x, b) cos(x, c) / (cos(x, a) + 0.001) with cosines brought to 0..1 (3CosMul, Levy and Goldberg
    2014). Questions with a word outside the vocabulary are left out.

    Questions of a section combine the same word pairs again and again, so the interval resamples the word pairs, not
    the questions (Owen 2007); it is several times as wide as one that took questions for independent.

    Args:
        embedding: of words.
        sections: questions (a, b, c, expected) by section, as of `read_analogies`.
        method: "add" or "mul".
        vocabulary: how many of the most frequent words there are to ask about and to answer with; None for all.
        ignore_case: compare in lower case, with the most frequent spelling; an answer is right in any spelling.
        resamples: of the word pairs, for the intervals.
        seed: of the resamples.

    Raises:
        InputError: an unknown method, a vocabulary below 1, or no question is covered.

    Example:
        >>> analogies(embedding, read_analogies("google_analogies"), vocabulary=30_000).overall.share.value
        0.31
    """
    if method not in METHODS:
        raise InputError(f"method: {method!r} found, expected one of {', '.join(METHODS)}")
    if vocabulary is not None and vocabulary < 1:
        raise InputError(f"vocabulary: {vocabulary} found, expected 1 word or more, or None for all")
    spellings = [spell(word, ignore_case) for word in embedding.words.words[:vocabulary]]
    first: dict[str, int] = {}
    group = np.array([first.setdefault(spelling, row) for row, spelling in enumerate(spellings)])
    asked = [[spell(word, ignore_case) for word in question] for each in sections.values() for question in each]
    section = np.repeat(np.arange(len(sections)), [len(each) for each in sections.values()])
    covered = np.array([all(word in first for word in question) for question in asked], dtype=bool)
    if not covered.any():
        raise InputError(
            f"sections: none of {len(asked)} questions has all its words among the {len(spellings)} of the vocabulary; "
            "is the embedding of the same language?"
        )
    rows = np.array([[first[word] for word in asked[i]] for i in np.flatnonzero(covered)])
    correct = group[_answers(units(embedding.matrix[:vocabulary]), group, rows[:, :3], method)] == rows[:, 3]
    # Where nothing is left to answer with, a word of the question itself comes out, which is never right.
    correct &= (rows[:, :3] != rows[:, 3:]).all(axis=1)
    _, pair = np.unique(np.concatenate([rows[:, :2], rows[:, 2:]]), axis=0, return_inverse=True)
    pair = pair.reshape(2, -1)

    def accuracy(chosen: np.ndarray) -> Accuracy:
        """Of the questions of bool (all questions,)."""
        mine = chosen[covered]
        share = share_correct(correct[mine], pair[:, mine], resamples, seed)
        return Accuracy(share, int(mine.sum()), int(chosen.sum()))

    return Analogies(
        accuracy(np.ones(len(asked), dtype=bool)),
        {name: accuracy(section == number) for number, name in enumerate(sections)},
    )


def _answers(units: np.ndarray, group: np.ndarray, questions: np.ndarray, method: str) -> np.ndarray:
    """The best row int64 (Q,) for questions (Q, 3), rows of a, b, c. Rows of one group are spellings of one word."""
    spellings: dict[int, list[int]] = {}
    for row, leader in enumerate(group.tolist()):
        spellings.setdefault(leader, []).append(row)
    answers = np.empty(len(questions), dtype=np.int64)
    size = max(1, LARGEST // len(units))
    for start in range(0, len(questions), size):
        block = questions[start : start + size]
        # Neighbouring questions share words: few products serve many questions.
        words, place = np.unique(block, return_inverse=True)
        similar = units[words] @ units.T
        a, b, c = place.reshape(block.shape).T
        if method == "add":
            scores = similar[b]
            scores -= similar[a]
            scores += similar[c]
        else:
            similar = (similar + 1) / 2
            scores = similar[b]
            scores *= similar[c]
            scores /= similar[a] + EPSILON
        for number, question in enumerate(block.tolist()):
            scores[number, [row for leader in question for row in spellings[leader]]] = -np.inf
        answers[start : start + size] = scores.argmax(axis=1)
    return answers
