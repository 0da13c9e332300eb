"""The image encoder's promises."""

import pytest
import torch

from grounding.encoders import ImageEncoder
from grounding.errors import InputError


def pictures(count: int = 3, height: int = 64, width: int = 64) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (count, height, width, 3), dtype=torch.uint8, generator=generator)


@pytest.fixture
def encoder() -> ImageEncoder:
    torch.manual_seed(0)
    return ImageEncoder(width=32).eval()


@pytest.mark.parametrize(("height", "width"), [(64, 64), (128, 128), (96, 40)])
def test_any_size_gives_the_width(encoder: ImageEncoder, height: int, width: int) -> None:
    assert encoder(pictures(2, height, width)).shape == (2, encoder.width)


def test_the_rest_of_the_batch_does_not_matter(encoder: ImageEncoder) -> None:
    torch.testing.assert_close(encoder(pictures())[1:2], encoder(pictures()[1:2]), atol=1e-5, rtol=1e-4)


def test_augmentation_comes_from_the_default_generator_and_only_in_training(encoder: ImageEncoder) -> None:
    torch.testing.assert_close(encoder(pictures()), encoder(pictures()), rtol=0, atol=0)
    encoder.train()
    torch.manual_seed(3)
    first = encoder(pictures())
    assert (encoder(pictures()) - first).abs().max() > 1e-4
    torch.manual_seed(3)
    torch.testing.assert_close(encoder(pictures()), first, rtol=0, atol=0)


def test_wrong_input_is_named(encoder: ImageEncoder) -> None:
    with pytest.raises(InputError, match=r"picture\[None\]"):
        encoder(pictures()[0])
    with pytest.raises(InputError, match="uint8"):
        encoder(pictures().float())
    with pytest.raises(InputError, match="expected"):
        encoder(pictures()[:, :0])


def test_tokens_are_places_row_by_row(encoder: ImageEncoder) -> None:
    assert encoder.tokens(pictures()).shape == (3, 16, 128)
    larger = ImageEncoder(width=32, size=128).eval()
    before = pictures(1)
    changed = before.clone()
    changed[:, 32:, :32] = 255 - before[:, 32:, :32]  # the bottom left quarter
    change = (larger.tokens(changed) - larger.tokens(before)).abs().sum(2)
    assert change.shape == (1, 64)
    quarters = change.view(2, 4, 2, 4).sum((1, 3))
    assert quarters[1, 0] > 1.5 * quarters[[0, 0, 1], [0, 1, 1]].max()


def test_the_described_picture_is_a_small_one(encoder: ImageEncoder) -> None:
    encoder.train()  # whose noise has no place in the description
    halves = torch.zeros(1, 64, 64, 3, dtype=torch.uint8)
    halves[:, :, 32:, 1] = 255
    target = encoder.reconstruction_target(halves).view(16, 16, 3)
    assert (target[:, :8] == -1).all() and (target[:, 8:, 1] == 1).all() and (target[:, 8:, 2] == -1).all()
    chess = (torch.arange(64) % 2 * 255).to(torch.uint8).expand(64, 64)[None, :, :, None].expand(1, 64, 64, 3)
    assert encoder.reconstruction_target(chess).abs().max() < 1e-6
