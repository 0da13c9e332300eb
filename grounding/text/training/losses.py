"""What a sentence encoder is trained to do.

The functions are the mathematics, on vectors of any length; the frozen classes hold their settings and are what
`fine_tune` takes. All compare by cosine unless told otherwise, and all average over the batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Tensor
from torch.nn import functional

from grounding.errors import InputError


def cosine_similarity_loss(za: Tensor, zb: Tensor, scores: Tensor) -> Tensor:
    """Mean squared difference between the cosine of each pair and its score (Reimers and Gurevych, 2019).

    Args:
        za: vectors of the first sentences (B, D).
        zb: vectors of the second sentences (B, D).
        scores: how alike they are (B,), in units of the cosine; usually 0 to 1.

    Raises:
        InputError: shapes that do not belong together.
    """
    _check_alike(za, zb)
    if scores.shape != za.shape[:1]:
        raise InputError(f"scores: {tuple(scores.shape)} found, expected ({len(za)},), one for each pair")
    return functional.mse_loss(functional.cosine_similarity(za, zb), scores.to(za.dtype))


def in_batch_negatives(
    za: Tensor, zb: Tensor, negatives: Tensor | None = None, *, texts: Tensor | None = None, scale: float = 20.0
) -> Tensor:
    """Cross entropy of finding each sentence's partner among those of the batch, in both directions, averaged.

    The logits are `scale` times the cosine. From a to b, the candidates of a row are every row of zb and every hard
    negative of the batch; from b to a, every row of za (Henderson et al., 2017; both directions as in CLIP, Radford et
    al., 2021).

    Args:
        za: vectors of the anchors (B, D).
        zb: vectors of their positives (B, D).
        negatives: vectors of hard negatives (B, K, D), K of each anchor.
        texts: int64 (B, 2 + K), the same number for the same sentence: of anchors, positives and hard negatives. A
            candidate that is the sentence itself, or its partner in any pair of the batch, is then no negative of it.
            None takes all sentences as different.
        scale: the inverse temperature.

    Raises:
        InputError: shapes that do not belong together.
    """
    _check_alike(za, zb)
    count = len(za)
    hard = za.new_empty((count, 0, za.shape[1])) if negatives is None else negatives
    if hard.ndim != 3 or len(hard) != count or hard.shape[2] != za.shape[1]:
        raise InputError(f"negatives: {tuple(hard.shape)} found, expected ({count}, K, {za.shape[1]})")
    a, b = functional.normalize(za, dim=1), functional.normalize(zb, dim=1)
    candidates = torch.cat([b, functional.normalize(hard.flatten(0, 1), dim=1)])
    forth, back = scale * a @ candidates.T, scale * b @ a.T
    if texts is not None:
        if texts.shape != (count, 2 + hard.shape[1]):
            raise InputError(f"texts: {tuple(texts.shape)} found, expected ({count}, {2 + hard.shape[1]})")
        ignored_forth, ignored_back = _not_negatives(texts)
        forth, back = forth.masked_fill(ignored_forth, -torch.inf), back.masked_fill(ignored_back, -torch.inf)
    own = torch.arange(count, device=za.device)
    return (functional.cross_entropy(forth, own) + functional.cross_entropy(back, own)) / 2


def triplet(
    za: Tensor,
    zp: Tensor,
    zn: Tensor,
    *,
    margin: float = 0.5,
    distance: Literal["cosine", "euclidean"] = "cosine",
) -> Tensor:
    """Mean of `max(0, distance(a, p) - distance(a, n) + margin)` (FaceNet, Schroff et al., 2015).

    Args:
        za: vectors of the anchors (B, D).
        zp: vectors of the positives (B, D).
        zn: vectors of the negatives (B, D).
        margin: how much farther a negative shall be than its positive, in units of the distance.
        distance: "cosine", 1 minus the cosine, 0 to 2; or "euclidean", between the vectors as they are.

    Raises:
        InputError: an unknown distance, or shapes that do not belong together.
    """
    _check_alike(za, zp)
    _check_alike(za, zn)
    if distance == "cosine":
        gap = functional.cosine_similarity(za, zn) - functional.cosine_similarity(za, zp)
    elif distance == "euclidean":
        gap = functional.pairwise_distance(za, zp) - functional.pairwise_distance(za, zn)
    else:
        raise InputError(f"distance: {distance!r} found, expected cosine or euclidean")
    return (gap + margin).clamp_min(0).mean()


# ---- The same as settings


class Loss(Protocol):
    """What `fine_tune` calls for every batch."""

    def __call__(self, vectors: Sequence[Tensor], texts: Tensor, scores: Tensor | None) -> Tensor:
        """A number to make small.

        Args:
            vectors: of each column of the examples, (B, D) each: of (a, b) two, of triplets three.
            texts: int64 (B, columns), the same number for the same sentence.
            scores: float32 (B,), if the examples have scores.

        Raises:
            InputError: examples that are not of the form that the loss needs.
        """


@dataclass(frozen=True)
class CosineSimilarity:
    """`cosine_similarity_loss` on examples (a, b, score)."""

    def __call__(self, vectors: Sequence[Tensor], texts: Tensor, scores: Tensor | None) -> Tensor:
        """The loss of a batch."""
        if scores is None or len(vectors) != 2:
            raise InputError(f"examples: {_form(vectors, scores)} found, expected (a, b, score)")
        return cosine_similarity_loss(vectors[0], vectors[1], scores)


@dataclass(frozen=True)
class InBatchNegatives:
    """`in_batch_negatives` on examples (a, b), or (a, b, hard negative, ...).

    Attributes:
        scale: the inverse temperature.
    """

    scale: float = 20.0

    def __post_init__(self) -> None:
        if not self.scale > 0:
            raise InputError(f"scale: {self.scale} found, expected a number above 0")

    def __call__(self, vectors: Sequence[Tensor], texts: Tensor, scores: Tensor | None) -> Tensor:
        """The loss of a batch."""
        if scores is not None or len(vectors) < 2:
            raise InputError(f"examples: {_form(vectors, scores)} found, expected (a, b) or (a, b, negative, ...)")
        za, zb, *negatives = vectors
        hard = torch.stack(negatives, dim=1) if negatives else None
        return in_batch_negatives(za, zb, hard, texts=texts, scale=self.scale)


@dataclass(frozen=True)
class Triplet:
    """`triplet` on examples (anchor, positive, negative).

    Attributes:
        margin: how much farther a negative shall be, in units of the distance.
        distance: "cosine" or "euclidean".
    """

    margin: float = 0.5
    distance: Literal["cosine", "euclidean"] = "cosine"

    def __call__(self, vectors: Sequence[Tensor], texts: Tensor, scores: Tensor | None) -> Tensor:
        """The loss of a batch."""
        if scores is not None or len(vectors) != 3:
            raise InputError(f"examples: {_form(vectors, scores)} found, expected (anchor, positive, negative)")
        return triplet(*vectors, margin=self.margin, distance=self.distance)


@dataclass(frozen=True)
class Matryoshka:
    """The mean of a loss over the first numbers of the vectors (Kusupati et al., 2022).

    Vectors trained so stay useful when cut: the first `d` numbers, brought to unit length again.

    Attributes:
        loss: what is computed at each size.
        sizes: how many numbers; the largest is usually the whole vector.

    Example:
        >>> fine_tune(folder, pairs, Matryoshka(InBatchNegatives(), (384, 128, 64)), run="runs/nested")

    Raises:
        InputError: no sizes, sizes that repeat or are below 1; when called: vectors shorter than a size.
    """

    loss: Loss
    sizes: tuple[int, ...]

    def __post_init__(self) -> None:
        if not self.sizes or min(self.sizes) < 1 or len(set(self.sizes)) < len(self.sizes):
            raise InputError(f"sizes: {self.sizes} found, expected different numbers of at least 1, such as (256, 64)")

    def __call__(self, vectors: Sequence[Tensor], texts: Tensor, scores: Tensor | None) -> Tensor:
        """The loss of a batch."""
        width = vectors[0].shape[1]
        if max(self.sizes) > width:
            raise InputError(f"sizes: {max(self.sizes)} found, expected at most {width}, the length of the vectors")
        cut = ([functional.normalize(each[:, :size], dim=1) for each in vectors] for size in self.sizes)
        return torch.stack([self.loss(each, texts, scores) for each in cut]).mean()


def _not_negatives(texts: Tensor) -> tuple[Tensor, Tensor]:
    """Which candidates are no negatives of a row: from a to b (B, B + B * K), hard ones last; from b to a (B, B)."""
    a, b = texts[:, 0], texts[:, 1]

    def same_or_partners(anchors: Tensor, candidates: Tensor) -> Tensor:
        # A sum over the pairs of the batch, as a product of matrices, counts those that join the two.
        joined = _equal(anchors, a) @ _equal(b, candidates) + _equal(anchors, b) @ _equal(a, candidates)
        found = (joined + _equal(anchors, candidates)) > 0
        # Its own partner stays, as the one to be found.
        return found.fill_diagonal_(False)

    return same_or_partners(a, torch.cat([b, texts[:, 2:].flatten()])), same_or_partners(b, a)


def _equal(one: Tensor, two: Tensor) -> Tensor:
    return (one[:, None] == two).float()


def _check_alike(za: Tensor, zb: Tensor) -> None:
    if za.ndim != 2 or za.shape != zb.shape:
        raise InputError(f"vectors: shapes {tuple(za.shape)} and {tuple(zb.shape)} found, expected (B, D) twice")


def _form(vectors: Sequence[Tensor], scores: Tensor | None) -> str:
    return f"{len(vectors)} sentences each {'without' if scores is None else 'with'} a score"
