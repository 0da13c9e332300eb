"""What the point encoders share: the columns of a cloud, its scale, its noise, and its description as a grid."""

from collections.abc import Sequence

import torch
from torch import Tensor

from grounding.encoders.data import Padded, unpad
from grounding.errors import InputError

SIZES = {"xyz": 3, "rgb": 3, "normals": 3, "part": 1}
JITTER = 0.01  # standard deviation of the noise on xyz, in units of `reach`
COLOR_GAIN, COLOR_SHIFT = 0.08, 0.02
GRID = 8  # cells a side of the grid that describes a cloud
CORNERS = ((0, 0, 0), (0, 0, 1), (0, 1, 0), (0, 1, 1), (1, 0, 0), (1, 0, 1), (1, 1, 0), (1, 1, 1))


def columns(inputs: Sequence[str]) -> dict[str, slice]:
    """Columns of a cloud by the name of the input: `xyz` (m), `rgb` (0..1), `normals` (unit vectors) and `part` (1 for
    the part that is meant, 0 for its surroundings), in this order.

    Raises:
        InputError: an unknown input, another order, or no xyz.
    """
    if list(inputs) != [name for name in SIZES if name in inputs] or "xyz" not in inputs:
        raise InputError(
            f"inputs: {inputs if isinstance(inputs, str) else tuple(inputs)!r} found, expected ('xyz',) and, in this "
            "order, any of 'rgb', 'normals', 'part'"
        )
    where, start = {}, 0
    for name in inputs:
        where[name] = slice(start, start + SIZES[name])
        start += SIZES[name]
    return where


def checked(clouds: Tensor | Padded, where: dict[str, slice]) -> tuple[Tensor, Tensor]:
    """Points (B, N, C) float32 and mask (B, N) of clouds that have the columns `where` and at least one point each.

    Raises:
        InputError: the shape does not fit, or a cloud has no points.
    """
    points, mask = unpad(clouds)
    channels = list(where.values())[-1].stop
    if points.ndim != 3 or points.shape[2] != channels:
        raise InputError(
            f"points: shape {tuple(points.shape)} found, expected (batch, points, {channels}) of {', '.join(where)}; "
            "a single cloud is written cloud[None]"
        )
    empty = (~mask.any(1)).nonzero().flatten().tolist()
    if empty:
        raise InputError(f"points {empty[0]}: no points found, expected at least one; leave such clouds out")
    return points.float(), mask


def scaled(points: Tensor, where: dict[str, slice], reach: float, noise: bool) -> Tensor:
    """Points with xyz in units of `reach` and rgb in -1..1; with `noise`, both slightly changed at random."""
    parts = [points[..., :3] / reach]
    if "rgb" in where:
        parts.append(points[..., where["rgb"]] * 2 - 1)
    rest = points[..., sum(part.shape[2] for part in parts) :]
    if noise:
        parts[0] = parts[0] + JITTER * torch.randn_like(parts[0])
        if "rgb" in where:
            each = (len(points), 1, 3)
            parts[1] = parts[1] * (1 + COLOR_GAIN * torch.randn(each, device=points.device))
            parts[1] = parts[1] + COLOR_SHIFT * torch.randn(each, device=points.device)
    return torch.cat([*parts, rest], dim=2)


@torch.no_grad()
def described(points: Tensor, mask: Tensor, where: dict[str, slice], reach: float) -> Tensor:
    """Clouds as soft occupancy of 8 x 8 x 8 cells and, with rgb, the mean colour in -1..1: (B, 512 or 515) float32.

    The grid reaches from -`reach` to `reach` along each axis; points beyond count in its outermost cells. A point
    gives to the eight cells around it in proportion to its nearness (trilinear weights). A cell with the share s of all
    points has the occupancy 1 - exp(-64 s): independent of the number of points, and 0.63 in each cell of a
    surface that fills 8 x 8 of them.
    """
    weights = mask.float() / mask.sum(1, keepdim=True)
    place = ((points[..., :3] / reach + 1) * (GRID / 2) - 0.5).clamp(0, GRID - 1)
    low = place.floor().clamp(max=GRID - 2)
    beyond = place - low
    low = low.long()
    shares = points.new_zeros(len(points), GRID**3)
    for corner in CORNERS:
        high = torch.tensor(corner, device=points.device)
        near = torch.where(high.bool(), beyond, 1 - beyond).prod(2)
        cell = low + high
        shares.scatter_add_(1, (cell[..., 0] * GRID + cell[..., 1]) * GRID + cell[..., 2], near * weights)
    grid = 1 - torch.exp(-(GRID**2) * shares)
    if "rgb" not in where:
        return grid
    color = (weights[..., None] * points[..., where["rgb"]]).sum(1)
    return torch.cat([grid, color * 2 - 1], dim=1)
