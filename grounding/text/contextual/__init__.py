"""Words in context: the states of transformers by layer, aligned to words, and how predictable the words are."""

from grounding.text.contextual.model import ContextualModel
from grounding.text.contextual.surprisal import Predictability
from grounding.text.contextual.windows import Context
from grounding.text.contextual.words import Document

__all__ = ["Context", "ContextualModel", "Document", "Predictability"]
