"""From features to vectors of the shared space: a head a modality, and heads that fuse several modalities into one."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from grounding.errors import InputError

KINDS = ("residual", "linear")


def make_head(kind: str, width: int, dim: int, dropout: float) -> nn.Module:
    """The head of one modality.

    "residual" is a linear map plus a small network; "linear" is the map alone, four times as fast on features of
    frozen encoders.

    Raises:
        InputError: another kind.
    """
    if kind not in KINDS:
        raise InputError(f"head: {kind!r} found, expected one of {', '.join(KINDS)}")
    return Head(width, dim, dropout) if kind == "residual" else LinearHead(width, dim, dropout)


class Head(nn.Module):
    """Features (B, width) to vectors (B, dim): a linear map plus a small network, with dropout.

    The linear path keeps directions of a pretrained encoder as they are, which is what new words rely on.
    """

    def __init__(self, width: int, dim: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)
        self.first = nn.Linear(width, 2 * dim)
        self.second = nn.Linear(dim, dim)

    def forward(self, features: Tensor) -> Tensor:
        """Vectors (B, dim), not yet of unit length."""
        direct, inner = self.first(self.dropout(self.norm(features))).chunk(2, dim=1)
        return direct + self.second(self.dropout(functional.gelu(inner)))


class LinearHead(nn.Module):
    """Features (B, width), normalised, to vectors (B, dim) by one linear map, with dropout."""

    def __init__(self, width: int, dim: int, dropout: float) -> None:
        super().__init__()
        # Its scale and shift would be lost in the linear map, and cost a pass over the batch.
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.dropout = nn.Dropout(dropout)
        self.map = nn.Linear(width, dim)

    def forward(self, features: Tensor) -> Tensor:
        """Vectors (B, dim), not yet of unit length."""
        return self.map(self.dropout(self.norm(features)))


class Fusion(nn.Module):
    """Features of several modalities to one vector, whichever of them are there.

    Each part is normalised and mapped linearly; the maps are summed, which is the hidden layer over their
    concatenation of Sung et al. (2017). In place of a missing part stands a learned vector. The sum then passes a
    small network as in `Head`.

    Args:
        widths: number of features of each part.
        dim: length of the vectors.
        dropout: of the parts' features and inside the network.
    """

    def __init__(self, widths: Mapping[str, int], dim: int, dropout: float) -> None:
        super().__init__()
        self.parts = tuple(sorted(widths))
        self.norms = nn.ModuleDict({part: nn.LayerNorm(widths[part]) for part in self.parts})
        self.maps = nn.ModuleDict({part: nn.Linear(widths[part], 2 * dim) for part in self.parts})
        self.absent = nn.ParameterDict({part: nn.Parameter(torch.zeros(2 * dim)) for part in self.parts})
        self.dropout = nn.Dropout(dropout)
        self.second = nn.Linear(dim, dim)

    def forward(self, features: Mapping[str, tuple[Tensor, Tensor]], count: int) -> Tensor:
        """Vectors (count, dim), not yet of unit length.

        Args:
            features: of each part that is there, its features (n, width) and the places (n,) among `count` that have
                it.
            count: how many vectors.
        """
        total = torch.stack(list(self.absent.values())).sum(0).expand(count, -1)
        for part, (values, places) in features.items():
            mapped = self.maps[part](self.dropout(self.norms[part](values))) - self.absent[part]
            total = total.index_add(0, places, mapped.to(total.dtype))
        direct, inner = total.chunk(2, dim=1)
        return direct + self.second(self.dropout(functional.gelu(inner)))
