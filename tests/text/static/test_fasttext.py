import numpy as np
import pytest
import torch

from grounding.errors import DataError, InputError
from grounding.text.corpus import Corpus
from grounding.text.static.embedding import StaticEmbedding
from grounding.text.static.fasttext import FastText, FastTextSettings, word_rows
from grounding.text.static.fasttext_kernels import new_reach, train_chunk
from grounding.text.static.lanes import padded
from grounding.text.static.sampling import thresholds
from grounding.text.static.subwords import ngram_buckets
from grounding.text.static.window_kernels import Objective, new_step
from grounding.text.vocabulary import Vocabulary

SMALL = FastTextSettings(dim=12, window=3, min_count=1, sample=0, epochs=4, rate=0.1, buckets=100_000, threads=1)


@pytest.fixture(scope="module")
def corpus():
    """Words that begin with "kel" or "zub", whatever follows, in the company of words of their own."""
    random = np.random.default_rng(0)
    documents = []
    for _ in range(1500):
        stem, company = [("kel", "abc"), ("zub", "xyz")][random.integers(2)]
        word = stem + "".join(random.choice(list("oiumnrst"), size=3))
        documents.append([*random.choice(list(company), size=3), word, *random.choice(list(company), size=3)])
    return Corpus.of(documents)


@pytest.fixture(scope="module")
def trained(corpus):
    return FastText.train(corpus, SMALL, seed=0)


# --- the kernel against a plain implementation


def random_numbers(seed):
    """SplitMix64, as published."""
    whole, state = 2**64 - 1, seed
    while True:
        state = (state + 0x9E3779B97F4A7C15) & whole
        mixed = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & whole
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & whole
        yield mixed ^ (mixed >> 31)


def step(inputs, outputs, centre, negative, negatives, rate):
    """One window by automatic differentiation, of inputs (n, dim) and all outputs; changes both."""
    x, o = (torch.tensor(array, dtype=torch.float64, requires_grad=True) for array in (inputs, outputs))
    objective = torch.nn.functional.logsigmoid(x @ o[centre]).sum()
    objective = objective + negatives * torch.nn.functional.logsigmoid(-x @ o[negative]).sum()
    objective.backward()
    inputs += rate * x.grad.numpy()
    outputs += rate * o.grad.numpy()


def plain(documents, inputs, outputs, rows, window, negatives, negative, rate, cbow, seed):
    """fastText with the mean of a word taken `window` words ahead of the centre and given back as far behind it."""
    random = random_numbers(seed)

    def skip(count):
        for _ in range(count):
            next(random)

    skip(negatives)
    for words in documents:
        skip(len(words))
        means, taken = {}, {}
        for centre in range(-window, len(words)):
            if centre + window < len(words):
                means[centre + window] = inputs[rows[words[centre + window]]].mean(axis=0)
                taken[centre + window] = means[centre + window].copy()
            if centre < 0:
                continue
            reach = 1 + ((next(random) >> 32) * window >> 32)
            context = [p for p in range(max(0, centre - reach), min(len(words), centre + reach + 1)) if p != centre]
            if context:
                skip(negatives)
                x = np.stack([means[p] for p in context])
                used = x.mean(axis=0, keepdims=True) if cbow else x
                before = used.copy()
                step(used, outputs, words[centre], negative, negatives, rate)
                for place, p in enumerate(context):
                    means[p] = means[p] + (used - before)[0 if cbow else place]
            for p in [p for p in means if p <= centre - window or centre == len(words) - 1]:
                for row in rows[words[p]]:
                    inputs[row] += means[p] - taken[p]
                del means[p]


