"""Character n-grams of words, hashed to buckets exactly as fastText does (Bojanowski et al. 2017)."""

from collections.abc import Sequence

import numpy as np

END_OF_LINE = "</s>"
"""The word by which fastText marks the end of a line; it has no n-grams."""

_WORDS_AT_ONCE = 1 << 16


def ngram_buckets(words: Sequence[str], min_ngram: int, max_ngram: int, buckets: int) -> tuple[np.ndarray, np.ndarray]:
    """The buckets of the character n-grams of words.

    A word is put between < and >, and each run of `min_ngram` to `max_ngram` characters of that is an n-gram, as often
    as it occurs; a lone < or > is none. Its bucket is the remainder by `buckets` of its 32-bit FNV-1a hash over UTF-8
    bytes; bytes above 127 are extended with their sign, which the standard hash does not do and fastText does.

    Args:
        words: W words.
        min_ngram: length in characters of the shortest n-grams.
        max_ngram: length of the longest; 0 for none at all.
        buckets: number of buckets; 0 for no n-grams at all.

    Returns:
        Buckets int64 (N,), those of a word together, and int64 (W + 1,) where those of each word begin.

    Example:
        >>> ngram_buckets(["it"], 3, 6, 2_000_000)  # <it  <it>  it>
        (array([1374342,  549354,   34216]), array([0, 3]))
    """
    found, counts = [np.empty(0, dtype=np.int64)], [np.zeros(1, dtype=np.int64)]
    if buckets:
        for start in range(0, len(words), _WORDS_AT_ONCE):
            hashes, owners = _hashed_ngrams(words[start : start + _WORDS_AT_ONCE], min_ngram, max_ngram)
            order = np.argsort(owners, kind="stable")
            found.append(hashes[order].astype(np.int64) % buckets)
            counts.append(np.bincount(owners, minlength=len(words[start : start + _WORDS_AT_ONCE])))
    else:
        counts.append(np.zeros(len(words), dtype=np.int64))
    return np.concatenate(found), np.cumsum(np.concatenate(counts))


def _hashed_ngrams(words: Sequence[str], shortest: int, longest: int) -> tuple[np.ndarray, np.ndarray]:
    """Hash uint32 (N,) and word int64 (N,) of each n-gram.

    The n-grams that begin at one character are hashed together: that of n + 1 characters continues that of n.
    """
    encoded = [b"" if word == END_OF_LINE else f"<{word}>".encode() for word in words]
    text = np.frombuffer(b"".join(encoded), dtype=np.uint8)
    # Bytes 10xxxxxx continue a character in UTF-8.
    begins = (text & 0xC0) != 0x80
    places = np.flatnonzero(begins)
    sizes = np.diff(places, append=len(text))
    owners = np.repeat(np.arange(len(words)), [len(word) for word in encoded])[begins]
    ends = np.cumsum(np.bincount(owners, minlength=len(words)))
    first, last = ends - np.bincount(owners, minlength=len(words)), ends - 1

    characters = np.arange(len(places))
    hashes = np.full(len(places), 2166136261, dtype=np.uint32)
    all_hashes, all_owners = [hashes[:0]], [owners[:0]]
    for length in range(1, longest + 1):
        inside = characters + length - 1 <= last[owners[characters]]
        characters, hashes = characters[inside], hashes[inside]
        if not len(characters):
            break
        added = characters + length - 1
        for byte in range(sizes.max(initial=0)):
            rows = np.flatnonzero(sizes[added] > byte)
            signed = text[places[added[rows]] + byte].view(np.int8).astype(np.int32).view(np.uint32)
            hashes[rows] = (hashes[rows] ^ signed) * np.uint32(16777619)
        if length >= shortest:
            owner = owners[characters]
            counted = (characters > first[owner]) & (characters < last[owner]) if length == 1 else slice(None)
            all_hashes.append(hashes[counted])
            all_owners.append(owner[counted])
    return np.concatenate(all_hashes), np.concatenate(all_owners)
