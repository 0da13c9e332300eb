"""Heads from features to vectors."""

import pytest
import torch

from grounding.errors import InputError
from grounding.space.heads import Dropout, Fusion, Head, LinearHead, make_head


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_dropout_keeps_the_mean_and_the_rate(rate: float) -> None:
    torch.manual_seed(0)
    dropout = Dropout(rate)
    values = torch.full((100, 1001), 2.0, requires_grad=True)
    found = dropout(values)
    assert abs((found == 0).float().mean() - rate) < 0.004
    assert abs(found.mean() - 2) < 0.02 and len(found.detach().unique()) == 2
    columns, rows = (found == 0).float().mean(0), (found == 0).float().mean(1)
    assert abs(columns - rate).max() < 0.25 and abs(rows - rate).max() < 0.08
    found.sum().backward()
    assert torch.equal(values.grad, found.detach() / 2)  # type: ignore[arg-type]
    torch.manual_seed(0)
    assert torch.equal(dropout(values), found)
    assert not torch.equal(dropout(values), found)
    assert dropout.eval()(values) is values and Dropout(0.0)(values) is values


def test_half_precision_stays_half() -> None:
    assert Dropout(0.5)(torch.ones(3, 5, dtype=torch.bfloat16)).dtype == torch.bfloat16


def test_kinds_of_heads() -> None:
    assert isinstance(make_head("residual", 4, 8, 0.1), Head)
    assert isinstance(make_head("linear", 4, 8, 0.1), LinearHead)
    with pytest.raises(InputError, match="head: 'deep' found, expected one of residual, linear"):
        make_head("deep", 4, 8, 0.1)
    with pytest.raises(InputError, match="dropout: 1.0 found"):
        make_head("linear", 4, 8, 1.0)


def test_a_fusion_of_all_parts_is_a_network_over_their_concatenation() -> None:
    torch.manual_seed(0)
    fusion = Fusion({"a": 3, "b": 5}, 8, 0.0)
    torch.nn.init.normal_(fusion.absent["a"])
    torch.nn.init.normal_(fusion.absent["b"])
    a, b = torch.randn(4, 3), torch.randn(4, 5)
    rows = torch.arange(4)
    joined = torch.cat([fusion.norms["a"](a), fusion.norms["b"](b)], 1)
    weights = torch.cat([fusion.maps["a"].weight, fusion.maps["b"].weight], 1)  # type: ignore[list-item]
    hidden = joined @ weights.T + fusion.maps["a"].bias + fusion.maps["b"].bias  # type: ignore[operator]
    direct, inner = hidden.chunk(2, 1)
    expected = direct + fusion.second(torch.nn.functional.gelu(inner))
    torch.testing.assert_close(fusion({"a": (a, rows), "b": (b, rows)}, 4), expected)


def test_what_stands_for_a_missing_part_learns() -> None:
    fusion = Fusion({"a": 3, "b": 5}, 8, 0.0)
    fusion(
        {"a": (torch.randn(2, 3), torch.tensor([0, 2])), "b": (torch.randn(2, 5), torch.tensor([1, 2]))}, 3
    ).sum().backward()
    assert fusion.absent["a"].grad.any() and fusion.absent["b"].grad.any()
    fusion.zero_grad()
    fusion({"a": (torch.randn(2, 3), torch.arange(2)), "b": (torch.randn(2, 5), torch.arange(2))}, 2).sum().backward()
    assert not fusion.absent["a"].grad.abs().gt(1e-6).any()
