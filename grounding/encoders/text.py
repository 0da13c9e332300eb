"""Sentences to features without any pretrained weights: a bag of words."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from grounding.errors import InputError
from grounding.text.tokens import tokenise


class BagOfWords(nn.Module):
    """Sentences to features by which words they have and how often, whatever their order; trained from scratch.

    The mean of the vectors of the words (those outside the vocabulary share one vector), then a small network. Words
    are lower-cased runs of letters and digits in any script.

    Args:
        vocabulary: the words to tell apart, lower-cased and each once; `BagOfWords.of` takes them from texts.
        width: number of features.

    Example:
        >>> encoder = BagOfWords.of(["open the top drawer", "pull the handle"], width=64)
        >>> encoder(["pull the drawer gently"]).shape
        torch.Size([1, 64])

    Raises:
        InputError: an empty vocabulary, or entries that are not lower-cased single words or occur twice.
    """

    def __init__(self, vocabulary: Sequence[str], width: int = 128) -> None:
        super().__init__()
        if isinstance(vocabulary, str) or not len(vocabulary):
            raise InputError(f"vocabulary: {vocabulary!r} found, expected at least one word; see BagOfWords.of(texts)")
        for word, times in Counter(vocabulary).items():
            if tokenise(word) != [word] or times > 1:
                raise InputError(
                    f"vocabulary: {word!r} found {times} times, expected lower-cased single words, each once; "
                    "BagOfWords.of(texts) makes such a vocabulary"
                )
        self.width = width
        self.places = {word: place for place, word in enumerate(vocabulary)}
        self.settings: dict[str, Any] = {"vocabulary": list(vocabulary), "width": width}
        self.mean = nn.EmbeddingBag(len(vocabulary) + 1, width, mode="mean")
        self.whole = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.GELU(), nn.Linear(width, width))

    @classmethod
    def of(cls, texts: Sequence[str], width: int = 128, minimum_count: int = 1) -> "BagOfWords":
        """An encoder with the words that occur at least `minimum_count` times in some texts, in alphabetical order.

        Raises:
            InputError: one string instead of several, or no word occurs that often.
        """
        if isinstance(texts, str):
            raise InputError("texts: one string found, expected several; write BagOfWords.of([text])")
        counts = Counter(word for text in texts for word in tokenise(text))
        vocabulary = sorted(word for word, times in counts.items() if times >= minimum_count)
        if not vocabulary:
            raise InputError(
                f"texts: none of {len(counts)} words occurs {minimum_count} times in {len(texts)} texts, expected at "
                "least one; lower minimum_count"
            )
        return cls(vocabulary, width)

    def forward(self, texts: list[str]) -> Tensor:
        """Features (B, width) of sentences.

        Raises:
            InputError: a sentence without words.
        """
        bags = self._bags(texts)
        device = self.mean.weight.device
        starts = torch.tensor([0] + [len(bag) for bag in bags[:-1]], device=device).cumsum(0)
        return self.whole(self.mean(torch.tensor([place for bag in bags for place in bag], device=device), starts))

    @torch.no_grad()
    def reconstruction_target(self, texts: list[str]) -> Tensor:
        """What an autoencoder shall reconstruct: counts of the words of the vocabulary and, last, of all others, scaled
        to unit length: (B, words + 1) float32.
        """
        bags = self._bags(texts)
        counts = torch.zeros(len(bags), len(self.places) + 1, device=self.mean.weight.device)
        for row, bag in zip(counts, bags, strict=True):
            row += torch.tensor(bag, device=row.device).bincount(minlength=len(row))
        return functional.normalize(counts, dim=1)

    def _bags(self, texts: list[str]) -> list[list[int]]:
        """Places of the words of each sentence in the vocabulary; all others have the place after the last."""
        if isinstance(texts, str) or not len(texts):
            raise InputError(f"text: {texts!r} found, expected a list of at least one sentence")
        bags = []
        for position, text in enumerate(texts):
            if not isinstance(text, str):
                raise InputError(f"text {position}: {type(text).__name__} found, expected a string")
            found = tokenise(text)
            if not found:
                raise InputError(f"text {position}: no words found in {text!r}; write what is meant")
            bags.append([self.places.get(word, len(self.places)) for word in found])
        return bags
