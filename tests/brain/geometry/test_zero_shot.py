"""Zero-shot maps on planted geometry: what is found, what a copy would find, and what chance gives."""

import os
import subprocess
import sys

import numpy as np
import pytest

from grounding.brain.folds import ByWordType
from grounding.brain.geometry import PrincipalMapping, RidgeMapping, zero_shot
from grounding.brain.geometry.matching_scores import never_certain, score_fold
from grounding.brain.recording import Responses
from grounding.brain.rows import Rows
from grounding.brain.synthetic.planting import autoregressive
from grounding.errors import InputError
from grounding.text.evaluation.estimates import Estimate

QUICK = dict(permutations=99, resamples=100, top=(1, 3))


def tokens(generator: np.random.Generator, types: int = 60, repetitions: int = 2, p: int = 8, v: int = 12, noise=1.0):
    """Vectors and responses of words in two runs; responses follow the vectors linearly."""
    names = np.array([f"w{i:03d}" for i in range(types)])
    order = np.concatenate([generator.permutation(types) for _ in range(repetitions)])
    by_type = generator.normal(size=(types, p))
    vectors = by_type[order]
    data = vectors @ generator.normal(size=(p, v)) + noise * generator.normal(size=(len(order), v)) * np.sqrt(p)
    half = len(order) // 2
    rows = Rows.joined(
        [
            Rows.of_run("one", np.arange(half), word=names[order[:half]].tolist()),
            Rows.of_run("two", np.arange(len(order) - half), word=names[order[half:]].tolist()),
        ]
    )
    targets = tuple(f"e{i}" for i in range(v))
    return vectors.astype(np.float32), Responses(data.astype(np.float32), rows, targets, "ecog", synthetic=True)


@pytest.mark.parametrize("mapping", [RidgeMapping(), PrincipalMapping(6)])
def test_a_planted_geometry_is_found_both_ways_and_beats_copying(generator, mapping):
    vectors, responses = tokens(generator, noise=0.7)
    found = zero_shot(vectors, responses, mapping=mapping, folds=ByWordType(4), **QUICK)
    assert found.words == 60 and found.candidates == (15, 15) and found.synthetic
    for direction in ("word to brain", "brain to word"):
        scores = found.scores[direction]["map"]
        for name in ("pairwise", "two vs two", "roc auc"):
            assert scores[name].estimate.value > 0.75 and scores[name].p == 0.01 and scores[name].chance == 0.5
            assert 0.6 < scores[name].estimate.low < scores[name].estimate.value <= scores[name].estimate.high <= 1
        assert scores["top 1"].chance == pytest.approx(1 / 15) and scores["top 3"].chance == pytest.approx(3 / 15)
        assert scores["top 1"].estimate.value > 0.25
        assert found.difference(direction).low > 0
    assert len(found.table()) == 2 * 2 * 5 and all(row["synthetic"] for row in found.table())


