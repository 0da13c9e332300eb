"""Recordings of several subjects: one linear layer each, from their own channels or voxels to shared units."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from grounding.encoders.data import Data, Padded, unpad
from grounding.errors import InputError

Sizes = int | Mapping[str, int]


class SubjectLinear(nn.Module):
    """A linear layer a subject (Défossez et al., 2023), from as many inputs as the subject has to `outputs` units.

    Args:
        sizes: inputs of each subject by name; or one number, for recordings that all share one layer.
        outputs: units of every layer.
        what: what is counted, for messages: "channels" or "voxels".

    Raises:
        InputError: no subject, or one without inputs.
    """

    def __init__(self, sizes: Sizes, outputs: int, what: str) -> None:
        super().__init__()
        # In alphabetical order, so that layers keep their places however settings were written down.
        self.sizes = dict(sorted(sizes.items())) if isinstance(sizes, Mapping) else {"": int(sizes)}
        self.what = what
        if any(not isinstance(subject, str) for subject in self.sizes):
            raise InputError(f"{what}: subjects {list(self.sizes)} found, expected names, such as {{'S01': 64}}")
        if not self.sizes or min(self.sizes.values()) < 1:
            raise InputError(f"{what}: {sizes} found, expected at least 1, or subjects with at least 1 each")
        self.layers = nn.ModuleList([nn.Linear(size, outputs) for size in self.sizes.values()])

    @property
    def largest(self) -> int:
        """The largest number of inputs."""
        return max(self.sizes.values())

    def forward(self, values: Tensor, subjects: list[str]) -> Tensor:
        """Units (B, ..., outputs) of values (B, ..., inputs); of a row as many inputs are read as its subject has."""
        rows, parts = [], []
        for (subject, size), layer in zip(self.sizes.items(), self.layers, strict=True):
            own = [row for row, name in enumerate(subjects) if name == subject]
            if own:
                rows.extend(own)
                parts.append(layer(values[own][..., :size]))
        return torch.cat(parts)[torch.tensor(rows, device=values.device).argsort()]

    def checked(self, data: Data, dimensions: int) -> tuple[Tensor, Tensor, list[str]]:
        """Signals (B, inputs, ...) float32, which inputs each sample has, (B, inputs) bool, and subjects.

        Args:
            data: what the encoder was given.
            dimensions: of the signal, with the batch.

        Raises:
            InputError: no or unknown subjects, the wrong number of inputs, or another shape.
        """
        signal, subjects = self._parts(data)
        values, mask = unpad(signal)
        if values.ndim != dimensions or 0 in values.shape:
            shape = ("batch", self.what, "time")[:dimensions]
            raise InputError(
                f"neural: shape {tuple(values.shape)} found, expected ({', '.join(shape)}), none of them 0; a single "
                "recording is written recording[None]"
            )
        if len(subjects) != len(values):
            raise InputError(f"neural: {len(values)} signals and {len(subjects)} subjects found, expected equally many")
        for row, (subject, found) in enumerate(zip(subjects, mask.sum(1).tolist(), strict=True)):
            if subject not in self.sizes:
                raise InputError(f"neural {row}: subject {subject!r} is unknown; expected one of {self._known()}")
            if found != self.sizes[subject] or not mask[row, :found].all():
                whose = f" of subject {subject!r}" if subject else ""
                raise InputError(
                    f"neural {row}: {found} {self.what}{whose} found, expected {self.sizes[subject]}; use those the "
                    "encoder was built for, in their order"
                )
        return values.float(), mask, subjects

    def _parts(self, data: Data) -> tuple[Tensor | Padded, list[str]]:
        shared = "" in self.sizes
        if isinstance(data, Tensor | Padded):
            if not shared:
                raise InputError(
                    "neural: signals without subjects found, expected {'signal': ..., 'subject': [...]} with subjects "
                    f"among {self._known()}"
                )
            return data, [""] * len(data.values if isinstance(data, Padded) else data)
        if not isinstance(data, dict) or data.keys() != {"signal", "subject"}:
            found = sorted(data) if isinstance(data, dict) else type(data).__name__
            raise InputError(f"neural: {found} found, expected 'signal' and 'subject', or an array alone")
        signal, subjects = data["signal"], data["subject"]
        if not isinstance(signal, Tensor | Padded) or not isinstance(subjects, list):
            raise InputError(
                f"neural: signal {type(signal).__name__} and subject {type(subjects).__name__} found, expected an "
                "array and a list of names"
            )
        return signal, [""] * len(subjects) if shared else [str(subject) for subject in subjects]

    def _known(self) -> str:
        return ", ".join(repr(subject) for subject in self.sizes)


def plain(sizes: Sizes) -> Sizes:
    """Sizes as plain values for settings."""
    return sizes if isinstance(sizes, int) else dict(sorted(sizes.items()))


def standardised(values: Tensor, mask: Tensor) -> Tensor:
    """Values (B, C, ...) with mean 0 and standard deviation 1 over all that a sample has, zeros where it has none
    (`mask` (B, C)); a sample of one constant becomes zeros.
    """
    there = mask.view(*mask.shape, *[1] * (values.ndim - 2)).expand_as(values)
    axes = tuple(range(1, values.ndim))
    count = there.sum(axes, keepdim=True)
    centred = (values - (values * there).sum(axes, keepdim=True) / count) * there
    deviation = (centred.square().sum(axes, keepdim=True) / count).sqrt()
    return torch.where(deviation > 0, centred / deviation.clamp_min(torch.finfo(values.dtype).tiny), 0)
