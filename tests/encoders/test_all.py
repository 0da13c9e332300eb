"""What every encoder promises."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from grounding.encoders import (
    BagOfWords,
    Data,
    ImageEncoder,
    NeuralEncoder,
    Padded,
    PointEncoder,
    PointTransformer,
    TorchvisionEncoder,
    TrajectoryEncoder,
    TrajectoryTransformer,
    VoxelEncoder,
)
from grounding.encoders.data import select
from tests.encoders import test_image, test_neural, test_points, test_text, test_trajectory


def some_clouds() -> Data:
    return Padded.stack([cloud[:length] for cloud, length in zip(test_points.clouds(), (300, 10, 512), strict=True)])


def some_motions() -> Data:
    return Padded.stack([test_trajectory.motion(steps, steps) for steps in (40, 1, 61)])


CASES: dict[str, tuple[Callable[[], nn.Module], Callable[[], Data]]] = {
    "PointEncoder": (lambda: PointEncoder(32, ("xyz", "rgb", "part"), 0.2), some_clouds),
    "PointTransformer": (lambda: PointTransformer(32, ["xyz", "rgb", "part"], 0.2, 16, 8, 2), some_clouds),
    "TrajectoryEncoder": (lambda: TrajectoryEncoder(32, 0.3), some_motions),
    "TrajectoryTransformer": (lambda: TrajectoryTransformer(32, 0.3, 5, 2), some_motions),
    "ImageEncoder": (lambda: ImageEncoder(32, 32), test_image.pictures),
    "TorchvisionEncoder": (lambda: TorchvisionEncoder("mobilenet_v3_small", False, 64), test_image.pictures),
    "NeuralEncoder": (lambda: NeuralEncoder(test_neural.SUBJECTS, 32, 4, 0.1), test_neural.two_subjects),
    "VoxelEncoder": (lambda: VoxelEncoder(test_neural.SUBJECTS, 32, 0.1), test_neural.patterns),
    "BagOfWords": (lambda: BagOfWords.of(test_text.TEXTS, 32), lambda: list(test_text.TEXTS)),
}


@pytest.fixture(params=list(CASES))
def case(request: pytest.FixtureRequest) -> tuple[nn.Module, Data]:
    make, data = CASES[request.param]
    torch.manual_seed(0)
    return make(), data()


def test_features_have_the_width_and_are_those_of_the_sample_alone(case: tuple[Any, Data]) -> None:
    encoder, data = case
    encoder.eval()
    together = encoder(data)
    assert together.shape == (3, encoder.width) and together.dtype == torch.float32
    for row in range(3):
        torch.testing.assert_close(encoder(select(data, [row]))[0], together[row], atol=1e-4, rtol=1e-3)
    assert (together[0] - together[2]).abs().max() > 1e-3
    torch.testing.assert_close(encoder(data), together, rtol=0, atol=0)


def test_it_is_rebuilt_from_its_settings_as_a_file_gives_them_back(case: tuple[Any, Data]) -> None:
    encoder, data = case
    # Keys may come back in another order, and tuples as lists.
    again = type(encoder)(**json.loads(json.dumps(encoder.settings, sort_keys=True)))
    assert again.settings == encoder.settings and None not in again.settings.values()
    again.load_state_dict(encoder.state_dict())
    torch.testing.assert_close(again.eval()(data), encoder.eval()(data), rtol=0, atol=0)


def test_gradients_are_finite_and_reach_everything(case: tuple[Any, Data]) -> None:
    encoder, data = case
    encoder.train()(data).square().mean().backward()
    for name, parameter in encoder.named_parameters():
        assert parameter.grad is not None and torch.isfinite(parameter.grad).all(), name


def test_training_draws_from_the_default_generator_alone(case: tuple[Any, Data]) -> None:
    encoder, data = case
    encoder.train()
    torch.manual_seed(3)
    first = encoder(data)
    torch.manual_seed(3)
    torch.testing.assert_close(encoder(data), first, rtol=0, atol=0)
    encoder.eval()
    state = torch.random.get_rng_state()
    encoder(data)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_what_is_to_be_reconstructed_is_of_unit_scale_and_without_chance(case: tuple[Any, Data]) -> None:
    encoder, data = case
    state = torch.random.get_rng_state()
    target: Tensor = encoder.train().reconstruction_target(data)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert target.ndim == 2 and len(target) == 3 and target.dtype == torch.float32 and not target.requires_grad
    assert torch.isfinite(target).all() and target.abs().max() < 10 and target.std() > 0.02
    for row in range(3):
        torch.testing.assert_close(
            encoder.reconstruction_target(select(data, [row]))[0], target[row], atol=1e-5, rtol=1e-4
        )


def test_bfloat16_gives_nearly_the_same_features(case: tuple[Any, Data]) -> None:
    encoder, data = case
    with torch.autocast("cpu", dtype=torch.bfloat16):
        features = encoder.eval()(data)
    expected = encoder(data)
    assert (features.float() - expected).norm() < 0.1 * expected.norm()
