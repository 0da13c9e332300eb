"""Point clouds to features: a small PointNet (Qi et al., 2017) that learns from a few hundred clouds."""

import torch
from torch import Tensor, nn

from grounding.encoders.data import Padded, unpad
from grounding.errors import InputError

KEPT_POINTS = 192  # of each cloud in training, drawn at random: a third of the work, and an augmentation
PART_FAVOUR = 0.25
JITTER = 0.01  # standard deviation of the noise on xyz, in units of `reach`
COLOR_GAIN, COLOR_SHIFT = 0.08, 0.02


class PointEncoder(nn.Module):
    """A point cloud to one feature vector, whatever the order of its points.

    Points pass a shared network; its results are pooled by maximum and mean over the cloud and joined by plain
    statistics of the cloud (mean and spread of every channel), which carry size and colour when there is little data.
    When there is a seventh channel, it says which points belong to the part that is meant, and pooling and
    statistics are taken over those points and over the rest apart.

    Absolute size matters (a small cube is not a large one), so xyz is divided by `reach`, the distance in metres that
    becomes 1, and never normalised by cloud. In training mode, 192 points of each cloud are drawn, xyz and rgb get
    slight noise, all from torch's default generator.

    Args:
        width: number of features.
        channels: 3 (xyz, metres), 6 (and rgb in 0..1) or 7 (and 1 for the part meant, 0 for its surroundings).
        reach: metres that become 1.

    Example:
        >>> PointEncoder()(torch.rand(4, 512, 7)).shape
        torch.Size([4, 256])
    """

    def __init__(self, width: int = 256, channels: int = 7, reach: float = 0.1) -> None:
        super().__init__()
        if channels not in (3, 6, 7):
            raise InputError(f"channels: {channels} found, expected 3 (xyz), 6 (xyz, rgb) or 7 (xyz, rgb, part)")
        self.width = width
        self.channels = channels
        self.reach = reach
        deep = 128
        self.each = nn.Sequential(_layer(channels, 32), _layer(32, 64), _layer(64, deep))
        groups = 2 if channels == 7 else 1
        pooled = groups * (2 * deep + 2 * channels)
        self.whole = nn.Sequential(nn.LayerNorm(pooled), nn.Linear(pooled, width), nn.GELU(), nn.Linear(width, width))

    def forward(self, clouds: Tensor | Padded) -> Tensor:
        """Features (B, width) of clouds (B, N, channels) float32; a padded batch may hold clouds of different N.

        Raises:
            InputError: the shape does not fit.
        """
        points, mask = unpad(clouds)
        if points.ndim != 3 or points.shape[2] != self.channels:
            raise InputError(
                f"points: shape {tuple(points.shape)} found, expected (batch, points, {self.channels}); "
                "a single cloud is written cloud[None]"
            )
        points, mask = self._prepared(points, mask)
        features = self.each(points)
        if self.channels < 7:
            return self.whole(_pool(features, points, mask))
        part = points[..., 6] > 0.5
        groups = [_pool(features, points, mask & part), _pool(features, points, mask & ~part)]
        return self.whole(torch.cat(groups, dim=1))

    def _prepared(self, points: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        if self.training and points.shape[1] > KEPT_POINTS:
            # The highest draws are kept. Padding is below all points, so it is kept only when points run out; points
            # of the part draw higher, so that a small part keeps enough, which is fair as the groups are pooled apart.
            chance = torch.rand(mask.shape, device=mask.device) - 2 * (~mask).float()
            if self.channels == 7:
                chance = chance + PART_FAVOUR * points[..., 6]
            kept = chance.topk(KEPT_POINTS, dim=1, sorted=False).indices
            points = points.gather(1, kept[..., None].expand(-1, -1, points.shape[2]))
            mask = mask.gather(1, kept)
        xyz = points[..., :3] / self.reach
        color = points[..., 3:6] * 2 - 1
        if self.training:
            xyz = xyz + JITTER * torch.randn_like(xyz)
            each = (len(color), 1, color.shape[2])
            color = color * (1 + COLOR_GAIN * torch.randn(each, device=color.device))
            color = color + COLOR_SHIFT * torch.randn(each, device=color.device)
        return torch.cat([xyz, color, points[..., 6:]], dim=2), mask


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