@pytest.mark.parametrize("cbow", [False, True])
def test_kernel_does_what_a_plain_implementation_does(cbow):
    # Words that share n-grams, or have one twice; the last is the only negative.
    words = ["aba", "abab", "baba", "c", "dd"]
    documents = [[0, 1], [], [2], [0, 0, 1, 2, 3, 0, 2, 1, 1, 3], [3, 2, 3]]
    settings = FastTextSettings(dim=10, window=2, negatives=3, min_ngram=2, max_ngram=3, buckets=40)
    buckets = np.unique(ngram_buckets(words, 2, 3, 40)[0])
    rows, starts = word_rows(words, buckets, settings)
    width, random, rate = padded(10), np.random.default_rng(1), 0.3
    inputs, output = (np.zeros((count, width), dtype=np.float32) for count in (5 + len(buckets), 5))
    for array in (inputs, output):
        array[:, :10] = random.normal(scale=0.5, size=(len(array), 10))
    expected_inputs, expected_output = inputs.astype(np.float64), output.astype(np.float64)
    none, nothing = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32)
    always_last = (np.zeros(5, dtype=np.uint64), np.full(5, 4))
    objective = Objective(3, *always_last, nothing, none, none.astype(np.int32), nothing)
    tokens = np.array([word for document in documents for word in document], dtype=np.int32)
    begin = np.cumsum([0, *(len(document) for document in documents)])
    room = new_step(objective, 4, width, len(tokens), np.uint64(7))
    keep = thresholds(np.ones(5))
    train_chunk(
        *(tokens, begin, rate, inputs, output, keep, objective, rows, starts, 2, new_reach(2, width, cbow), room)
    )

    of_words = [rows[first:last] for first, last in zip(starts[:-1], starts[1:], strict=True)]
    untrained = expected_inputs.copy()
    plain(documents, expected_inputs, expected_output, of_words, 2, 3, 4, rate, cbow, 7)
    assert np.abs(expected_inputs - untrained).max() > 0.1
    np.testing.assert_allclose(inputs, expected_inputs, atol=1e-4)
    np.testing.assert_allclose(output, expected_output, atol=1e-4)


# --- what is learnt


@pytest.mark.parametrize("architecture", ["skip-gram", "cbow"])
def test_unseen_words_lie_with_their_family(corpus, trained, architecture):
    rate = 0.1 if architecture == "skip-gram" else 0.3
    settings = FastTextSettings(**{**vars(SMALL), "architecture": architecture, "rate": rate})
    model = trained if settings == SMALL else FastText.train(corpus, settings, seed=0)
    unseen = ["kelmimi", "zubmimi"]
    assert all(word in model and word not in model.words for word in unseen)
    for word in unseen:
        family = [near for near, _ in model.similar(word, k=20) if len(near) > 1]
        assert len(family) >= 15 and all(near.startswith(word[:3]) for near in family)


def test_vectors_are_means_of_rows(trained):
    word, unseen = trained.words.words[7], "kelmimi"
    rows, starts = word_rows(trained.words.words, trained.arrays["buckets"], SMALL)
    own = trained.arrays["input"][rows[starts[7] : starts[8]]]
    np.testing.assert_allclose(trained.vectors([word])[0], own.mean(axis=0), rtol=1e-4, atol=1e-6)
    ngrams = ngram_buckets([unseen], 3, 6, SMALL.buckets)[0].tolist()
    held = trained.arrays["buckets"].tolist()
    known = [trained.arrays["input"][len(trained) + held.index(bucket)] for bucket in ngrams if bucket in held]
    assert 0 < len(known) < len(ngrams)
    mixed = trained.vectors([unseen, word, unseen])
    np.testing.assert_allclose(mixed[0], np.sum(known, axis=0) / len(ngrams), rtol=1e-4, atol=1e-6)
    assert mixed.dtype == np.float32 and (mixed[0] == mixed[2]).all() and (mixed[1] == trained.matrix[7]).all()


def test_words_without_any_known_ngram_have_no_vector(trained):
    for word in ("", "q", "é"):
        assert word not in trained
        with pytest.raises(KeyError, match=f"{word}: not in the vocabulary"):
            trained.vectors(["kelmimi", word])
    assert 3 not in trained
    with pytest.raises(InputError, match="expected a list"):
        trained.vectors("kelmimi")


