"""The trajectory transformer's promises."""

import pytest
import torch

from grounding.encoders import Padded, TrajectoryTransformer
from grounding.encoders.trajectory_transformer import position_code
from grounding.errors import InputError
from tests.encoders.test_trajectory import motion


@pytest.fixture
def encoder() -> TrajectoryTransformer:
    torch.manual_seed(0)
    return TrajectoryTransformer(width=32, layers=2).eval()


@pytest.mark.parametrize("steps", [1, 3, 4, 5, 61])
def test_padding_does_not_matter(encoder: TrajectoryTransformer, steps: int) -> None:
    short, long = motion(steps), motion(101, seed=1)
    batch = Padded.stack([short, long])
    batch.values[0, steps:] = 3.0  # whatever stands in padding
    together = encoder(batch)
    assert together.shape == (2, encoder.width)
    torch.testing.assert_close(together[0], encoder(short[None])[0], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(together[1], encoder(long[None])[0], atol=1e-5, rtol=1e-4)


def test_the_sign_of_a_quaternion_does_not_matter_and_direction_and_time_do(encoder: TrajectoryTransformer) -> None:
    data = motion(60)[None]
    flipped = data.clone()
    flipped[..., 3:7] *= -1
    torch.testing.assert_close(encoder(data), encoder(flipped))
    assert (encoder(data) - encoder(data.flip(1))).abs().max() > 1e-3
    later = torch.cat([data[:, 4:], data[:, :4]], dim=1)  # the same tokens in another order
    assert (encoder(data) - encoder(later)).abs().max() > 1e-3


def test_a_last_pose_of_zeros_is_not_padding(encoder: TrajectoryTransformer) -> None:
    longer = torch.cat([motion(9), torch.zeros(1, 8)])
    assert (encoder(longer[None]) - encoder(motion(9)[None])).abs().max() > 1e-3


def test_the_position_code_is_that_of_the_paper() -> None:
    code = position_code(50, 32)
    assert code.shape == (50, 32)
    for place, index in ((0, 0), (7, 3), (49, 15)):
        angle = torch.tensor(place / 10_000 ** (2 * index / 32))
        torch.testing.assert_close(code[place, index], angle.sin(), atol=1e-5, rtol=0)
        torch.testing.assert_close(code[place, 16 + index], angle.cos(), atol=1e-5, rtol=0)


def test_wrong_input_is_named(encoder: TrajectoryTransformer) -> None:
    with pytest.raises(InputError, match=r"trajectory\[None\]"):
        encoder(motion(10))
    with pytest.raises(InputError, match="trajectory 1: no poses"):
        encoder(Padded.stack([motion(10), motion(10)[:0]]))
    with pytest.raises(InputError, match="patch: 0"):
        TrajectoryTransformer(patch=0)
    with pytest.raises(InputError, match="multiple of 32"):
        TrajectoryTransformer(width=100)
