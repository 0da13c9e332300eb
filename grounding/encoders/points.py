"""Point clouds to features: a small PointNet (Qi et al., 2017) that learns from a few hundred clouds."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from grounding.encoders.clouds import checked, columns, described, scaled
from grounding.encoders.data import Padded

KEPT_POINTS = 192  # of each cloud in training, drawn at random: a third of the work, and an augmentation
PART_FAVOUR = 0.25


class PointEncoder(nn.Module):
    """A point cloud to one feature vector, whatever the order of its points.

    Points pass a shared network; its results are pooled by maximum and mean over the cloud and joined by plain
    statistics of the cloud (mean and spread of every channel), which carry size and colour when there is little data.
    With the input `part`, which says which points belong to the part that is meant, pooling and statistics are taken
    over those points and over the rest apart.

    Absolute size matters (a small cube is not a large one), so xyz is divided by `reach`, the distance in metres that
    becomes 1, and never normalised by cloud. In training mode, 192 points of each cloud are drawn, xyz and rgb get
    slight noise, all from torch's default generator.

    Args:
        width: number of features.
        inputs: what the columns of a cloud are: "xyz" (metres) and, in this order, any of "rgb" (0..1), "normals" (unit
            vectors), "part" (1 for the part meant, 0 for its surroundings).
        reach: metres that become 1.

    Example:
        >>> PointEncoder()(torch.rand(4, 512, 7)).shape
        torch.Size([4, 256])
        >>> PointEncoder(inputs=("xyz", "normals"))(torch.rand(4, 512, 6)).shape
        torch.Size([4, 256])

    Raises:
        InputError: unknown inputs, or another order.
    """

    def __init__(self, width: int = 256, inputs: Sequence[str] = ("xyz", "rgb", "part"), reach: float = 0.1) -> None:
        super().__init__()
        self.width = width
        self.columns = columns(inputs)
        self.reach = reach
        self.settings: dict[str, Any] = {"width": width, "inputs": list(inputs), "reach": reach}
        channels = list(self.columns.values())[-1].stop
        deep = 128
        self.each = nn.Sequential(_layer(channels, 32), _layer(32, 64), _layer(64, deep))
        groups = 2 if "part" in self.columns else 1
        pooled = groups * (2 * deep + 2 * channels)
        self.whole = nn.Sequential(nn.LayerNorm(pooled), nn.Linear(pooled, width), nn.GELU(), nn.Linear(width, width))

    def forward(self, clouds: Tensor | Padded) -> Tensor:
        """Features (B, width) of clouds (B, N, channels) float32; a padded batch may hold clouds of different N.

        Raises:
            InputError: the shape does not fit, or a cloud has no points.
        """
        points, mask = self._prepared(*checked(clouds, self.columns))
        features = self.each(points)
        if "part" not in self.columns:
            return self.whole(_pool(features, points, mask))
        part = points[..., -1] > 0.5
        groups = [_pool(features, points, mask & part), _pool(features, points, mask & ~part)]
        return self.whole(torch.cat(groups, dim=1))

    def reconstruction_target(self, clouds: Tensor | Padded) -> Tensor:
        """What an autoencoder shall reconstruct: soft occupancy of an 8 x 8 x 8 grid from -`reach` to `reach` and,
        with rgb, the mean colour: (B, 512 or 515) float32; see `clouds.described`.
        """
        return described(*checked(clouds, self.columns), self.columns, self.reach)

    def _prepared(self, points: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        if self.training and points.shape[1] > KEPT_POINTS:
            # The highest draws are kept. Padding is below all points, so it is kept only when points run out; points
            # of the part draw higher, so that a small part keeps enough, which is fair as the groups are pooled apart.
            chance = torch.rand(mask.shape, device=mask.device) - 2 * (~mask).float()
            if "part" in self.columns:
                chance = chance + PART_FAVOUR * points[..., -1]
            kept = chance.topk(KEPT_POINTS, dim=1, sorted=False).indices
            points = points.gather(1, kept[..., None].expand(-1, -1, points.shape[2]))
            mask = mask.gather(1, kept)
        return scaled(points, self.columns, self.reach, noise=self.training), mask


def _layer(inputs: int, outputs: int) -> nn.Module:
    return nn.Sequential(nn.Linear(inputs, outputs), nn.LayerNorm(outputs), nn.ReLU())


def _pool(features: Tensor, points: Tensor, mask: Tensor) -> Tensor:
    """Maximum and mean of features (B, N, F), mean and spread of points (B, N, C) where the mask (B, N) holds.

    A cloud without such a point gives zeros.
    """
    weights = mask.to(features.dtype)
    weights = (weights / weights.sum(1, keepdim=True).clamp_min(1))[:, None]
    # Features end in a ReLU, so zero is below every valid one and needs no infinity.
    highest = (features * mask[..., None]).amax(1)
    center = weights @ points
    spread = (weights @ (points - center).square()).clamp_min(1e-8).sqrt()
    return torch.cat([highest, (weights @ features)[:, 0], center[:, 0], spread[:, 0]], dim=1)