def test_without_ngrams_only_known_words_have_vectors(corpus):
    model = FastText.train(corpus, FastTextSettings(**{**vars(SMALL), "max_ngram": 0, "epochs": 1}))
    assert len(model.arrays["input"]) == len(model) and "kelmimi" not in model
    np.testing.assert_allclose(model.matrix, model.arrays["input"])
    with pytest.raises(KeyError, match="kelmimi"):
        model.vectors(["kelmimi"])


def test_one_thread_repeats_itself_and_a_run_is_kept(corpus, trained, tmp_path):
    again = FastText.train(corpus, SMALL, seed=0, run=tmp_path / "run")
    assert again.fingerprint() == trained.fingerprint()
    assert FastText.train(corpus, SMALL, seed=0, run=tmp_path / "run").fingerprint() == trained.fingerprint()
    assert FastText.train(corpus, SMALL, seed=1).fingerprint() != trained.fingerprint()
    loaded = StaticEmbedding.load(tmp_path / "run")
    assert isinstance(loaded, FastText) and loaded.settings == SMALL
    assert (loaded.vectors(["kelmimi"]) == trained.vectors(["kelmimi"])).all()
    assert (tmp_path / "run" / "metrics.jsonl").read_text().count("loss") == SMALL.epochs


def test_several_threads_learn_the_same_families(corpus):
    model = FastText.train(corpus, FastTextSettings(**{**vars(SMALL), "threads": 2}))
    assert all(near[:3] == "kel" for near, _ in model.similar("kelmimi", k=15) if len(near) > 1)


def test_rare_words_are_left_out(corpus):
    model = FastText.train(corpus, FastTextSettings(**{**vars(SMALL), "min_count": 50, "epochs": 1}))
    assert sorted(model.words.words) == list("abcxyz")
    with pytest.raises(InputError, match="min_count"):
        FastText.train(corpus, FastTextSettings(min_count=10**6))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"dim": 0}, "dim: 0 found"),
        ({"window": 0}, "window"),
        ({"negatives": 0}, "negatives"),
        ({"min_ngram": 0}, "min_ngram"),
        ({"min_ngram": 4, "max_ngram": 3}, "max_ngram: 3 found, expected min_ngram = 4"),
        ({"buckets": -1}, "buckets"),
        ({"architecture": "glove"}, "'glove' found, expected one of skip-gram, cbow"),
        ({"sample": -1}, "sample"),
        ({"sample": float("nan")}, "sample"),
        ({"rate": 0}, "rate"),
    ],
)
def test_settings_that_cannot_be_used(wrong, message):
    with pytest.raises(InputError, match=message):
        FastTextSettings(**wrong)


def test_arrays_that_do_not_fit_together(trained, tmp_path):
    words, matrix, arrays = trained.words, trained.matrix, trained.arrays
    with pytest.raises(InputError, match="buckets missing"):
        FastText(words, matrix, SMALL, {"input": arrays["input"]})
    with pytest.raises(InputError, match="input: shape"):
        FastText(words, matrix, SMALL, arrays | {"buckets": arrays["buckets"][1:]})
    with pytest.raises(InputError, match="matrix: shape"):
        FastText(words, matrix[:, 1:], SMALL, arrays)
    trained.save(tmp_path / "bare")
    (tmp_path / "bare" / "settings.toml").unlink()
    with pytest.raises(DataError, match="bare: settings: none found"):
        FastText.load(tmp_path / "bare")
    with pytest.raises(InputError, match=r"an n-gram of '.*' missing"):
        FastText.of(Vocabulary(["kelmimi"], np.array([1])), np.ones((2, 12), np.float32), np.array([3]), SMALL)
    StaticEmbedding(words, matrix).save(tmp_path / "other")
    with pytest.raises(DataError, match="StaticEmbedding found, expected FastText"):
        FastText.load(tmp_path / "other")