def test_a_copy_is_as_good_where_words_come_in_pairs_of_equals(generator):
    """Where each word has a twin with the same vector and the same response, nothing beats copying the twin's."""
    vectors, responses = tokens(generator, types=40, repetitions=2, p=40, v=30, noise=0.05)
    names = np.unique(responses.rows.word)
    # Twins fall into different folds, since words of equal count are dealt out in alphabetical order.
    source = {name: names[place // 2 * 2] for place, name in enumerate(names)}
    chosen = [int(np.flatnonzero(responses.rows.word == source[name])[0]) for name in responses.rows.word]
    data = responses.data[chosen] + 0.01 * generator.normal(size=responses.data.shape).astype(np.float32)
    twins = Responses(data, responses.rows, responses.targets, "ecog", synthetic=True)
    found = zero_shot(vectors[chosen], twins, folds=ByWordType(4), **QUICK)
    assert found.scores["word to brain"]["nearest training word"]["top 1"].estimate.value > 0.95
    assert found.difference("word to brain", "pairwise").low <= 0


def test_noise_is_at_chance_and_static_vectors_are_a_control(generator):
    vectors, responses = tokens(generator, noise=1.0)
    stranger = generator.normal(size=vectors.shape)
    found = zero_shot(stranger, responses, folds=ByWordType(4), static=vectors, **QUICK)
    for direction in found.scores:
        assert found.scores[direction]["map"]["roc auc"].p > 0.02
        assert abs(found.scores[direction]["map"]["pairwise"].estimate.value - 0.5) < 0.12
        assert found.scores[direction]["static vectors"]["pairwise"].p == 0.01
        assert found.difference(direction, first="map", second="static vectors").high < 0


def test_neighbours_of_test_words_give_nothing_away_by_default():
    """Contextual vectors and responses that know nothing of each other, but both drift: without a gap maps "work"."""
    values = {"default": [], "no gap": []}
    for seed in range(4):
        generator = np.random.default_rng(seed)
        X, Y = autoregressive(400, 6, 0.8, generator), autoregressive(400, 6, 0.8, generator)
        words = [f"w{number}" for number in generator.integers(150, size=400)]
        brain = Responses(Y.astype("f"), Rows.of_run("r", np.arange(400) * 0.3, word=words), tuple("abcdef"), "eeg")
        for name, folds in (("default", None), ("no gap", ByWordType(10))):
            found = zero_shot(X, brain, mapping=PrincipalMapping(6), folds=folds, permutations=0, resamples=1, top=())
            values[name].append(found.scores["word to brain"]["map"]["roc auc"].estimate.value)
            assert ("gap of" in found.folds) == (folds is None)
        assert any("which inflates every score" in note for note in found.notes)
    assert np.mean(values["no gap"]) > 0.53 and abs(np.mean(values["default"]) - 0.5) < 0.03


def test_p_values_of_noise_are_uniform(generator):
    values = []
    for seed in range(24):
        vectors, responses = tokens(generator, types=18, repetitions=2, p=3, v=4)
        stranger = generator.normal(size=vectors.shape)
        ask = dict(mapping=PrincipalMapping(3), folds=ByWordType(2), permutations=19, resamples=1, top=(), seed=seed)
        found = zero_shot(stranger, responses, **ask)
        values.append([found.scores["word to brain"]["map"][name].p for name in ("pairwise", "two vs two", "roc auc")])
    # 24 uniform draws: standard error of the mean 0.059, of the share up to 0.2 0.082.
    assert (np.abs(np.mean(values, axis=0) - 0.525) < 0.21).all()
    assert (np.mean(np.array(values) <= 0.2, axis=0) < 0.2 + 3.5 * 0.082).all()


def test_scores_are_their_definitions(generator):
    words = np.array(["c", "a", "b", "a", "d", "c", "c"])
    predicted, actual = generator.normal(size=(7, 5)), generator.normal(size=(7, 5))
    scores = score_fold(predicted, actual, words, (1, 2))
    types = np.array(["a", "b", "c", "d"])
    prototypes = np.stack([actual[words == word].mean(0) for word in types])
    similar = np.array([[p @ q / np.linalg.norm(p) / np.linalg.norm(q) for q in prototypes] for p in predicted])
    for right, answer in enumerate(types):
        for asked, word in enumerate(types):
            mine = similar[words == word]
            others = np.delete(np.arange(4), right)
            better = mine[:, [right]] > mine[:, others]
            assert scores.single["pairwise"][asked, right] == pytest.approx(better.mean())
            assert scores.single["top 2"][asked, right] == pytest.approx((better.sum(1) >= 2).mean())
            rest = similar[words != word, right]
            area = np.mean(similar[words == word, right][:, None] > rest)
            assert scores.single["roc auc"][asked, right] == pytest.approx(area), (answer, word)
            assert scores.similarity[asked, right] == pytest.approx(mine[:, right].mean())
    assert scores.chance == {"pairwise": 0.5, "roc auc": 0.5, "top 1": 0.25, "top 2": 0.5}


def test_ties_earn_half_and_no_top_place(generator):
    same = score_fold(np.ones((4, 3)), np.ones((4, 3)), np.array(list("abcd")), (1,))
    assert (same.single["pairwise"] == 0.5).all() and (same.single["roc auc"] == 0.5).all()
    assert (same.single["top 1"] == 0).all()


def test_all_right_is_not_certain():
    """All of 60 words right: the truth may still be 0.025 ** (1 / 60), which would yield that in 1 of 40 cases."""
    assert never_certain(Estimate(1.0, 1.0, 1.0), 60) == Estimate(1.0, pytest.approx(0.9404, abs=1e-4), 1.0)
    assert never_certain(Estimate(0.0, 0.0, 0.0), 60) == Estimate(0.0, 0.0, pytest.approx(0.0596, abs=1e-4))
    assert never_certain(Estimate(0.5, 0.4, 0.6), 60) == Estimate(0.5, 0.4, 0.6)


def test_another_words_response_changes_no_prediction_of_its_fold(generator):
    """Test rows are in no mean, scale, penalty or component: changing them must leave the map as it was."""
    vectors, responses = tokens(generator)
    fold = next(iter(ByWordType(4).split(responses.rows)))
    from grounding.brain.geometry.zero_shot import _predict

    words = np.char.lower(responses.rows.word)
    data = responses.data.copy()
    before = _predict(vectors, data, responses.rows, words, fold, RidgeMapping())
    data[fold.test] = 1e3
    after = _predict(vectors, data, responses.rows, words, fold, RidgeMapping())
    np.testing.assert_array_equal(before[0], after[0])
    np.testing.assert_array_equal(before[1], after[1])
    assert not set(words[fold.test]) & set(words[fold.train])


def test_a_constant_channel_changes_nothing(generator):
    vectors, responses = tokens(generator)
    wide = Responses(
        np.hstack([responses.data, np.full((len(responses.data), 1), 3, np.float32)]),
        responses.rows,
        (*responses.targets, "flat"),
        "ecog",
        True,
    )
    ask = dict(folds=ByWordType(4), mapping=PrincipalMapping(6), permutations=5, resamples=5)
    plain, with_flat = zero_shot(vectors, responses, **ask), zero_shot(vectors, wide, **ask)
    value = [one.scores["word to brain"]["map"]["pairwise"].estimate.value for one in (plain, with_flat)]
    assert value[0] == pytest.approx(value[1], abs=1e-9)


def small_table() -> str:
    vectors, responses = tokens(np.random.default_rng(0), types=20)
    ask = dict(mapping=PrincipalMapping(4), folds=ByWordType(3), permutations=9, resamples=9)
    return str(zero_shot(vectors, responses, **ask).table())


def test_hash_order_changes_nothing():
    """This process has an order of its own, drawn at random; the other has that of seed 0."""
    environment = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONPATH": os.path.dirname(__file__)}
    program = "from test_zero_shot import small_table; print(small_table())"
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == small_table() and "roc auc" in done.stdout


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda X, R: zero_shot(X[:9], R), "vectors: 9 rows found, expected 120"),
        (lambda X, R: zero_shot(X, R, static=X[:9]), "static: 9 rows found"),
        (lambda X, R: zero_shot(np.full_like(X, np.nan), R), "vectors: row 0 has NaN"),
        (lambda X, R: zero_shot(X, R, folds=ByWordType(30)), "one tests 2 words, expected at least 3"),
        (lambda X, R: zero_shot(X, R, mapping=PrincipalMapping(50)), "components: 50 found, expected 1 to 8"),
    ],
)
def test_bad_input_is_named(generator, call, message):
    vectors, responses = tokens(generator)
    with pytest.raises(InputError, match=message):
        call(vectors, responses)


def test_asking_for_a_difference_that_there_is_not(generator):
    vectors, responses = tokens(generator, types=20)
    ask = dict(mapping=PrincipalMapping(3), folds=ByWordType(3), permutations=3, resamples=3)
    found = zero_shot(vectors, responses, **ask)
    with pytest.raises(InputError, match="'static vectors' is not among the scores"):
        found.difference("word to brain", second="static vectors")
    with pytest.raises(InputError, match="score of pairs of words; take 'pairwise'"):
        found.difference("word to brain", "two vs two")
