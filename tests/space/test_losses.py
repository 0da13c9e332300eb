"""InfoNCE against its definition."""

import pytest
import torch
from torch.nn import functional

from grounding.space import InfoNCE, info_nce


def unit(count: int, seed: int, dim: int = 8) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return functional.normalize(torch.randn(count, dim, generator=generator, dtype=torch.float64), dim=1)


def by_definition(za: torch.Tensor, zb: torch.Tensor, positives: torch.Tensor, scale: float) -> torch.Tensor:
    """The textbook form, row by row."""
    logits = scale * za @ zb.T
    directions = []
    for rows, matched in ((logits, positives), (logits.T, positives.T)):
        terms = [
            -(torch.softmax(row, 0)[match].sum().log()) for row, match in zip(rows, matched, strict=True) if match.any()
        ]
        directions.append(torch.stack(terms).mean())
    return (directions[0] + directions[1]) / 2


@pytest.mark.parametrize("scale", [1.0, 14.3, 100.0])
def test_with_one_positive_it_is_cross_entropy(scale: float) -> None:
    za, zb = unit(12, 0), unit(12, 1)
    logits, labels = scale * za @ zb.T, torch.arange(12)
    expected = (functional.cross_entropy(logits, labels) + functional.cross_entropy(logits.T, labels)) / 2
    torch.testing.assert_close(info_nce(za, zb, torch.eye(12, dtype=torch.bool), scale), expected)


@pytest.mark.parametrize("scale", [1.0, 14.3, 100.0])
def test_several_and_missing_positives_follow_the_definition(scale: float) -> None:
    za, zb = unit(9, 0).requires_grad_(), unit(14, 1).requires_grad_()
    positives = torch.rand(9, 14, generator=torch.Generator().manual_seed(2)) > 0.8
    positives[3], positives[:, 5] = False, False
    ours, expected = info_nce(za, zb, positives, scale), by_definition(za, zb, positives, scale)
    torch.testing.assert_close(ours, expected)
    for mine, other in zip(torch.autograd.grad(ours, (za, zb)), torch.autograd.grad(expected, (za, zb)), strict=True):
        torch.testing.assert_close(mine, other)


def test_the_gradient_is_right_numerically() -> None:
    positives = torch.rand(4, 5, generator=torch.Generator().manual_seed(2)) > 0.6
    scale = torch.tensor(3.0, dtype=torch.float64, requires_grad=True)
    inputs = (unit(4, 0).requires_grad_(), unit(5, 1).requires_grad_(), scale)
    assert torch.autograd.gradcheck(lambda a, b, s: info_nce(a, b, positives, s), inputs)


def test_rows_without_a_positive_are_negatives_only() -> None:
    za, zb = unit(6, 0), unit(6, 1)
    positives = torch.eye(6, dtype=torch.bool)
    alone = info_nce(za, zb, positives, 5.0)
    more = torch.cat([zb, unit(3, 2)])
    positives = torch.cat([positives, torch.zeros(6, 3, dtype=torch.bool)], dim=1)
    with_negatives = info_nce(za, more, positives, 5.0)
    logits = 5.0 * za @ more.T
    expected = (
        functional.cross_entropy(logits, torch.arange(6)) + functional.cross_entropy(logits[:, :6].T, torch.arange(6))
    ) / 2
    torch.testing.assert_close(with_negatives, expected)
    assert with_negatives > alone


def test_nothing_positive_gives_zero_and_zero_gradients() -> None:
    za = unit(3, 0).requires_grad_()
    loss = info_nce(za, unit(4, 1), torch.zeros(3, 4, dtype=torch.bool), 10.0)
    loss.backward()
    assert loss == 0 and za.grad is not None and not za.grad.any()


def test_identical_vectors_stay_finite() -> None:
    za = torch.ones(4, 8).requires_grad_()
    loss = info_nce(za / za.norm(dim=1, keepdim=True), za.detach() / 8**0.5, torch.ones(4, 4, dtype=torch.bool), 100.0)
    loss.backward()
    assert torch.isfinite(loss) and torch.isfinite(za.grad).all()  # type: ignore[arg-type]


def test_the_settings_class_is_the_function() -> None:
    arguments = unit(3, 0), unit(3, 1), torch.eye(3, dtype=torch.bool), torch.tensor(7.0)
    assert InfoNCE()(*arguments) == info_nce(*arguments)
