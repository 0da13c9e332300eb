"""The shared space: encoders, heads to unit vectors and one learned temperature a pair of modalities."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from grounding.encoders import Frozen
from grounding.encoders.data import Data, Features, gather, to_device
from grounding.encoders.frozen import digest_of
from grounding.errors import DataError, InputError, WeightsError
from grounding.space.batch import Batch, collate, problem_of
from grounding.space.heads import Fusion, make_head

LARGEST_SCALE = 100.0
FIRST_SCALE = 1 / 0.07
FIRST_BIAS = -10.0  # of SigLIP (Zhai et al., 2023)
CHUNK = 256
SECOND = "'"  # marks the second view of a modality


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
        head: "residual" (a linear map plus a small network) or "linear" (the map alone).
        fusions: heads that turn several modalities into one vector, by name, such as `{"query": ("points", "text")}`.
            A fusion takes part in pairs, evaluation and encoding like a modality, whichever of its parts are there; it
            is not paired with its own parts.
        intra: modalities also trained with themselves: a second view of the same data, with the encoder's own
            augmentation and dropout drawn anew (Yuan et al., 2021; for text, SimCSE of Gao et al., 2021).
        encoders: modality name to encoder.

    Example:
        >>> space = SharedSpace(dim=128, text=Frozen(SentenceEncoder()), points=PointEncoder())
        >>> space.encode(text=["open the top drawer"])["text"].shape
        (1, 128)

    Raises:
        InputError: fewer than two modalities, or an anchor, a fusion's part or an `intra` that is not among them.
    """

    def __init__(
        self,
        dim: int = 256,
        anchor: str | None = None,
        dropout: float = 0.1,
        head: str = "residual",
        fusions: Mapping[str, Sequence[str]] | None = None,
        intra: Sequence[str] = (),
        **encoders: nn.Module,
    ) -> None:
        super().__init__()
        if len(encoders) < 2:
            raise InputError(f"space: modalities {sorted(encoders)} found, expected at least two")
        self.dim, self.dropout, self.head, self.anchor = dim, dropout, head, anchor
        self.fusions: dict[str, tuple[str, ...]] = {
            name: tuple(sorted(parts)) for name, parts in sorted((fusions or {}).items())
        }
        self.intra = tuple(sorted(intra))
        # Steps in which a pair had a loss, by its name: what makes "never trained together" provable.
        self.trained: dict[str, int] = {}
        self.modalities: tuple[str, ...] = ()
        self.encoders, self.heads = nn.ModuleDict(), nn.ModuleDict()
        self.log_scales, self.biases = nn.ParameterDict(), nn.ParameterDict()
        self._join(encoders)
        for name, parts in self.fusions.items():
            self.heads[name] = Fusion({part: self._width(part) for part in parts}, dim, dropout)

    def add(self, **encoders: nn.Module) -> None:
        """Let further modalities join a space, trained or not; what is there stays as it is.

        Train them with the others locked, `FitSettings(locked=space.modalities)` taken before, and no vector of the
        others changes.

        Raises:
            InputError: a name that the space already has.
        """
        taken = sorted(set(encoders) & {*self.modalities, *self.fusions})
        if taken:
            raise InputError(f"add: {', '.join(taken)} found, expected names that the space does not have yet")
        self._join(encoders)

    def _join(self, encoders: Mapping[str, nn.Module]) -> None:
        self.modalities = tuple(sorted({*self.modalities, *encoders}))
        self._check_names()
        for name in sorted(encoders):
            self.encoders[name] = encoders[name]
            self.heads[name] = make_head(self.head, self._width(name), self.dim, self.dropout)
        device = next(iter(self.log_scales.values())).device if len(self.log_scales) else None
        for pair in map(pair_name, self.all_pairs()):
            if pair not in self.log_scales:
                self.log_scales[pair] = nn.Parameter(torch.tensor(math.log(FIRST_SCALE)))
                self.biases[pair] = nn.Parameter(torch.tensor(FIRST_BIAS))
        if device is not None:
            self.to(device)

    def _check_names(self) -> None:
        if unusable := [name for name in (*self.modalities, *self.fusions) if not name.isidentifier()]:
            raise InputError(f"space: the name {unusable[0]!r} found, expected a word of letters, digits and _")
        if self.anchor is not None and self.anchor not in self.names:
            raise InputError(f"anchor: {self.anchor!r} found, expected one of {list(self.names)} or None")
        for name, parts in self.fusions.items():
            if name in self.modalities or len(parts) < 2 or not set(parts) <= set(self.modalities):
                raise InputError(
                    f"fusion {name!r} of {list(parts)} found, expected a new name for at least two of "
                    f"{list(self.modalities)}"
                )
        if not set(self.intra) <= set(self.modalities):
            raise InputError(f"intra: {list(self.intra)} found, expected some of {list(self.modalities)}")

    def _width(self, name: str) -> int:
        return int(self.encoders[name].width)  # type: ignore[arg-type]

    @property
    def names(self) -> tuple[str, ...]:
        """Everything that has vectors: modalities, then fusions."""
        return (*self.modalities, *self.fusions)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(iter(self.log_scales.values())).device

    # ---- From data to vectors

    def forward(self, batch: Batch, second_views: bool = False) -> dict[str, Embedded]:
        """Unit vectors of everything that the batch observes, by modality and fusion.

        With `second_views`, those of the modalities in `intra` once more, under names such as "image'".
        """
        embedded: dict[str, Embedded] = {}
        features: dict[str, tuple[Tensor, Tensor]] = {}
        for name, field in batch.fields.items():
            features[name] = self._features(name, field.data), field.rows.to(self.device)
            embedded[name] = Embedded(self._head(name, features[name][0]), features[name][1])
            if second_views and name in self.intra:
                again = self._head(name, self._features(name, field.data))
                embedded[name + SECOND] = Embedded(again, features[name][1])
        for name, parts in self.fusions.items():
            present = {part: features[part] for part in parts if part in features}
            if present:
                rows = torch.cat([rows for _, rows in present.values()]).unique()
                placed = {part: (values, torch.searchsorted(rows, at)) for part, (values, at) in present.items()}
                vectors = self.heads[name](placed, len(rows))
                embedded[name] = Embedded(functional.normalize(vectors.float(), dim=1), rows)
        return embedded

    def embed(self, modality: str, data: Data) -> Tensor:
        """Unit vectors (n, dim) of gathered data of one modality, with gradient."""
        return self._head(modality, self._features(modality, data))

    def _features(self, modality: str, data: Data) -> Tensor:
        if modality not in self.modalities:
            raise InputError(f"modality {modality!r} is unknown; this space has {', '.join(self.modalities)}")
        data = to_device(data, self.device)
        features = data.values if isinstance(data, Features) else self.encoders[modality](data)
        return features.to(self.device)

    def _head(self, name: str, features: Tensor) -> Tensor:
        return functional.normalize(self.heads[name](features).float(), dim=1)

    # ---- Pairs and their temperatures

    def all_pairs(self) -> list[tuple[str, str]]:
        """The pairs that this space trains wherever a batch observes them."""
        parts = {name: set(self.fusions.get(name, ())) or {name} for name in self.names}
        pairs = [(a, b) for a, b in combinations(sorted(self.names), 2) if parts[a].isdisjoint(parts[b])]
        pairs = [pair for pair in pairs if self.anchor is None or self.anchor in pair]
        return pairs + [(name, name) for name in self.intra]

    def pairs(self, batch: Batch) -> list[tuple[str, str]]:
        """Pairs to be trained that this batch observes: both present, and some id in common."""
        rows = {name: field.rows.tolist() for name, field in batch.fields.items()}
        return self.observed_pairs({name: [batch.ids[row] for row in rows[name]] for name in rows})

    def observed_pairs(self, ids: Mapping[str, Sequence[Any]]) -> list[tuple[str, str]]:
        """Pairs to be trained, given the ids of what was observed of each modality."""
        sets = {name: set(found) for name, found in ids.items()}
        for name, parts in self.fusions.items():
            sets[name] = set().union(*(sets.get(part, set()) for part in parts))
        nothing: set[Any] = set()
        return [(a, b) for a, b in self.all_pairs() if not sets.get(a, nothing).isdisjoint(sets.get(b, nothing))]

    def scale(self, a: str, b: str) -> Tensor:
        """The learned inverse temperature of a pair, at most 100."""
        return self.log_scales[pair_name((a, b))].exp()

    @property
    def scales(self) -> dict[tuple[str, str], float]:
        """The inverse temperatures of all pairs."""
        return {pair: float(self.scale(*pair).detach()) for pair in self.all_pairs()}

    def clamp_scales(self) -> None:
        """Bring the temperatures back into range; called after an optimizer step, so that no gradient is cut off."""
        with torch.no_grad():
            for parameter in self.log_scales.values():
                parameter.clamp_(min=0.0, max=math.log(LARGEST_SCALE))

    # ---- Encoding

    def encode(self, **data: Any) -> dict[str, np.ndarray]:
        """Unit vectors, float32 (B, dim), of any subset of the modalities, in evaluation mode and in chunks.

        Each argument is a modality: a list of strings, an array (B, ...), or a list of arrays whose first
        dimensions may differ, such as `trajectory=[(T, 8), ...]`. For a fusion it is a mapping of its parts, of which
        some may be left out, or None at some places: `query={"points": clouds, "text": ["open it", None]}`.

        Raises:
            InputError: no or an unknown modality, an empty list, blank text, NaN or infinite numbers, a wrong shape.
        """
        if not data:
            raise InputError(f"encode: no modality found, expected some of {', '.join(self.names)}")
        was_training = self.training
        self.eval()
        try:
            with torch.no_grad():
                return {
                    name: self._encode_fusion(name, values) if name in self.fusions else self._encode(name, values)
                    for name, values in data.items()
                }
        finally:
            self.train(was_training)

    def compose(self, weights: Mapping[str, float] | None = None, **data: Any) -> np.ndarray:
        """One query of several modalities without training for it: the weighted sum of their unit vectors, normalised.

        Args:
            weights: by modality, 1 where not named.
            data: as for `encode`, all of the same length; an item that is None adds nothing.

        Returns:
            Unit vectors, float32 (B, dim).

        Example:
            >>> space.compose(image=pictures, text=["but blue"], weights={"text": 0.5})

        Raises:
            InputError: as `encode`; lengths that differ; an item of which nothing is known.
        """
        weights = weights or {}
        if unknown := sorted(set(weights) - set(data)):
            raise InputError(f"compose: a weight for {unknown[0]!r} found, expected weights of {sorted(data)}")
        items = _same_length(f"compose {sorted(data)}", data)
        total = np.zeros((items, self.dim), dtype=np.float32)
        for name, values in data.items():
            known = [place for place in range(items) if values[place] is not None]
            if known:
                vectors = self.encode(**{name: [values[place] for place in known]})[name]
                total[known] += np.float32(weights.get(name, 1.0)) * vectors
        lengths = np.linalg.norm(total, axis=1, keepdims=True)
        if not lengths.all():
            raise InputError(f"compose: nothing found for item {int(lengths.argmin())}, expected one modality at least")
        return total / lengths

    def _encode(self, name: str, values: Any) -> np.ndarray:
        if name not in self.modalities:
            raise InputError(f"modality {name!r} is unknown; this space has {', '.join(self.names)}")
        _check_items(name, values)
        vectors = []
        for start in range(0, len(values), CHUNK):
            try:
                chunk = gather(name, list(values[start : start + CHUNK]))
            except DataError as error:
                raise InputError(str(error)) from error
            vectors.append(self.embed(name, chunk).cpu().numpy())
        return _finite(name, np.concatenate(vectors))

    def _encode_fusion(self, name: str, parts: Any) -> np.ndarray:
        if not isinstance(parts, Mapping) or not parts or not set(parts) <= set(self.fusions[name]):
            found = sorted(parts) if isinstance(parts, Mapping) else type(parts).__name__
            raise InputError(f"{name}: {found} found, expected a mapping of some of {list(self.fusions[name])}")
        samples: list[dict[str, Any]] = [{"id": ""} for _ in range(_same_length(name, parts))]
        for part, values in parts.items():
            _check_items(part, values, may_lack=True)
            for sample, value in zip(samples, values, strict=True):
                sample[part] = value
        for place, sample in enumerate(samples):
            if all(sample.get(part) is None for part in parts):
                raise InputError(f"{name} {place}: no part found, expected some of {list(self.fusions[name])}")
        chunks = [collate(samples[start : start + CHUNK]) for start in range(0, len(samples), CHUNK)]
        return _finite(name, np.concatenate([self(chunk)[name].vectors.cpu().numpy() for chunk in chunks]))

    # ---- Identity and files

    def fingerprint(self) -> str:
        """sha256 of the trainable weights and of the identity of the frozen encoders."""
        digest = hashlib.sha256(digest_of(self).encode())
        for name, identity in sorted(self.frozen_identities().items()):
            digest.update(f"{name} {identity}".encode())
        return digest.hexdigest()

    def frozen_identities(self) -> dict[str, str]:
        """Digest of the weights of each frozen encoder, by modality."""
        return {name: encoder.fingerprint() for name, encoder in self.encoders.items() if isinstance(encoder, Frozen)}

    def save(self, folder: Path | str) -> None:
        """Write `space.toml`, which says how to build the space, and `space.safetensors`, its weights.

        Raises:
            StorageError: a file cannot be written; what was there before is kept.
        """
        from grounding.space.checkpoint import save_space

        save_space(self, Path(folder))

    @classmethod
    def load(cls, folder: Path | str, **encoders: nn.Module) -> "SharedSpace":
        """The space of a folder that `save` or `fit` wrote, ready to encode.

        Args:
            folder: of the run; the features of frozen encoders are cached in it.
            encoders: of modalities whose encoder is not one of `grounding`'s: a module like that of the training.

        Example:
            >>> space = SharedSpace.load("runs/demo")
            >>> space.encode(text=["open the top drawer"])["text"].shape
            (1, 128)

        Raises:
            DataError: no such files, or damaged ones.
            WeightsError: the weights of a frozen encoder are not found, or are not those of the training.
            InputError: an encoder is not one of `grounding`'s and is not among `encoders`.
        """
        from grounding.space.checkpoint import load_space

        return load_space(Path(folder), encoders)


def pair_name(pair: tuple[str, str]) -> str:
    """The name of a pair in logs and checkpoints, the same in either order: "points-text"."""
    return "-".join(sorted(pair))


def _same_length(name: str, data: Mapping[str, Any]) -> int:
    lengths = {part: len(values) for part, values in data.items()}
    if len(set(lengths.values())) != 1:
        raise InputError(f"{name}: {lengths} items found, expected as many of each; None stands for a missing one")
    return next(iter(lengths.values()))


def _check_items(name: str, values: Any, may_lack: bool = False) -> None:
    if isinstance(values, str | Mapping):
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
