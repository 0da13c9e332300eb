"""The point encoder's promises."""

import pytest
import torch

from grounding.encoders import Padded, PointEncoder
from grounding.errors import InputError


def clouds(count: int = 3, points: int = 512) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    xyz = 0.05 * torch.randn(count, points, 3, generator=generator)
    color = torch.rand(count, points, 3, generator=generator)
    part = (torch.rand(count, points, 1, generator=generator) > 0.5).float()
    return torch.cat([xyz, color, part], dim=2)


@pytest.fixture
def encoder() -> PointEncoder:
    torch.manual_seed(0)
    return PointEncoder(width=32).eval()


def test_the_order_of_points_does_not_matter(encoder: PointEncoder) -> None:
    data = clouds()
    torch.testing.assert_close(encoder(data), encoder(data[:, torch.randperm(512)]), atol=1e-5, rtol=1e-4)
    assert encoder(data).shape == (3, encoder.width)


def test_padding_does_not_matter(encoder: PointEncoder) -> None:
    first, second = clouds(1, 300)[0], clouds(2, 512)[1]
    together = encoder(Padded.stack([first, second]))
    torch.testing.assert_close(together[0], encoder(first[None])[0], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(together[1], encoder(second[None])[0], atol=1e-5, rtol=1e-4)


def test_the_rest_of_the_batch_does_not_matter(encoder: PointEncoder) -> None:
    torch.testing.assert_close(encoder(clouds())[:1], encoder(clouds()[:1]), atol=1e-6, rtol=1e-5)


def test_size_colour_and_part_matter(encoder: PointEncoder) -> None:
    data = clouds(1)
    for change in (torch.tensor([2.0, 2, 2, 1, 1, 1, 1]), torch.tensor([1.0, 1, 1, 0.3, 1, 1, 1])):
        assert (encoder(data) - encoder(data * change)).abs().max() > 1e-3
    other = data.clone()
    other[..., 6] = 1 - other[..., 6]
    assert (encoder(data) - encoder(other)).abs().max() > 1e-3


def test_a_cloud_without_surroundings_or_without_part_has_finite_features_and_gradients() -> None:
    encoder = PointEncoder(width=32)
    data = clouds(2)
    data[0, :, 6], data[1, :, 6] = 1, 0
    encoder(data).square().sum().backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in encoder.parameters() if parameter.grad is not None)


def test_augmentation_comes_from_the_default_generator_and_only_in_training(encoder: PointEncoder) -> None:
    data = clouds()
    torch.testing.assert_close(encoder(data), encoder(data), rtol=0, atol=0)
    encoder.train()
    torch.manual_seed(3)
    first = encoder(data)
    second = encoder(data)
    torch.manual_seed(3)
    torch.testing.assert_close(encoder(data), first, rtol=0, atol=0)
    assert (first - second).abs().max() > 1e-4


def test_thinning_keeps_no_padding_when_there_are_enough_points() -> None:
    encoder = PointEncoder(width=8).train()
    batch = Padded.stack([clouds(1, 300)[0], clouds(1, 600)[0]])
    _, mask = encoder._prepared(batch.values, batch.mask)
    assert mask.all() and mask.shape == (2, 192)


@pytest.mark.parametrize("channels", [3, 6])
def test_fewer_channels(channels: int) -> None:
    encoder = PointEncoder(width=16, channels=channels)
    assert encoder(clouds()[..., :channels]).shape == (3, 16)


def test_wrong_shapes_are_named() -> None:
    with pytest.raises(InputError, match=r"\(512, 7\) found.*cloud\[None\]"):
        PointEncoder()(clouds()[0])
    with pytest.raises(InputError, match=r"expected \(batch, points, 7\)"):
        PointEncoder()(clouds()[..., :6])
    with pytest.raises(InputError, match="channels"):
        PointEncoder(channels=5)
