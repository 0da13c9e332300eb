"""Losses as `fit` takes them: frozen settings that are called with the vectors of two modalities.

The mathematics is in `grounding.space.loss_functions`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from grounding.errors import InputError
from grounding.space.loss_functions import MINING, contrastive, info_nce, siglip, structured_margin, triplet

__all__ = [
    "Contrastive",
    "DropFalseNegatives",
    "InfoNCE",
    "Loss",
    "Matryoshka",
    "SigLIP",
    "StructuredMargin",
    "Triplet",
    "contrastive",
    "info_nce",
    "siglip",
    "structured_margin",
    "triplet",
]


class Loss(Protocol):
    """What `fit` calls for every observed pair of modalities in every step.

    A loss of your own is any callable with the four arguments it needs and `**_` for what it does not:

        >>> def pull(za, zb, positives, scale, **_):
        ...     return (1 - (za @ zb.T)[positives]).mean()
        >>> fit(space, data, loss=pull, run="runs/pull")
    """

    def __call__(
        self,
        za: Tensor,
        zb: Tensor,
        positives: Tensor,
        scale: Tensor | float,
        *,
        bias: Tensor | None = None,
        ignored: Tensor | None = None,
        ids: tuple[list[str], list[str]] | None = None,
    ) -> Tensor:
        """The loss between two modalities, 0-dim, attached to the graph of its inputs.

        Args:
            za: vectors (A, D) of one modality, of unit length.
            zb: vectors (B, D) of the other.
            positives: bool (A, B), which pairs belong together; there may be none.
            scale: inverse temperature of this pair of modalities, 0-dim, learned.
            bias: of this pair of modalities, 0-dim, learned.
            ignored: bool (A, B), pairs that are neither positive nor negative; None for no such pair.
            ids: the sample ids of the rows of za and of zb.
        """


@dataclass(frozen=True)
class InfoNCE:
    """Settings of `info_nce`; called like the function."""

    def __call__(
        self,
        za: Tensor,
        zb: Tensor,
        positives: Tensor,
        scale: Tensor | float = 1.0,
        *,
        ignored: Tensor | None = None,
        **_: Any,
    ) -> Tensor:
        """See `info_nce`."""
        return info_nce(za, zb, positives, scale, ignored=ignored)


@dataclass(frozen=True)
class SigLIP:
    """Settings of `siglip`; called like the function."""

    def __call__(
        self,
        za: Tensor,
        zb: Tensor,
        positives: Tensor,
        scale: Tensor | float = 1.0,
        *,
        bias: Tensor | None = None,
        ignored: Tensor | None = None,
        **_: Any,
    ) -> Tensor:
        """See `siglip`."""
        return siglip(za, zb, positives, scale, bias=bias, ignored=ignored)


@dataclass(frozen=True)
class Contrastive:
    """Settings of `contrastive`.

    Attributes:
        margin: Euclidean distance of unit vectors, up to 2, beyond which others are not pushed further.

    Raises:
        InputError: a margin outside 0 to 2.
    """

    margin: float = 1.0

    def __post_init__(self) -> None:
        _check_margin(self.margin)

    def __call__(
        self,
        za: Tensor,
        zb: Tensor,
        positives: Tensor,
        scale: Tensor | float = 1.0,
        *,
        ignored: Tensor | None = None,
        **_: Any,
    ) -> Tensor:
        """See `contrastive`."""
        return contrastive(za, zb, positives, scale, margin=self.margin, ignored=ignored)


@dataclass(frozen=True)
class Triplet:
    """Settings of `triplet`.

    Attributes:
        margin: by how much the cosine of a positive pair should exceed that of a negative one.
        mining: "hardest", "semi-hard" or "sum".

    Raises:
        InputError: a margin outside 0 to 2, or an unknown mining.
    """

    margin: float = 0.2
    mining: str = "hardest"

    def __post_init__(self) -> None:
        _check_margin(self.margin)
        if self.mining not in MINING:
            raise InputError(f"mining: {self.mining!r} found, expected one of {', '.join(MINING)}")

    def __call__(
        self,
        za: Tensor,
        zb: Tensor,
        positives: Tensor,
        scale: Tensor | float = 1.0,
        *,
        ignored: Tensor | None = None,
        **_: Any,
    ) -> Tensor:
        """See `triplet`."""
        return triplet(za, zb, positives, scale, margin=self.margin, mining=self.mining, ignored=ignored)


@dataclass(frozen=True)
class StructuredMargin:
    """Settings of `structured_margin`, whose margins are distances between samples.

    Attributes:
        distance: from the ids of A samples and of B samples to how far apart they are in meaning, an array (A, B) of
            finite numbers, 0 and above, in units of the cosine: divide what is measured otherwise, so that unlike
            samples are 0.5 or 1 apart. It is called at every step, so let it look up what is slow to compute.
        alpha: weight of the distance in the search for the violator, 0 or above.

    Example:
        >>> def distance(ids_a, ids_b):
        ...     return table.loc[ids_a, ids_b].to_numpy() / 30  # of trajectories, measured beforehand
        >>> fit(space, data, loss=StructuredMargin(distance), run="runs/margin")

    Raises:
        InputError: a negative `alpha`, or a `distance` that is not a function; when called: no ids, or distances
            of another shape, negative or not finite.
    """

    distance: Callable[[list[str], list[str]], Any]
    alpha: float = 1.0

    def __post_init__(self) -> None:
        if not callable(self.distance):
            raise InputError(f"distance: {self.distance!r} found, expected a function of two lists of sample ids")
        if not 0 <= self.alpha < math.inf:
            raise InputError(f"alpha: {self.alpha} found, expected 0 or above")

    def __repr__(self) -> str:
        """By the name of the function, since its address differs from process to process."""
        name = getattr(self.distance, "__qualname__", None) or repr(self.distance)
        return f"StructuredMargin(distance={name}, alpha={self.alpha})"

    def __call__(
        self,
        za: Tensor,
        zb: Tensor,
        positives: Tensor,
        scale: Tensor | float = 1.0,
        *,
        ignored: Tensor | None = None,
        ids: tuple[list[str], list[str]] | None = None,
        **_: Any,
    ) -> Tensor:
        """See `structured_margin`."""
        if ids is None:
            raise InputError("StructuredMargin: no ids found, expected `ids`, the sample ids of the rows of za and zb")
        distances = self._distances(ids, tuple(positives.shape))
        return structured_margin(za, zb, positives, scale, distances=distances, alpha=self.alpha, ignored=ignored)

    def _distances(self, ids: tuple[list[str], list[str]], shape: tuple[int, ...]) -> Tensor:
        given = self.distance(*ids)
        try:
            distances = np.asarray(given.detach().cpu() if isinstance(given, Tensor) else given, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise InputError(f"distance: {type(given).__name__} found, expected an array {shape}; {error}") from error
        if distances.shape != shape:
            raise InputError(f"distance: an array {distances.shape} found, expected {shape}, A ids by B ids")
        if not (np.isfinite(distances) & (distances >= 0)).all():
            wrong = distances[~(np.isfinite(distances) & (distances >= 0))][0]
            raise InputError(f"distance: {wrong} found among the distances, expected finite numbers, 0 and above")
        return torch.tensor(distances)


@dataclass(frozen=True)
class Matryoshka:
    """The weighted mean of a loss over the first numbers of the vectors (Kusupati et al., 2022).

    A space trained so can be searched with shortened vectors: the first `d` numbers, brought to unit length again.

    Attributes:
        loss: what is computed at each size.
        sizes: how many numbers; the largest is usually the whole vector.
        weights: of the sizes; None weighs them equally.

    Example:
        >>> fit(space, data, loss=Matryoshka(InfoNCE(), (32, 64, 128)), run="runs/nested")

    Raises:
        InputError: no sizes, sizes that repeat or are below 1, or weights that are not as many numbers above 0; when
            called: vectors shorter than a size.
    """

    loss: Loss
    sizes: tuple[int, ...]
    weights: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if not self.sizes or min(self.sizes) < 1 or len(set(self.sizes)) < len(self.sizes):
            raise InputError(f"sizes: {self.sizes} found, expected different numbers of at least 1, such as (64, 128)")
        weights = self.weights
        if weights is not None and (
            len(weights) != len(self.sizes) or not all(0 < each < math.inf for each in weights)
        ):
            raise InputError(f"weights: {weights} found, expected {len(self.sizes)} numbers above 0, or None")

    def __call__(
        self, za: Tensor, zb: Tensor, positives: Tensor, scale: Tensor | float = 1.0, **context: Any
    ) -> Tensor:
        """The mean over sizes; the context goes to the loss."""
        if max(self.sizes) > za.shape[-1]:
            raise InputError(f"sizes: {max(self.sizes)} found, expected at most {za.shape[-1]}, the length of vectors")
        weights = self.weights or (1.0,) * len(self.sizes)
        terms = []
        for size, weight in zip(self.sizes, weights, strict=True):
            a, b = (functional.normalize(vectors[..., :size], dim=-1) for vectors in (za, zb))
            terms.append(weight / sum(weights) * self.loss(a, b, positives, scale, **context))
        return torch.stack(terms).sum()


@dataclass(frozen=True)
class DropFalseNegatives:
    """A loss that ignores likely false negatives: pairs not known as positive whose cosine is above a threshold.

    What two samples share need not show in their ids. Choose the threshold above the cosines of pairs known to differ:
    while a space is untrained nearly nothing reaches it, and a low one lets everything collapse onto one vector.

    Attributes:
        loss: what is computed on the other pairs.
        threshold: cosine, between -1 and 1.

    Example:
        >>> fit(space, data, loss=DropFalseNegatives(InfoNCE(), threshold=0.9), run="runs/careful")

    Raises:
        InputError: a threshold outside -1 to 1.
    """

    loss: Loss
    threshold: float

    def __post_init__(self) -> None:
        if not -1 < self.threshold < 1:
            raise InputError(f"threshold: {self.threshold} found, expected a cosine between -1 and 1, such as 0.9")

    def __call__(
        self,
        za: Tensor,
        zb: Tensor,
        positives: Tensor,
        scale: Tensor | float = 1.0,
        *,
        ignored: Tensor | None = None,
        **context: Any,
    ) -> Tensor:
        """The loss with more pairs ignored; the context goes to the loss."""
        with torch.no_grad():
            likely = (za @ zb.T > self.threshold) & ~positives
        return self.loss(za, zb, positives, scale, ignored=likely if ignored is None else likely | ignored, **context)


def _check_margin(margin: float) -> None:
    if not 0 < margin <= 2:
        raise InputError(f"margin: {margin} found, expected a number above 0, at most 2")
