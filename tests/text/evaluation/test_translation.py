import numpy as np
import pytest

from grounding.errors import InputError
from grounding.text.evaluation import dictionary_induction, sentence_retrieval

# On a circle, in degrees: the words of one language, and of the other.
SOURCE = {"hund": 0, "Katze": 90, "haus": 180, "neu": 270}
TARGET = {"dog": 2, "hound": -6, "cat": 80, "kitten": 88, "house": 105, "DOG": 170}


def on_circle(degrees):
    radians = np.radians(list(degrees))
    return np.column_stack([np.cos(radians), np.sin(radians)])


def induce(pairs, **options):
    indices = ({word: row for row, word in enumerate(words)} for words in (SOURCE, TARGET))
    options = {"method": "cosine", "at": (1, 2), **options}
    return dictionary_induction(on_circle(SOURCE.values()), on_circle(TARGET.values()), *indices, pairs, **options)


def test_precision_by_hand():
    pairs = [("Hund", "hound"), ("hund", "Dog"), ("katze", "cat"), ("haus", "house"), ("neu", "new"), ("ja", "yes")]
    found = induce(pairs)
    # hund: dog at once; katze: kitten before cat; haus: neither; neu and ja: not covered.
    assert found.precision[1].value == pytest.approx(1 / 3)
    assert found.precision[2].value == 1.0  # haus: DOG, then house
    assert (found.covered, found.total) == (3, 5)


def test_case_can_matter():
    found = induce([("hund", "DOG"), ("katze", "cat"), ("haus", "house")], ignore_case=False)
    assert (found.precision[1].value, found.covered, found.total) == (0.0, 2, 3)


def test_the_whole_vocabulary_is_the_background(generator):
    """A hub among the targets shows only among many source words; three queries alone would not reveal it."""
    middle = np.eye(1, 150)[0]
    own = generator.standard_normal((60, 150)) / np.sqrt(150)
    source = middle + 0.6 * own
    target = np.vstack([middle + 0.8 * own + 0.07 * generator.standard_normal((60, 150)), middle])
    words = {f"w{i}": i for i in range(61)}
    pairs = [(f"w{i}", f"w{i}") for i in range(3)]
    hub, solved = (
        dictionary_induction(source, target, words, words, pairs, method=method).precision[1].value
        for method in ("cosine", "csls")
    )
    assert hub < 0.5 and solved == 1.0


def test_sentence_retrieval_by_hand_and_at_chance(generator):
    first, second = on_circle([0, 90, 180]), on_circle([1, 170, 181])
    found = sentence_retrieval(first, second)
    # Forth: 0 right, 90 finds 170 (its own), 180 finds 181. Back: 1 right, 170 finds 180, 181 right.
    assert (found.forward.value, found.backward.value) == (1.0, pytest.approx(2 / 3))
    assert (found.chance, found.pairs) == (1 / 3, 3)
    noise = sentence_retrieval(generator.standard_normal((500, 20)), generator.standard_normal((500, 20)))
    assert noise.forward.value < 0.02 and noise.chance == 0.002
    constant = sentence_retrieval(np.ones((50, 2)), np.ones((50, 2)))
    assert constant.forward.value == constant.chance, "vectors that say nothing score no more than chance"


def test_bad_input_is_named():
    with pytest.raises(InputError, match="none of 1 source words is in both vocabularies"):
        induce([("dog", "hund")])
    for at in ((), (0, 1)):
        with pytest.raises(InputError, match="at: .* found"):
            induce([("hund", "dog")], at=at)
    with pytest.raises(InputError, match="3 and 2 found"):
        sentence_retrieval(np.eye(3), np.eye(3)[:2])
