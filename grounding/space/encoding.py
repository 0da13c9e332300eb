"""Data of any modalities to unit vectors: what `SharedSpace.encode` and `SharedSpace.compose` do."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from grounding.encoders.data import gather
from grounding.errors import DataError, InputError, WeightsError
from grounding.space.batch import collate, problem_of

if TYPE_CHECKING:
    from grounding.space.model import SharedSpace

CHUNK = 256


def encode(space: "SharedSpace", data: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """See `SharedSpace.encode`."""
    if not data:
        raise InputError(f"encode: no modality found, expected some of {', '.join(space.names)}")
    modes = [(module, module.training) for module in space.modules()]
    space.eval()
    try:
        with torch.no_grad():
            return {
                name: _fused(space, name, values) if name in space.fusions else _plain(space, name, values)
                for name, values in data.items()
            }
    finally:
        for module, training in modes:
            module.training = training


def compose(space: "SharedSpace", data: Mapping[str, Any], weights: Mapping[str, float]) -> np.ndarray:
    """See `SharedSpace.compose`."""
    if not data or not set(data) <= set(space.modalities):
        raise InputError(f"compose: {sorted(data)} found, expected some of {', '.join(space.modalities)}")
    if wrong := [name for name, weight in weights.items() if name not in data or not math.isfinite(weight)]:
        raise InputError(f"compose: a weight for {wrong[0]!r} found, expected finite weights of {sorted(data)}")
    items = _same_length(f"compose {sorted(data)}", data)
    total = np.zeros((items, space.dim), dtype=np.float32)
    for name, values in data.items():
        known = [place for place in range(items) if values[place] is not None]
        if known:
            vectors = encode(space, {name: [values[place] for place in known]})[name]
            total[known] += np.float32(weights.get(name, 1.0)) * vectors
    lengths = np.linalg.norm(total, axis=1, keepdims=True)
    if not lengths.all():
        raise InputError(f"compose: nothing found for item {int(lengths.argmin())}, expected some modality")
    return total / lengths


def _plain(space: "SharedSpace", name: str, values: Any) -> np.ndarray:
    if name not in space.modalities:
        raise InputError(f"modality {name!r} is unknown; this space has {', '.join(space.names)}")
    _check_items(name, values)
    vectors = []
    for start in range(0, len(values), CHUNK):
        chunk = list(values[start : start + CHUNK])
        try:
            data = gather(name, chunk)
        except DataError as error:
            raise InputError(str(error)) from error
        vectors.append(space.embed(name, data).cpu().numpy())
        if len(vectors[-1]) != len(chunk):
            raise InputError(
                f"{name}: {len(vectors[-1])} vectors found for {len(chunk)} items, expected one each; the encoder does "
                "not take this kind of data"
            )
    return _finite(name, np.concatenate(vectors))


def _fused(space: "SharedSpace", name: str, parts: Any) -> np.ndarray:
    if not isinstance(parts, Mapping) or not parts or not set(parts) <= set(space.fusions[name]):
        found = sorted(parts) if isinstance(parts, Mapping) else type(parts).__name__
        raise InputError(f"{name}: {found} found, expected a mapping of some of {list(space.fusions[name])}")
    samples: list[dict[str, Any]] = [{"id": ""} for _ in range(_same_length(name, parts))]
    for part, values in parts.items():
        for sample, value in zip(samples, values, strict=True):
            sample[part] = value
    for place, sample in enumerate(samples):
        if all(sample.get(part) is None for part in parts):
            raise InputError(f"{name} {place}: no part found, expected some of {list(space.fusions[name])}")
    try:
        chunks = [collate(samples[start : start + CHUNK]) for start in range(0, len(samples), CHUNK)]
    except DataError as error:
        raise InputError(str(error)) from error
    return _finite(name, np.concatenate([space(chunk)[name].vectors.cpu().numpy() for chunk in chunks]))


def _same_length(name: str, data: Mapping[str, Any]) -> int:
    """How many items there are of each part, of which some may be None; every other one is checked."""
    for part, values in data.items():
        _check_items(part, values, may_lack=True)
    lengths = {part: len(values) for part, values in data.items()}
    if len(set(lengths.values())) != 1:
        raise InputError(f"{name}: {lengths} items found, expected as many of each; None stands for a missing one")
    return next(iter(lengths.values()))


def _check_items(name: str, values: Any, may_lack: bool = False) -> None:
    is_array = isinstance(values, np.ndarray | Tensor) and values.ndim > 0
    if not is_array and (not isinstance(values, Sequence) or isinstance(values, str)):
        raise InputError(f"{name}: one {type(values).__name__} found, expected a list; write {name}=[...]")
    if not len(values):
        raise InputError(f"{name}: nothing found, expected at least one item")
    for position, value in enumerate(values):
        if value is None and may_lack:
            continue
        problem = problem_of(value)
        if problem:
            raise InputError(f"{name} {position}: {problem}")


def _finite(name: str, vectors: np.ndarray) -> np.ndarray:
    if not np.isfinite(vectors).all():
        bad = int(np.flatnonzero(~np.isfinite(vectors).all(axis=1))[0])
        raise WeightsError(f"{name} {bad}: the vector is not finite, expected unit length; train the space anew")
    return vectors
