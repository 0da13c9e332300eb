"""A small embedding of words with structure, in several spellings."""

import numpy as np

from grounding.text.static.embedding import StaticEmbedding
from grounding.text.vocabulary import Vocabulary

STEMS = 60
RELATIONS = ("", "s", "er", "ing")


def embedding(noise: float = 0.35, width: int = 20, seed: int = 0) -> StaticEmbedding:
    """Words stem + ending, whose vectors are those of stem and of ending, blurred; some also in capitals, further down.

    The most frequent come first, stems mixed.
    """
    generator = np.random.default_rng(seed)
    stem, ending = generator.standard_normal((STEMS, width)), 2 * generator.standard_normal((len(RELATIONS), width))
    words = [f"w{i}{relation}" for i in range(STEMS) for relation in RELATIONS]
    vectors = (stem[:, None] + ending).reshape(-1, width) + noise * generator.standard_normal((len(words), width))
    order = generator.permutation(len(words))
    spelled = [words[i] for i in order] + [words[i].upper() for i in order[:80]]
    lengths = generator.uniform(0.5, 3, size=(len(spelled), 1))
    rows = np.concatenate([order, order[:80]])
    matrix = lengths * (vectors[rows] + 0.3 * generator.standard_normal((len(rows), width)))
    counts = np.arange(len(spelled), 0, -1)
    return StaticEmbedding(Vocabulary(spelled, counts), matrix.astype(np.float32))


def keyed_vectors(words: StaticEmbedding):
    """The same as gensim's."""
    from gensim.models import KeyedVectors

    vectors = KeyedVectors(words.width)
    vectors.add_vectors(list(words.words.words), words.matrix)
    return vectors


def questions() -> dict[str, list[tuple[str, str, str, str]]]:
    """Two relations; some questions in capitals, some with words that there are not."""
    found = {}
    for ending in RELATIONS[1:3]:
        pairs = [(f"w{i}", f"w{i}{ending}") for i in range(0, STEMS + 4, 4)]
        found[f"base-{ending}"] = [(*p, *q) for p in pairs for q in pairs if p != q]
    a, b, c, d = found["base-s"][7]
    found["base-s"][7] = (a.upper(), b, c.upper(), d)
    return found
