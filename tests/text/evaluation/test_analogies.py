import numpy as np
import pytest

from grounding.errors import InputError
from grounding.text.evaluation import analogies
from tests.text.evaluation.vocabulary import embedding, keyed_vectors, questions

WORDS = embedding()


def write(sections, file):
    lines = [f": {name}\n" + "".join(" ".join(one) + "\n" for one in each) for name, each in sections.items()]
    file.write_text("".join(lines))
    return str(file)


@pytest.mark.parametrize("ignore_case", [True, False])
@pytest.mark.parametrize("vocabulary", [None, 150])
def test_analogies_equal_gensims(tmp_path, ignore_case, vocabulary):
    sections = questions()
    ours = analogies(WORDS, sections, vocabulary=vocabulary, ignore_case=ignore_case, resamples=10)
    score, theirs = keyed_vectors(WORDS).evaluate_word_analogies(
        write(sections, tmp_path / "questions.txt"),
        restrict_vocab=vocabulary or len(WORDS),
        case_insensitive=ignore_case,
    )
    assert ours.overall.share.value == score and 0.2 < score < 0.98
    for section in theirs[:-1]:
        found = ours.sections[section["section"]]
        correct, wrong = len(section["correct"]), len(section["incorrect"])
        assert (found.share.value, found.covered) == (correct / (correct + wrong), correct + wrong)
    assert ours.overall.total == sum(map(len, sections.values())) > ours.overall.covered


def test_the_product_rule_is_that_of_levy_and_goldberg():
    sections = {"all": [question for each in questions().values() for question in each][::9]}
    index = WORDS.words.index
    units = WORDS.matrix / np.linalg.norm(WORDS.matrix, axis=1, keepdims=True)
    right = []
    for question in sections["all"]:
        if not all(word in index for word in question):
            continue
        a, b, c, expected = (index[word] for word in question)
        to_a, to_b, to_c = ((units @ units[row] + 1) / 2 for row in (a, b, c))
        scores = to_b * to_c / (to_a + 0.001)
        scores[[a, b, c]] = -np.inf
        right.append(scores.argmax() == expected)
    found = analogies(WORDS, sections, method="mul", ignore_case=False, resamples=10)
    assert found.overall.covered == len(right) and found.overall.share.value == np.mean(right)
    assert found.overall.share.value != analogies(WORDS, sections, ignore_case=False, resamples=10).overall.share.value


def test_the_interval_is_that_of_word_pairs_not_of_questions():
    found = analogies(WORDS, questions()).overall
    naive = 2 * 1.96 * np.sqrt(found.share.value * (1 - found.share.value) / found.covered)
    assert found.share.high - found.share.low > 1.5 * naive


def test_a_section_outside_the_vocabulary_has_no_score():
    found = analogies(WORDS, {"known": [("w1", "w1s", "w2", "w2s")], "unknown": [("a", "b", "c", "d")]})
    assert found.sections["unknown"].covered == 0 and np.isnan(found.sections["unknown"].share.value)
    assert (found.overall.covered, found.overall.total) == (1, 2)


def test_where_no_word_is_left_to_answer_with_the_answer_is_wrong():
    a, b, c = WORDS.words.words[:3]
    assert analogies(WORDS, {"x": [(a, b, c, a)]}, vocabulary=3).overall.share.value == 0


def test_bad_input_is_named():
    with pytest.raises(InputError, match="method: 'sum' found, expected one of add, mul"):
        analogies(WORDS, questions(), method="sum")
    with pytest.raises(InputError, match="none of 1 questions has all its words"):
        analogies(WORDS, {"x": [("a", "b", "c", "d")]})
    with pytest.raises(InputError, match="vocabulary: -1"):
        analogies(WORDS, questions(), vocabulary=-1)
    with pytest.raises(InputError, match="seed: -1"):
        analogies(WORDS, questions(), seed=-1)
    with pytest.raises(InputError, match="resamples: 0"):
        analogies(WORDS, questions(), resamples=0)
