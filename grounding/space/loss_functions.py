"""Losses between the vectors of two modalities, as pure functions.

All take za (A, D) and zb (B, D), vectors of unit length; `positives` bool (A, B), which pairs belong together; `scale`,
the inverse temperature, 0-dim or a number; and optionally `ignored` bool (A, B): pairs that are neither positive nor
negative. An ignored pair leaves every sum, softmax, count and mining, even if `positives` names it too. All work in
both directions, with any number of positives a row, and with A and B of different size. Vectors of half precision are
compared in float32, in which the loss is returned. Where no pair defines a term the loss is 0, with gradients of 0.
All raise InputError when shapes or types do not fit.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from grounding.errors import InputError

MINING = ("hardest", "semi-hard", "sum")
SHORTEST = 1e-3  # distance that `contrastive` tells from 0


def info_nce(
    za: Tensor, zb: Tensor, positives: Tensor, scale: Tensor | float = 1.0, *, ignored: Tensor | None = None
) -> Tensor:
    """Symmetric InfoNCE with several positives, in log-sum-exp form.

    For a row i with positives P(i), the loss is `logsumexp(s_i) - logsumexp(s_i over P(i))` with s = scale * za @
    zb.T: minus the logarithm of the probability that a softmax over the row gives to any of its positives (Oord et
    al., 2018; several positives as MIL-NCE, Miech et al., 2020). Rows are averaged, then both directions. With one
    positive a row it is the usual cross entropy, and one direction of it the multi-class N-pair loss (Sohn, 2016). A
    row without a positive has no term of its own and remains a negative of the others.
    """
    za, zb, positives = _checked(za, zb, positives, ignored)
    a, b = positives.nonzero(as_tuple=True)
    if not len(a):
        return _nothing(za, zb, scale)
    scale = torch.as_tensor(scale, dtype=za.dtype, device=za.device).reshape(())
    rows, columns, matched = _LogSums.apply(za, zb, scale, a, b, ignored)
    return (_minus_log_share(rows, matched, a) + _minus_log_share(columns, matched, b)) / 2


def siglip(
    za: Tensor,
    zb: Tensor,
    positives: Tensor,
    scale: Tensor | float = 1.0,
    *,
    bias: Tensor | float | None = None,
    ignored: Tensor | None = None,
) -> Tensor:
    """Every pair by itself as positive or negative: the sigmoid loss of SigLIP (Zhai et al., 2023).

    The sum over all pairs of `softplus(-y * (scale * cosine + bias))`, y = 1 for positives and -1 for others, divided
    by the size of the batch: as published A = B, otherwise the mean of both. Rows and columns that are ignored as a
    whole are not counted. `bias` is learned, 0-dim, as published from -10; None is 0.
    """
    za, zb, positives = _checked(za, zb, positives, ignored)
    logits = _products(scale * za, zb) + (0.0 if bias is None else bias)
    # Not `softplus(logits) - logits` at the positives: that would lose the small gradient of a pair that is well told.
    opposed = logits * torch.where(positives, -1.0, 1.0)
    if ignored is not None:
        opposed = opposed.masked_fill(ignored, -torch.inf)
    return functional.softplus(opposed).sum() / _batch_size(positives, ignored)


def contrastive(
    za: Tensor,
    zb: Tensor,
    positives: Tensor,
    scale: Tensor | float = 1.0,
    *,
    margin: float = 1.0,
    ignored: Tensor | None = None,
) -> Tensor:
    """Pull positives together, push others out to a margin: the pairwise loss of Hadsell et al. (2006).

    The sum of `distance ** 2 / 2` over positives and of `max(0, margin - distance) ** 2 / 2` over others, divided by
    the size of the batch (if A and B differ, by their mean). Distances are Euclidean, of unit vectors from 0 to 2.
    `scale` is not used. Others closer than 0.001 count as 0.001 apart and are not pushed: the direction is not defined.
    """
    za, zb, positives = _checked(za, zb, positives, ignored)
    squares = za.square().sum(1, keepdim=True) + zb.square().sum(1) - 2 * _products(za, zb)
    distances = squares.clamp_min(SHORTEST**2).sqrt()
    push = (margin - distances).clamp_min(0).square()
    push = push.masked_fill(positives if ignored is None else positives | ignored, 0)
    return (squares[positives].clamp_min(0).sum() + push.sum()) / 2 / _batch_size(positives, ignored)


def triplet(
    za: Tensor,
    zb: Tensor,
    positives: Tensor,
    scale: Tensor | float = 1.0,
    *,
    margin: float = 0.2,
    mining: str = "hardest",
    ignored: Tensor | None = None,
) -> Tensor:
    """Hinge on the cosine of every positive pair and that of its negatives: `max(0, margin + negative - positive)`.

    Each positive pair is an anchor and a positive in both directions; its negatives are the other vectors of the
    anchor's row or column that are not positives of the anchor. `mining` chooses among them:

    - "hardest": the most similar one, the max of hinges of VSE++ (Faghri et al., 2018);
    - "sum": all of them, the sum of hinges of the same paper;
    - "semi-hard": the most similar of those less similar than the positive (FaceNet, Schroff et al., 2015). A pair
      all of whose negatives are as similar as its positive, or more, has no semi-hard one and no term.

    Hinges are summed over positive pairs and both directions, not averaged, as VSE++ publishes it: with one positive
    a row, value and gradient are those of its `ContrastiveLoss(margin, max_violation=mining == "hardest")`. A learning
    rate that suits one batch size hence suits another less. `scale` is not used.

    "hardest" computes gradients of the chosen pairs only; the others need memory for (positive pairs, A or B).

    Raises:
        InputError: an unknown mining.
    """
    if mining not in MINING:
        raise InputError(f"mining: {mining!r} found, expected one of {', '.join(MINING)}")
    za, zb, positives = _checked(za, zb, positives, ignored)
    a, b = positives.nonzero(as_tuple=True)
    if not len(a):
        return _nothing(za, zb, scale)
    others = positives if ignored is None else positives | ignored
    if mining == "sum":
        return _all_hinges(_products(za, zb), a, b, others, margin)
    with torch.no_grad():
        cosines = _products(za, zb)
        matched = cosines[a, b]
        negatives = cosines.masked_fill_(others, -torch.inf)
    below = matched if mining == "semi-hard" else None
    forth = _hinges(za, zb, a, b, *_hardest(negatives, a, below), margin)
    back = _hinges(zb, za, b, a, *_hardest(negatives.T, b, below), margin)
    return forth.sum() + back.sum()


def structured_margin(
    za: Tensor,
    zb: Tensor,
    positives: Tensor,
    scale: Tensor | float = 1.0,
    *,
    distances: Tensor,
    alpha: float = 1.0,
    ignored: Tensor | None = None,
) -> Tensor:
    """Hinge whose margin is the semantic distance to a violator found by loss-augmented inference (Sung et al., 2017).

    For every positive pair, the violator is the negative of its anchor with the highest `cosine + alpha * distance`:
    one that is similar and ought not to be. The hinge is `max(0, distance + cosine of the violator - cosine of the
    positive)`. What means nearly the same is thus hardly pushed away. Hinges are averaged over the positive pairs
    whose anchor has a negative, then over both directions. `scale` is not used.

    `distances` float (A, B) says how far apart the samples of a row of za and a row of zb are in meaning: 0 and above,
    in units of the cosine, since no hinge with a distance above 2 can be brought to 0. `alpha` weighs it in the search.
    """
    za, zb, positives = _checked(za, zb, positives, ignored)
    distances = _of_shape("distances", distances, positives.shape).to(device=za.device, dtype=za.dtype)
    a, b = positives.nonzero(as_tuple=True)
    if not len(a):
        return _nothing(za, zb, scale)
    others = positives if ignored is None else positives | ignored
    with torch.no_grad():
        augmented = (_products(za, zb) + alpha * distances).masked_fill_(others, -torch.inf)
    forth = _hinges(za, zb, a, b, *_hardest(augmented, a), distances)
    back = _hinges(zb, za, b, a, *_hardest(augmented.T, b), distances.T)
    return (forth.sum() / max(1, len(forth)) + back.sum() / max(1, len(back))) / 2


class _LogSums(torch.autograd.Function):
    """The log-sum-exp of every row (A,) and column (B,) of the logits, and the logits (P,) at a, b (P,).

    One product and one exponentiated matrix serve both directions, and the gradient is written out: with E the
    exponentials, dL/dlogits = E * (dL/drows / E's row sums + dL/dcolumns / E's column sums).
    """

    @staticmethod
    def forward(
        ctx: Any, za: Tensor, zb: Tensor, scale: Tensor, a: Tensor, b: Tensor, ignored: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        logits = _products(scale * za, zb)
        matched = logits[a, b]
        if ignored is not None:
            logits.masked_fill_(ignored, -torch.inf)
        limits = torch.finfo(logits.dtype)
        highest_row = highest_column = logits.max()
        by_row = by_column = (logits - highest_row).exp_()
        rows, columns = by_row.sum(1), by_column.sum(0)
        # Subtracting one maximum from all is exact as long as what underflows is beyond the precision of each sum.
        # At scales above about 30 it may not be: then rows and columns get exponentials of their own.
        if min(rows[a].min(), columns[b].min()) < max(logits.shape) * limits.tiny / limits.eps:
            highest_row, highest_column = (logits.amax(dim).clamp_min(limits.min) for dim in (1, 0))
            by_row = (logits - highest_row[:, None]).exp_()
            by_column = logits.sub_(highest_column).exp_()
            rows, columns = by_row.sum(1), by_column.sum(0)
        # A row that is ignored as a whole has the sum 0.
        rows, columns = rows.clamp_min(limits.tiny), columns.clamp_min(limits.tiny)
        ctx.save_for_backward(za, zb, scale, a, b, by_row, by_column, rows, columns)
        return highest_row + rows.log(), highest_column + columns.log(), matched

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, to_rows: Tensor, to_columns: Tensor, to_matched: Tensor) -> tuple[Tensor | None, ...]:
        za, zb, scale, a, b, by_row, by_column, rows, columns = ctx.saved_tensors
        gradient = by_row * (to_rows / rows)[:, None]
        gradient.addcmul_(by_column, to_columns / columns)
        gradient[a, b] += to_matched
        to_za = to_zb = to_scale = None
        if ctx.needs_input_grad[0] or ctx.needs_input_grad[2]:
            to_za = _products(gradient, zb.T)
            to_scale = (za * to_za).sum()
            to_za = to_za.mul_(scale)
        if ctx.needs_input_grad[1]:
            to_zb = _products(gradient.T, za.T).mul_(scale)
        return to_za, to_zb, to_scale, None, None, None


def _minus_log_share(log_sums: Tensor, matched: Tensor, rows: Tensor) -> Tensor:
    """Mean over rows with positives of log_sums (A,) minus the log-sum-exp of the row's logits `matched` (P,)."""
    highest = torch.full_like(log_sums, -torch.inf, requires_grad=False)
    highest = highest.scatter_reduce(0, rows, matched.detach(), "amax")
    sums = torch.zeros_like(highest).index_add(0, rows, (matched - highest[rows]).exp())
    found = highest > -torch.inf
    return (log_sums[found] - highest[found] - sums[found].log()).mean()


