"""The core text-embedding stack: text in, vectors out."""

from grounding.text.sentence import SentenceEncoder
from grounding.text.weights import Weights, find_weights

__all__ = ["SentenceEncoder", "Weights", "find_weights"]
