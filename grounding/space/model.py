"""The shared space: encoders, heads to unit vectors and one learned temperature a pair of modalities."""

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from grounding.encoders import Frozen
from grounding.encoders.data import Data, Features, to_device
from grounding.encoders.frozen import digest_of
from grounding.errors import InputError
from grounding.space.batch import Batch
from grounding.space.heads import Fusion, make_head

LARGEST_SCALE = 100.0
FIRST_SCALE = 1 / 0.07
FIRST_BIAS = -10.0  # of SigLIP (Zhai et al., 2023)
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
        if dim < 1:
            raise InputError(f"dim: {dim} found, expected at least 1")
        self.dim, self.dropout, self.head, self.anchor = dim, dropout, head, anchor
        self.fusions: dict[str, tuple[str, ...]] = {
            name: tuple(sorted(parts)) for name, parts in sorted((fusions or {}).items())
        }
        self.intra = tuple(sorted(intra))
        # Batches in which a pair had a loss, by its name: what makes "never trained together" provable.
        self.trained: dict[str, int] = {}
        self.modalities: tuple[str, ...] = ()
        self.encoders, self.heads = nn.ModuleDict(), nn.ModuleDict()
        self.log_scales, self.biases = nn.ParameterDict(), nn.ParameterDict()
        self._join(encoders)
        for name, parts in self.fusions.items():
            self.heads[name] = Fusion({part: self._width(part) for part in parts}, dim, dropout)

    def add(self, **encoders: nn.Module) -> None:
        """Let further modalities join a space, trained or not; what is there stays as it is.

        Train them with the others locked, `FitSettings(locked=space.names)` taken before, and no vector of the others
        changes.

        Raises:
            InputError: a name that the space already has.
        """
        taken = sorted(set(encoders) & {*self.modalities, *self.fusions})
        if taken:
            raise InputError(f"add: {', '.join(taken)} found, expected names that the space does not have yet")
        self._join(encoders)

    def _join(self, encoders: Mapping[str, nn.Module]) -> None:
        modalities = tuple(sorted({*self.modalities, *encoders}))
        self._check_names(modalities)
        for name, encoder in encoders.items():
            if not isinstance(encoder, nn.Module) or not isinstance(getattr(encoder, "width", None), int):
                raise InputError(f"{name}: {type(encoder).__name__} found, expected a torch module with an int `width`")
        self.modalities = modalities
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

    def _check_names(self, modalities: tuple[str, ...]) -> None:
        names = (*modalities, *self.fusions)
        for name in names:
            if not name.isidentifier() or name == "id" or hasattr(nn.ModuleDict, name):
                raise InputError(
                    f"space: the name {name!r} found, expected a word of letters, digits and _ that torch does not use"
                )
        if self.anchor is not None and self.anchor not in names:
            raise InputError(f"anchor: {self.anchor!r} found, expected one of {list(names)} or None")
        for name, parts in self.fusions.items():
            if name in modalities or len(parts) < 2 or not set(parts) <= set(modalities):
                raise InputError(
                    f"fusion {name!r} of {list(parts)} found, expected a new name for at least two of "
                    f"{list(modalities)}"
                )
        if not set(self.intra) <= set(modalities):
            raise InputError(f"intra: {list(self.intra)} found, expected some of {list(modalities)}")

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

    def observed_pairs(self, ids: Mapping[str, Iterable[Any]]) -> list[tuple[str, str]]:
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
        from grounding.space.encoding import encode

        return encode(self, data)

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
        from grounding.space.encoding import compose

        return compose(self, data, weights or {})

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
