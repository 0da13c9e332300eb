"""A vector for any word from the bytes that spell it: convolutions, highway layers and a projection."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from grounding.errors import InputError

# Bytes are 0 to 255; what a word is wrapped and padded with comes after them.
BOUNDARY, BEGIN, END, PADDING = 256, 257, 258, 259
SYMBOLS = 260


def spell(words: Sequence[str], longest: int) -> Tensor:
    """The symbols of words, int64 (N, S): BEGIN, the UTF-8 bytes, END, and PADDING up to the longest of them.

    Args:
        words: any strings; the empty one is the boundary at which a text begins and ends.
        longest: bytes that are read of a word; what is beyond is cut off, so words that differ only there are the same.

    Raises:
        InputError: something that is not a string.

    Example:
        >>> spell(["né", ""], longest=50)
        tensor([[257, 110, 195, 169, 258],
                [257, 256, 258, 259, 259]])
    """
    for position, word in enumerate(words):
        if not isinstance(word, str):
            raise InputError(f"word {position}: {type(word).__name__} found, expected a string")
    # Half a surrogate pair is no valid text, but it has a spelling all the same.
    spelled = [[*word.encode("utf-8", "surrogatepass")[:longest]] if word else [BOUNDARY] for word in words]
    table = np.full((len(words), 2 + max(map(len, spelled), default=0)), PADDING, dtype=np.int64)
    for row, symbols in enumerate(spelled):
        table[row, : len(symbols) + 2] = [BEGIN, *symbols, END]
    return torch.from_numpy(table)


class CharacterEncoder(nn.Module):
    """Spelled words to vectors, as in ELMo (Peters et al., 2018; Kim et al., 2016; Jozefowicz et al., 2016).

    Each symbol has a vector; convolutions of several widths run over them, of each filter the highest value over the
    word is kept; then come ReLU, highway layers (Srivastava et al., 2015) and a linear projection. The vector of a
    word does not depend on which words it is encoded with.

    Args:
        width: numbers a symbol.
        filters: for each width of a convolution, in symbols, how many filters it has.
        highways: highway layers.
        projection: numbers a word.
    """

    def __init__(self, width: int, filters: Sequence[tuple[int, int]], highways: int, projection: int) -> None:
        super().__init__()
        self.symbols = nn.Embedding(SYMBOLS, width, padding_idx=PADDING)
        self.convolutions = nn.ModuleList(nn.Conv1d(width, count, size) for size, count in filters)
        total = sum(count for _, count in filters)
        self.highways = nn.ModuleList(nn.Linear(total, 2 * total) for _ in range(highways))
        self.projection = nn.Linear(total, projection)
        with torch.no_grad():
            for highway in self.highways:
                # At first words mostly pass by, which is what lets gradients through.
                highway.bias[total:] = -2.0  # type: ignore[operator]

    def forward(self, spelled: Tensor) -> Tensor:
        """Symbols int64 (N, S) of `spell` to float32 (N, projection)."""
        length = (spelled != PADDING).sum(1)
        vectors = self.symbols(spelled).transpose(1, 2)
        short = max(convolution.kernel_size[0] for convolution in self.convolutions) - vectors.shape[2]  # type: ignore
        vectors = nn.functional.pad(vectors, (0, max(0, short)))
        features = torch.cat(
            [_highest(convolution(vectors), length, convolution) for convolution in self.convolutions], 1
        )
        features = features.relu()
        for highway in self.highways:
            changed, gate = highway(features).chunk(2, dim=1)
            features = torch.lerp(features, changed.relu(), gate.sigmoid())
        return self.projection(features)


def _highest(found: Tensor, length: Tensor, convolution: nn.Module) -> Tensor:
    """The highest value (N, F) of each filter over the places (N, F, S) within the word, the first one at least."""
    within = (length - convolution.kernel_size[0] + 1).clamp_min(1)  # type: ignore[index]
    outside = torch.arange(found.shape[2], device=found.device) >= within[:, None]
    return found.masked_fill(outside[:, None], -torch.inf).amax(2)
