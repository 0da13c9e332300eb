import unicodedata

import pytest

from grounding.text.tokens import tokenise


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don’t open the top-left drawer!", ["don't", "open", "the", "top", "left", "drawer"]),
        ("“Zoë’s” café—naïve…", ["zoë's", "café", "naïve"]),
        ("_emphasis_ and snake_case", ["emphasis", "and", "snake", "case"]),
        ("‘quoted’ 'quoted'", ["quoted", "quoted"]),
        ("£1 16s., 3.5 km²", ["1", "16s", "3", "5", "km²"]),
        ("Straße ΣΊΣΥΦΟΣ Москва", ["straße", "σίσυφος", "москва"]),
        ("हिन्दी नमस्ते", ["हिन्दी", "नमस्ते"]),
        ("می‌خواهم بروم", ["می‌خواهم", "بروم"]),
        ("السَّلامُ عليكم", ["السَّلامُ", "عليكم"]),
        ("שָׁלוֹם", [unicodedata.normalize("NFC", "שָׁלוֹם")]),
        ("👩‍🔬 tests ⚗️", ["tests"]),
        ("a\u00a0b\u2028c\u3000d", ["a", "b", "c", "d"]),
        ("你好，世界", ["你好", "世界"]),
        ("", []),
        ("... — !", []),
    ],
)
def test_words_of_many_scripts(text, words):
    assert tokenise(text) == words


def test_composed_and_decomposed_letters_are_the_same_word():
    for text in ("ångström café", "Việt Nam", "한국어"):
        assert tokenise(unicodedata.normalize("NFD", text)) == tokenise(unicodedata.normalize("NFC", text))


def test_the_quick_way_and_the_general_one_agree():
    """A letter beyond ASCII at the end sends the same text through the other pattern."""
    text = "It's 'tis o'clock rock'n'roll dogs' 10'000 a_b x--y"
    assert tokenise(text + " é")[:-1] == tokenise(text)
