"""Losses against their definitions, numerical gradients and the packages that publish them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from grounding.errors import InputError
from grounding.space.losses import (
    Contrastive,
    DropFalseNegatives,
    InfoNCE,
    Matryoshka,
    SigLIP,
    StructuredMargin,
    Triplet,
    contrastive,
    info_nce,
    siglip,
    structured_margin,
    triplet,
)
from tests.benchmarks._space_losses import vse_plus_plus

DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU"))]
MININGS = ["hardest", "semi-hard", "sum"]


def unit(count: int, seed: int, dim: int = 8) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return functional.normalize(torch.randn(count, dim, generator=generator, dtype=torch.float64), dim=1)


def some(rows: int, columns: int, share: float, seed: int) -> Tensor:
    return torch.rand(rows, columns, generator=torch.Generator().manual_seed(seed)) < share


def eye(count: int) -> Tensor:
    return torch.eye(count, dtype=torch.bool)


def apart(ids_a: list[str], ids_b: list[str]) -> np.ndarray:
    """A distance between ids that are numbers."""
    a, b = (np.array([float(one) for one in ids]) for ids in (ids_a, ids_b))
    return np.abs(a[:, None] - b) % 7 / 10


def names(positives: Tensor) -> tuple[list[str], list[str]]:
    return [str(row) for row in range(len(positives))], [str(column) for column in range(positives.shape[1])]


ALL = [
    InfoNCE(),
    SigLIP(),
    Contrastive(margin=1.2),
    *(Triplet(margin=0.3, mining=mining) for mining in MININGS),
    StructuredMargin(apart),
    Matryoshka(InfoNCE(), (3, 8)),
    DropFalseNegatives(InfoNCE(), 0.8),
]
"""Every loss; `context` has what any of them needs."""
every = pytest.mark.parametrize("loss", ALL, ids=lambda loss: repr(loss)[:40])


def context(positives: Tensor) -> dict[str, Any]:
    return {"bias": torch.tensor(-2.0, dtype=torch.float64, requires_grad=True), "ids": names(positives)}


def gradients(value: Tensor, *inputs: Tensor) -> tuple[Tensor, ...]:
    return torch.autograd.grad(value, inputs, retain_graph=True)


def assert_same(ours: Tensor, expected: Tensor, *inputs: Tensor, **tolerance: float) -> None:
    """Value and gradients."""
    torch.testing.assert_close(ours, expected, **tolerance)  # type: ignore[arg-type]
    for mine, other in zip(gradients(ours, *inputs), gradients(expected, *inputs), strict=True):
        torch.testing.assert_close(mine, other, **tolerance)  # type: ignore[arg-type]


# ---- Each loss by its definition, in the plainest words


def info_nce_by_definition(za: Tensor, zb: Tensor, positives: Tensor, scale: Tensor | float, ignored: Tensor) -> Tensor:
    """Row by row, a softmax over the pairs that are not ignored."""
    logits = scale * za @ zb.T
    directions = []
    for rows, matched, kept in ((logits, positives, ~ignored), (logits.T, positives.T, ~ignored.T)):
        terms = []
        for row, match, keep in zip(rows, matched, kept, strict=True):
            if (match & keep).any():
                terms.append(-torch.log_softmax(row[keep], 0)[match[keep]].logsumexp(0))
        directions.append(torch.stack(terms).mean())
    return (directions[0] + directions[1]) / 2


def pairs_by_definition(
    za: Tensor, zb: Tensor, positives: Tensor, ignored: Tensor, of_positive: Callable, of_other: Callable
) -> Tensor:
    """Pair by pair, divided by the mean number of rows and columns that have a pair."""
    terms = [
        (of_positive if positives[i, j] else of_other)(za[i], zb[j])
        for i in range(len(za))
        for j in range(len(zb))
        if not ignored[i, j]
    ]
    return torch.stack(terms).sum() / (((~ignored).any(1).sum() + (~ignored).any(0).sum()) / 2)


def triplets_by_definition(
    za: Tensor, zb: Tensor, positives: Tensor, ignored: Tensor, choose: Callable[[Tensor, Tensor, Tensor], list[int]]
) -> list[list[Tensor]]:
    """The differences negative - positive of every positive pair, of both directions.

    `choose(similarities, candidates, positive)` gives which candidates are its negatives.
    """
    directions = []
    for cosines, matched, kept in ((za @ zb.T, positives, ~ignored), (zb @ za.T, positives.T, ~ignored.T)):
        differences = []
        for row, match, keep in zip(cosines, matched, kept, strict=True):
            candidates = (~match & keep).nonzero()[:, 0]
            for place in (match & keep).nonzero()[:, 0]:
                differences += [row[n] - row[place] for n in choose(row.detach(), candidates, place)]
        directions.append(differences)
    return directions


def choose_all(row: Tensor, candidates: Tensor, positive: Tensor) -> list[int]:
    return candidates.tolist()


def choose_hardest(row: Tensor, candidates: Tensor, positive: Tensor) -> list[int]:
    return [max(candidates.tolist(), key=lambda n: float(row[n]))] if len(candidates) else []


def choose_semi_hard(row: Tensor, candidates: Tensor, positive: Tensor) -> list[int]:
    return choose_hardest(row, candidates[row[candidates] < row[positive]], positive)


CHOICES = {"hardest": choose_hardest, "semi-hard": choose_semi_hard, "sum": choose_all}

# ---- InfoNCE


@pytest.mark.parametrize("scale", [1.0, 14.3, 100.0])
def test_with_one_positive_info_nce_is_cross_entropy(scale: float) -> None:
    za, zb = unit(12, 0).requires_grad_(), unit(12, 1).requires_grad_()
    logits, labels = scale * za @ zb.T, torch.arange(12)
    expected = (functional.cross_entropy(logits, labels) + functional.cross_entropy(logits.T, labels)) / 2
    assert_same(info_nce(za, zb, eye(12), scale), expected, za, zb)


@pytest.mark.parametrize("share_ignored", [0.0, 0.3])
@pytest.mark.parametrize("scale", [1.0, 14.3, 100.0, 3000.0])
def test_info_nce_with_several_and_missing_positives(scale: float, share_ignored: float) -> None:
    """The highest scale is past what one maximum can serve, also in double precision."""
    za, zb = unit(9, 0).requires_grad_(), unit(14, 1).requires_grad_()
    factor = torch.tensor(scale, dtype=torch.float64, requires_grad=True)
    positives, ignored = some(9, 14, 0.2, 2), some(9, 14, share_ignored, 3)
    positives[3], positives[:, 5] = False, False
    expected = info_nce_by_definition(za, zb, positives, factor, ignored)
    assert_same(info_nce(za, zb, positives, factor, ignored=ignored), expected, za, zb, factor)


def test_an_ignored_pair_is_not_just_a_very_unlike_one() -> None:
    """Where all others are even more unlike, a large negative number would win the softmax."""
    za = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    zb = torch.tensor([[-1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]], dtype=torch.float64)
    positives = torch.tensor([[True, False, False]])
    loss = info_nce(za, zb, positives, 1e6, ignored=torch.tensor([[False, False, True]]))
    torch.testing.assert_close(loss, torch.tensor(2.0, dtype=torch.float64).log() / 2)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("scale", [14.3, 100.0])
def test_info_nce_in_single_precision_is_that_of_double_precision(scale: float, device: str) -> None:
    """Also where rows are so far apart that exponentials with one maximum would underflow."""
    za, zb = unit(200, 0, 64), unit(300, 1, 64)
    zb[:3], zb[5] = za[:3], -za[3]
    positives = some(200, 300, 0.01, 2)
    positives[3] = False
    positives[3, 5] = True
    za[:, :] = torch.where(torch.arange(200)[:, None] < 100, za, -functional.normalize(zb.mean(0), dim=0))
    double = [one.clone().requires_grad_() for one in (za, zb)]
    single = [one.float().to(device).requires_grad_() for one in (za, zb)]
    expected = info_nce_by_definition(*double, positives, scale, torch.zeros_like(positives))
    ours = info_nce(*single, positives.to(device), scale)
    assert ours.dtype == torch.float32
    torch.testing.assert_close(ours.double().cpu(), expected, rtol=1e-5, atol=1e-6)
    for mine, other in zip(gradients(ours, *single), gradients(expected, *double), strict=True):
        torch.testing.assert_close(mine.double().cpu(), other, rtol=1e-3, atol=1e-5 * scale / 100)


def test_rows_without_a_positive_are_negatives_only() -> None:
    za, zb = unit(6, 0), unit(6, 1)
    alone = info_nce(za, zb, eye(6), 5.0)
    more = torch.cat([zb, unit(3, 2)])
    with_negatives = info_nce(za, more, torch.cat([eye(6), torch.zeros(6, 3, dtype=torch.bool)], dim=1), 5.0)
    logits = 5.0 * za @ more.T
    expected = (
        functional.cross_entropy(logits, torch.arange(6)) + functional.cross_entropy(logits[:, :6].T, torch.arange(6))
    ) / 2
    torch.testing.assert_close(with_negatives, expected)
    assert with_negatives > alone


def test_a_locked_side_needs_no_gradient() -> None:
    za, zb = unit(5, 0).requires_grad_(), unit(5, 1)
    info_nce(za, zb, eye(5), 10.0).backward()
    assert za.grad is not None and za.grad.any() and zb.grad is None
    with torch.no_grad():
        assert not info_nce(za, zb, eye(5), 10.0).requires_grad


def test_the_graph_of_info_nce_can_be_walked_twice() -> None:
    za, zb = unit(5, 0).requires_grad_(), unit(6, 1).requires_grad_()
    loss = info_nce(za, zb, some(5, 6, 0.3, 0), 10.0)
    for first, second in zip(gradients(loss, za, zb), gradients(loss, za, zb), strict=True):
        assert torch.equal(first, second)


# ---- SigLIP and the pairwise loss


@pytest.mark.parametrize("share_ignored", [0.0, 0.3])
def test_siglip_is_a_sum_over_pairs(share_ignored: float) -> None:
    za, zb = unit(5, 0).requires_grad_(), unit(7, 1).requires_grad_()
    scale, bias = (torch.tensor(one, dtype=torch.float64, requires_grad=True) for one in (4.0, -3.0))
    positives, ignored = some(5, 7, 0.3, 2), some(5, 7, share_ignored, 3)
    expected = pairs_by_definition(
        za,
        zb,
        positives,
        ignored,
        lambda a, b: -torch.log(torch.sigmoid(scale * (a @ b) + bias)),
        lambda a, b: -torch.log(torch.sigmoid(-(scale * (a @ b) + bias))),
    )
    ours = siglip(za, zb, positives, scale, bias=bias, ignored=ignored if share_ignored else None)
    assert_same(ours, expected, za, zb, scale, bias)


def test_siglip_without_a_bias_has_a_bias_of_zero() -> None:
    arguments = unit(4, 0), unit(4, 1), eye(4), 9.0
    assert siglip(*arguments) == siglip(*arguments, bias=0.0) != siglip(*arguments, bias=1.0)


@pytest.mark.parametrize("share_ignored", [0.0, 0.3])
def test_the_pairwise_loss_is_a_sum_over_pairs(share_ignored: float) -> None:
    za, zb = unit(5, 0).requires_grad_(), unit(7, 1).requires_grad_()
    positives, ignored = some(5, 7, 0.3, 2), some(5, 7, share_ignored, 3)
    expected = pairs_by_definition(
        za,
        zb,
        positives,
        ignored,
        lambda a, b: (a - b).norm() ** 2 / 2,
        lambda a, b: (1.3 - (a - b).norm()).clamp(min=0) ** 2 / 2,
    )
    ours = contrastive(za, zb, positives, margin=1.3, ignored=ignored if share_ignored else None)
    assert_same(ours, expected, za, zb)


def test_others_too_close_for_a_direction_are_not_pushed() -> None:
    for angle, pushed in ((1e-4, False), (1e-2, True)):
        za = torch.tensor([[1.0, 0.0]], dtype=torch.float64, requires_grad=True)
        zb = functional.normalize(torch.tensor([[1.0, angle]], dtype=torch.float64), dim=1)
        contrastive(za, zb, torch.zeros(1, 1, dtype=torch.bool), margin=1.0).backward()
        assert za.grad is not None and bool(za.grad.any()) == pushed


# ---- Triplets


@pytest.mark.parametrize("share_ignored", [0.0, 0.3])
@pytest.mark.parametrize("mining", MININGS)
def test_every_positive_pair_is_an_anchor_and_a_positive(mining: str, share_ignored: float) -> None:
    za, zb = unit(7, 0).requires_grad_(), unit(9, 1).requires_grad_()
    positives, ignored = some(7, 9, 0.3, 2), some(7, 9, share_ignored, 3)
    positives[2], positives[4] = True, False
    forth, back = triplets_by_definition(za, zb, positives, ignored, CHOICES[mining])
    expected = (0.4 + torch.stack(forth + back)).clamp(min=0).sum()
    assert expected > 1
    ours = triplet(za, zb, positives, margin=0.4, mining=mining, ignored=ignored if share_ignored else None)
    assert_same(ours, expected, za, zb)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("margin", [0.05, 0.2])
@pytest.mark.parametrize("mining", ["hardest", "sum"])
def test_with_one_positive_triplets_are_those_of_vse(mining: str, margin: float, dtype: torch.dtype) -> None:
    za, zb = (unit(64, seed, 32).to(dtype).requires_grad_() for seed in (0, 1))
    expected = vse_plus_plus(za, zb, margin, max_violation=mining == "hardest")
    ours = triplet(za, zb, eye(64), margin=margin, mining=mining)
    assert_same(ours, expected, za, zb, rtol=1e-6, atol=1e-6 if mining == "hardest" else 1e-5)


def test_without_a_semi_hard_negative_there_is_no_term() -> None:
    anchor = functional.normalize(torch.tensor([[1.0, 0.0]]), dim=1)
    others = functional.normalize(torch.tensor([[1.0, 0.5], [1.0, 0.1], [1.0, 0.2]]), dim=1)
    positives = torch.tensor([[True, False, False]])
    assert triplet(anchor, others, positives, mining="semi-hard") == 0
    assert triplet(anchor, others, positives, mining="hardest") > 0


# ---- Structured margin


@pytest.mark.parametrize("share_ignored", [0.0, 0.3])
@pytest.mark.parametrize("alpha", [0.0, 0.7])
def test_the_margin_is_the_distance_to_the_violator(alpha: float, share_ignored: float) -> None:
    za, zb = unit(6, 0).requires_grad_(), unit(8, 1).requires_grad_()
    positives, ignored = some(6, 8, 0.3, 2), some(6, 8, share_ignored, 3)
    distances = torch.rand(6, 8, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    means = []
    for one, two, match, kept, margins in (
        (za, zb, positives, ~ignored, distances),
        (zb, za, positives.T, ~ignored.T, distances.T),
    ):
        hinges = []
        for i, j in (match & kept).nonzero().tolist():
            candidates = (~match[i] & kept[i]).nonzero()[:, 0].tolist()
            if candidates:
                worst = max(candidates, key=lambda n: float((one[i] @ two[n]).detach() + alpha * margins[i, n]))
                hinges.append((margins[i, worst] + one[i] @ two[worst] - one[i] @ two[j]).clamp(min=0))
        means.append(torch.stack(hinges).mean())
    ours = structured_margin(za, zb, positives, distances=distances, alpha=alpha, ignored=ignored)
    assert_same(ours, (means[0] + means[1]) / 2, za, zb)


def test_a_violator_that_means_the_same_is_not_pushed_away() -> None:
    za, zb = unit(3, 0), unit(3, 1)
    zb[1], zb[2] = za[0], -za[0]
    positives = torch.zeros(3, 3, dtype=torch.bool)
    positives[0, 0] = True
    distances = torch.zeros(3, 3)
    zb[0] = za[0]
    assert structured_margin(za, zb, positives, distances=distances) < 1e-12
    distances[0, 1] = 0.5
    torch.testing.assert_close(
        structured_margin(za[:1], zb, positives[:1], distances=distances[:1]), torch.tensor(0.25, dtype=torch.float64)
    )


def test_distances_are_asked_for_by_id() -> None:
    za, zb, positives = unit(4, 0), unit(4, 1), eye(4)
    ids = ["9", "1", "5", "2"], ["9", "3", "5", "2"]
    expected = structured_margin(za, zb, positives, distances=torch.tensor(apart(*ids)), alpha=0.5)
    assert StructuredMargin(apart, alpha=0.5)(za, zb, positives, 1.0, ids=ids) == expected > 0
    as_tensor = StructuredMargin(lambda a, b: torch.tensor(apart(a, b)), alpha=0.5)
    assert as_tensor(za, zb, positives, 1.0, ids=ids) == expected
    as_lists = StructuredMargin(lambda a, b: apart(a, b).tolist(), alpha=0.5)
    assert as_lists(za, zb, positives, 1.0, ids=ids) == expected


@pytest.mark.parametrize(
    ("distance", "message"),
    [
        (lambda a, b: np.ones((3, 3)), r"distance: an array \(3, 3\) found, expected \(4, 5\), A ids by B ids"),
        (lambda a, b: np.full((4, 5), np.nan), "distance: nan found among the distances, expected finite"),
        (lambda a, b: np.full((4, 5), -0.5), "distance: -0.5 found among the distances"),
        (lambda a, b: [[1.0], [1.0, 2.0]], r"distance: list found, expected an array \(4, 5\)"),
        (lambda a, b: None, "distance: "),
    ],
)
def test_unusable_distances_are_refused(distance: Callable, message: str) -> None:
    positives = some(4, 5, 0.5, 0)
    with pytest.raises(InputError, match=message):
        StructuredMargin(distance)(unit(4, 0), unit(5, 1), positives, 1.0, ids=names(positives))


def test_distances_need_ids() -> None:
    with pytest.raises(InputError, match="StructuredMargin: no ids found, expected `ids`"):
        StructuredMargin(apart)(unit(4, 0), unit(4, 1), eye(4), 1.0)


def test_a_structured_margin_reads_the_same_in_every_process() -> None:
    """A run goes on only with the same loss, which is compared by how it reads."""
    assert repr(StructuredMargin(apart, 0.5)) == "StructuredMargin(distance=apart, alpha=0.5)"
    assert repr(Matryoshka(StructuredMargin(apart), (2,))).startswith("Matryoshka(loss=StructuredMargin(distance=apart")


# ---- Wrappers


@pytest.mark.parametrize("weights", [None, (1.0, 3.0)])
def test_nested_sizes_are_losses_of_shortened_unit_vectors(weights: tuple[float, ...] | None) -> None:
    za, zb = unit(5, 0).requires_grad_(), unit(6, 1).requires_grad_()
    positives, ignored = some(5, 6, 0.3, 2), some(5, 6, 0.3, 3)
    parts = []
    for size in (3, 8):
        short = [vectors[:, :size] / vectors[:, :size].norm(dim=1, keepdim=True) for vectors in (za, zb)]
        parts.append(siglip(*short, positives, 7.0, ignored=ignored))
    expected = (parts[0] + parts[1]) / 2 if weights is None else (parts[0] + 3 * parts[1]) / 4
    ours = Matryoshka(SigLIP(), (3, 8), weights)(za, zb, positives, 7.0, ignored=ignored)
    assert_same(ours, expected, za, zb)


def test_sizes_beyond_the_vectors_are_refused() -> None:
    with pytest.raises(InputError, match="sizes: 9 found, expected at most 8, the length of vectors"):
        Matryoshka(InfoNCE(), (4, 9))(unit(3, 0), unit(3, 1), eye(3), 1.0)


def test_likely_false_negatives_are_ignored() -> None:
    za, zb = unit(5, 0).requires_grad_(), unit(6, 1)
    zb[4], zb[1] = za[2].detach(), za[0].detach()
    positives = some(5, 6, 0.0, 0)
    positives[0, 1] = positives[2, 2] = positives[3, 3] = True
    already = some(5, 6, 0.2, 3) & ~positives
    already[2, 4] = False
    likely = torch.zeros_like(positives)
    likely[2, 4] = True
    assert (za @ zb.T > 0.95).nonzero().tolist() == [[0, 1], [2, 4]]
    expected = info_nce(za, zb, positives, 10.0, ignored=already | likely)
    assert_same(DropFalseNegatives(InfoNCE(), 0.95)(za, zb, positives, 10.0, ignored=already), expected, za)
    assert expected != info_nce(za, zb, positives, 10.0, ignored=already)
    without = DropFalseNegatives(InfoNCE(), 0.95)(za, zb, positives, 10.0)
    assert_same(without, info_nce(za, zb, positives, 10.0, ignored=likely), za)


# ---- What every loss keeps to


@every
def test_the_gradient_is_right_numerically(loss: Any) -> None:
    positives, ignored = some(4, 5, 0.4, 2), some(4, 5, 0.2, 5)
    ids = names(positives)
    scale, bias = (torch.tensor(one, dtype=torch.float64, requires_grad=True) for one in (3.0, -1.0))
    inputs = unit(4, 0).requires_grad_(), unit(5, 1).requires_grad_(), scale, bias

    def value(a: Tensor, b: Tensor, s: Tensor, c: Tensor) -> Tensor:
        # Losses that do not use scale or bias get a gradient of 0, not an error.
        return loss(a, b, positives, s, bias=c, ignored=ignored, ids=ids) + 0 * s + 0 * c

    assert torch.autograd.gradcheck(value, inputs)
    steep = (*inputs[:2], torch.tensor(900.0, dtype=torch.float64), bias)
    assert torch.autograd.gradcheck(value, steep, rtol=5e-3)


@every
def test_an_ignored_pair_changes_nothing(loss: Any) -> None:
    """Vectors are moved so that the similarities of ignored pairs change, and no other."""
    za, zb = unit(6, 0), unit(7, 1)
    za[:, 7] = zb[:, 7] = 0  # a dimension that only ignored pairs share
    za[:, 6] = 0
    za, zb = (functional.normalize(one, dim=1) for one in (za, zb))
    positives = some(6, 7, 0.3, 2)
    ignored = torch.zeros_like(positives)
    ignored[2, :] = True
    ignored[2, 3] = positives[2, 3] = False
    ignored[4, 5] = True
    changed = za.clone()
    # Row 2 turns around the one column with which it is compared.
    along = (za[2] @ zb[3]) * zb[3]
    aside = za[2] - along
    turned = unit(1, 9)[0]
    turned = turned - (turned @ zb[3]) * zb[3]
    changed[2] = along + turned / turned.norm() * aside.norm()
    assert torch.allclose(changed[2].norm(), za[2].norm())
    before, after = za @ zb.T, changed @ zb.T
    assert ((before - after).abs() < 1e-12)[~ignored].all() and ((before - after).abs() > 1e-3)[2, ignored[2]].all()
    if isinstance(loss, Matryoshka):
        loss = Matryoshka(loss.loss, (8,))  # shortened, the vectors are not turned around the same column
    values = [loss(one, zb, positives, 6.0, ignored=ignored, **context(positives)) for one in (za, changed)]
    torch.testing.assert_close(*values, rtol=1e-12, atol=1e-12)
    assert values[0] != loss(za, zb, positives, 6.0, **context(positives))


@every
def test_an_ignored_pair_has_no_gradient(loss: Any) -> None:
    """Not even when its vectors are the same, opposite, or when it is called positive as well."""
    za, zb = unit(6, 0), unit(7, 1)
    zb[3], zb[5] = za[2], -za[2]
    positives = some(6, 7, 0.3, 2)
    ignored = torch.zeros_like(positives)
    ignored[2] = True
    za.requires_grad_()
    values = []
    for named in (positives.clone(), positives.clone()):
        named[2] = len(values) == 1
        values.append(loss(za, zb, named, 6.0, ignored=ignored, **context(positives)))
        (gradient,) = gradients(values[-1], za)
        assert not gradient[2].any() and gradient[[0, 1, 3, 4, 5]].any()
    assert torch.equal(*values)


@every
@pytest.mark.parametrize("side", ["rows", "columns"])
def test_a_row_ignored_as_a_whole_is_as_good_as_absent(loss: Any, side: str) -> None:
    za, zb = unit(6, 0), unit(7, 1)
    positives, ignored = some(6, 7, 0.3, 2), torch.zeros(6, 7, dtype=torch.bool)
    if side == "rows":
        ignored[5] = True
        fewer = za[:5], zb, positives[:5]
    else:
        ignored[:, 6] = True
        fewer = za, zb[:6], positives[:, :6]
    whole = loss(za, zb, positives, 6.0, ignored=ignored, **context(positives))
    torch.testing.assert_close(whole, loss(*fewer, 6.0, **context(fewer[2])))
    assert whole != loss(za, zb, positives, 6.0, **context(positives))


@every
def test_nothing_ignored_is_the_same_as_none(loss: Any) -> None:
    za, zb, positives = unit(6, 0), unit(7, 1), some(6, 7, 0.3, 2)
    none = loss(za, zb, positives, 6.0, **context(positives))
    torch.testing.assert_close(
        loss(za, zb, positives, 6.0, ignored=torch.zeros_like(positives), **context(positives)), none
    )


@every
def test_both_directions_count_the_same(loss: Any) -> None:
    za, zb, positives, ignored = unit(6, 0), unit(9, 1), some(6, 9, 0.3, 2), some(6, 9, 0.2, 3)
    forth = loss(za, zb, positives, 6.0, ignored=ignored, **context(positives))
    back = loss(zb, za, positives.T, 6.0, ignored=ignored.T, **context(positives.T))
    torch.testing.assert_close(forth, back)
    assert forth > 0


@every
@pytest.mark.parametrize("case", ["nothing positive", "everything ignored"])
def test_where_nothing_is_defined_loss_and_gradients_are_zero(loss: Any, case: str) -> None:
    za, zb = unit(3, 0).requires_grad_(), unit(4, 1).requires_grad_()
    positives = some(3, 4, 0.0 if case == "nothing positive" else 0.5, 2)
    ignored = None if case == "nothing positive" else torch.ones_like(positives)
    value = loss(za, zb, positives, torch.tensor(10.0, requires_grad=True), ignored=ignored, **context(positives))
    value.backward()
    assert za.grad is not None and zb.grad is not None and value.shape == ()
    if case == "nothing positive" and isinstance(loss, SigLIP | Contrastive):
        assert value > 0 and torch.isfinite(za.grad).all()  # negatives are terms of their own
    else:
        assert value == 0 and not za.grad.any() and not zb.grad.any()


@every
@pytest.mark.parametrize("scale", [1.0, 100.0])
@pytest.mark.parametrize("matched", [True, False])
@pytest.mark.parametrize("axis", [True, False], ids=["axis", "diagonal"])
def test_identical_vectors_stay_finite(loss: Any, scale: float, matched: bool, axis: bool) -> None:
    """Along an axis their distance is exactly 0, along a diagonal nearly."""
    za = torch.eye(8)[[0, 0, 0, 0]] if axis else functional.normalize(torch.ones(4, 8), dim=1)
    za = za.requires_grad_()
    zb = za.detach().clone().requires_grad_()
    positives = torch.ones(4, 4, dtype=torch.bool) if matched else eye(4)
    value = loss(za, zb, positives, scale, **context(positives))
    value.backward()
    assert torch.isfinite(value) and value > -1e-5
    assert za.grad is not None and torch.isfinite(za.grad).all()
    assert zb.grad is not None and torch.isfinite(zb.grad).all()


@every
@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (1, 5), (5, 1)])
def test_one_row_or_column_is_enough(loss: Any, rows: int, columns: int) -> None:
    za, zb = unit(rows, 0).requires_grad_(), unit(columns, 1).requires_grad_()
    positives = torch.zeros(rows, columns, dtype=torch.bool)
    positives[0, 0] = True
    value = loss(za, zb, positives, 10.0, **context(positives))
    value.backward()
    assert torch.isfinite(value) and za.grad is not None and torch.isfinite(za.grad).all()


@every
@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_widened(loss: Any, dtype: torch.dtype, device: str) -> None:
    za, zb = (unit(count, seed).to(dtype).to(device).requires_grad_() for count, seed in ((6, 0), (7, 1)))
    positives = some(6, 7, 0.3, 2).to(device)
    given = {"bias": torch.tensor(-2.0, device=device), "ids": names(positives)}
    half = loss(za, zb, positives, torch.tensor(20.0, device=device), **given)
    assert half.dtype == torch.float32
    if isinstance(loss, Matryoshka | DropFalseNegatives):
        tolerance = 0.05  # they cut and compare the vectors as they are given
    else:
        tolerance = 1e-5
    wide = [one.detach().float().requires_grad_() for one in (za, zb)]
    single = loss(*wide, positives, torch.tensor(20.0, device=device), **given)
    torch.testing.assert_close(half, single, rtol=tolerance, atol=tolerance)
    (mine,), (other,) = gradients(half, za), gradients(single, wide[0])
    assert mine.dtype == dtype
    torch.testing.assert_close(mine.float(), other, rtol=0.1, atol=0.05)


@every
def test_autocast_does_not_blur_the_loss(loss: Any) -> None:
    za, zb, positives = unit(6, 0).float(), unit(7, 1).float(), some(6, 7, 0.3, 2)
    given = context(positives) | {"bias": torch.tensor(-2.0)}
    plain = loss(za, zb, positives, 50.0, **given)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = loss(za, zb, positives, 50.0, **given)
    torch.testing.assert_close(inside, plain)


@every
@pytest.mark.parametrize("device", DEVICES)
def test_no_graph_is_kept_without_gradients(loss: Any, device: str) -> None:
    za, zb = unit(6, 0).to(device).requires_grad_(), unit(7, 1).to(device).requires_grad_()
    positives = some(6, 7, 0.3, 2).to(device)
    given = context(positives) | {"bias": torch.tensor(-2.0, device=device)}
    with torch.no_grad():
        value = loss(za, zb, positives, 6.0, **given)
    assert not value.requires_grad
    torch.testing.assert_close(value, loss(za, zb, positives, 6.0, **given).detach())


@pytest.mark.parametrize("loss", [InfoNCE(), SigLIP(), Contrastive(), Triplet(), Matryoshka(InfoNCE(), (4,))])
def test_a_loss_works_without_context(loss: Any) -> None:
    assert loss(unit(3, 0), unit(3, 1), eye(3), torch.tensor(7.0)) > 0


def test_a_loss_of_ones_own_can_be_wrapped() -> None:
    """It names the arguments it needs, and takes the rest in passing."""

    def pull(za: Tensor, zb: Tensor, positives: Tensor, scale: Tensor | float, **_: Any) -> Tensor:
        return (1 - (za @ zb.T)[positives]).mean()

    za, zb, positives = unit(5, 0), unit(6, 1), some(5, 6, 0.4, 2)
    expected = pull(za, zb, positives, 1.0)
    assert DropFalseNegatives(pull, 0.5)(za, zb, positives, 1.0, **context(positives)) == expected
    torch.testing.assert_close(Matryoshka(pull, (8,))(za, zb, positives, 1.0, **context(positives)), expected)


def test_settings_reach_the_functions() -> None:
    arguments = unit(5, 0), unit(6, 1), some(5, 6, 0.4, 2), torch.tensor(7.0)
    ignored = some(5, 6, 0.2, 3)
    given = {"bias": torch.tensor(-3.0), "ignored": ignored, "ids": names(ignored)}
    assert InfoNCE()(*arguments, **given) == info_nce(*arguments, ignored=ignored)
    assert SigLIP()(*arguments, **given) == siglip(*arguments, bias=-3.0, ignored=ignored)
    assert Contrastive(0.9)(*arguments, **given) == contrastive(*arguments, margin=0.9, ignored=ignored)
    for mining in MININGS:
        expected = triplet(*arguments, margin=0.35, mining=mining, ignored=ignored)
        assert Triplet(0.35, mining)(*arguments, **given) == expected


# ---- Bad input


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Triplet(margin=0.0), "margin: 0.0 found, expected a number above 0, at most 2"),
        (lambda: Triplet(margin=float("nan")), "margin: nan found"),
        (lambda: Triplet(mining="hard"), "mining: 'hard' found, expected one of hardest, semi-hard, sum"),
        (lambda: Contrastive(margin=2.5), "margin: 2.5 found"),
        (lambda: StructuredMargin(apart, alpha=-1.0), "alpha: -1.0 found, expected 0 or above"),
        (lambda: StructuredMargin("apart"), "distance: 'apart' found, expected a function"),  # type: ignore[arg-type]
        (lambda: Matryoshka(InfoNCE(), ()), r"sizes: \(\) found, expected different numbers of at least 1"),
        (lambda: Matryoshka(InfoNCE(), (8, 8)), r"sizes: \(8, 8\) found"),
        (lambda: Matryoshka(InfoNCE(), (0, 8)), r"sizes: \(0, 8\) found"),
        (lambda: Matryoshka(InfoNCE(), (4, 8), (1.0,)), r"weights: \(1.0,\) found, expected 2 numbers above 0"),
        (lambda: Matryoshka(InfoNCE(), (4, 8), (1.0, 0.0)), r"weights: \(1.0, 0.0\) found"),
        (lambda: DropFalseNegatives(InfoNCE(), 1.0), "threshold: 1.0 found, expected a cosine between -1 and 1"),
        (lambda: DropFalseNegatives(InfoNCE(), float("nan")), "threshold: nan found"),
    ],
)
def test_unusable_settings_are_refused(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()


@every
def test_arguments_that_do_not_fit_are_refused(loss: Any) -> None:
    za, zb, positives = unit(4, 0), unit(5, 1), some(4, 5, 0.4, 2)
    with pytest.raises(InputError, match=r"positives: shape \(5, 4\) found, expected \(4, 5\)"):
        info_nce(za, zb, positives.T, 1.0)
    with pytest.raises(InputError, match="positives: torch.float64 found, expected torch.bool"):
        loss(za, zb, positives.double(), 1.0, **context(positives)) if not isinstance(
            loss, DropFalseNegatives
        ) else info_nce(za, zb, positives.double(), 1.0)
    with pytest.raises(InputError, match=r"ignored: shape \(1, 5\) found, expected \(4, 5\)"):
        loss(za, zb, positives, 1.0, ignored=positives[:1], **context(positives)) if not isinstance(
            loss, DropFalseNegatives
        ) else info_nce(za, zb, positives, 1.0, ignored=positives[:1])
    with pytest.raises(InputError, match=r"za, zb: shapes \(4, 3\) and \(5, 8\) found, expected \(A, D\) and \(B, D\)"):
        info_nce(za[:, :3], zb, positives, 1.0)
    with pytest.raises(InputError, match=r"distances: shape \(5, 4\) found, expected \(4, 5\)"):
        structured_margin(za, zb, positives, distances=torch.ones(5, 4))
    with pytest.raises(InputError, match="mining: 'easy' found"):
        triplet(za, zb, positives, mining="easy")


# ---- Oracles: the packages that publish these losses


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("scale", [1.0, 14.3, 100.0])
def test_info_nce_is_the_clip_loss_of_open_clip(scale: float, dtype: torch.dtype) -> None:
    from open_clip import ClipLoss

    za, zb = (unit(48, seed, 32).to(dtype).requires_grad_() for seed in (0, 1))
    factor = torch.tensor(scale, dtype=dtype, requires_grad=True)
    assert_same(info_nce(za, zb, eye(48), factor), ClipLoss()(za, zb, factor), za, zb, factor)


@pytest.mark.parametrize("bias", [-10.0, 0.0, 5.0])
@pytest.mark.parametrize("scale", [1.0, 10.0, 100.0])
def test_siglip_is_that_of_open_clip(scale: float, bias: float) -> None:
    from open_clip.loss import SigLipLoss

    za, zb = unit(48, 0, 32).requires_grad_(), unit(48, 1, 32).requires_grad_()
    learned = [torch.tensor(one, dtype=torch.float64, requires_grad=True) for one in (scale, bias)]
    ours = siglip(za, zb, eye(48), learned[0], bias=learned[1])
    assert_same(ours, SigLipLoss()(za, zb, *learned), za, zb, *learned)


def labelled() -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Vectors with labels, several positives a row, and labels that one side lacks."""
    za, zb = unit(12, 0, 16).requires_grad_(), unit(15, 1, 16).requires_grad_()
    la, lb = torch.arange(12) % 5, torch.arange(15) % 6
    return za, zb, la, lb, la[:, None] == lb


