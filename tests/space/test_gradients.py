"""The exact gradient, whole, in chunks and with a memory."""

import logging
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from grounding.encoders import Frozen
from grounding.errors import DataError
from grounding.space import InfoNCE, SharedSpace, collate, info_nce
from grounding.space.catalogue import Catalogue
from grounding.space.gradients import Memory, Objective, add_gradients
from grounding.space.model import Embedded, pair_name
from grounding.space.sampling import Draw, Sampler
from tests.space.parallel import LOSSES, gradients
from tests.space.small import Linear, Words, small_samples, small_space


def close(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        size = value.norm().clamp_min(1e-6)
        assert (found[name] - value).norm() < 1e-5 * size, name


def test_the_gradient_is_that_of_the_plain_loss() -> None:
    space = small_space().eval()
    samples = small_samples(30)
    catalogue = Catalogue(space, {"a": samples})
    draw = Sampler(catalogue, batch=20, extra=3, seed=0)(0)
    total, terms = add_gradients(space, draw, Objective(InfoNCE(), {"points-text": 0.25}, catalogue.ids), factor=0.5)
    found = {name: value.grad.clone() for name, value in space.named_parameters() if value.grad is not None}
    space.zero_grad()
    embedded = space(draw.batch)
    losses, weights = [], []
    for a, b in space.pairs(draw.batch):
        codes = draw.codes[embedded[a].rows][:, None] == draw.codes[embedded[b].rows]
        losses.append(info_nce(embedded[a].vectors, embedded[b].vectors, codes, space.scale(a, b)))
        weights.append(0.25 if pair_name((a, b)) == "points-text" else 1.0)
        torch.testing.assert_close(terms[pair_name((a, b))], losses[-1].detach())
    expected = sum(w * loss for w, loss in zip(weights, losses, strict=True)) / sum(weights)
    torch.testing.assert_close(total, expected.detach())  # type: ignore[union-attr]
    (0.5 * expected).backward()  # type: ignore[union-attr]
    close(found, {name: value.grad for name, value in space.named_parameters() if value.grad is not None})
    assert {"log_scales.points-text", "log_scales.signal-text", "encoders.signal.map.0.weight"} <= set(found)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("chunk", [1, 4, 15])
def test_in_chunks_it_is_the_same(name: str, chunk: int) -> None:
    whole = gradients(name)
    close(gradients(name, chunk=chunk), whole)
    assert ("biases.points-text" in whole) == (name == "SigLIP")
    assert whole["heads.query.absent.points"].any()


def test_chunks_replay_dropout_and_augmentation() -> None:
    space = small_space().train()
    catalogue = Catalogue(space, {"a": small_samples(30)})
    draw = Sampler(catalogue, batch=20, extra=2, seed=0)(0)
    add_gradients(space, draw, Objective(InfoNCE(), {}, catalogue.ids), chunk=6, seed=11)
    found = {name: value.grad.clone() for name, value in space.named_parameters() if value.grad is not None}
    space.zero_grad()
    parts = []
    for number, start in enumerate(range(0, 22, 6)):
        torch.manual_seed(11 + number)
        parts.append(space(draw.batch.part(start, min(start + 6, 22))))
    joined = {
        name: Embedded(torch.cat([part[name].vectors for part in parts if name in part]), rows)
        for name, rows in draw.rows.items()
    }
    objective = Objective(InfoNCE(), {}, catalogue.ids)
    objective.total(objective.terms(space, joined, draw.codes)).backward()
    close(found, {name: value.grad for name, value in space.named_parameters() if value.grad is not None})


def recorded(calls: list[tuple[tuple[int, ...], Tensor]]) -> Callable[..., Tensor]:
    def loss(za: Tensor, zb: Tensor, positives: Tensor, scale: Tensor, **_: object) -> Tensor:
        calls.append(((len(za), len(zb)), positives))
        return info_nce(za, zb, positives, scale)

    return loss


def draw_of(*samples: dict[str, object]) -> Draw:
    batch = collate(samples)
    numbers = {name: number for number, name in enumerate(dict.fromkeys(batch.ids))}
    return Draw(
        batch,
        torch.tensor([numbers[name] for name in batch.ids]),
        {name: field.rows for name, field in batch.fields.items()},
    )


def test_a_memory_adds_vectors_of_earlier_batches_to_either_side() -> None:
    torch.manual_seed(0)
    space = SharedSpace(dim=8, dropout=0.0, text=Frozen(Words()), signal=Linear())
    calls: list[tuple[tuple[int, ...], Tensor]] = []
    objective = Objective(recorded(calls), {}, ["a", "b", "c"], Memory(5))
    signal = np.ones(6, np.float32)
    draw = draw_of(*({"id": name, "text": name, "signal": signal} for name in "abc"))
    for _ in range(3):
        add_gradients(space, draw, objective)
    assert [shape for shape, _ in calls] == [(3, 3), (3, 6), (6, 3), (3, 8), (8, 3)]
    eye = torch.eye(3, dtype=torch.bool)
    assert torch.equal(calls[1][1], torch.cat([eye, eye], 1)) and torch.equal(calls[2][1], torch.cat([eye, eye]))
    # Of six remembered rows the newest five are left.
    assert torch.equal(calls[3][1], torch.cat([eye, eye[:, 1:], eye], 1))
    assert not objective.memory.held["text"][0].requires_grad  # type: ignore[union-attr]


def test_a_second_view_is_drawn_anew_and_its_own_row_is_a_positive() -> None:
    torch.manual_seed(0)
    space = SharedSpace(dim=8, intra=("signal",), text=Frozen(Words()), signal=Linear()).train()
    calls: list[tuple[tuple[int, ...], Tensor]] = []
    generator = np.random.default_rng(0)
    draw = draw_of(*({"id": name, "signal": generator.normal(size=6)} for name in "aab"))
    _, terms = add_gradients(space, draw, Objective(recorded(calls), {}, ["a", "b"]))
    assert set(terms) == {"signal-signal"} and space.trained == {"signal-signal": 1}
    assert calls[0][1].tolist() == [[True, True, False], [True, True, False], [False, False, True]]
    embedded = space(draw.batch, second_views=True)
    assert not torch.equal(embedded["signal"].vectors, embedded["signal'"].vectors)
    assert "signal'" not in space(draw.batch)


def test_an_unobserved_pair_adds_nothing_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    cloud = np.ones((8, 3), np.float32)
    draw = draw_of({"id": "a", "text": "x", "points": cloud}, {"id": "b", "text": "y", "points": 2 * cloud})
    space = small_space()
    with caplog.at_level(logging.INFO):
        _, terms = add_gradients(space, draw, Objective(InfoNCE(), {}, ["a", "b"]))
    assert set(terms) == {"points-text"} and space.trained == {"points-text": 1}
    assert "not observed" in caplog.text and "signal-text" in caplog.text
    assert all(parameter.grad is None for parameter in space.heads["signal"].parameters())
    assert space.log_scales["points-signal"].grad is None
    nothing, none = add_gradients(space, draw_of({"id": "a", "text": "x"}), Objective(InfoNCE(), {}, ["a"]))
    assert nothing == 0 and none == {}


def test_a_pair_of_weight_zero_is_not_trained() -> None:
    space = small_space()
    catalogue = Catalogue(space, {"a": small_samples(30)})
    draw = Sampler(catalogue, batch=20, extra=3, seed=0)(0)
    weights = {"points-text": 0.0, "points-signal": 0.0}
    _, terms = add_gradients(space, draw, Objective(InfoNCE(), weights, catalogue.ids))
    assert set(terms) == {"signal-text"}
    assert all(parameter.grad is None for parameter in space.encoders["points"].parameters())


def test_bfloat16_changes_the_gradient_little_and_the_loss_is_single() -> None:
    torch.manual_seed(0)
    space = SharedSpace(dim=32, dropout=0.0, text=Frozen(Words()), signal=nn_linear(), points=nn_linear(3))
    samples = [{"id": str(i), "text": f"word{i}", "signal": np.eye(6)[i], "points": np.eye(3)[i % 3]} for i in range(6)]
    found = {}
    for precision in (torch.float32, torch.bfloat16):
        space.zero_grad()
        total, _ = add_gradients(
            space, draw_of(*samples), Objective(InfoNCE(), {}, list("abcdef")), precision=precision
        )
        assert total.dtype == torch.float32
        found[precision] = torch.cat([p.grad.flatten() for p in space.parameters() if p.grad is not None])
    single, half = found[torch.float32], found[torch.bfloat16]
    assert not torch.equal(single, half)
    assert torch.cosine_similarity(single, half, dim=0) > 0.999


def nn_linear(inputs: int = 6) -> nn.Module:
    module = Linear(inputs)
    module.map[1] = nn.Identity()
    return module


def test_a_loss_that_is_not_finite_is_named() -> None:
    space = small_space()
    catalogue = Catalogue(space, {"a": small_samples(30)})
    nn.init.constant_(space.encoders["signal"].map[0].weight, torch.nan)  # type: ignore[index,union-attr]
    with pytest.raises(DataError, match="the loss of points-signal, signal-text is not finite"):
        add_gradients(space, Sampler(catalogue, 20, 3, 0)(0), Objective(InfoNCE(), {}, catalogue.ids))
