"""Robot motions to features: a small transformer over time."""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from grounding.encoders.data import Padded
from grounding.encoders.trajectory import POSE, checked, pose_features, waypoints
from grounding.encoders.transformer import Transformer, pool
from grounding.errors import InputError

LONGEST_WAVE = 10_000  # tokens, of the position code


class TrajectoryTransformer(nn.Module):
    """A motion of any length to one feature vector with self-attention over time.

    Every `patch` consecutive poses, described as for `TrajectoryEncoder` and each with a flag that says whether it is
    there, become one token. The place of a token in time is coded by sines and cosines (Vaswani et al., 2017), which
    exist for any length. In training mode a motion is moved as a whole by a small distance drawn from torch's default
    generator.

    Args:
        width: number of features, a multiple of 32.
        reach: metres that become 1.
        patch: poses a token.
        layers: of the transformer.

    Example:
        >>> motions = Padded.stack([torch.rand(80, 8), torch.rand(120, 8)])
        >>> TrajectoryTransformer()(motions).shape
        torch.Size([2, 128])

    Raises:
        InputError: a width that is no multiple of 32, or sizes below 1.
    """

    def __init__(self, width: int = 128, reach: float = 0.2, patch: int = 4, layers: int = 3) -> None:
        super().__init__()
        if patch < 1:
            raise InputError(f"patch: {patch} found, expected at least 1 pose a token")
        self.width = width
        self.reach = reach
        self.patch = patch
        self.settings: dict[str, Any] = {"width": width, "reach": reach, "patch": patch, "layers": layers}
        self.first = nn.Linear(patch * (POSE + 1), width)
        self.transformer = Transformer(width, layers)
        self.whole = nn.Sequential(nn.LayerNorm(2 * width), nn.Linear(2 * width, width))

    def forward(self, motions: Tensor | Padded) -> Tensor:
        """Features (B, width) of motions (B, T, 8) float32: x y z (m), qx qy qz qw, gripper (0 closed .. 1 open).

        Raises:
            InputError: the shape does not fit, or a motion has no pose.
        """
        values, mask = checked(motions)
        states = pose_features(values, self.reach, noise=self.training) * mask[..., None]
        states = torch.cat([states, mask[..., None]], dim=2)
        missing = -states.shape[1] % self.patch
        states = functional.pad(states, (0, 0, 0, missing))
        there = functional.pad(mask, (0, missing)).unflatten(1, (-1, self.patch)).any(2)
        tokens = self.first(states.unflatten(1, (-1, self.patch)).flatten(2))
        tokens = tokens + position_code(tokens.shape[1], self.width, tokens.device)
        return self.whole(pool(self.transformer(tokens, there), there))

    def reconstruction_target(self, motions: Tensor | Padded) -> Tensor:
        """What an autoencoder shall reconstruct: 16 poses evenly spread over the time of the motion, (B, 160)
        float32; see `trajectory.waypoints`.
        """
        return waypoints(*checked(motions), self.reach)


def position_code(count: int, width: int, device: torch.device | None = None) -> Tensor:
    """Sines and cosines (count, width) of the places 0 .. count - 1 at wavelengths from 2 pi to 10,000 * 2 pi
    (Vaswani et al., 2017).
    """
    rates = torch.exp(torch.arange(0, width, 2, device=device) * (-math.log(LONGEST_WAVE) / width))
    angles = torch.arange(count, device=device)[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], dim=1)