def test_info_nce_is_nt_xent_both_ways() -> None:
    from pytorch_metric_learning.distances import DotProductSimilarity
    from pytorch_metric_learning.losses import NTXentLoss

    za, zb = unit(20, 0, 16).requires_grad_(), unit(20, 1, 16).requires_grad_()
    la, lb = torch.arange(20), torch.arange(20)
    peer = NTXentLoss(temperature=1 / 9, distance=DotProductSimilarity(normalize_embeddings=False))
    expected = (peer(za, la, ref_emb=zb, ref_labels=lb) + peer(zb, lb, ref_emb=za, ref_labels=la)) / 2
    assert expected > 0
    assert_same(info_nce(za, zb, eye(20), 9.0), expected, za, zb)


def test_triplets_are_those_of_pytorch_metric_learning() -> None:
    from pytorch_metric_learning.distances import DotProductSimilarity
    from pytorch_metric_learning.losses import TripletMarginLoss
    from pytorch_metric_learning.miners import BatchHardMiner, TripletMarginMiner
    from pytorch_metric_learning.reducers import SumReducer

    za, zb, la, lb, positives = labelled()
    cosine = DotProductSimilarity(normalize_embeddings=False)  # the vectors have unit length
    peer = TripletMarginLoss(margin=0.3, distance=cosine, reducer=SumReducer())
    ways = ((za, la, zb, lb), (zb, lb, za, la))

    every_triplet = sum(peer(one, lo, ref_emb=two, ref_labels=lt) for one, lo, two, lt in ways)
    assert_same(triplet(za, zb, positives, margin=0.3, mining="sum"), every_triplet, za, zb)

    semi_hard = 0.0
    miner = TripletMarginMiner(margin=9.0, type_of_triplets="semihard", distance=cosine)
    for one, lo, two, lt in ways:
        anchors, matches, negatives = miner(one, lo, two, lt)
        cosines = one @ two.T
        hardest: dict[tuple[int, int], int] = {}
        for a, p, n in zip(anchors.tolist(), matches.tolist(), negatives.tolist(), strict=True):
            if (a, p) not in hardest or cosines[a, n] > cosines[a, hardest[a, p]]:
                hardest[a, p] = n
        mined = [torch.tensor(column) for column in zip(*((a, p, n) for (a, p), n in hardest.items()), strict=True)]
        semi_hard = semi_hard + peer(one, lo, tuple(mined), ref_emb=two, ref_labels=lt)
    assert_same(triplet(za, zb, positives, margin=0.3, mining="semi-hard"), semi_hard, za, zb)

    # Its miner takes one positive an anchor, the farthest: comparable where there is one.
    za, zb = unit(14, 2, 16).requires_grad_(), unit(14, 3, 16).requires_grad_()
    labels, same = torch.arange(14), torch.arange(14)
    hard_miner = BatchHardMiner(distance=cosine)
    hardest_only = sum(
        peer(one, labels, hard_miner(one, labels, two, same), ref_emb=two, ref_labels=same)
        for one, two in ((za, zb), (zb, za))
    )
    assert_same(triplet(za, zb, eye(14), margin=0.3, mining="hardest"), hardest_only, za, zb)


def test_the_pairwise_loss_is_made_of_the_terms_of_pytorch_metric_learning() -> None:
    """That package reduces the hinges themselves, Hadsell et al. half their squares."""
    from pytorch_metric_learning.distances import LpDistance
    from pytorch_metric_learning.losses import ContrastiveLoss
    from pytorch_metric_learning.reducers import DoNothingReducer

    za, zb, la, lb, positives = labelled()
    peer = ContrastiveLoss(0, 1.4, distance=LpDistance(normalize_embeddings=False), reducer=DoNothingReducer())
    terms = peer(za, la, ref_emb=zb, ref_labels=lb)
    squares = [terms[name]["losses"].square().sum() / 2 for name in ("pos_loss", "neg_loss")]
    assert squares[1] > 0
    assert_same(contrastive(za, zb, positives, margin=1.4), (squares[0] + squares[1]) / 13.5, za, zb)
