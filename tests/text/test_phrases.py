import numpy as np
import pytest

from grounding.errors import DataError, InputError
from grounding.text.corpus import Corpus
from grounding.text.phrases import ENGLISH_CONNECTORS, Phrases, find_phrases, join_phrases

PLANTED = (["new", "york"], ["bank", "of", "the", "west"], ["end", "of", "days"])


@pytest.fixture
def documents(generator):
    """Words at random, some of them connectors, with phrases among them."""
    words = [f"w{n}" for n in range(30)] + ["of", "the", "and", "new", "york", "bank"]
    documents = []
    for _ in range(200):
        document = generator.choice(words, size=generator.integers(25)).tolist()
        for phrase in PLANTED:
            if generator.random() < 0.3:
                place = generator.integers(len(document) + 1)
                document[place:place] = phrase
        documents.append(document)
    return documents


@pytest.mark.parametrize("connectors", [frozenset(), ENGLISH_CONNECTORS])
@pytest.mark.parametrize(("scoring", "theirs", "threshold"), [("count", "default", 3.0), ("npmi", "npmi", 0.2)])
def test_phrases_and_scores_are_those_of_gensim(documents, connectors, scoring, theirs, threshold):
    from gensim.models import phrases as gensim

    # gensim joins the words of its keys: a character that is in no word keeps them apart.
    peer = gensim.Phrases(
        documents, min_count=4, threshold=threshold, scoring=theirs, connector_words=connectors, delimiter="|"
    )
    expected = {tuple(key.split("|")): score for key, score in peer.export_phrases().items()}
    corpus = Corpus.of(documents)
    found = find_phrases(corpus, min_count=4, threshold=threshold, scoring=scoring, connectors=connectors)
    assert 3 <= len(found) < 60
    assert list(found.scores) == list(expected)
    np.testing.assert_allclose(list(found.scores.values()), list(expected.values()), rtol=1e-12)
    joined = [[word.replace("|", "_") for word in peer[document]] for document in documents]
    assert [found.join(document) for document in documents] == joined
    assert list(join_phrases(corpus, found)) == joined


def test_planted_phrases_are_found_with_their_connectors(documents):
    found = find_phrases(Corpus.of(documents), scoring="npmi", threshold=0.4, connectors=ENGLISH_CONNECTORS).scores
    assert {tuple(phrase) for phrase in PLANTED} == set(found)


def test_a_second_pass_makes_longer_phrases():
    corpus = Corpus.of([[f"a{n}", "new", "york", "city", f"b{n}"] for n in range(40)] + [["city"]] * 30)
    once = join_phrases(corpus, Phrases({("new", "york"): 1.0}))
    assert next(iter(once)) == ["a0", "new_york", "city", "b0"]
    twice = join_phrases(once, find_phrases(once, threshold=1.0))
    assert "new_york_city" in twice.vocabulary
    assert "new" in corpus.vocabulary and "new" not in once.vocabulary


def test_a_joined_corpus_has_counts_and_order_of_its_own():
    corpus = Corpus.of([["a_b", "a", "b", "c", "a", "b"], [], ["b", "a", "b"]])
    joined = join_phrases(corpus, Phrases({("a", "b"): 1.0, ("never", "met"): 2.0}))
    assert joined.vocabulary.words == ["a_b", "b", "c"]
    assert joined.vocabulary.counts.tolist() == [4, 1, 1]
    assert list(joined) == [["a_b", "a_b", "c", "a_b"], [], ["b", "a_b"]]
    assert list(join_phrases(corpus, Phrases({}))) == list(corpus)


def test_a_joined_corpus_is_written(documents, tmp_path):
    corpus = Corpus.of(documents)
    phrases = find_phrases(corpus, connectors=ENGLISH_CONNECTORS)
    written = join_phrases(corpus, phrases).save(tmp_path / "joined")
    opened = Corpus.open(tmp_path / "joined")
    assert list(written) == list(opened) == list(join_phrases(corpus, phrases))
    assert not opened.tokens.flags.writeable
    # A corpus on the disk is read-only; its phrases are found just as well.
    assert (
        find_phrases(opened, threshold=1.0).scores == find_phrases(join_phrases(corpus, phrases), threshold=1.0).scores
    )
    with pytest.raises(DataError, match="joined: something found in it"):
        join_phrases(corpus, phrases).save(tmp_path / "joined")
    assert list(tmp_path.iterdir()) == [tmp_path / "joined"]


def test_phrases_are_saved(tmp_path):
    phrases = Phrases({("new", "york"): 0.1 + 0.2, ("bank", "of", "the", "west"): 7.0})
    phrases.save(tmp_path / "phrases.tsv")
    assert (tmp_path / "phrases.tsv").read_text().splitlines()[1] == "bank of the west\t7.0"
    assert Phrases.load(tmp_path / "phrases.tsv") == phrases
    assert Phrases.load(tmp_path / "phrases.tsv").connectors == {"of", "the"}
    with pytest.raises(InputError, match="the word 'new york' is empty or has white space"):
        Phrases({("new york", "city"): 1.0}).save(tmp_path / "phrases.tsv")
    (tmp_path / "phrases.tsv").write_text("new york\t1.0\nbad line\n")
    with pytest.raises(DataError, match=r"phrases\.tsv, line 2: 'bad line' found, expected words, a tab and a score"):
        Phrases.load(tmp_path / "phrases.tsv")
    for line in ("lonely\t1.0\n", "new  york\t1.0\n", "new york\tnan\n", "new york\t1.0"):
        (tmp_path / "phrases.tsv").write_text(line)
        with pytest.raises(DataError, match=r"phrases\.tsv, line 1: .* found"):
            Phrases.load(tmp_path / "phrases.tsv")
    with pytest.raises(DataError, match=r"none\.tsv: not readable as phrases"):
        Phrases.load(tmp_path / "none.tsv")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"min_count": 0}, "min_count: 0 found"),
        ({"threshold": 0.0}, "threshold: 0.0 found, expected a number above 0 for scoring by 'count'"),
        ({"threshold": 1.0, "scoring": "npmi"}, "threshold: 1.0 found, expected -1 or more, below 1"),
        ({"scoring": "pmi"}, "scoring: 'pmi' found, expected 'count' or 'npmi'"),
    ],
)
def test_bad_input_is_named(arguments, message):
    with pytest.raises(InputError, match=message):
        find_phrases(Corpus.of([["a", "b"]]), **arguments)
