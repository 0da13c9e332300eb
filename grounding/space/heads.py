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
        InputError: another kind, or a dropout outside 0 to below 1.
    """
    if not 0 <= dropout < 1:
        raise InputError(f"dropout: {dropout} found, expected a number from 0 to below 1")
    if kind not in KINDS:
        raise InputError(f"head: {kind!r} found, expected one of {', '.join(KINDS)}")
    return Head(width, dim, dropout) if kind == "residual" else LinearHead(width, dim, dropout)


class Dropout(nn.Module):
    """Dropout (Srivastava et al., 2014) whose mask takes a byte a number, with rates rounded to 1/256.

    On a processor torch draws a random number of its own for every entry, which costs more than the linear map of a
    head; here eight entries share one.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = round(256 * rate) / 256

    def forward(self, values: Tensor) -> Tensor:
        """In training mode, entries of values set to zero at random and the others enlarged to keep the mean."""
        if not self.training or not self.rate:
            return values
        draws = torch.empty(-(-values.numel() // 8), dtype=torch.int64, device=values.device).random_(-(2**63), None)
        kept = draws.view(torch.uint8)[: values.numel()].view(values.shape) >= 256 * self.rate
        return torch.where(kept, values, 0.0) * (1 / (1 - self.rate))


class Head(nn.Module):
    """Features (B, width) to vectors (B, dim): a linear map plus a small network, with dropout.

    The linear path keeps directions of a pretrained encoder as they are, which is what new words rely on.
    """

    def __init__(self, width: int, dim: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.dropout = Dropout(dropout)
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
        self.dropout = Dropout(dropout)
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
        self.dropout = Dropout(dropout)
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
