"""Folds within subjects, and of new subjects with new words."""

import numpy as np
import pytest

from grounding.brain.decoding import NewSubjectNewWord, Within, averaged
from grounding.brain.folds import Contiguous, LeaveOneOut, Shuffled
from grounding.errors import InputError
from tests.brain.decoding.planted import WORDS, patterns


def test_within_trains_on_the_same_subject_only():
    rows = averaged(patterns(subjects=3), parts=2).rows
    folds = Within(LeaveOneOut("run")).split(rows)
    assert len(folds) == 6 and folds.tested.tolist() == list(range(len(rows)))
    for fold in folds:
        assert set(rows.subject[fold.train]) == set(rows.subject[fold.test])
        assert not set(rows.run[fold.train]) & set(rows.run[fold.test])
    assert folds.description == "within each of 3 subjects: leave one run out, 2 folds"
    assert Within(Shuffled(2, seed=0)).split(rows).shuffled and not Within(Contiguous(2)).split(rows).shuffled


def test_neither_subject_nor_word_was_trained_on_and_every_row_is_tested():
    rows = patterns(subjects=3).rows
    folds = NewSubjectNewWord(4).split(rows)
    assert len(folds) == 12 and folds.tested.tolist() == list(range(len(rows)))
    for fold in folds:
        assert not set(rows.subject[fold.train]) & set(rows.subject[fold.test])
        assert not set(rows.word[fold.train]) & set(rows.word[fold.test])


def test_kinds_are_balanced_over_the_parts():
    kinds = {word: "ab"[number // 12] for number, word in enumerate(WORDS)}
    rows = patterns(subjects=2).rows
    for fold in NewSubjectNewWord(12, kinds).split(rows):
        assert sorted(kinds[word] for word in set(rows.word[fold.test].tolist())) == ["a", "b"]
    with pytest.raises(InputError, match="kinds: none for word00"):
        NewSubjectNewWord(3, {"word01": "a"}).split(rows)


def test_bad_folds_are_refused():
    rows = patterns(subjects=2).rows
    with pytest.raises(InputError, match="25 parts of 24 words"):
        NewSubjectNewWord(25).split(rows)
    with pytest.raises(InputError, match="groups by subject"):
        NewSubjectNewWord(3).split(rows.take(np.arange(48)))
