import numpy as np
import pytest
from gensim.models.fasttext import ft_ngram_hashes

from grounding.text.static.subwords import END_OF_LINE, ngram_buckets

WORDS = ["it", "don't", "zoë", "naïveté", "日本語テキスト", "😀x", "a", "", "banana", "पानी"]


@pytest.mark.parametrize(("shortest", "longest", "buckets"), [(3, 6, 2_000_000), (1, 4, 1000), (1, 1, 50), (2, 2, 7)])
def test_buckets_are_those_of_fasttext(shortest, longest, buckets):
    found, starts = ngram_buckets(WORDS, shortest, longest, buckets)
    assert starts[0] == 0 and starts[-1] == len(found)
    for word, first, last in zip(WORDS, starts[:-1], starts[1:], strict=True):
        # Repeated n-grams count as often as they occur: "banana" has "ana" twice.
        assert sorted(found[first:last]) == sorted(ft_ngram_hashes(word, shortest, longest, buckets)), word


def test_words_do_not_hang_on_those_around_them():
    together, starts = ngram_buckets(["open", "drawer"], 3, 6, 2_000_000)
    assert together[starts[1] :].tolist() == ngram_buckets(["drawer"], 3, 6, 2_000_000)[0].tolist()


@pytest.mark.parametrize(
    ("words", "longest", "buckets"),
    [([], 6, 10), ([END_OF_LINE, ""], 6, 10), (["open", "it"], 0, 10), (["open"], 6, 0)],
)
def test_no_ngrams(words, longest, buckets):
    found, starts = ngram_buckets(words, 3, longest, buckets)
    assert len(found) == 0 and starts.tolist() == [0] * (len(words) + 1)


def test_lengths_beyond_all_words_cost_nothing():
    endless, _ = ngram_buckets(["open", "it"], 3, 2**31 - 1, 1000)
    assert endless.tolist() == ngram_buckets(["open", "it"], 3, 6, 1000)[0].tolist()


def test_docstring_example():
    found, starts = ngram_buckets(["it"], 3, 6, 2_000_000)
    assert sorted(found.tolist()) == [34216, 549354, 1374342] and starts.tolist() == [0, 3]
    assert found.dtype == np.int64
