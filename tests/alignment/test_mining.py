import numpy as np
import pytest

from grounding.alignment import MinedPairs, best_threshold, mine_pairs, nearest
from grounding.errors import InputError


def bitext(generator, translated=60, alone=40, width=24):
    """Sentences of two languages, of which 60 are translated and 40 on either side are not."""
    meaning = generator.standard_normal((translated, width))
    X = np.vstack([meaning, generator.standard_normal((alone, width))])
    Y = np.vstack([meaning + 0.4 * generator.standard_normal(meaning.shape), generator.standard_normal((alone, width))])
    order = generator.permutation(len(Y))
    truth = {(i, int(j)) for i, j in enumerate(np.argsort(order)[:translated])}
    return X, Y[order], truth


def test_planted_translations_are_mined_and_strangers_cut_off(generator):
    X, Y, truth = bitext(generator)
    cut = best_threshold(mine_pairs(X, Y), truth)
    assert cut.precision > 0.95 and cut.recall > 0.95
    others_X, others_Y, others = bitext(np.random.default_rng(1))
    found = mine_pairs(others_X, others_Y, threshold=cut.threshold)
    right = len(others & set(zip(found.source.tolist(), found.target.tolist(), strict=True)))
    assert right / len(found.scores) > 0.9 and right / len(others) > 0.9
    assert (found.scores >= np.float32(cut.threshold)).all() and (np.diff(found.scores) <= 0).all()


def test_strategies_are_what_they_say(generator):
    X, Y, _ = bitext(generator)
    forth, back = (nearest(*sides, method="margin", neighbours=4) for sides in ((X, Y), (Y, X)))
    pairs = {
        name: set(zip((found := mine_pairs(X, Y, strategy=name)).source.tolist(), found.target.tolist(), strict=True))
        for name in ("forward", "backward", "intersection", "best")
    }
    assert pairs["forward"] == {(i, int(j)) for i, j in enumerate(forth.indices[:, 0])}
    assert pairs["backward"] == {(int(i), j) for j, i in enumerate(back.indices[:, 0])}
    assert pairs["intersection"] == pairs["forward"] & pairs["backward"]
    assert pairs["intersection"] <= pairs["best"] <= pairs["forward"] | pairs["backward"]
    for side in (0, 1):
        assert len({pair[side] for pair in pairs["best"]}) == len(pairs["best"])


def test_the_best_threshold_by_hand():
    found = MinedPairs(np.array([0, 1, 2, 3]), np.array([0, 1, 9, 3]), np.array([4, 3, 2, 1], dtype=np.float32))
    cut = best_threshold(found, [(0, 0), (1, 1), (3, 3), (5, 5)])
    # After four pairs: 3 right of 4, and of 4 true ones; after two: 2 of 2, and of 4.
    assert (cut.threshold, cut.precision, cut.recall, cut.f1) == (1.0, 0.75, 0.75, 0.75)


def test_a_threshold_does_not_part_equal_scores():
    found = MinedPairs(np.array([0, 1]), np.array([0, 9]), np.array([1, 1], dtype=np.float32))
    cut = best_threshold(found, [(0, 0)])
    assert (cut.precision, cut.recall) == (0.5, 1.0)


def test_bad_input_is_named():
    with pytest.raises(InputError, match="strategy: 'all' found"):
        mine_pairs(np.eye(5), np.eye(5), strategy="all")
    nothing = mine_pairs(np.eye(5), np.eye(5), threshold=99)
    with pytest.raises(InputError, match="0 mined and 1 true pairs"):
        best_threshold(nothing, [(0, 0)])
