"""Pictures to features: a small residual network that trains on a processor."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from grounding.errors import InputError

SHIFT = 3  # pixels by which a picture is moved at most in training
GAIN = 0.1  # standard deviation of the brightness of a colour channel in training
THUMBNAIL = 16  # pixels a side of the picture that describes a picture


class ImageEncoder(nn.Module):
    """A picture to one feature vector with a small residual network (He et al., 2016) and group normalisation.

    Group normalisation (Wu and He, 2018) makes a picture's features independent of the rest of the batch. In training
    mode pictures are moved by up to three pixels and their colours slightly scaled, from torch's default generator.
    They are never mirrored: left and right have meaning.

    Args:
        width: number of features.
        size: pictures of any size are resized to this many pixels a side.

    Example:
        >>> ImageEncoder()(torch.zeros(2, 128, 128, 3, dtype=torch.uint8)).shape
        torch.Size([2, 256])
    """

    def __init__(self, width: int = 256, size: int = 64) -> None:
        super().__init__()
        self.width = width
        self.size = size
        self.settings: dict[str, Any] = {"width": width, "size": size}
        self.stem = nn.Sequential(nn.Conv2d(3, 24, 5, stride=2, padding=2, bias=False), nn.GroupNorm(8, 24), nn.ReLU())
        self.blocks = nn.Sequential(_Block(24, 32), _Block(32, 64), _Block(64, 128))
        self.whole = nn.Sequential(nn.LayerNorm(256), nn.Linear(256, width))
        # Convolutions on a processor are a third faster in this layout.
        self.to(memory_format=torch.channels_last)

    def forward(self, images: Tensor) -> Tensor:
        """Features (B, width) of pictures (B, H, W, 3) uint8.

        Raises:
            InputError: the shape or the type does not fit.
        """
        maps = self._maps(images)
        return self.whole(torch.cat([maps.amax((2, 3)), maps.mean((2, 3))], dim=1))

    def tokens(self, images: Tensor) -> Tensor:
        """Tokens (B, P, 128) of pictures (B, H, W, 3) uint8: what the network finds at each place, row by row from the
        top left; with `size` 64, P = 16 places of a 4 x 4 grid.

        Raises:
            InputError: the shape or the type does not fit.
        """
        return self._maps(images).flatten(2).transpose(1, 2)

    def reconstruction_target(self, images: Tensor) -> Tensor:
        """What an autoencoder shall reconstruct: the picture at 16 x 16 pixels, rgb in -1..1, (B, 768) float32."""
        return thumbnails(images)

    def _maps(self, images: Tensor) -> Tensor:
        return self.blocks(self.stem(prepared(images, self.size, augment=self.training)))


def prepared(images: Tensor, size: int, augment: bool) -> Tensor:
    """Pictures (B, H, W, 3) uint8 as (B, 3, size, size) float32 in -1..1, in the channels-last layout.

    With `augment` they are moved and their colours scaled at random.

    Raises:
        InputError: the shape or the type does not fit.
    """
    if not isinstance(images, Tensor):
        raise InputError(
            f"image: {type(images).__name__} found, expected pictures of one size; resize or crop them first"
        )
    if images.ndim != 4 or images.shape[3] != 3 or images.dtype != torch.uint8 or 0 in images.shape:
        raise InputError(
            f"image: {tuple(images.shape)} {images.dtype} found, expected (batch, height, width, 3) uint8; "
            "a single picture is written picture[None]"
        )
    # The permuted view of an (H, W, channels) picture is already in the channels-last layout.
    pictures = images.permute(0, 3, 1, 2).float() / 127.5 - 1
    if pictures.shape[2:] != (size, size):
        pictures = functional.interpolate(pictures, (size, size), mode="area")
    if augment:
        pictures = _moved(pictures)
        pictures = pictures * (1 + GAIN * torch.randn(len(pictures), 3, 1, 1, device=pictures.device))
    return pictures.contiguous(memory_format=torch.channels_last)


@torch.no_grad()
def thumbnails(images: Tensor) -> Tensor:
    """Pictures (B, H, W, 3) uint8 at 16 x 16 pixels in -1..1, row by row, (B, 768) float32.

    Raises:
        InputError: the shape or the type does not fit.
    """
    return prepared(images, THUMBNAIL, augment=False).permute(0, 2, 3, 1).flatten(1)


class _Block(nn.Module):
    """Two convolutions beside a strided shortcut: half the side, other channels."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False)
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.norms = nn.ModuleList([nn.GroupNorm(8, outputs), nn.GroupNorm(8, outputs)])
        self.shortcut = nn.Conv2d(inputs, outputs, 1, stride=2)

    def forward(self, maps: Tensor) -> Tensor:
        inner = functional.relu(self.norms[0](self.first(maps)))
        return functional.relu(self.norms[1](self.second(inner)) + self.shortcut(maps))


def _moved(pictures: Tensor) -> Tensor:
    """Each picture (B, C, H, W) moved by its own random whole number of pixels; border pixels are repeated."""
    count, _, height, width = pictures.shape
    steps = torch.randint(-SHIFT, SHIFT + 1, (2, count, 1), device=pictures.device)
    rows = (torch.arange(height, device=pictures.device) + steps[0]).clamp(0, height - 1)
    columns = (torch.arange(width, device=pictures.device) + steps[1]).clamp(0, width - 1)
    which = torch.arange(count, device=pictures.device)[:, None, None]
    return pictures.permute(0, 2, 3, 1)[which, rows[:, :, None], columns[:, None]].permute(0, 3, 1, 2)
