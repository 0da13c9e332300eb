"""What every sentence encoder that is trained here can do."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from grounding.text.sentence.token_pooling import checked_sentences

BATCH = 128


class TrainableEncoder(nn.Module, ABC):
    """A sentence encoder whose weights are its parameters: to be trained by `fine_tune`, `distil` or in a shared space.

    A kind of encoder says how sentences become tokens, tokens become vectors, and where it is kept; the rest is here.

    Attributes:
        width: length of the vectors.
        origin: digest of the weights it was loaded with; empty if it was made in memory.
        trained: whether its weights are more than random. `fine_tune` and `distil` set it; set it yourself after any
            other training. Until then `save` marks the folder as untrained, so that nothing loads it as a model.
    """

    width: int
    origin: str = ""
    trained: bool = False

    @abstractmethod
    def tokens(self, sentences: Sequence[str]) -> list[list[int]]:
        """The numbers of each sentence's tokens, at least one.

        Raises:
            InputError: a sentence that is blank or not a string.
        """

    @abstractmethod
    def embed(self, tokens: Sequence[Sequence[int]]) -> Tensor:
        """Vectors (B, width) of unit length, differentiable, of sentences given as tokens."""

    @abstractmethod
    def save(self, folder: Path | str) -> None:
        """Write the encoder into a folder, from which `load_encoder` reads it.

        Raises:
            StorageError: the folder cannot be written.
        """

    def forward(self, sentences: Sequence[str]) -> Tensor:
        """Vectors (B, width) of sentences, unit length, differentiable."""
        return self.embed(self.tokens(checked_sentences(sentences)))

    def encode(self, sentences: Sequence[str]) -> np.ndarray:
        """Vectors of sentences, float32 (B, width), unit length; without gradient and without dropout.

        Raises:
            InputError: the list is empty; or a sentence is blank, not a string, or no valid Unicode.
        """
        tokens = self.tokens(checked_sentences(sentences))
        order = sorted(range(len(tokens)), key=lambda place: len(tokens[place]))
        vectors = np.empty((len(tokens), self.width), dtype=np.float32)
        training = self.training
        self.eval()
        try:
            with torch.inference_mode():
                for start in range(0, len(order), BATCH):
                    chosen = order[start : start + BATCH]
                    vectors[chosen] = self.embed([tokens[place] for place in chosen]).float().cpu().numpy()
        finally:
            self.train(training)
        return vectors

    def fingerprint(self) -> str:
        """Digest of the weights and of the kind of encoder."""
        digest = hashlib.sha256(type(self).__name__.encode())
        for name, value in sorted(self.state_dict().items()):
            digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
            digest.update(value.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
        return digest.hexdigest()

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.parameters()).device


def padded(tokens: Sequence[Sequence[int]], padding: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Token numbers as int64 (B, T), filled up with `padding`, and the mask (B, T), True where a token is."""
    lengths = torch.tensor([len(each) for each in tokens], device=device)
    mask = torch.arange(int(lengths.max()), device=device) < lengths[:, None]
    numbers = torch.full(mask.shape, padding, device=device)
    numbers[mask] = torch.tensor([number for each in tokens for number in each], device=device)
    return numbers, mask
