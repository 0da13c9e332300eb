"""The point transformer's promises."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from grounding.encoders import Padded, PointTransformer
from grounding.encoders.point_transformer import canonical_order, farthest_points, neighbours
from grounding.errors import InputError
from tests.encoders.test_points import clouds


def small(**settings: object) -> PointTransformer:
    torch.manual_seed(0)
    sizes: dict[str, object] = {"width": 32, "groups": 16, "neighbours": 8, "layers": 2}
    return PointTransformer(**sizes | settings).eval()  # type: ignore[arg-type]


def slow_farthest_points(points: Tensor, count: int) -> list[int]:
    """Farthest point sampling of one cloud as it is defined, from its first point."""
    chosen = [0]
    while len(chosen) < count:
        distances = [min(float((point - points[index]).square().sum()) for index in chosen) for point in points]
        chosen.append(max(range(len(points)), key=distances.__getitem__))
    return chosen


def grid_cloud() -> Tensor:
    """(1, 125, 3) a symmetrical cloud, in which many distances are equal."""
    axis = torch.arange(5.0) - 2
    return 0.02 * torch.cartesian_prod(axis, axis, axis)[None]


@pytest.mark.parametrize("sizes", [(60, 60), (40, 60)])
def test_farthest_points_are_those_of_the_definition(sizes: tuple[int, int]) -> None:
    batch = Padded.stack([clouds(1, size)[0, :, :3] for size in sizes])
    chosen, distances = farthest_points(batch.values, batch.mask, 12)
    for row, size in enumerate(sizes):
        cloud = batch.values[row, :size]
        assert chosen[row].tolist() == slow_farthest_points(cloud, 12)
        torch.testing.assert_close(distances[row, :, :size], torch.cdist(cloud[chosen[row]], cloud).square())


def test_farthest_points_repeat_when_they_run_out() -> None:
    batch = Padded.stack([clouds(1, 5)[0, :, :3], clouds(1, 9)[0, :, :3]])
    chosen, _ = farthest_points(batch.values, batch.mask, 9)
    assert sorted(chosen[0, :5].tolist()) == [0, 1, 2, 3, 4] and chosen[0].max() < 5
    assert sorted(chosen[1].tolist()) == list(range(9))


def test_neighbours_are_the_nearest_valid_points_and_the_centre_where_there_are_none() -> None:
    batch = Padded.stack([clouds(1, 5)[0, :, :3], clouds(1, 40)[0, :, :3]])
    chosen, distances = farthest_points(batch.values, batch.mask, 4)
    near = neighbours(chosen, distances, batch.mask, 7)
    assert near.shape == (2, 4, 7)
    for group in range(4):
        assert set(near[0, group].tolist()) == {0, 1, 2, 3, 4}
        assert near[0, group].tolist().count(int(chosen[0, group])) == 3
        expected = (batch.values[1] - batch.values[1, chosen[1, group]]).norm(dim=1).argsort()[:7]
        assert set(near[1, group].tolist()) == set(expected.tolist())


def test_the_canonical_order_is_that_of_the_points_and_puts_padding_last() -> None:
    data = grid_cloud()
    shuffled = data[:, torch.randperm(125)]
    every = torch.ones(1, 125, dtype=torch.bool)
    orders = [canonical_order(cloud, every) for cloud in (data, shuffled)]
    assert torch.equal(data[0, orders[0][0]], shuffled[0, orders[1][0]])
    mask = torch.tensor([[False, True, True, False, True]])
    assert mask[0, canonical_order(torch.randn(1, 5, 3), mask)[0]].tolist() == [True] * 3 + [False] * 2


def test_the_order_of_points_does_not_matter() -> None:
    encoder = small()
    data = clouds()
    shuffled = data[:, torch.randperm(512)]
    torch.testing.assert_close(encoder(data), encoder(shuffled), atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(encoder.tokens(data), encoder.tokens(shuffled), atol=1e-6, rtol=1e-5)


def test_the_order_of_points_does_not_matter_even_where_distances_are_equal() -> None:
    encoder = small(inputs=("xyz",))
    data = grid_cloud()
    expected = encoder.tokens(data)
    for _ in range(5):
        torch.testing.assert_close(encoder.tokens(data[:, torch.randperm(125)]), expected, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("points", [1, 3, 10, 200])
def test_padding_does_not_matter_nor_do_fewer_points_than_groups(points: int) -> None:
    encoder = small()
    first, second = clouds(1, points)[0], clouds(2)[1]
    batch = Padded.stack([first, second])
    batch.values[0, points:] = 7.0  # whatever stands in padding
    together = encoder(batch)
    torch.testing.assert_close(together[:1], encoder(first[None]), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(together[1:], encoder(second[None]), atol=1e-5, rtol=1e-4)
    tokens = encoder.tokens(batch)
    assert tokens.shape == (2, 16, 32)
    assert (tokens[0].abs().sum(1) > 0).sum() == min(points, 16) and (tokens[0, points:] == 0).all()


def test_every_region_has_a_token_of_its_own_surroundings() -> None:
    encoder = small(inputs=("xyz", "rgb"), layers=1)
    data = clouds(1)[..., :6]
    painted = data.clone()
    far = data[0, :, 0] > data[0, :, 0].quantile(0.9)
    painted[0, far, 3:] = 1 - painted[0, far, 3:]
    with torch.no_grad():
        encoder.transformer.layers[0].join.weight.zero_()  # no attention: tokens see their own region only
        changed = (encoder.tokens(data) - encoder.tokens(painted)).abs().amax(2)[0] > 1e-4
    assert 0 < changed.sum() < 16


def test_size_colour_and_part_matter() -> None:
    encoder = small()
    data = clouds(1)
    for change in (torch.tensor([2.0, 2, 2, 1, 1, 1, 1]), torch.tensor([1.0, 1, 1, 0.3, 1, 1, 1])):
        assert (encoder(data) - encoder(data * change)).abs().max() > 1e-3
    other = data.clone()
    other[..., 6] = 1 - other[..., 6]
    assert (encoder(data) - encoder(other)).abs().max() > 1e-3


def test_gradients_are_finite_even_with_equal_points_and_few_of_them() -> None:
    encoder = small().train()
    batch = Padded.stack([clouds(1, 1)[0], torch.zeros(40, 7), clouds(1)[0]])
    encoder(batch).square().sum().backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in encoder.parameters() if parameter.grad is not None)
    assert all(parameter.grad is not None for parameter in encoder.parameters())


def test_the_default_is_as_large_as_it_says() -> None:
    parameters = sum(parameter.numel() for parameter in PointTransformer().parameters())
    assert 2.6e6 < parameters < 3.1e6


def test_wrong_sizes_are_named() -> None:
    with pytest.raises(InputError, match=r"cloud\[None\]"):
        small()(clouds()[0])
    with pytest.raises(InputError, match="points 1: no points"):
        small()(Padded.stack([clouds(1)[0], clouds(1)[0][:0]]))
    for name, wrong in (("width", 100), ("groups", 0), ("neighbours", 0), ("layers", 0)):
        with pytest.raises(InputError, match=f"{name}: {wrong} found"):
            small(**{name: wrong})
    with pytest.raises(InputError, match="inputs"):
        small(inputs=("rgb",))


@pytest.mark.realdata
def test_it_learns_to_tell_real_objects_apart_whatever_the_order_of_their_points(data_folder: Path) -> None:
    """Two draws of 256 points of the same object shall be nearer to each other than to those of 15 other objects."""
    with np.load(data_folder / "pointcloud/household_urdf90/points.npz", allow_pickle=False) as file:
        points, colors = file["points"][:16].astype(np.float32), file["colors"][:16].astype(np.float32) / 255
    data = torch.from_numpy(np.concatenate([points, colors], axis=2))
    encoder = small(inputs=("xyz", "rgb"), reach=1.0)
    shuffled = data[:, torch.randperm(data.shape[1])]
    torch.testing.assert_close(encoder.tokens(data), encoder.tokens(shuffled), atol=1e-5, rtol=1e-4)
    encoder.train()
    optimizer = torch.optim.AdamW(encoder.parameters(), lr=1e-3)
    losses = []
    for _ in range(30):
        draws = [nn.functional.normalize(encoder(data[:, torch.randperm(2048)[:256]]), dim=1) for _ in range(2)]
        loss = nn.functional.cross_entropy(14 * draws[0] @ draws[1].T, torch.arange(16))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.3 * losses[0]
