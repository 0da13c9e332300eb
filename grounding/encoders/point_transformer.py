"""Point clouds to features: a transformer over groups of neighbouring points, as in Point-BERT (Yu et al., 2022)."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from grounding.encoders.clouds import checked, columns, described, scaled
from grounding.encoders.data import Padded
from grounding.encoders.transformer import Transformer, pool
from grounding.errors import InputError

NEARNESS = 4.0  # neighbours lie about a quarter of `reach` from their centre: brought to the scale of 1
# A direction in which hardly two points of a cloud, even one on a grid, lie equally far.
DIRECTION = (1.0, math.sqrt(2), math.sqrt(3))


class PointTransformer(nn.Module):
    """A point cloud to one feature vector, and to one token for each of its regions.

    Centres are chosen by farthest point sampling (Eldar et al., 1997), so that they spread evenly; the nearest points
    of each, relative to it, pass a shared network and are pooled by maximum (Qi et al., 2017) to a token; the
    tokens, with the place of their centre, pass a transformer. Everything is plain torch.

    Points are first put in an order that depends on nothing but their coordinates, so the order in which they come does
    not matter. A cloud with fewer points than `groups` has one token a point. In training mode xyz and rgb get slight
    noise from torch's default generator.

    Args:
        width: features of a cloud and of a token, a multiple of 32.
        inputs: what the columns of a cloud are: "xyz" (metres) and, in this order, any of "rgb" (0..1), "normals" (unit
            vectors), "part" (1 for the part meant, 0 for its surroundings).
        reach: metres that become 1; for clouds scaled to the unit sphere, 1.
        groups: regions of a cloud.
        neighbours: points of a region.
        layers: of the transformer.

    Example:
        >>> encoder = PointTransformer(inputs=("xyz", "rgb"), reach=1.0)
        >>> encoder(torch.rand(4, 1024, 6)).shape, encoder.tokens(torch.rand(4, 1024, 6)).shape
        (torch.Size([4, 192]), torch.Size([4, 64, 192]))

    Raises:
        InputError: unknown inputs, a width that is no multiple of 32, or sizes below 1.
    """

    def __init__(
        self,
        width: int = 192,
        inputs: Sequence[str] = ("xyz", "rgb", "part"),
        reach: float = 0.1,
        groups: int = 64,
        neighbours: int = 32,
        layers: int = 6,
    ) -> None:
        super().__init__()
        for name, value in (("groups", groups), ("neighbours", neighbours)):
            if value < 1:
                raise InputError(f"{name}: {value} found, expected at least 1")
        self.width = width
        self.columns = columns(inputs)
        self.reach = reach
        self.groups = groups
        self.neighbours = neighbours
        self.settings: dict[str, Any] = {
            "width": width,
            "inputs": list(inputs),
            "reach": reach,
            "groups": groups,
            "neighbours": neighbours,
            "layers": layers,
        }
        channels = list(self.columns.values())[-1].stop
        self.first = nn.Linear(channels, 64)
        self.each = nn.Sequential(nn.LayerNorm(64), nn.ReLU(), nn.Linear(64, 128))
        self.group = nn.Sequential(nn.ReLU(), nn.Linear(128, width))
        self.place = nn.Sequential(nn.Linear(3, 128), nn.GELU(), nn.Linear(128, width))
        self.transformer = Transformer(width, layers)
        self.whole = nn.Sequential(nn.LayerNorm(2 * width), nn.Linear(2 * width, width))

    def forward(self, clouds: Tensor | Padded) -> Tensor:
        """Features (B, width) of clouds (B, N, channels) float32; a padded batch may hold clouds of different N.

        Raises:
            InputError: the shape does not fit, or a cloud has no points.
        """
        return self.whole(pool(*self._tokens(clouds)))

    def tokens(self, clouds: Tensor | Padded) -> Tensor:
        """Tokens (B, groups, width), one a region; zeros in the last places of a cloud with fewer points than groups.

        Raises:
            InputError: the shape does not fit, or a cloud has no points.
        """
        tokens, mask = self._tokens(clouds)
        return tokens * mask[..., None]

    def reconstruction_target(self, clouds: Tensor | Padded) -> Tensor:
        """What an autoencoder shall reconstruct: soft occupancy of an 8 x 8 x 8 grid from -`reach` to `reach` and,
        with rgb, the mean colour: (B, 512 or 515) float32; see `clouds.described`.
        """
        return described(*checked(clouds, self.columns), self.columns, self.reach)

    def _tokens(self, clouds: Tensor | Padded) -> tuple[Tensor, Tensor]:
        points, mask = checked(clouds, self.columns)
        points = scaled(points, self.columns, self.reach, noise=self.training)
        with torch.no_grad():
            order = canonical_order(points[..., :3], mask)
            mask = mask.gather(1, order)
        points = points.gather(1, order[..., None].expand_as(points))
        with torch.no_grad():
            chosen, distances = farthest_points(points[..., :3], mask, self.groups)
            near = neighbours(chosen, distances, mask, self.neighbours)
        centres = points.gather(1, chosen[..., None].expand(-1, -1, 3))
        first = torch.arange(len(points), device=points.device)[:, None, None] * points.shape[1]
        regions = points.flatten(0, 1)[(near + first).flatten(0, 1)]
        relative = (regions[..., :3] - centres.flatten(0, 1)[:, None]) * NEARNESS
        rows = torch.cat([relative, regions[..., 3:]], dim=2).flatten(0, 1)
        # Written out since the gradient of so narrow a weight is found six times faster in this layout.
        states = torch.addmm(self.first.bias, rows, self.first.weight.T.contiguous())
        # ReLU rises, so it may follow the maximum, over fewer numbers; `max` is faster backward than `amax`.
        highest = self.each(states).view(*regions.shape[:2], -1).max(1).values
        tokens = self.group(highest).view(len(points), self.groups, -1) + self.place(centres)
        there = torch.arange(self.groups, device=mask.device) < mask.sum(1, keepdim=True)
        return self.transformer(tokens, there), there


def canonical_order(xyz: Tensor, mask: Tensor) -> Tensor:
    """An order (B, N) of the points (B, N, 3) that depends on their coordinates alone; padding comes last."""
    along = sum(factor * axis for factor, axis in zip(DIRECTION, xyz.double().unbind(2), strict=True))
    return torch.where(mask, along, torch.inf).argsort(1)


def farthest_points(xyz: Tensor, mask: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Indices (B, count) of points far from each other, and squared distances (B, count, N) of each to all points.

    The first is the first valid point; every other is the one farthest from its nearest predecessor (farthest point
    sampling, Eldar et al., 1997), of equally far ones the first. Where valid points run out, they repeat.

    Args:
        xyz: points (B, N, 3).
        mask: (B, N) bool, which are valid; at least one a cloud.
        count: how many to choose.
    """
    batch, size = mask.shape
    x, y, z = xyz.movedim(2, 0).contiguous()
    nearest = torch.where(mask, torch.inf, -1.0)
    distances = xyz.new_empty(count, batch, size)
    chosen = []
    step = torch.empty_like(x)
    for distance in distances:
        farthest = nearest.argmax(1, keepdim=True)
        chosen.append(farthest)
        torch.sub(x, x.gather(1, farthest), out=distance).square_()
        for axis in (y, z):
            torch.sub(axis, axis.gather(1, farthest), out=step)
            distance.addcmul_(step, step)
        torch.minimum(nearest, distance, out=nearest)
    return torch.cat(chosen, dim=1), distances.transpose(0, 1)


def neighbours(chosen: Tensor, distances: Tensor, mask: Tensor, count: int) -> Tensor:
    """Indices (B, G, K) of the nearest valid points to each centre, itself among them, K = min(count, N).

    Where valid points run out the centre is repeated, which changes no maximum.

    Args:
        chosen: centres (B, G).
        distances: of each centre to all points, (B, G, N).
        mask: (B, N) bool, which points are valid.
        count: how many.
    """
    distances = distances.masked_fill(~mask[:, None], torch.inf)
    near = distances.topk(min(count, mask.shape[1]), dim=2, largest=False, sorted=False)
    return torch.where(near.values.isinf(), chosen[..., None], near.indices)
