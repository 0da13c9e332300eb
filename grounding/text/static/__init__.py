"""Static embeddings: one vector a word, whatever its context."""
