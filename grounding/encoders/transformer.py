"""A plain transformer over a set of tokens, some of which may be absent."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from grounding.errors import InputError

HEAD = 32  # features a head


class Transformer(nn.Module):
    """Layers of self-attention and a small network (Vaswani et al., 2017), normalised before each (Xiong et al., 2020).

    Absent tokens are neither attended to nor, by `pool`, counted; what stands in their place does not matter.

    Args:
        width: features of a token, a multiple of 32.
        layers: how many.

    Example:
        >>> Transformer(64, 2)(torch.rand(4, 10, 64), torch.ones(4, 10, dtype=torch.bool)).shape
        torch.Size([4, 10, 64])

    Raises:
        InputError: `width` is no multiple of 32, or there is no layer.
    """

    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        if width < HEAD or width % HEAD:
            raise InputError(f"width: {width} found, expected a multiple of {HEAD}, the features of an attention head")
        if layers < 1:
            raise InputError(f"layers: {layers} found, expected at least 1")
        self.layers = nn.ModuleList([_Layer(width) for _ in range(layers)])
        self.norm = nn.LayerNorm(width)

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """Tokens (B, P, width) after all layers; `mask` (B, P) bool says which are there, at least one a sample."""
        attended = None if bool(mask.all()) else mask[:, None, None]
        for layer in self.layers:
            tokens = layer(tokens, attended)
        return self.norm(tokens)


class _Layer(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList([nn.LayerNorm(width), nn.LayerNorm(width)])
        self.project = nn.Linear(width, 3 * width)
        self.join = nn.Linear(width, width)
        self.each = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, tokens: Tensor, attended: Tensor | None) -> Tensor:
        batch, count, width = tokens.shape
        heads = self.project(self.norms[0](tokens)).view(batch, count, 3, width // HEAD, HEAD)
        query, key, value = heads.permute(2, 0, 3, 1, 4)
        found = functional.scaled_dot_product_attention(query, key, value, attn_mask=attended)
        tokens = tokens + self.join(found.transpose(1, 2).reshape(batch, count, width))
        return tokens + self.each(self.norms[1](tokens))


def pool(tokens: Tensor, mask: Tensor) -> Tensor:
    """Maximum and mean (B, 2 width) over the tokens (B, P, width) that are there, `mask` (B, P)."""
    highest = tokens.masked_fill(~mask[..., None], -torch.inf).max(1).values
    mean = (tokens * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
    return torch.cat([highest, mean], dim=1)
