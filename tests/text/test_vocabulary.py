import numpy as np
import pytest

from grounding.errors import DataError, InputError
from grounding.text.vocabulary import Vocabulary


@pytest.fixture
def vocabulary():
    return Vocabulary.of("the cat saw the dog and the cat ran".split())


def test_words_are_ranked_and_cut_by_count(vocabulary):
    assert vocabulary.words == ["the", "cat", "saw", "dog", "and", "ran"]
    assert vocabulary.counts.tolist() == [3, 2, 1, 1, 1, 1]
    assert vocabulary.cut(min_count=2).words == ["the", "cat"]
    assert vocabulary.cut(min_count=1, size=3).words == ["the", "cat", "saw"]
    assert vocabulary.ids(["dog", "the"]).tolist() == [3, 0]
    assert "cat" in vocabulary and "cow" not in vocabulary
    with pytest.raises(KeyError, match="cow"):
        vocabulary.ids(["dog", "cow"])
    with pytest.raises(InputError, match="no word occurs 4 times.*occurs 3 times"):
        vocabulary.cut(min_count=4)


def test_subsampling_keeps_what_the_formula_says():
    vocabulary = Vocabulary(["often", "half", "rare"], np.array([90_000, 9_990, 10]))
    kept = vocabulary.keep_probabilities(1e-3)
    # By hand: f = 0.9, so √(900) + 1 = 31, times 1e-3 / 0.9.
    assert kept[0] == pytest.approx(31 / 900)
    assert kept[1] == pytest.approx((np.sqrt(99.9) + 1) / 99.9)
    assert kept[2] == 1
    assert (vocabulary.keep_probabilities(0) == 1).all()


def test_noise_is_the_unigram_distribution_to_three_quarters():
    vocabulary = Vocabulary(["a", "b"], np.array([16, 1]))
    assert vocabulary.noise() == pytest.approx([8 / 9, 1 / 9])
    assert vocabulary.noise(power=0) == pytest.approx([0.5, 0.5])


def test_round_trip_keeps_odd_words(tmp_path):
    words = ["new york", "a\u2028b", "\u00a0", "naïve", "1"]
    Vocabulary(words, np.array([9, 8, 7, 6, 5])).save(tmp_path / "words.tsv")
    again = Vocabulary.load(tmp_path / "words.tsv")
    assert list(again.words) == words and again.counts.tolist() == [9, 8, 7, 6, 5]


def test_unusable_vocabularies_are_refused(tmp_path):
    with pytest.raises(InputError, match="'a' found 2 times"):
        Vocabulary(["a", "b", "a"], np.array([3, 2, 1]))
    with pytest.raises(InputError, match="2 words and 1 counts"):
        Vocabulary(["a", "b"], np.array([3]))
    with pytest.raises(InputError, match="word 1 is empty"):
        Vocabulary(["a", ""], np.array([3, 2]))
    with pytest.raises(InputError, match="'b' is more frequent than 'a'"):
        Vocabulary(["a", "b"], np.array([1, 2]))
    with pytest.raises(InputError, match="tab or line break"):
        Vocabulary(["a\tb"], np.array([1])).save(tmp_path / "words.tsv")
    (tmp_path / "words.tsv").write_text("a\t3\nb\n")
    with pytest.raises(DataError, match=r"words\.tsv, line 2: 'b' found"):
        Vocabulary.load(tmp_path / "words.tsv")
    (tmp_path / "words.tsv").write_text("a\t" + "9" * 5000 + "\n")
    with pytest.raises(DataError, match=r"words\.tsv, line 1"):
        Vocabulary.load(tmp_path / "words.tsv")
    (tmp_path / "words.tsv").write_text("a\t30\nb\t2")
    with pytest.raises(DataError, match=r"words\.tsv, line 2: .* without a line break"):
        Vocabulary.load(tmp_path / "words.tsv")
    (tmp_path / "words.tsv").write_text("")
    with pytest.raises(DataError, match=r"words\.tsv: no words found"):
        Vocabulary.load(tmp_path / "words.tsv")
    with pytest.raises(InputError, match="size: -1 found"):
        Vocabulary.of("aab").cut(size=-1)
    with pytest.raises(DataError, match=r"nowhere\.tsv"):
        Vocabulary.load(tmp_path / "nowhere.tsv")
