import numpy as np
import pytest

from grounding.alignment import nearest, retrieval
from grounding.errors import InputError


def units(generator, rows, width=8):
    X = generator.standard_normal((rows, width))
    return X / np.linalg.norm(X, axis=1, keepdims=True)


def by_definition(queries, keys, method, neighbours, background=None):
    """Scores (Q, K) written as the papers have them."""
    cosine = queries @ keys.T
    crowd = (queries if background is None else background) @ keys.T
    of_query = np.sort(cosine, axis=1)[:, -neighbours:].mean(1)
    of_key = np.sort(crowd, axis=0)[-neighbours:].mean(0)
    if method == "csls":
        return 2 * cosine - of_query[:, None] - of_key
    if method == "margin":
        return cosine / ((of_query[:, None] + of_key) / 2)
    return cosine


@pytest.mark.parametrize("method", ["cosine", "csls", "margin"])
@pytest.mark.parametrize("k", [1, 3, 40, 700])
def test_nearest_equals_brute_force(generator, monkeypatch, method, k):
    monkeypatch.setattr(retrieval, "LARGEST", 7000)  # several blocks, the last one shorter
    queries, keys = units(generator, 103), units(generator, 700)
    scores = by_definition(queries, keys, method, 10)
    found = nearest(3 * queries, keys / 5, k, method=method)
    expected = np.sort(scores, axis=1)[:, ::-1][:, :k]
    np.testing.assert_allclose(found.scores, expected, atol=2e-6)
    np.testing.assert_allclose(np.take_along_axis(scores, found.indices, axis=1), expected, atol=2e-6)
    assert found.indices.dtype == np.int64 and found.scores.dtype == np.float32


@pytest.mark.parametrize("method", ["csls", "margin"])
def test_the_background_measures_the_crowding_of_keys(generator, method):
    queries, keys, background = units(generator, 5), units(generator, 40), units(generator, 60)
    scores = by_definition(queries, keys, method, 4, background)
    found = nearest(queries, keys, 2, method=method, neighbours=4, background=background)
    np.testing.assert_allclose(found.scores, np.sort(scores, axis=1)[:, ::-1][:, :2], atol=2e-6)


def test_equal_scores_come_in_the_order_of_the_keys():
    values = np.zeros((2, 300), dtype=np.float32)
    values[1, [7, 290]] = 1
    assert retrieval.largest(values, 1)[:, 0].tolist() == [0, 7]
    assert retrieval.largest(values[1:, :], 2).tolist() == [[7, 290]]
    assert retrieval.largest(values[:1, :5], 5).tolist() == [[0, 1, 2, 3, 4]]


def test_a_hub_that_fools_cosine_does_not_fool_the_others(generator):
    """Each query has its own key; one more key, amid all of them, is nearer to every query."""
    middle = np.eye(1, 200)[0]
    own = units(generator, 50, 200)
    queries = middle + 0.6 * own
    keys = np.vstack([middle + 0.8 * own + 0.9 * units(generator, 50, 200), middle])
    right = np.arange(50)
    assert (nearest(queries, keys).indices[:, 0] == 50).mean() > 0.9
    for method in ("csls", "margin"):
        assert (nearest(queries, keys, method=method).indices[:, 0] == right).mean() > 0.95


GOOD = np.random.default_rng(0).standard_normal((20, 4))


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        ((GOOD, GOOD[:, :3]), {}, "queries and keys: widths 4 and 3"),
        ((GOOD, GOOD, 21), {}, "k: 21 found, expected 1 to 20"),
        ((GOOD, GOOD), {"method": "euclid"}, "method: 'euclid' found, expected one of cosine, csls, margin"),
        ((GOOD, GOOD), {"method": "csls", "neighbours": 21}, "neighbours: 21 found, expected 1 to 20"),
        ((GOOD, np.full_like(GOOD, np.inf)), {}, "keys: row 0 has NaN or infinity"),
        ((GOOD, GOOD * (np.arange(20) != 6)[:, None]), {}, "keys: row 6 is zero"),
        ((GOOD, GOOD), {"method": "csls", "background": GOOD[:, :2]}, "background and keys: widths 2 and 4"),
    ],
)
def test_bad_input_is_named(arguments, options, words):
    with pytest.raises(InputError, match=words):
        nearest(*arguments, **options)
