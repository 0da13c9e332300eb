"""The trajectory encoder's promises."""

import pytest
import torch

from grounding.encoders import Padded, TrajectoryEncoder
from grounding.encoders.trajectory import rotation_columns
from grounding.errors import InputError


def motion(steps: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    xyz = 0.01 * torch.randn(steps, 3, generator=generator).cumsum(0)
    quaternion = torch.nn.functional.normalize(torch.randn(steps, 4, generator=generator), dim=1)
    return torch.cat([xyz, quaternion, torch.rand(steps, 1, generator=generator)], dim=1)


@pytest.fixture
def encoder() -> TrajectoryEncoder:
    torch.manual_seed(0)
    return TrajectoryEncoder(width=32).eval()


@pytest.mark.parametrize("steps", [1, 2, 7, 8, 61])
def test_padding_does_not_matter(encoder: TrajectoryEncoder, steps: int) -> None:
    short, long = motion(steps), motion(100, seed=1)
    together = encoder(Padded.stack([short, long]))
    assert together.shape == (2, encoder.width)
    torch.testing.assert_close(together[0], encoder(short[None])[0], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(together[1], encoder(long[None])[0], atol=1e-5, rtol=1e-4)


def test_the_sign_of_a_quaternion_does_not_matter_and_direction_does(encoder: TrajectoryEncoder) -> None:
    data = motion(60)[None]
    flipped = data.clone()
    flipped[..., 3:7] *= -1
    torch.testing.assert_close(encoder(data), encoder(flipped))
    assert (encoder(data) - encoder(data.flip(1))).abs().max() > 1e-3


def test_rotation_columns_are_those_of_the_matrix() -> None:
    half = torch.tensor(torch.pi / 4)
    quarter_turn_about_z = torch.stack([torch.zeros(()), torch.zeros(()), half.sin(), half.cos()])
    expected = torch.tensor([0.0, 1, 0, -1, 0, 0])
    torch.testing.assert_close(rotation_columns(quarter_turn_about_z), expected, atol=1e-6, rtol=0)


def test_wrong_shapes_are_named(encoder: TrajectoryEncoder) -> None:
    with pytest.raises(InputError, match=r"trajectory\[None\]"):
        encoder(motion(10))
    with pytest.raises(InputError, match="at least one pose"):
        encoder(torch.zeros(1, 0, 8))
