"""Pictures to features: the networks of torchvision, with or without their published weights."""

import math
import os
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from grounding.encoders.image import prepared, thumbnails
from grounding.errors import InputError, WeightsError

FAMILIES = (
    *("resnet", "resnext", "wide_resnet", "regnet", "mobilenet_v2", "mobilenet_v3", "efficientnet", "convnext"),
    "vit_",
)
HEADS = ("fc", "classifier", "heads")
GROUPS = 8  # of group normalisation
SMALLEST = 32  # pixels a side: the networks shrink a picture up to 32 times


class TorchvisionEncoder(nn.Module):
    """A picture to one feature vector with a classification network of torchvision, without its classifier.

    From scratch, group normalisation (Wu and He, 2018) takes the place of batch normalisation, so that a picture's
    features do not depend on the rest of the batch. With published or given weights batch normalisation stays and is
    frozen: its statistics and its scale are those of the weights, and are not trained. Pictures are then normalised as
    the weights want it, otherwise to -1..1.

    In training mode pictures are moved by up to three pixels and their colours slightly scaled; that and the stochastic
    depth of some networks are drawn from torch's default generator. Pictures are never mirrored.

    Args:
        name: as torchvision calls it: a resnet, resnext, wide_resnet, regnet, mobilenet_v2, mobilenet_v3, efficientnet,
            convnext or vit.
        pretrained: use the weights that torchvision publishes, from its cache or the network.
        size: pictures of any size are resized to this many pixels a side; for a vit a multiple of its patch, to
            which its learned positions are then interpolated.
        weights: file with a state dict of the same network instead, .safetensors or what `torch.save` writes (only
            tensors are read from it).
        normalisation: "group" or "frozen"; None chooses as said above. With "frozen" and no weights it is the network
            that a checkpoint's weights go into, so that the published ones are not needed again.

    Example:
        >>> encoder = TorchvisionEncoder("resnet18")
        >>> encoder(torch.zeros(2, 128, 128, 3, dtype=torch.uint8)).shape
        torch.Size([2, 512])
        >>> encoder.tokens(torch.zeros(2, 128, 128, 3, dtype=torch.uint8)).shape
        torch.Size([2, 16, 512])

    Raises:
        InputError: an unknown network or normalisation, or a size that the network cannot take.
        WeightsError: the weights cannot be fetched or read, or belong to another network.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(
        self,
        name: str = "resnet18",
        pretrained: bool = False,
        size: int = 128,
        weights: str | os.PathLike[str] | None = None,
        normalisation: str | None = None,
    ) -> None:
        from torchvision.models import get_model_weights

        super().__init__()
        self.size = size
        normalisation = normalisation or ("frozen" if pretrained or weights is not None else "group")
        if normalisation not in ("group", "frozen"):
            raise InputError(f"normalisation: {normalisation!r} found, expected group or frozen")
        self.settings: dict[str, Any] = {"name": name, "size": size, "normalisation": normalisation}
        self.net, self.head = _network(name, size)
        self.width: int = next(part.in_features for part in getattr(self.net, self.head).modules() if _linear(part))
        # A convnext normalises in its classifier; that belongs to the features.
        kept = [part for part in getattr(self.net, self.head)[:1] if not _linear(part)] if "convnext" in name else []
        setattr(self.net, self.head, nn.Sequential(*kept))
        mean, deviation = [0.5] * 3, [0.5] * 3
        published = get_model_weights(name).DEFAULT
        if normalisation == "frozen":
            wanted = published.transforms()
            mean, deviation = wanted.mean, wanted.std
        _replace_batch_norm(self.net, frozen=normalisation == "frozen")
        if weights is not None:
            _load(self.net, _read(Path(weights)), name, os.fspath(weights))
        elif pretrained:
            _load(self.net, _fetch(name, published), name, published.url)
        self.register_buffer("mean", torch.tensor(mean).view(3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(deviation).view(3, 1, 1), persistent=False)
        # Convolutions on a processor are faster in this layout.
        self.to(memory_format=torch.channels_last)

    def forward(self, images: Tensor) -> Tensor:
        """Features (B, width) of pictures (B, H, W, 3) uint8: the mean over the last maps, or a vit's class token.

        Raises:
            InputError: the shape or the type does not fit.
        """
        if self.head == "heads":
            return self._vit_tokens(images)[:, 0]
        means = self._maps(images).mean((2, 3), keepdim=True)
        return getattr(self.net, self.head)(means).flatten(1)

    def tokens(self, images: Tensor) -> Tensor:
        """Tokens (B, P, width) of pictures (B, H, W, 3) uint8, row by row from the top left: the last maps at each
        place, or a vit's patches without its class token.

        With `size` 128 a resnet has P = 16, of a 4 x 4 grid, and vit_b_16 P = 64.

        Raises:
            InputError: the shape or the type does not fit.
        """
        if self.head == "heads":
            return self._vit_tokens(images)[:, 1:]
        return getattr(self.net, self.head)(self._maps(images)).flatten(2).transpose(1, 2)

    def reconstruction_target(self, images: Tensor) -> Tensor:
        """What an autoencoder shall reconstruct: the picture at 16 x 16 pixels, rgb in -1..1, (B, 768) float32."""
        return thumbnails(images)

    def _pictures(self, images: Tensor) -> Tensor:
        pictures = (prepared(images, self.size, augment=self.training) + 1) / 2
        return (pictures - self.mean) / self.deviation

    def _maps(self, images: Tensor) -> Tensor:
        maps = self._pictures(images)
        for name, part in self.net.named_children():
            if name in ("avgpool", self.head):
                break
            maps = part(maps)
        return maps

    def _vit_tokens(self, images: Tensor) -> Tensor:
        patches = self.net.conv_proj(self._pictures(images)).flatten(2).transpose(1, 2)
        return self.net.encoder(torch.cat([self.net.class_token.expand(len(patches), -1, -1), patches], dim=1))


def _network(name: str, size: int) -> tuple[Any, str]:
    """The network without weights, and what it calls its classifier."""
    import torchvision

    known = [found for found in torchvision.models.list_models(torchvision.models) if found.startswith(FAMILIES)]
    if name not in known:
        raise InputError(f"image network: {name!r} found, expected one of {', '.join(known)}")
    if size < SMALLEST:
        raise InputError(f"size: {size} found, expected at least {SMALLEST} pixels a side")
    if name.startswith("vit_"):
        patch = int(name.rsplit("_", 1)[1])
        if size % patch:
            raise InputError(f"size: {size} found, expected a multiple of {patch}, the patch of {name}")
        net = torchvision.models.get_model(name, weights=None, image_size=size)
    else:
        net = torchvision.models.get_model(name, weights=None)
    return net, next(head for head in HEADS if hasattr(net, head))


def _linear(part: nn.Module) -> bool:
    return isinstance(part, nn.Linear)


def _replace_batch_norm(net: nn.Module, frozen: bool) -> None:
    """Put frozen batch normalisation, or group normalisation, in the place of each batch normalisation."""
    from torchvision.ops import FrozenBatchNorm2d

    for parent in list(net.modules()):
        for name, norm in list(parent.named_children()):
            if isinstance(norm, nn.BatchNorm2d):
                channels = norm.num_features
                fresh = (
                    FrozenBatchNorm2d(channels, norm.eps)
                    if frozen
                    else nn.GroupNorm(math.gcd(GROUPS, channels), channels, norm.eps)
                )
                setattr(parent, name, fresh)


def _fetch(name: str, published: Any) -> dict[str, Tensor]:
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    try:
        return published.get_state_dict(progress=False, check_hash=True, weights_only=True)
    except (OSError, RuntimeError, pickle.UnpicklingError) as error:
        raise WeightsError(
            f"{name}: its published weights cannot be fetched ({error}); download {published.url} on a machine with "
            f"network and put it into {folder} or give weights=FILE, or use pretrained=False"
        ) from error


def _read(file: Path) -> dict[str, Tensor]:
    """The tensors of a weight file by name."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not file.is_file():
        raise WeightsError(f"{file}: no such file, expected a state dict of the network; check the path")
    try:
        if file.suffix == ".safetensors":
            return load_file(file)
        state = torch.load(file, map_location="cpu", weights_only=True)
    except (SafetensorError, OSError, RuntimeError, EOFError, KeyError, ValueError, pickle.UnpicklingError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise WeightsError(
            f"{file}: not readable as tensors ({reason}); expected .safetensors, or a state dict written by torch.save"
        ) from error
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise WeightsError(f"{file}: expected tensors by name, such as torch.save(model.state_dict(), file) writes")
    return state


def _load(net: nn.Module, state: dict[str, Tensor], name: str, source: str) -> None:
    """Set the weights of a network without its classifier from those of a whole one."""
    from torchvision.models.vision_transformer import interpolate_embeddings

    own = net.state_dict()
    if name.startswith("vit_") and "encoder.pos_embedding" in state:
        patch, size = net.patch_size, net.image_size
        state = interpolate_embeddings(size, patch, OrderedDict(state))
    wrong = sorted(key for key, value in own.items() if key not in state or state[key].shape != value.shape)
    if wrong:
        raise WeightsError(
            f"{source}: not the weights of {name}: {len(wrong)} of {len(own)} tensors are missing or of another "
            f"shape, such as {wrong[0]}; give the weights of {name}, or the name of their network"
        )
    net.load_state_dict({key: state[key] for key in own})
