"""A searchable store of embedded demonstrations."""

from grounding.library.entries import Entry, Hit
from grounding.library.library import Library

__all__ = ["Entry", "Hit", "Library"]
