"""What encoders are given: the data of one modality for several samples, in one of a few forms."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from grounding.errors import DataError, InputError


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


class Features(NamedTuple):
    """`values` (B, width): what the encoder would give, so that it is not asked."""

    values: Tensor


Data = list[str] | Tensor | Padded | Features | dict[str, "Data"]
"""Strings; a tensor (B, ...); arrays whose first dimensions differ; features; or parts of these kinds, by name."""


def unpad(data: Tensor | Padded) -> tuple[Tensor, Tensor]:
    """Values (B, T, ...) and mask (B, T) of padded data, or of a tensor in which everything is valid.

    Raises:
        InputError: other data, such as strings.
    """
    if isinstance(data, Padded):
        return data.values, data.mask
    if not isinstance(data, Tensor):
        raise InputError(f"{type(data).__name__} found, expected arrays of numbers")
    return data, torch.ones(data.shape[:2], dtype=torch.bool, device=data.device)


def gather(name: str, values: Sequence[Any]) -> Data:
    """Samples' data of one modality in the form that encoders take: strings as a list, arrays stacked, or padded at
    their end; of dicts such as `{"signal": array, "subject": "S01"}`, each part by itself. Floating point numbers
    become float32.

    Raises:
        DataError: kinds are mixed, arrays differ in more than their first dimension, or dicts in their keys.
    """
    first = values[0]
    if isinstance(first, str):
        if not all(isinstance(value, str) for value in values):
            raise DataError(f"{name}: strings and other data are mixed; expected one kind in all samples")
        return list(values)
    if isinstance(first, dict):
        if not all(isinstance(value, dict) and value.keys() == first.keys() for value in values):
            raise DataError(f"{name}: parts {sorted(first)} found in some samples only; expected the same in all")
        return {part: gather(f"{name} {part}", [value[part] for value in values]) for part in sorted(first)}
    arrays = [_single_precision(np.asarray(value)) for value in values]
    shape, dtype = arrays[0].shape, arrays[0].dtype
    if not all(array.shape == shape and array.dtype == dtype for array in arrays):
        if any(array.shape[1:] != shape[1:] or array.dtype != dtype or not array.ndim for array in arrays):
            found = sorted({f"{array.shape} {array.dtype}" for array in arrays})
            raise DataError(f"{name}: {', '.join(found[:4])} found in one batch; expected one type and, but for the "
                            "first dimension, one shape")  # fmt: skip
        return Padded.stack([torch.from_numpy(np.ascontiguousarray(array)) for array in arrays])
    return torch.from_numpy(np.stack(arrays))


def _single_precision(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float32, copy=False) if array.dtype.kind == "f" else array


def select(data: Data, positions: Sequence[int] | slice) -> Data:
    """The data at some positions, in their order."""
    if isinstance(data, dict):
        return {part: select(values, positions) for part, values in data.items()}
    if isinstance(data, Padded):
        return Padded(data.values[positions], data.mask[positions])
    if isinstance(data, Features):
        return Features(data.values[positions])
    if isinstance(data, Tensor):
        return data[positions]
    return data[positions] if isinstance(positions, slice) else [data[position] for position in positions]


def to_device(data: Data, device: torch.device) -> Data:
    """The same data with its tensors on a device."""
    if isinstance(data, dict):
        return {part: to_device(values, device) for part, values in data.items()}
    if isinstance(data, Padded):
        return Padded(data.values.to(device), data.mask.to(device))
    if isinstance(data, Features):
        return Features(data.values.to(device))
    return data.to(device) if isinstance(data, Tensor) else data


def contents(data: Data) -> Iterable[bytes]:
    """The bytes of each item, for a digest; type and shape belong to it, padding does not."""
    if isinstance(data, dict):
        parts = [contents(values) for _, values in sorted(data.items())]
        return [b"".join(len(part).to_bytes(8) + part for part in item) for item in zip(*parts, strict=True)]
    if isinstance(data, Padded):
        items = [values[mask].cpu() for values, mask in zip(data.values, data.mask, strict=True)]
        return [f"{item.dtype} {tuple(item.shape)} ".encode() + item.numpy().tobytes() for item in items]
    if isinstance(data, Features):
        return contents(data.values)
    if isinstance(data, Tensor):
        prefix = f"{data.dtype} {tuple(data.shape[1:])} ".encode()
        return [prefix + item.tobytes() for item in data.cpu().numpy()]
    return [text.encode() for text in data]
