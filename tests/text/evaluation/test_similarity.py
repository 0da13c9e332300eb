import numpy as np
import pytest

from grounding.datasets.language import ScoredPairs, read_word_similarity
from grounding.errors import InputError
from grounding.text.evaluation import sentence_similarity, word_similarity
from tests.text.evaluation.vocabulary import RELATIONS, STEMS, embedding, keyed_vectors

WORDS = embedding()


def file_of_pairs(folder, spoil=str):
    """200 pairs, scores tied and noisy, some words unknown."""
    generator = np.random.default_rng(1)
    known = [f"w{i}{relation}" for i in range(STEMS + 3) for relation in RELATIONS]
    lines = []
    for _ in range(200):
        a, b = generator.choice(known, size=2)
        likeness = float(a.strip("wsering") == b.strip("wsering")) + float(a[3:] == b[3:]) + generator.normal()
        lines.append(f"{spoil(a)}\t{spoil(b)}\t{likeness:.1f}\n")
    file = folder / "pairs.tsv"
    file.write_text("".join(lines))
    return file


@pytest.mark.parametrize("ignore_case", [True, False])
def test_word_similarity_equals_gensims(tmp_path, ignore_case):
    file = file_of_pairs(tmp_path, lambda word: word.upper() if word.endswith("s") else word)
    ours = word_similarity(WORDS, read_word_similarity(file), ignore_case=ignore_case)
    _, spearman, unknown = keyed_vectors(WORDS).evaluate_word_pairs(str(file), case_insensitive=ignore_case)
    assert ours.spearman.value == pytest.approx(spearman[0], abs=1e-6)
    assert 100 * (1 - ours.covered / ours.total) == pytest.approx(unknown)
    assert ours.total == 200 and (ours.covered < 200 if ignore_case else ours.covered < 150)
    assert ours.spearman.low < ours.spearman.value < ours.spearman.high


def test_the_most_frequent_spelling_is_taken_or_the_exact_one():
    pairs = ScoredPairs(("W1", "W2", "W3", "w4"), ("W1s", "W2s", "W30", "w5"), np.array([4.0, 3, 2, 1]))
    lower = ScoredPairs(
        tuple(word.lower() for word in pairs.first), tuple(word.lower() for word in pairs.second), pairs.scores
    )
    assert word_similarity(WORDS, pairs) == word_similarity(WORDS, lower)
    with pytest.raises(InputError, match="of 4 have vectors for both words"):
        word_similarity(WORDS, pairs, ignore_case=False)


def test_embeddings_with_vectors_of_unknown_words_cover_them():
    class Subwords(type(WORDS)):
        def vectors(self, words):
            return np.stack([np.full(self.width, float(len(word)), dtype=np.float32) for word in words])

    pairs = ScoredPairs(("w1", "w2", "w3", "new"), ("w1s", "w2s", "w30", "w5"), np.array([4.0, 3, 2, 1]))
    assert word_similarity(WORDS, pairs).covered == 3
    assert word_similarity(Subwords(WORDS.words, WORDS.matrix), pairs).covered == 4


def test_sentence_similarity_is_pearsons_and_spearmans(generator):
    from scipy.stats import pearsonr, spearmanr

    a = generator.standard_normal((80, 9)).astype(np.float32)
    b = a + generator.standard_normal((80, 9)).astype(np.float32)
    cosines = (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    people = np.round(cosines + generator.normal(scale=0.2, size=80), 1)  # with ties
    found = sentence_similarity(3 * a, b / 7, people)
    assert found.pearson.value == pytest.approx(pearsonr(cosines, people)[0], abs=1e-6)
    assert found.spearman.value == pytest.approx(spearmanr(cosines, people)[0], abs=1e-6)
    assert found.pairs == 80


def test_bad_input_is_named(generator):
    vectors = generator.standard_normal((5, 3))
    with pytest.raises(InputError, match=r"scores \(4,\) found"):
        sentence_similarity(vectors, vectors, np.arange(4))
    with pytest.raises(InputError, match="5 equal values found"):
        sentence_similarity(vectors, vectors[::-1], np.ones(5))
    with pytest.raises(InputError, match="NaN or infinity"):
        sentence_similarity(vectors * np.nan, vectors, np.arange(5))
    with pytest.raises(InputError, match="0 of 3 have vectors for both words.* same language"):
        word_similarity(WORDS, ScoredPairs(("a", "b", "c"), ("d", "e", "f"), np.arange(3.0)))
