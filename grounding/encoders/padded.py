"""Sequences or point sets of different lengths in one tensor."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class Padded(NamedTuple):
    """`values` (B, T, ...) with zeros where `mask` (B, T) bool is False; an encoder's result must not depend on
    the padding.
    """

    values: Tensor
    mask: Tensor

    @classmethod
    def stack(cls, parts: Sequence[Tensor]) -> "Padded":
        """Pad tensors (T_i, ...) with zeros to the longest."""
        values = torch.nn.utils.rnn.pad_sequence(list(parts), batch_first=True)
        lengths = torch.tensor([len(part) for part in parts])
        return cls(values, torch.arange(values.shape[1]) < lengths[:, None])


def unpad(data: Tensor | Padded) -> tuple[Tensor, Tensor]:
    """Values (B, T, ...) and mask (B, T) of padded data, or of a tensor in which everything is valid."""
    if isinstance(data, Padded):
        return data.values, data.mask
    return data, torch.ones(data.shape[:2], dtype=torch.bool, device=data.device)