@torch.no_grad()
def _hardest(negatives: Tensor, anchor: Tensor, below: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Whether each anchor (P,) has a negative, and the place of its highest; all others are -inf in negatives (A, B).

    With `below` (P,), the highest of those below that.
    """
    if below is None:
        best, place = (each[anchor] for each in negatives.contiguous().max(1))
    else:
        each = negatives[anchor]
        best, place = each.masked_fill_(each >= below[:, None], -torch.inf).max(1)
    return best > -torch.inf, place


def _hinges(
    one: Tensor,
    two: Tensor,
    anchor: Tensor,
    positive: Tensor,
    found: Tensor,
    negative: Tensor,
    margin: Tensor | float,
) -> Tensor:
    """`max(0, margin + cosine(anchor, negative) - cosine(anchor, positive))` where a negative was found.

    `anchor` are rows of `one`, the others rows of `two`, all (P,); margins may be a matrix (one, two).
    """
    anchor, positive, negative = anchor[found], positive[found], negative[found]
    away = two.index_select(0, negative) - two.index_select(0, positive)
    each = margin[anchor, negative] if isinstance(margin, Tensor) else margin
    return (each + (one.index_select(0, anchor) * away).sum(1)).clamp_min(0)


def _all_hinges(cosines: Tensor, a: Tensor, b: Tensor, others: Tensor, margin: float) -> Tensor:
    """The sum of the hinges of all negatives.

    A sum of hinges above 0 is linear: every cosine counts as often as it is a negative that violates the margin, less
    as often as it is the positive of one.
    """
    with torch.no_grad():
        bounds = cosines[a, b] - margin
        negatives = cosines.masked_fill(others, -torch.inf)
        forth = negatives.index_select(0, a) > bounds[:, None]
        back = negatives.index_select(1, b) > bounds
        counts = torch.zeros_like(cosines)
        counts.index_add_(0, a, forth.to(cosines.dtype)).index_add_(1, b, back.to(cosines.dtype))
        violations = forth.sum(1) + back.sum(0)
        counts[a, b] -= violations
    return (counts * cosines).sum() + margin * violations.sum()


def _products(za: Tensor, zb: Tensor) -> Tensor:
    """za @ zb.T at the precision of the vectors, also under autocast: bfloat16 tells 100 from 100.5 only."""
    with torch.autocast(za.device.type, enabled=False):
        return za @ zb.T


def _batch_size(positives: Tensor, ignored: Tensor | None) -> Tensor | float:
    """The mean of A and B, without rows and columns that are ignored as a whole; at least 1."""
    if ignored is None:
        return max(1.0, sum(positives.shape) / 2)
    kept = ~ignored
    return ((kept.any(1).sum() + kept.any(0).sum()) / 2).clamp_min(1)


def _nothing(za: Tensor, zb: Tensor, scale: Tensor | float) -> Tensor:
    """0, attached to the graph, so that gradients are 0 and not absent."""
    return (za[:0].sum() + zb[:0].sum()) * scale


def _checked(za: Tensor, zb: Tensor, positives: Tensor, ignored: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """Vectors in float32 at least and positives without those ignored."""
    if za.ndim != 2 or zb.ndim != 2 or za.shape[1] != zb.shape[1]:
        raise InputError(
            f"za, zb: shapes {tuple(za.shape)} and {tuple(zb.shape)} found, expected (A, D) and (B, D), vectors of "
            "one space"
        )
    for name, mask in (("positives", positives), ("ignored", ignored)):
        if mask is not None and _of_shape(name, mask, (len(za), len(zb))).dtype != torch.bool:
            raise InputError(f"{name}: {mask.dtype} found, expected torch.bool; compare or convert it first")
    dtype = torch.promote_types(torch.promote_types(za.dtype, zb.dtype), torch.float32)
    return za.to(dtype), zb.to(dtype), positives if ignored is None else positives & ~ignored


def _of_shape(name: str, matrix: Tensor, shape: tuple[int, ...]) -> Tensor:
    if tuple(matrix.shape) != tuple(shape):
        raise InputError(
            f"{name}: shape {tuple(matrix.shape)} found, expected {tuple(shape)}, a row for each vector of za and a "
            "column for each of zb"
        )
    return matrix
