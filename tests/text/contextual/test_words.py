import re
import unicodedata

import numpy as np
import pytest

from grounding.errors import InputError
from grounding.text.contextual import Document
from grounding.text.contextual.words import align, as_documents
from tests.text.contextual import tiny

HARD = [
    *("the", "isn't", "don’t", "New York", "naïve", unicodedata.normalize("NFD", "naïve"), "Straße", "co-op", "3.14"),
    *("猫が好き", "مرحبا", "नमस्ते", "ﬁne", "ﷺ", "👩‍👩‍👧", "🇩🇪", "e\u0301\u0323te", "…"),
    *("ab\u00adcd", "\u2060x", "𝔘nicode", "mat."),
]  # fmt: skip
TOKENIZERS = {
    "byte-level": lambda: tiny.byte_level(),
    "byte-level, offsets with space": lambda: tiny.byte_level(trim_offsets=False),
    "unigram": tiny.unigram,
    "byte fallback": tiny.byte_fallback,
    "word piece": tiny.word_piece,
}


def normalised(tokenizer, word):
    """What is left of a word after normalisation, to compare with what its subwords decode to."""
    normalizer = tokenizer.backend_tokenizer.normalizer
    text = normalizer.normalize_str(word) if normalizer else word
    return re.sub(r"[\s▁]", "", text)


@pytest.mark.parametrize("name", TOKENIZERS)
def test_subwords_of_a_word_spell_it(name):
    tokenizer = TOKENIZERS[name]()
    document = Document.of_words(HARD)
    alignment = align(tokenizer, document)
    spelt = 0
    for word, first, stop in zip(HARD, alignment.first, alignment.stop, strict=True):
        ids = alignment.ids[first:stop].tolist()
        if tokenizer.unk_token_id not in ids:
            assert re.sub(r"[\s▁]|##", "", tokenizer.decode(ids, clean_up_tokenization_spaces=False)) == normalised(
                tokenizer, word
            )
            spelt += 1
    assert spelt >= (len(HARD) if name.startswith("byte") else 6)


@pytest.mark.parametrize("name", TOKENIZERS)
def test_every_subword_counts_to_one_word_in_order(name):
    alignment = align(TOKENIZERS[name](), Document.of_words(HARD))
    assert alignment.lead[0] == 0
    np.testing.assert_array_equal(alignment.lead[1:], alignment.stop[:-1])
    assert alignment.stop[-1] == len(alignment.ids)
    assert (alignment.lead <= alignment.first).all() and (alignment.first < alignment.stop).all()


def test_a_lone_space_leads_the_word_behind_it():
    tokenizer = tiny.letters("ab")
    alignment = align(tokenizer, Document.of_text("ab  b"))
    assert tokenizer.convert_ids_to_tokens(alignment.ids.tolist()) == ["a", "b", "Ġ", "Ġ", "b"]
    np.testing.assert_array_equal(alignment.first, [0, 4])
    np.testing.assert_array_equal(alignment.lead, [0, 2])
    np.testing.assert_array_equal(alignment.stop, [2, 5])


def test_what_lies_between_words_belongs_to_none():
    text = "“the cat”, sat — (on) the mat."
    document = Document(text, tuple(found.span() for found in re.finditer(r"\w+", text)))
    assert document.words == ("the", "cat", "sat", "on", "the", "mat")
    tokenizer = tiny.byte_level()
    alignment = align(tokenizer, document)
    own = [tokenizer.decode(alignment.ids[a:b]) for a, b in zip(alignment.first, alignment.stop, strict=True)]
    assert [word.strip() for word in own] == list(document.words)
    assert tokenizer.decode(alignment.ids.tolist()) == text


def test_words_normalised_to_nothing_are_named_or_empty():
    document = Document.of_words(["the", "\u200d", "cat"])
    with pytest.raises(InputError, match=r"word 1, '\\u200d': no subword.*missing=\"nan\""):
        align(tiny.word_piece(), document)
    alignment = align(tiny.word_piece(), document, "nan")
    np.testing.assert_array_equal(alignment.present, [True, False, True])
    assert alignment.first[1] == alignment.stop[1] == alignment.lead[1] == alignment.stop[0]
    assert align(tiny.byte_level(), document).present.all()


def test_a_subword_across_two_words_is_the_first_ones():
    tokenizer = tiny.byte_level()
    assert len(tokenizer.encode("sat", add_special_tokens=False)) == 1
    with pytest.raises(InputError, match=r"word 1, 'at'"):
        align(tokenizer, Document.of_words(["s", "at"], separator=""))


def test_offsets_are_of_code_points_and_separators_may_be_empty():
    words = ["👩‍👩‍👧", "猫", "が", "𝔘", "好き"]
    document = Document.of_words(words, separator="")
    assert document.words == tuple(words)
    tokenizer = tiny.byte_level()
    alignment = align(tokenizer, document)
    spans = zip(alignment.first, alignment.stop, strict=True)
    assert [tokenizer.decode(alignment.ids[first:stop]) for first, stop in spans] == words


def test_limits_set_in_a_tokenizer_do_not_cut_a_document():
    tokenizer = tiny.byte_level()
    tokenizer.backend_tokenizer.enable_truncation(4)
    tokenizer.backend_tokenizer.enable_padding(length=300)
    assert len(align(tokenizer, Document.of_words(["mat"] * 50)).ids) < 300
    assert align(tokenizer, Document.of_words(["mat"] * 50)).present.all()


def test_tokenizers_without_offsets_get_word_by_word():
    from transformers import ByT5Tokenizer

    alignment = align(ByT5Tokenizer(), Document.of_words(["né", "ab"]))
    np.testing.assert_array_equal(alignment.ids, np.array(list("néab".encode())) + 3)
    np.testing.assert_array_equal(alignment.stop, [3, 5])


def test_what_may_be_given():
    assert [one.words for one in as_documents("The cat,\n\tsat. ")] == [("The", "cat,", "sat.")]
    assert as_documents("The cat,\n\tsat. ")[0].text == "The cat,\n\tsat. "
    assert [one.words for one in as_documents(["New York", "is"])] == [("New York", "is")]
    assert [one.words for one in as_documents([["a", "b"], Document.of_text("c d")])] == [("a", "b"), ("c", "d")]


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        ([], "empty list"),
        ("  ", "no words"),
        (["a", " "], r"word 1: ' ' is blank"),
        (["a", ""], "word 1"),
        (["a", 3], "item 1 is int|item 0 is str"),
        ([["a"], "b"], "item 1 is str 'b'"),
        ([["a"], []], "document 1: text '': no words"),
        ([["a"], ["b", None]], "document 1: word 1: NoneType"),
        (["caf\ud83d"], "lone surrogate"),
    ],
)
def test_unusable_words_are_named(bad, told):
    with pytest.raises(InputError, match=told):
        as_documents(bad)


@pytest.mark.parametrize("spans", [((0, 3), (2, 5)), ((4, 7),), ((3, 3),), ((2, 4), (0, 1)), ((0, 9),), ((3, 4),)])
def test_unusable_spans_are_named(spans):
    with pytest.raises(InputError, match="word "):
        Document("the cat", spans) if spans != ((4, 7),) else Document("the ca", spans)
