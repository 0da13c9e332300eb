"""Texts of different lengths read from both ends at once."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn

Direction: TypeAlias = Literal["forward", "backward"]
DIRECTIONS: tuple[Direction, ...] = ("forward", "backward")


class Dropout:
    """Sets numbers of the vectors of a text to zero, the same ones at each of its words (Gal and Ghahramani, 2016).

    A generator of its own leaves torch's alone and makes a step repeatable.

    Args:
        chance: that a number becomes zero, 0 to below 1.
        seed: of the generator.
    """

    def __init__(self, chance: float, seed: int) -> None:
        self.chance = chance
        self.generator = torch.Generator().manual_seed(seed)

    def __call__(self, vectors: Tensor) -> Tensor:
        """Vectors (B, T, D), scaled so that their expectation stays."""
        kept = torch.rand(len(vectors), 1, vectors.shape[2], generator=self.generator) >= self.chance
        return vectors * (kept / (1 - self.chance))


@dataclass(frozen=True)
class Reading:
    """What both directions found in a batch of texts of at most T words.

    Attributes:
        vectors: (B, T, D), the words' vectors that were read.
        outputs: by direction, of both layers, (B, T + 1, D) in the order of reading: the first after the boundary
            alone, the last after all words.
        mirror: int64 (B, T), where each word is in the text turned around, and the reverse.
    """

    vectors: Tensor
    outputs: dict[Direction, tuple[Tensor, Tensor]]
    mirror: Tensor

    def states(self) -> Tensor:
        """What is known at each word, that word read: (3, B, T, 2 D), vectors and both layers, forward half first."""
        halves = [
            [self.vectors, *(self._in_order(output[:, 1:], direction) for output in self.outputs[direction])]
            for direction in DIRECTIONS
        ]
        return torch.cat([torch.stack(half) for half in halves], dim=-1)

    def before(self, direction: Direction) -> Tensor:
        """The last layer (B, T, D) just before each word is read, from which that word is to be predicted."""
        return self._in_order(self.outputs[direction][1][:, :-1], direction)

    def _in_order(self, found: Tensor, direction: Direction) -> Tensor:
        """From the order of reading to that of the text."""
        return found if direction == "forward" else _gather(found, self.mirror)


class TwoWayLSTM(nn.Module):
    """For each direction two LSTMs, of which the second adds to the first.

    Args:
        width: numbers a word and direction, D.
        hidden: cells of each LSTM; if more than `width`, what they give is projected to it (Sak et al., 2014).
    """

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        projection = width if hidden > width else 0
        self.first, self.second = (
            nn.ModuleList(nn.LSTM(width, hidden, proj_size=projection, batch_first=True) for _ in DIRECTIONS)
            for _ in ("first", "second")
        )

    def forward(self, vectors: Tensor, lengths: Tensor, boundary: Tensor, dropout: Dropout | None = None) -> Reading:
        """Read texts, each from the boundary on.

        Args:
            vectors: float (B, T, D); what is beyond the end of a text does not matter.
            lengths: int64 (B,), words of each text.
            boundary: float (D,), read before the first word of either direction.
            dropout: before each LSTM; None for none.
        """
        mirror = _mirror(lengths, vectors.shape[1])
        start = boundary.expand(len(vectors), 1, -1)
        # Padding comes after a text in either order, so no output that counts has seen it.
        ordered = (vectors, _gather(vectors, mirror))
        outputs = {}
        for direction, inputs, first, second in zip(DIRECTIONS, ordered, self.first, self.second, strict=True):
            below = first(_dropped(torch.cat([start, inputs], 1), dropout))[0]
            outputs[direction] = (below, below + second(_dropped(below, dropout))[0])
        return Reading(vectors, outputs, mirror)


def _mirror(lengths: Tensor, longest: int) -> Tensor:
    """Places int64 (B, T) that turn each text around and leave the padding after it where it is."""
    places = torch.arange(longest).expand(len(lengths), longest)
    return torch.where(places < lengths[:, None], lengths[:, None] - 1 - places, places)


def _gather(vectors: Tensor, places: Tensor) -> Tensor:
    return vectors.gather(1, places[..., None].expand_as(vectors))


def _dropped(vectors: Tensor, dropout: Dropout | None) -> Tensor:
    return vectors if dropout is None else dropout(vectors)
