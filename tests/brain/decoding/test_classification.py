"""Categories are told apart where they differ, at chance where not, and the choice is made in training rows."""

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.dummy import DummyClassifier
from sklearn.neighbors import NearestCentroid

from grounding.brain.decoding import NewSubjectNewWord, averaged, classify
from grounding.brain.folds import LeaveOneOut, Shuffled
from grounding.brain.recording import Responses
from grounding.brain.rows import Rows
from grounding.errors import InputError
from tests.brain.decoding.planted import WORDS, patterns

NAMES = np.array(["cat", "face", "shoe"])


def blocks(signal: float, seed: int = 0) -> tuple[Responses, np.ndarray]:
    """Six runs with each category twice."""
    generator = np.random.default_rng(seed)
    means = generator.normal(size=(3, 10))
    kind = np.tile([0, 1, 2, 2, 0, 1], 6)
    data = signal * means[kind] + generator.normal(size=(36, 10))
    rows = Rows.joined([Rows.of_run(f"run-{run}", np.arange(6.0)) for run in range(6)])
    return Responses(data.astype("f"), rows, tuple(map(str, range(10))), "fmri"), NAMES[kind]


def test_planted_categories_are_found():
    found = classify(*blocks(2.0), permutations=99)
    assert found.accuracy.low > 0.6 and found.accuracy.p == 0.01
    assert found.accuracy.chance == pytest.approx(1 / 3)
    assert found.confusion.sum() == 36 and np.trace(found.confusion) == (found.actual == found.predicted).sum()
    assert found.folds == "leave one run out, 6 folds" and found.as_dict()["n"] == 36
    assert "SHUFFLED" in str(classify(*blocks(2.0), Shuffled(4, seed=0), permutations=0))


def test_predictions_are_those_of_scikit_learn_fitted_in_training_rows():
    data, labels = blocks(1.0)
    found = classify(data, labels, permutations=0)
    for fold in LeaveOneOut("run").split(data.rows):
        train, test = data.data[fold.train], data.data[fold.test]
        mean, spread = train.mean(0), train.std(0)
        model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto").fit(
            (train - mean) / spread, labels[fold.train]
        )
        np.testing.assert_array_equal(found.predicted[fold.test], model.predict((test - mean) / spread))


def test_noise_is_significant_in_no_more_than_five_percent():
    nearest = {"nearest mean": NearestCentroid()}
    p = [
        classify(*blocks(0.0, seed), permutations=39, resamples=1, classifiers=nearest).accuracy.p for seed in range(20)
    ]
    assert sum(value <= 0.05 for value in p) <= 4  # Binomial(20, 0.05) is above that with probability 0.003


def test_the_p_value_allows_for_folds_that_trained_one_another():
    """The null is widened around its mean: an accuracy that one in fifty permutations reaches is no longer rare."""
    data, labels = blocks(0.4, seed=3)
    found = classify(data, labels, permutations=199)
    generator = np.random.default_rng(0)
    draws = [np.concatenate([generator.permutation(part) for part in np.split(labels, 6)]) for _ in range(199)]
    null = np.array([(drawn == found.predicted).mean() for drawn in draws])
    plain = (1 + (null >= found.accuracy.value - 1e-12).sum()) / 200
    wide = null.mean() + np.sqrt(2) * (null - null.mean())
    assert plain < found.accuracy.p == (1 + (wide >= found.accuracy.value - 1e-12).sum()) / 200


def test_the_better_classifier_is_chosen_inside_the_training_rows():
    offered = {"constant": DummyClassifier(), "linear": LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")}
    found = classify(*blocks(2.0), classifiers=offered, permutations=0)
    assert found.classifier == "constant (0), linear (6)" and found.accuracy.value > 0.8


def test_a_category_that_only_names_words_is_not_found_in_new_words():
    """Kinds are dealt to words at random: known words give them away, new ones must not."""
    data = averaged(patterns(subjects=6, signal=2.0))
    kinds = {word: "ab"[number % 2] for number, word in enumerate(WORDS)}
    labels = [kinds[word] for word in data.rows.word.tolist()]
    known = classify(data, labels, LeaveOneOut("subject"), permutations=99)
    new = classify(data, labels, NewSubjectNewWord(6, kinds), permutations=99)
    assert known.accuracy.value > new.accuracy.value + 0.1 and new.accuracy.p > 0.05


def test_bad_labels_are_refused():
    data, labels = blocks(1.0)
    with pytest.raises(InputError, match=r"labels: \(35,\) found, expected \(36,\)"):
        classify(data, labels[1:])
    with pytest.raises(InputError, match="only 'cat' found"):
        classify(data, ["cat"] * 36)
    with pytest.raises(InputError, match="'only' is tested in a fold and never trained on"):
        classify(data, np.r_[["only"], labels[1:]])
