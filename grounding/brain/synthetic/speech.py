"""Made-up speech: simple English sentences with the timing of a reader."""

from bisect import bisect
from collections.abc import Sequence
from functools import cache

import numpy as np

from grounding.brain.recording import Transcript
from grounding.errors import InputError

DETERMINERS = "the a this that every her his".split()
ADJECTIVES = "old small quiet green heavy young strange warm broken bright narrow careful hungry distant wooden".split()
NOUNS = (
    "woman door river garden child kitchen drawer horse letter doctor window mountain cup table sailor road bird "
    "summer story market teacher bottle engine forest apple soldier piano winter bridge island"
).split()
VERBS = (
    "opened saw carried followed found left watched closed pulled remembered painted lifted crossed heard answered "
    "moved dropped kept visited held"
).split()
ADVERBS = "slowly again quickly often never gently suddenly".split()
PREPOSITIONS = "near under behind with beside across into from over through".split()


def made_up_sentences(words: int, *, seed: int) -> list[list[str]]:
    """Sentences of a small grammar with together at least so many words; frequent words follow Zipf's law.

    Example:
        >>> made_up_sentences(5, seed=0)  # e.g. [['every', 'child', 'never', 'opened', 'the', 'old', 'drawer']]
    """
    if words < 1:
        raise InputError(f"words: {words} found, expected at least 1")
    generator = np.random.default_rng(seed)
    sentences: list[list[str]] = []
    while sum(map(len, sentences)) < words:
        sentence = _noun_phrase(generator)
        if generator.random() < 0.3:
            sentence.append(_one_of(ADVERBS, generator))
        sentence += [_one_of(VERBS, generator), *_noun_phrase(generator)]
        for _ in range(int(generator.geometric(0.6)) - 1):
            sentence += [_one_of(PREPOSITIONS, generator), *_noun_phrase(generator)]
        sentences.append(sentence)
    return sentences


def spoken(sentences: Sequence[Sequence[str]], *, start: float = 1.0, seed: int) -> Transcript:
    """The transcript of a reader: log-normal durations that grow with the number of letters, and pauses.

    About 3 words a second: a word takes 0.1 s and 0.035 s a letter in the median, with a spread of 30 %. Within a
    sentence one word in ten is followed by a pause, and each sentence by one of about 0.6 s.

    Args:
        sentences: the words of each.
        start: seconds before the first word.
        seed: of the timing.

    Raises:
        InputError: no word.
    """
    words = [word for sentence in sentences for word in sentence]
    if not words:
        raise InputError("sentences: no word found, expected at least one")
    generator = np.random.default_rng(seed)
    numbers = np.repeat(np.arange(len(sentences)), [len(sentence) for sentence in sentences])
    letters = np.array([len(word) for word in words])
    durations = (0.1 + 0.035 * letters) * np.exp(0.3 * generator.standard_normal(len(words)))
    short = np.where(generator.random(len(words)) < 0.1, generator.uniform(0.1, 0.4, len(words)), 0.0)
    long = 0.6 * np.exp(0.4 * generator.standard_normal(len(words)))
    last = np.r_[numbers[1:] != numbers[:-1], True]
    pauses = np.where(last, long, short)
    onsets = start + np.r_[0, np.cumsum(durations + pauses)[:-1]]
    return Transcript(tuple(words), onsets, onsets + durations, numbers)


def spoken_for(minutes: float, *, start: float = 1.0, seed: int) -> Transcript:
    """Made-up speech whose last word begins before ``start`` seconds + so many minutes.

    Raises:
        InputError: less than 0.1 minutes.
    """
    if not (np.isfinite(minutes) and minutes >= 0.1):
        raise InputError(f"minutes: {minutes} found, expected at least 0.1")
    # More than anybody says in that time.
    whole = spoken(made_up_sentences(int(300 * minutes) + 20, seed=seed), start=start, seed=seed)
    kept = int(np.searchsorted(whole.offsets, start + 60 * minutes))
    assert whole.sentences is not None
    return Transcript(whole.words[:kept], whole.onsets[:kept], whole.offsets[:kept], whole.sentences[:kept])


def loudness(transcript: Transcript, times: np.ndarray, *, seed: int) -> np.ndarray:
    """A made-up sound envelope: each word is a smooth hump of its own height, silence is 0.

    Args:
        transcript: of the words.
        times: (T,) seconds on the transcript's clock.
        seed: of the heights, log-normal with a spread of 40 %.

    Returns:
        (T, 1) float32.
    """
    heights = np.exp(0.4 * np.random.default_rng(seed).standard_normal(len(transcript)))
    place = np.searchsorted(transcript.onsets, times, side="right") - 1
    word = np.maximum(place, 0)
    length = np.maximum(transcript.offsets[word] - transcript.onsets[word], 1e-3)
    part = (times - transcript.onsets[word]) / length
    sounding = (place >= 0) & (part >= 0) & (part < 1)
    return np.where(sounding, heights[word] * np.sin(np.pi * part) ** 2, 0)[:, None].astype(np.float32)


def _noun_phrase(generator: np.random.Generator) -> list[str]:
    adjective = [_one_of(ADJECTIVES, generator)] if generator.random() < 0.4 else []
    return [_one_of(DETERMINERS, generator), *adjective, _one_of(NOUNS, generator)]


def _one_of(words: list[str], generator: np.random.Generator) -> str:
    return words[bisect(_shares(len(words)), generator.random())]


@cache
def _shares(count: int) -> list[float]:
    """Zipf's law, cumulated: the k-th word is 1/k as frequent as the first."""
    weights = np.cumsum(1 / np.arange(1, count + 1))
    return (weights[:-1] / weights[-1]).tolist()
