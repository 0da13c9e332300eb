"""The trajectory encoder's promises."""

import pytest
import torch

from grounding.encoders import Padded, TrajectoryEncoder
from grounding.encoders.trajectory import pose_features, rotation_columns
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
    with pytest.raises(InputError, match="trajectory 1: no poses"):
        encoder(Padded.stack([motion(10), motion(10)[:0]]))


def test_the_described_motion_is_sixteen_waypoints(encoder: TrajectoryEncoder) -> None:
    encoder.train()  # whose noise has no place in the description
    data = motion(16)[None]
    torch.testing.assert_close(encoder.reconstruction_target(data).view(16, 10), pose_features(data, 0.2)[0])
    line = torch.zeros(3, 8)
    line[:, 0], line[:, 6] = torch.tensor([0.0, 0.1, 0.4]), 1.0
    batch = Padded.stack([line, motion(40), motion(1)])
    target = encoder.reconstruction_target(batch)
    assert target.shape == (3, 160) and not target.requires_grad
    places = target[0].view(16, 10)[:, 0] * 0.2
    assert places[[0, -1]].tolist() == pytest.approx([0.0, 0.4])
    assert places[5] == pytest.approx(0.1 * 5 / 7.5) and places[10] == pytest.approx(0.1 + 0.3 * 2.5 / 7.5)
    torch.testing.assert_close(target[2].view(16, 10), pose_features(motion(1)[None], 0.2)[0].expand(16, 10))
