"""Two vocabularies of one hidden space, as those of two languages: one is the other, turned, blurred and shuffled."""

import numpy as np

from grounding.alignment import normalise


def rotation(generator: np.random.Generator, width: int) -> np.ndarray:
    return np.linalg.qr(generator.standard_normal((width, width)))[0]


def two_languages(words: int, width: int, noise: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """X, Y and, of each row of X, the row of Y that means the same."""
    generator = np.random.default_rng(seed)
    topics = generator.standard_normal((words // 20, width))
    meaning = topics[generator.integers(len(topics), size=words)] + 0.7 * generator.standard_normal((words, width))
    meaning *= np.arange(1, width + 1) ** -0.3
    order = generator.permutation(words)
    other = meaning @ rotation(generator, width) + noise * meaning.std() * generator.standard_normal((words, width))
    return normalise(meaning.astype(np.float32)), normalise(other[order].astype(np.float32)), np.argsort(order)
