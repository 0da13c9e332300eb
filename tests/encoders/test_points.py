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


@pytest.mark.parametrize(
    ("inputs", "channels"),
    [
        (("xyz",), [0, 1, 2]),
        (["xyz", "rgb"], [0, 1, 2, 3, 4, 5]),
        (("xyz", "normals"), [0, 1, 2, 3, 4, 5]),
        (("xyz", "part"), [0, 1, 2, 6]),
        (("xyz", "rgb", "normals", "part"), [0, 1, 2, 3, 4, 5, 0, 1, 2, 6]),
    ],
)
def test_other_inputs(inputs: tuple[str, ...], channels: list[int]) -> None:
    encoder = PointEncoder(width=16, inputs=inputs)
    assert encoder(clouds()[..., channels]).shape == (3, 16)


def test_a_column_means_what_the_inputs_say() -> None:
    torch.manual_seed(0)
    encoder = PointEncoder(width=16, inputs=("xyz", "normals", "part")).eval()
    data = clouds()
    points, _ = encoder._prepared(data, torch.ones(3, 512, dtype=torch.bool))
    torch.testing.assert_close(points, torch.cat([data[..., :3] / 0.1, data[..., 3:]], dim=2))
    color = PointEncoder(width=16, inputs=("xyz", "rgb")).eval()
    points, _ = color._prepared(data[..., :6], torch.ones(3, 512, dtype=torch.bool))
    torch.testing.assert_close(points[..., 3:], data[..., 3:6] * 2 - 1)


def test_the_described_cloud_is_a_grid_of_soft_occupancy_and_a_colour() -> None:
    encoder = PointEncoder(inputs=("xyz", "rgb"), reach=0.1)
    # The centre of the last cell but one along x, the first along y, the last along z (a point far beyond the grid).
    cloud = torch.tensor([[[0.0625, -0.0875, 9.0, 1.0, 0.5, 0.0]]])
    target = encoder.reconstruction_target(cloud)
    grid = target[0, :512].view(8, 8, 8)
    assert target.shape == (1, 515)
    assert grid[6, 0, 7] == pytest.approx(1) and grid.sum() == pytest.approx(1, abs=1e-4)
    torch.testing.assert_close(target[0, 512:], torch.tensor([1.0, 0.0, -1.0]))
    between = torch.tensor([[[0.05, -0.0875, 9.0, 1.0, 0.5, 0.0]]])
    grid = encoder.reconstruction_target(between)[0, :512].view(8, 8, 8)
    assert grid[5, 0, 7] == grid[6, 0, 7] > 0.99


def test_the_described_cloud_knows_no_order_padding_or_number_of_points() -> None:
    encoder = PointEncoder()
    data = clouds(1, 300)
    target = encoder.reconstruction_target(data)
    for same in (
        data[:, torch.randperm(300)],
        torch.cat([data, data], dim=1),
        Padded.stack([data[0], clouds(1, 500)[0]]),
    ):
        torch.testing.assert_close(encoder.reconstruction_target(same)[:1], target, atol=1e-5, rtol=1e-4)
    assert (target - encoder.reconstruction_target(data * 0.7)).abs().max() > 0.05


def test_wrong_shapes_are_named() -> None:
    with pytest.raises(InputError, match=r"\(512, 7\) found.*cloud\[None\]"):
        PointEncoder()(clouds()[0])
    with pytest.raises(InputError, match=r"expected \(batch, points, 7\) of xyz, rgb, part"):
        PointEncoder()(clouds()[..., :6])
    for wrong in (("rgb", "xyz"), ("xyz", "color"), ("rgb",), (), "xyz", ("xyz", "xyz")):
        with pytest.raises(InputError, match="inputs: .* found, expected"):
            PointEncoder(inputs=wrong)


def test_a_cloud_without_points_is_named() -> None:
    with pytest.raises(InputError, match="points 1: no points"):
        PointEncoder()(Padded.stack([clouds(1)[0], clouds(1)[0][:0]]))
    with pytest.raises(InputError, match="points 0: no points"):
        PointEncoder()(clouds()[:, :0])
