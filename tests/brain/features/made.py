"""Small recordings with words, for the tests of features."""

import numpy as np

from grounding.brain.recording import Recording, Run, Transcript

WORDS = "the naïve cat isn't far from the mat where a café cat sat and the dog sat on it".split()


def transcript(count: int = 19, *, seed: int = 0, first: float = 0.3, sentences: bool = True) -> Transcript:
    """Words a fraction of a second to a second apart, with a new sentence every seven words."""
    generator = np.random.default_rng(seed)
    onsets = first + np.cumsum(generator.uniform(0.2, 1.0, count))
    words = tuple(WORDS[place % len(WORDS)] for place in range(count))
    return Transcript(words, onsets, onsets + 0.15, np.arange(count) // 7 if sentences else None)


def recording(*transcripts: Transcript, rate: float = 0.5, samples: int = 14, start: float = 0.0) -> Recording:
    """A run with each transcript, named run-1, run-2, ...; channels of zeros."""
    runs = tuple(
        Run(f"run-{number}", np.zeros((samples, 2), np.float32), rate, words, start=start, subject=f"S{number}")
        for number, words in enumerate(transcripts, 1)
    )
    return Recording(runs, ("a", "b"), "fmri")
