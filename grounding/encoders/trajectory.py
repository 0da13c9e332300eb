"""Robot motions to features: convolutions over time."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from grounding.encoders.data import Padded, unpad
from grounding.errors import InputError

JITTER = 0.01  # standard deviation, in units of `reach`, by which a whole motion is moved in training
POSE = 10  # numbers that describe a pose
WAYPOINTS = 16  # poses that describe a motion


class TrajectoryEncoder(nn.Module):
    """A motion of any length to one feature vector with strided convolutions over time.

    A pose becomes ten numbers: the position divided by `reach`, the first two columns of the rotation matrix (the
    continuous 6-D form of Zhou et al., 2019, the same for q and -q) and the gripper. Padding is zeroed before every
    convolution and left out of the pooling, so the features do not depend on the longest motion of the batch.

    Args:
        width: number of features.
        reach: metres that become 1.

    Example:
        >>> motions = Padded.stack([torch.rand(80, 8), torch.rand(120, 8)])
        >>> TrajectoryEncoder()(motions).shape
        torch.Size([2, 128])
    """

    def __init__(self, width: int = 128, reach: float = 0.2) -> None:
        super().__init__()
        self.width = width
        self.reach = reach
        self.settings: dict[str, Any] = {"width": width, "reach": reach}
        sizes = (POSE, 64, 64, 128)
        self.convolutions = nn.ModuleList(
            nn.Conv1d(inputs, outputs, 5, stride=2, padding=2)
            for inputs, outputs in zip(sizes[:-1], sizes[1:], strict=True)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(outputs) for outputs in sizes[1:])
        self.whole = nn.Sequential(nn.LayerNorm(256), nn.Linear(256, width))

    def forward(self, motions: Tensor | Padded) -> Tensor:
        """Features (B, width) of motions (B, T, 8) float32: x y z (m), qx qy qz qw, gripper (0 closed .. 1 open).

        Raises:
            InputError: the shape does not fit, or a motion has no pose.
        """
        values, mask = checked(motions)
        states = pose_features(values, self.reach, noise=self.training)
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            states = convolution((states * mask[..., None]).transpose(1, 2)).transpose(1, 2)
            mask = mask[:, ::2]
            states = functional.relu(norm(states))
        weights = mask.to(states.dtype)[..., None]
        mean = (states * weights).sum(1) / weights.sum(1).clamp_min(1)
        # States end in a ReLU, so zeroed padding never wins the maximum.
        return self.whole(torch.cat([(states * weights).amax(1), mean], dim=1))

    def reconstruction_target(self, motions: Tensor | Padded) -> Tensor:
        """What an autoencoder shall reconstruct: 16 poses evenly spread over the time of the motion, (B, 160)
        float32; see `waypoints`.
        """
        return waypoints(*checked(motions), self.reach)


def checked(motions: Tensor | Padded) -> tuple[Tensor, Tensor]:
    """Poses (B, T, 8) float32 and mask (B, T) of motions with at least one pose each.

    Raises:
        InputError: the shape does not fit, or a motion has no pose.
    """
    values, mask = unpad(motions)
    if values.ndim != 3 or values.shape[2] != 8 or values.shape[1] == 0:
        raise InputError(
            f"trajectory: shape {tuple(values.shape)} found, expected (batch, time, 8) with at least one pose; "
            "a single trajectory is written trajectory[None]"
        )
    empty = (~mask.any(1)).nonzero().flatten().tolist()
    if empty:
        raise InputError(f"trajectory {empty[0]}: no poses found, expected at least one pose; leave such motions out")
    return values.float(), mask


def pose_features(values: Tensor, reach: float, noise: bool = False) -> Tensor:
    """Ten numbers a pose, (B, T, 10), of poses (B, T, 8): position / reach, two columns of the rotation, gripper.

    With `noise` each motion is moved as a whole by a small random distance.
    """
    position = values[..., :3] / reach
    if noise:
        position = position + JITTER * torch.randn(len(values), 1, 3, device=values.device)
    return torch.cat([position, rotation_columns(values[..., 3:7]), values[..., 7:]], dim=2)


@torch.no_grad()
def waypoints(values: Tensor, mask: Tensor, reach: float) -> Tensor:
    """Pose features at 16 times from the first to the last pose of each motion, (B, 160) float32.

    Between two poses each number is interpolated linearly. Padding must come last, as `Padded.stack` puts it.
    """
    states = pose_features(values, reach)
    place = torch.linspace(0, 1, WAYPOINTS, device=values.device) * (mask.sum(1, keepdim=True) - 1)
    before = place.long()
    after = place.ceil().long()
    first, second = (states.gather(1, index[..., None].expand(-1, -1, POSE)) for index in (before, after))
    return torch.lerp(first, second, (place - before)[..., None]).flatten(1)


def rotation_columns(quaternions: Tensor) -> Tensor:
    """First two columns (..., 6) of the rotation matrices of quaternions (..., 4), order x y z w, of any length
    but 0.
    """
    x, y, z, w = functional.normalize(quaternions, dim=-1).unbind(-1)
    columns = [
        1 - 2 * (y * y + z * z), 2 * (x * y + z * w), 2 * (x * z - y * w),
        2 * (x * y - z * w), 1 - 2 * (x * x + z * z), 2 * (y * z + x * w),
    ]  # fmt: skip
    return torch.stack(columns, dim=-1)
