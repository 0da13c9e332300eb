"""Text to words, in any script that separates words."""

import re
import unicodedata
from functools import cache


def tokenise(text: str) -> list[str]:
    """The words of a text, lower-cased, in order.

    A word is a run of letters, digits and combining marks of any script, with apostrophes and (zero-width) joiners
    allowed inside: "don’t" is one word and is given as "don't". Text is composed (NFC) first, so that é counts as one
    character however it was typed. Punctuation, underscores, hyphens and symbols separate words and are dropped.
    Scripts written without spaces (Chinese, Japanese, Thai) come out as whole runs: bring a segmenter of your own.

    Example:
        >>> tokenise("Don’t open the top-left drawer, Zoë!")
        ["don't", 'open', 'the', 'top', 'left', 'drawer', 'zoë']
    """
    text = text.lower().replace("_", " ")
    if not text.isascii():
        # Typographic punctuation is what most books have beyond ASCII; without it the quick pattern serves.
        for found, written in _TYPOGRAPHIC:
            text = text.replace(found, written)
    if text.isascii():
        return _QUICK.findall(text)
    # Composed after lower-casing, because lower-casing İ leaves a letter and a mark.
    return _any_script().findall(unicodedata.normalize("NFC", text))


_QUICK = re.compile(r"\w++(?:'\w++)*+", re.ASCII)
_TYPOGRAPHIC = (("’", "'"), ("‘", " "), ("“", " "), ("”", " "), ("—", " "), ("–", " "), ("…", " "), ("\xa0", " "))


@cache
def _any_script() -> re.Pattern[str]:
    """Compiled at the first text that needs it: finding the marks of all scripts takes a while."""
    # Beyond these blocks Unicode has no combining marks.
    codes = (*range(0x300, 0x20000), *range(0xE0100, 0xE01F0))
    # Runs of neighbouring code points as ranges keep the pattern short.
    ranges: list[list[int]] = []
    for code in codes:
        if unicodedata.category(chr(code))[0] != "M":
            continue
        if ranges and code == ranges[-1][1] + 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    letters = r"\w" + "".join(f"{chr(first)}-{chr(last)}" for first, last in ranges)
    return re.compile(rf"\w[{letters}]*+(?:['\u200c\u200d]\w[{letters}]*+)*+")
