import numpy as np
import pytest

from grounding.errors import InputError
from grounding.text.corpus import Corpus
from grounding.text.static import cooccurrence
from grounding.text.static.cooccurrence import count_cooccurrences, symmetric

WEIGHTS = {
    "uniform": lambda d, window: 1,
    "linear": lambda d, window: (window + 1 - d) / window,
    "harmonic": lambda d, _: 1 / d,
}


@pytest.fixture
def corpus(generator):
    """Documents of 0 to 29 words, of which few are frequent."""
    lengths = [0, 1, 2, 0, *generator.integers(30, size=60)]
    return Corpus.of([[str(word) for word in generator.zipf(1.3, size=n) % 40] for n in lengths] + [[]])


def counted(corpus: Corpus, words: int, window: int, weighting: str) -> np.ndarray:
    """The whole matrix, pair by pair."""
    counts = np.zeros((words, words))
    for begin, end in zip(corpus.starts[:-1], corpus.starts[1:], strict=True):
        document = [token for token in corpus.tokens[begin:end] if token < words]
        for i, word in enumerate(document):
            for j, context in enumerate(document):
                if 1 <= abs(i - j) <= window:
                    counts[word, context] += WEIGHTS[weighting](abs(i - j), window)
    return counts


@pytest.mark.parametrize("weighting", WEIGHTS)
def test_counts_are_those_of_a_plain_loop(corpus, weighting):
    for words, window in ((len(corpus.vocabulary), 3), (12, 6), (1, 2)):
        counts = count_cooccurrences(corpus, words, window, weighting)
        expected = counted(corpus, words, window, weighting)
        np.testing.assert_allclose(counts.toarray(), np.triu(expected), rtol=1e-6)
        np.testing.assert_allclose(symmetric(counts).toarray(), expected, rtol=1e-6)
        assert counts.dtype == np.float32
        assert counts.has_canonical_format and (counts.data > 0).all()


def test_neither_blocks_nor_threads_change_the_counts(corpus, monkeypatch):
    once = count_cooccurrences(corpus, 30, 4)
    monkeypatch.setattr(cooccurrence, "_BLOCK", 20)
    again = count_cooccurrences(corpus, 30, 4, threads=3)
    for name in ("data", "indices", "indptr"):
        np.testing.assert_array_equal(getattr(once, name), getattr(again, name))


def test_bad_input_is_named(corpus):
    with pytest.raises(InputError, match="window: 0 found, expected 1 or more"):
        count_cooccurrences(corpus, 5, window=0)
    with pytest.raises(InputError, match="weighting: 'square' found, expected 'uniform', 'linear' or 'harmonic'"):
        count_cooccurrences(corpus, 5, weighting="square")
    with pytest.raises(InputError, match=f"words: 1000 found, expected 1 to {len(corpus.vocabulary)}"):
        count_cooccurrences(corpus, 1000)
    with pytest.raises(InputError, match="threads: 0 found"):
        count_cooccurrences(corpus, 5, threads=0)
