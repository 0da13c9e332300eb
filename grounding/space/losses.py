"""Losses between two modalities: pure functions of vectors, positives and a scale, with thin settings classes."""

from dataclasses import dataclass

import torch
from torch import Tensor


def info_nce(za: Tensor, zb: Tensor, positives: Tensor, scale: Tensor | float = 1.0) -> Tensor:
    """Symmetric InfoNCE with several positives, in log-sum-exp form.

    For a row i with positives P(i), the loss is `logsumexp(s_i) - logsumexp(s_i over P(i))` with s = scale * za @
    zb.T: minus the logarithm of the probability that a softmax over the row gives to any of its positives (Oord et
    al., 2018; several positives as MIL-NCE, Miech et al., 2020). Rows are averaged, then both directions. With one
    positive a row it is the usual cross entropy. A row without a positive has no term of its own and remains a
    negative of the others.

    Args:
        za: vectors (A, D), usually of unit length.
        zb: vectors (B, D).
        positives: bool (A, B), which pairs belong together.
        scale: inverse temperature.

    Returns:
        A scalar; zero, with zero gradients, when nothing is positive.
    """
    logits = scale * za @ zb.T
    a, b = positives.nonzero(as_tuple=True)
    if not len(a):
        return logits.sum() * 0
    matched = logits[a, b]
    return (_direction(logits, matched, a) + _direction(logits.T, matched, b)) / 2


def _direction(logits: Tensor, matched: Tensor, rows: Tensor) -> Tensor:
    """Mean over those rows of logits (A, B) that have positives: logits `matched` (P,) in rows `rows` (P,)."""
    found, index = rows.unique(return_inverse=True)
    kept = logits if len(found) == len(logits) else logits[found]
    # Entries that are not positive are absent from this sum, as if they were minus infinity.
    highest = torch.full((len(found),), -torch.inf, dtype=logits.dtype, device=logits.device)
    highest = highest.scatter_reduce(0, index, matched.detach(), "amax")
    exponentials = (matched - highest[index]).exp()
    sums = torch.zeros_like(highest).index_add(0, index, exponentials)
    return (kept.logsumexp(1) - highest - sums.log()).mean()


@dataclass(frozen=True)
class InfoNCE:
    """Settings of `info_nce`; called like the function."""

    def __call__(self, za: Tensor, zb: Tensor, positives: Tensor, scale: Tensor | float = 1.0) -> Tensor:
        """See `info_nce`."""
        return info_nce(za, zb, positives, scale)
