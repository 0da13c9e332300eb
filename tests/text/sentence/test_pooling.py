"""Pooling, against what can be computed by hand."""

import pytest
import torch

from grounding.errors import InputError
from grounding.text.sentence.pooling import POOLINGS, pool

# One sentence padded on the right, one on the left; 99 must never show.
STATES = torch.tensor([[[1.0, -4.0], [3.0, 2.0], [99.0, 99.0]], [[99.0, -99.0], [5.0, 0.0], [-1.0, 8.0]]])
MASK = torch.tensor([[1, 1, 0], [0, 1, 1]])
WEIGHTS = torch.tensor([[3.0, 1.0, 7.0], [7.0, 0.0, 2.0]])
EXPECTED = {
    "mean": [[2.0, -1.0], [2.0, 4.0]],
    "max": [[3.0, 2.0], [5.0, 8.0]],
    "min": [[1.0, -4.0], [-1.0, 0.0]],
    "first": [[1.0, -4.0], [5.0, 0.0]],
    "last": [[3.0, 2.0], [-1.0, 8.0]],
    # By position: (1 x first + 2 x second) / 3.
    "weighted": [[7 / 3, 0.0], [1.0, 16 / 3]],
    "mean_sqrt": [[4 / 2**0.5, -2 / 2**0.5], [4 / 2**0.5, 8 / 2**0.5]],
}


@pytest.mark.parametrize("kind", POOLINGS)
@pytest.mark.parametrize("mask", [MASK, MASK.bool(), MASK.float()], ids=["int", "bool", "float"])
def test_every_pooling_by_hand(kind: str, mask: torch.Tensor) -> None:
    torch.testing.assert_close(pool(STATES, mask, kind), torch.tensor(EXPECTED[kind]))


def test_weights_of_tokens() -> None:
    expected = torch.tensor([[1.5, -2.5], [-1.0, 8.0]])
    torch.testing.assert_close(pool(STATES, MASK, "weighted", WEIGHTS), expected)


@pytest.mark.parametrize("kind", POOLINGS)
def test_gradients_reach_the_tokens_that_count_and_no_others(kind: str) -> None:
    states = torch.randn(2, 4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    mask = torch.tensor([[True, True, True, False], [False, True, True, False]])
    assert torch.autograd.gradcheck(lambda x: pool(x, mask, kind), (states,))
    pool(states, mask, kind).sum().backward()
    assert states.grad is not None
    assert not states.grad[~mask].any()
    assert states.grad[mask].any()


@pytest.mark.parametrize(
    ("states", "mask", "kind", "weights", "message"),
    [
        (STATES, MASK, "median", None, "'median' found, expected one of mean, max"),
        (STATES, MASK[:, :2], "mean", None, r"mask \(2, 2\) found, expected \(B, T, D\) and \(B, T\)"),
        (STATES[0], MASK, "mean", None, r"states \(3, 2\)"),
        (STATES, torch.tensor([[1, 0, 0], [0, 0, 0]]), "max", None, "sentence 1 has no token"),
        (STATES, MASK, "mean", WEIGHTS, "weights found with kind 'mean'"),
        (STATES, MASK, "weighted", WEIGHTS[:1], r"weights \(1, 3\) found, expected \(2, 3\)"),
        (STATES, MASK, "weighted", torch.tensor([[1.0, 1, 1], [9, 0, 0]]), "sentence 1 sum to 0"),
    ],
)
def test_what_cannot_be_pooled_is_refused(
    states: torch.Tensor, mask: torch.Tensor, kind: str, weights: torch.Tensor | None, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        pool(states, mask, kind, weights)
