"""The core text-embedding stack: text in, vectors out.

    tokens, reading, vocabulary, corpus     text files to words, and words to numbers, once
    phrases, sif                            new_york as one word; weights of words and what all sentences share
    static                                  a vector a word: one-hot, PPMI, word2vec, GloVe, fastText, and their formats
    contextual                              a vector a word in its context, by layer, and how predictable it is there
    sentence, quantisation                  a vector a sentence
    training                                sentence encoders made, fine-tuned, and taught by others
    documents, doc2vec                      a vector a document
    evaluation                              how good any of them are

The names below are loaded when they are first used, since torch, transformers and numba take seconds to import.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from grounding.text.contextual import Context, ContextualModel
    from grounding.text.corpus import Corpus
    from grounding.text.sentence import SentenceEncoder
    from grounding.text.static.embedding import StaticEmbedding
    from grounding.text.tokens import tokenise
    from grounding.text.vocabulary import Vocabulary
    from grounding.text.weights import Weights, find_weights

__all__ = [
    "Context",
    "ContextualModel",
    "Corpus",
    "SentenceEncoder",
    "StaticEmbedding",
    "Vocabulary",
    "Weights",
    "find_weights",
    "tokenise",
]

_HOME = {
    "Context": "grounding.text.contextual",
    "ContextualModel": "grounding.text.contextual",
    "Corpus": "grounding.text.corpus",
    "SentenceEncoder": "grounding.text.sentence",
    "StaticEmbedding": "grounding.text.static.embedding",
    "Vocabulary": "grounding.text.vocabulary",
    "Weights": "grounding.text.weights",
    "find_weights": "grounding.text.weights",
    "tokenise": "grounding.text.tokens",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'grounding.text' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
