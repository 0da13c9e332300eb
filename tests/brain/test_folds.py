"""Folds: deterministic, disjoint, with gaps that stay within runs and word types that never leak."""

import os
import subprocess
import sys

import numpy as np
import pytest

from grounding.brain.decoding import averaged
from grounding.brain.folds import (
    ByWordType,
    Contiguous,
    Folds,
    Grouped,
    LeaveOneOut,
    NewSubjectNewWord,
    Shuffled,
    Within,
)
from grounding.brain.rows import Rows
from grounding.errors import InputError
from tests.brain.decoding.planted import WORDS, patterns


def rows(*lengths: int, story: str | None = None) -> Rows:
    parts = [
        Rows.of_run(f"run-{n}", np.arange(length) * 2.0, story=story, subject=f"s{n % 2}")
        for n, length in enumerate(lengths)
    ]
    return Rows.joined(parts)


def words(text: str) -> Rows:
    tokens = text.split()
    return Rows.of_run("r", np.arange(len(tokens)) * 0.3, word=tokens)


def check(folds: Folds, n: int) -> None:
    """Each row is tested once, and never by a model that saw it."""
    assert np.array_equal(folds.tested, np.arange(n))
    for fold in folds:
        assert not np.intersect1d(fold.train, fold.test).size
        assert (np.diff(fold.train) > 0).all() and (np.diff(fold.test) > 0).all()


@pytest.mark.parametrize(
    "folding", [Contiguous(4), Contiguous(4, purge=3), LeaveOneOut(), Grouped(2), Shuffled(3, seed=0)]
)
def test_each_row_is_tested_once(folding):
    of = rows(20, 30, 25)
    check(folding.split(of), len(of))


def test_contiguous_parts_stand_together_and_keep_their_distance_within_the_run():
    of = rows(10, 10)
    for fold in Contiguous(4, purge=2).split(of):
        assert np.array_equal(fold.test, np.arange(fold.test[0], fold.test[-1] + 1))
        for run in ("run-0", "run-1"):
            train, test = (of.index[part][of.run[part] == run] for part in (fold.train, fold.test))
            if len(train) and len(test):
                assert np.abs(train[:, None] - test[None]).min() == 3


def test_a_gap_does_not_reach_into_another_run():
    first = Contiguous(2, purge=4).split(rows(10, 10)).folds[0]
    assert first.test.tolist() == list(range(10))
    assert first.train.tolist() == list(range(10, 20))


def test_rows_that_were_left_out_count_towards_the_gap():
    """A gap is a distance in time, so dropped epochs do not shorten it."""
    of = Rows.of_run("r", np.array([0.0, 1, 2, 8, 9, 10]), index=np.array([0, 1, 2, 8, 9, 10]))
    fold = Contiguous(2, purge=3).split(of).folds[0]
    assert fold.train.tolist() == [3, 4, 5]


@pytest.mark.parametrize("by", ["run", "story", "subject"])
def test_left_out_groups_are_whole(by):
    of = rows(5, 6, 7, 8)
    labels = getattr(of, by)
    folds = LeaveOneOut(by).split(of)
    assert len(folds) == len(set(labels.tolist()))
    for fold in folds:
        assert len(set(labels[fold.test].tolist())) == 1
        assert not set(labels[fold.test].tolist()) & set(labels[fold.train].tolist())


def test_groups_are_dealt_out_evenly():
    sizes = [len(fold.test) for fold in Grouped(2).split(rows(10, 4, 4, 2))]
    assert sizes == [10, 10]


def test_a_test_words_type_is_never_trained_on():
    of = words("The cat saw the dog and the dog saw a cat and a Bird")
    folds = ByWordType(3).split(of)
    check(folds, len(of))
    for fold in folds:
        assert not {w.lower() for w in of.word[fold.test]} & {w.lower() for w in of.word[fold.train]}


def test_word_types_keep_their_distance_too():
    of = words("a b c d e f g h a b c d e f g h i j k l m n o p")
    for fold in ByWordType(6, purge=1).split(of):
        assert np.abs(fold.train[:, None] - fold.test[None]).min() > 1


def test_folds_by_word_type_do_not_depend_on_hash_order():
    code = (
        "import numpy as np; from grounding.brain.rows import Rows; from grounding.brain.folds import ByWordType\n"
        "words = [f'w{n * n % 37}' for n in range(300)]\n"
        "rows = Rows.of_run('r', np.arange(300.0), word=words)\n"
        "print([fold.test.tolist() for fold in ByWordType(5).split(rows)])"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(told) == 1


def test_only_shuffled_folds_are_marked_and_they_need_a_seed():
    of = rows(30)
    assert Shuffled(3, seed=1).split(of).shuffled and "SHUFFLED" in Shuffled(3, seed=1).split(of).description
    assert not any(folding.split(of).shuffled for folding in (Contiguous(3), Contiguous(3, purge=1)))
    with pytest.raises(TypeError):
        Shuffled(3)


def test_shuffling_follows_its_seed():
    of = rows(30)
    same, again, other = (Shuffled(3, seed=seed).split(of).folds[0].test for seed in (0, 0, 1))
    assert np.array_equal(same, again) and not np.array_equal(same, other)


def test_the_order_of_runs_changes_no_group():
    a, b = Rows.of_run("a", np.arange(4.0)), Rows.of_run("b", np.arange(6.0))
    one, other = (LeaveOneOut().split(Rows.joined(parts)) for parts in ([a, b], [b, a]))
    assert {len(f.test) for f in one} == {len(f.test) for f in other} == {4, 6}


@pytest.mark.parametrize(
    ("folding", "of", "said"),
    [
        (Contiguous(9), rows(5), "5 rows found, expected at least 9"),
        (Contiguous(1), rows(5), "expected at least 2"),
        (Contiguous(2, purge=50), rows(20), "make the gap smaller"),
        (LeaveOneOut(), rows(5), "1 groups by run"),
        (LeaveOneOut("word"), rows(5), "by 'word' found, expected one of run, story, subject"),
        (Contiguous(2, purge=-1), rows(20), "purge: -1 rows found"),
        (ByWordType(2, purge=-1), words("a b c"), "purge: -1 rows found"),
        (ByWordType(2), rows(5), "the rows are no words"),
        (ByWordType(5), words("a b a b"), "2 word types found"),
    ],
)
def test_what_cannot_be_parted_is_refused(folding, of, said):
    with pytest.raises(InputError, match=said):
        folding.split(of)


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


def test_new_words_of_new_subjects_must_exist():
    rows = patterns(subjects=2).rows
    with pytest.raises(InputError, match="25 parts of 24 words"):
        NewSubjectNewWord(25).split(rows)
    with pytest.raises(InputError, match="groups by subject"):
        NewSubjectNewWord(3).split(rows.take(np.arange(48)))


def test_new_words_are_new_whatever_their_case_and_punctuation():
    parts = [
        Rows.of_run(s, np.arange(6.0), subject=s, word=["Hat", "tea,", "hat", "Tea", "“tea", "hat."]) for s in "ab"
    ]
    of = Rows.joined(parts)
    for fold in NewSubjectNewWord(2).split(of):
        assert len(set(of.word[fold.test].tolist())) == 3 and len(fold.train) == 3
    with pytest.raises(InputError, match="3 parts of 2 words"):
        NewSubjectNewWord(3).split(of)
