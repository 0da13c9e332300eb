"""Patterns of several subjects with planted words, or with nothing but noise."""

import numpy as np

from grounding.brain.recording import Responses
from grounding.brain.rows import Rows

WORDS = tuple(f"word{number:02d}" for number in range(24))


def vectors(width: int = 4, seed: int = 1) -> dict[str, np.ndarray]:
    return dict(zip(WORDS, np.random.default_rng(seed).normal(size=(len(WORDS), width)), strict=True))


def patterns(
    subjects: int = 4, repetitions: int = 2, signal: float = 1.0, channels: int = 12, seed: int = 0
) -> Responses:
    """Each subject sees every word so many times in an order of its own; its pattern is a linear image of the word's
    vector, the same for all subjects, times ``signal``, plus noise of standard deviation 1.
    """
    generator = np.random.default_rng(seed)
    table = np.array(list(vectors().values()))
    image = generator.normal(size=(table.shape[1], channels))
    data, parts = [], []
    for subject in range(subjects):
        order = np.concatenate([generator.permutation(len(WORDS)) for _ in range(repetitions)])
        data.append(signal * table[order] @ image + generator.normal(size=(len(order), channels)))
        name = f"s{subject}"
        words = [WORDS[number] for number in order]
        parts.append(Rows.of_run(name, np.arange(len(order)), subject=name, word=words, story="words"))
    targets = tuple(f"E{number}" for number in range(channels))
    return Responses(np.concatenate(data).astype(np.float32), Rows.joined(parts), targets, "eeg", synthetic=True)
