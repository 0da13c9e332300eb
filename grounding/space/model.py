"""The shared space: encoders, heads to unit vectors and one learned temperature a pair of modalities."""

import hashlib
import math
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from grounding.encoders import Frozen
from grounding.encoders.data import Data, Features, gather, to_device
from grounding.encoders.frozen import digest_of
from grounding.errors import DataError, InputError
from grounding.space.batch import Batch, problem_of

LARGEST_SCALE = 100.0
FIRST_SCALE = 1 / 0.07
CHUNK = 256


class Embedded(NamedTuple):
    """Unit vectors (n, dim) of one modality and the samples of the batch that they belong to, `rows` (n,)."""

    vectors: Tensor
    rows: Tensor


class SharedSpace(nn.Module):
    """One embedding space for any number of modalities.

    Each modality has an encoder (a module with `.width`) and a head to vectors of unit length. Temperatures, one a
    pair, are outside the vectors.

    Args:
        dim: length of the vectors.
        anchor: pairs that are trained: every observed pair (None), or each modality with this one.
        dropout: of the features before the heads and inside them.
        encoders: modality name to encoder.

    Example:
        >>> space = SharedSpace(dim=128, text=Frozen(SentenceEncoder()), points=PointEncoder())
        >>> space.encode(text=["open the top drawer"])["text"].shape
        (1, 128)

    Raises:
        InputError: fewer than two modalities, or an anchor that is not among them.
    """

    def __init__(self, dim: int = 256, anchor: str | None = None, dropout: float = 0.1, **encoders: nn.Module) -> None:
        super().__init__()
        if len(encoders) < 2:
            raise InputError(f"space: modalities {sorted(encoders)} found, expected at least two")
        if anchor is not None and anchor not in encoders:
            raise InputError(f"anchor: {anchor!r} found, expected one of {sorted(encoders)} or None")
        self.dim = dim
        self.anchor = anchor
        # What `build_space` made it from, kept so that a weight file can say how to build its space again.
        self.settings: dict[str, Any] | None = None
        self.modalities: tuple[str, ...] = tuple(sorted(encoders))
        self.encoders = nn.ModuleDict({name: encoders[name] for name in self.modalities})
        self.heads = nn.ModuleDict({name: Head(int(encoders[name].width), dim, dropout) for name in self.modalities})  # type: ignore[arg-type]
        self.log_scales = nn.ParameterDict(
            {pair_name(pair): nn.Parameter(torch.tensor(math.log(FIRST_SCALE))) for pair in self._all_pairs()}
        )

    def forward(self, batch: Batch) -> dict[str, Embedded]:
        """Unit vectors of everything that the batch observes, by modality."""
        return {name: Embedded(self.embed(name, field.data), field.rows) for name, field in batch.fields.items()}

    def embed(self, modality: str, data: Data) -> Tensor:
        """Unit vectors (n, dim) of gathered data of one modality, with gradient."""
        if modality not in self.modalities:
            raise InputError(f"modality {modality!r} is unknown; this space has {', '.join(self.modalities)}")
        device = self.log_scales[next(iter(self.log_scales))].device
        data = to_device(data, device)
        features = data.values if isinstance(data, Features) else self.encoders[modality](data)
        return functional.normalize(self.heads[modality](features.to(device)), dim=1)

    def pairs(self, batch: Batch) -> list[tuple[str, str]]:
        """Pairs of modalities to be trained that this batch observes: both present, and some id in common."""
        ids = {name: {batch.ids[row] for row in field.rows.tolist()} for name, field in batch.fields.items()}
        return [(a, b) for a, b in self._all_pairs() if not ids.get(a, set()).isdisjoint(ids.get(b, set()))]

    def scale(self, a: str, b: str) -> Tensor:
        """The learned inverse temperature of a pair, at most 100."""
        return self.log_scales[pair_name((a, b))].exp()

    @property
    def scales(self) -> dict[tuple[str, str], float]:
        """The inverse temperatures of all pairs."""
        return {pair: float(self.scale(*pair).detach()) for pair in self._all_pairs()}

    def clamp_scales(self) -> None:
        """Bring the temperatures back into range; called after an optimizer step, so that no gradient is cut off."""
        with torch.no_grad():
            for parameter in self.log_scales.values():
                parameter.clamp_(min=0.0, max=math.log(LARGEST_SCALE))

    def encode(self, **data: Any) -> dict[str, np.ndarray]:
        """Unit vectors, float32 (B, dim), of any subset of the modalities, in evaluation mode and in chunks.

        Each argument is a modality: a list of strings, an array (B, ...), or a list of arrays whose first
        dimensions may differ, such as `trajectory=[(T, 8), ...]`.

        Raises:
            InputError: no or an unknown modality, an empty list, blank text, NaN or infinite numbers, a wrong shape.
        """
        if not data:
            raise InputError(f"encode: no modality found, expected some of {', '.join(self.modalities)}")
        was_training = self.training
        self.eval()
        try:
            return {name: self._encode(name, values) for name, values in data.items()}
        finally:
            self.train(was_training)

    def fingerprint(self) -> str:
        """sha256 of the trainable weights and of the identity of the frozen encoders."""
        digest = hashlib.sha256(digest_of(self).encode())
        for name, identity in sorted(self.frozen_identities().items()):
            digest.update(f"{name} {identity}".encode())
        return digest.hexdigest()

    def frozen_identities(self) -> dict[str, str]:
        """Digest of the weights of each frozen encoder, by modality."""
        return {name: encoder.fingerprint() for name, encoder in self.encoders.items() if isinstance(encoder, Frozen)}

    def _all_pairs(self) -> list[tuple[str, str]]:
        return [pair for pair in combinations(self.modalities, 2) if self.anchor is None or self.anchor in pair]

    def _encode(self, name: str, values: Any) -> np.ndarray:
        if name not in self.modalities:
            raise InputError(f"modality {name!r} is unknown; this space has {', '.join(self.modalities)}")
        if isinstance(values, str):
            raise InputError(f"{name}: one string found, expected a list; write {name}=[...]")
        if not len(values):
            raise InputError(f"{name}: nothing found, expected at least one item")
        for position, value in enumerate(values):
            problem = problem_of(value)
            if problem:
                raise InputError(f"{name} {position}: {problem}")
        vectors = []
        with torch.no_grad():
            for start in range(0, len(values), CHUNK):
                try:
                    chunk = gather(name, list(values[start : start + CHUNK]))
                except DataError as error:
                    raise InputError(str(error)) from error
                vectors.append(self.embed(name, chunk).float().cpu().numpy())
        return np.concatenate(vectors)


class Head(nn.Module):
    """Features (B, width) to vectors (B, dim): a linear map plus a small network, with dropout.

    The linear path keeps directions of a pretrained encoder as they are, which is what new words rely on.
    """

    def __init__(self, width: int, dim: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)
        self.first = nn.Linear(width, 2 * dim)
        self.second = nn.Linear(dim, dim)

    def forward(self, features: Tensor) -> Tensor:
        """Vectors (B, dim), not yet of unit length."""
        direct, inner = self.first(self.dropout(self.norm(features))).chunk(2, dim=1)
        return direct + self.second(self.dropout(functional.gelu(inner)))


def pair_name(pair: tuple[str, str]) -> str:
    """The name of a pair in logs and checkpoints, the same in either order: "points-text"."""
    return "-".join(sorted(pair))


def positives_between(ids: list[str], a: Tensor, b: Tensor) -> Tensor:
    """bool (A, B): whether the samples of rows a (A,) and rows b (B,) have the same id."""
    numbers: dict[str, int] = {}
    codes = torch.tensor([numbers.setdefault(name, len(numbers)) for name in ids], device=a.device)
    return codes[a][:, None] == codes[b]
