"""Brain recordings to features: EEG and ECoG epochs by convolution over time, fMRI responses by voxel."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from grounding.encoders.data import Data
from grounding.encoders.subjects import Sizes, SubjectLinear, plain, standardised
from grounding.errors import InputError

UNITS = 64  # signals that the subjects' channels are mapped to
DILATIONS = (1, 2, 4, 8)
KERNEL = 5
CLAMP = 20.0  # interquartile ranges
TARGET_BINS = 16  # of the description of an epoch


class NeuralEncoder(nn.Module):
    """An epoch of EEG or ECoG to one feature vector; subjects differ in channels and share everything behind them.

    Each channel of an epoch is put on a robust scale: minus its median over the epoch, divided by its interquartile
    range, clamped to -20..20 (as Défossez et al., 2023, but by epoch). Units (V or uV) and offsets therefore do not
    matter, and the amplitude of a channel counts only relative to its own course. A linear layer of the subject maps
    its channels to 64 signals; residual, dilated convolutions follow them over time, in receptive fields of 121
    samples; their means over `bins` equal parts of the epoch, kept apart so that latencies survive, become features.

    Bin k always is the k-th part of the epoch. Epochs of all batches should therefore cover the same time around their
    event, at one sampling rate; another number of samples is accepted, and means that time is stretched.

    Args:
        channels: of all recordings, which then share one spatial layer and name no subjects or have them ignored; or
            channels by subject, such as {"S01": 64, "S02": 61}.
        width: number of features.
        bins: parts of the epoch.
        dropout: of the binned signals in training mode, from torch's default generator.

    Example:
        >>> NeuralEncoder(channels=64)(torch.randn(4, 64, 250)).shape
        torch.Size([4, 256])
        >>> encoder = NeuralEncoder(channels={"S01": 64, "S02": 61})
        >>> signal = Padded.stack([torch.randn(64, 250), torch.randn(61, 250)])
        >>> encoder({"signal": signal, "subject": ["S01", "S02"]}).shape
        torch.Size([2, 256])

    Raises:
        InputError: no channels, no subjects, or no bins.
    """

    def __init__(self, channels: Sizes = 64, width: int = 256, bins: int = 8, dropout: float = 0.25) -> None:
        super().__init__()
        if bins < 1:
            raise InputError(f"bins: {bins} found, expected at least 1 part of an epoch")
        self.width = width
        self.bins = bins
        self.settings: dict[str, Any] = {"channels": plain(channels), "width": width, "bins": bins, "dropout": dropout}
        self.spatial = SubjectLinear(channels, UNITS, "channels")
        self.temporal = nn.Sequential(*[_TimeBlock(UNITS, dilation) for dilation in DILATIONS])
        self.whole = nn.Sequential(nn.LayerNorm(bins * UNITS), nn.Dropout(dropout), nn.Linear(bins * UNITS, width))

    def forward(self, data: Data) -> Tensor:
        """Features (B, width) of epochs (B, channels, time) float32, or of such a `signal` and its `subject` names,
        where the channels of a subject that has fewer are padded at their end.

        Raises:
            InputError: no or unknown subjects, the wrong number of channels, or another shape.
        """
        signal, _, subjects = self.spatial.checked(data, dimensions=3)
        states = self.spatial(robust(signal).transpose(1, 2), subjects).transpose(1, 2)
        return self.whole(functional.adaptive_avg_pool1d(self.temporal(states), self.bins).flatten(1))

    @torch.no_grad()
    def reconstruction_target(self, data: Data) -> Tensor:
        """What an autoencoder shall reconstruct: each channel's means over 16 equal parts of the epoch, minus the
        channel's median, together of standard deviation 1; (B, 16 C) float32 for the largest number of channels C.

        Place c is the c-th channel of whichever subject it is, and zeros stand for channels that a subject lacks.
        """
        signal, mask, _ = self.spatial.checked(data, dimensions=3)
        means = functional.adaptive_avg_pool1d(signal - signal.median(2, keepdim=True).values, TARGET_BINS)
        missing = self.spatial.largest - signal.shape[1]
        return functional.pad(standardised(means, mask), (0, 0, 0, missing)).flatten(1)


class VoxelEncoder(nn.Module):
    """A response pattern, such as the voxels of an fMRI response, to one feature vector; subjects differ in voxels and
    share everything behind them, as in MindEye2 (Scotti et al., 2024).

    The pattern is brought to mean 0 and standard deviation 1 over its voxels, so units do not matter and neither does
    the mean over the brain. What differs between voxels whatever the stimulus should be removed before: standardise
    each voxel over the trials of its run.

    Args:
        voxels: of all patterns, which then share one layer and name no subjects or have them ignored; or voxels by
            subject, such as {"S01": 4096, "S02": 3871}.
        width: number of features.
        dropout: behind the subjects' layers and in the trunk, in training mode, from torch's default generator.

    Example:
        >>> VoxelEncoder(voxels=696)(torch.randn(4, 696)).shape
        torch.Size([4, 256])
        >>> encoder = VoxelEncoder(voxels={"S01": 696, "S02": 500})
        >>> signal = Padded.stack([torch.randn(696), torch.randn(500)])
        >>> encoder({"signal": signal, "subject": ["S01", "S02"]}).shape
        torch.Size([2, 256])

    Raises:
        InputError: no voxels or no subjects.
    """

    def __init__(self, voxels: Sizes, width: int = 256, dropout: float = 0.25) -> None:
        super().__init__()
        self.width = width
        self.settings: dict[str, Any] = {"voxels": plain(voxels), "width": width, "dropout": dropout}
        self.first = SubjectLinear(voxels, width, "voxels")
        self.trunk = nn.Sequential(
            nn.LayerNorm(width),
            nn.GELU(),
            nn.Dropout(dropout),
            _Residual(width, dropout),
            _Residual(width, dropout),
            nn.LayerNorm(width),
            nn.Linear(width, width),
        )

    def forward(self, data: Data) -> Tensor:
        """Features (B, width) of patterns (B, voxels) float32, or of such a `signal` and its `subject` names, where the
        voxels of a subject that has fewer are padded at their end.

        Raises:
            InputError: no or unknown subjects, the wrong number of voxels, or another shape.
        """
        signal, mask, subjects = self.first.checked(data, dimensions=2)
        return self.trunk(self.first(standardised(signal, mask), subjects))

    @torch.no_grad()
    def reconstruction_target(self, data: Data) -> Tensor:
        """What an autoencoder shall reconstruct: the standardised pattern, (B, V) float32 for the largest number of
        voxels V.

        Place v is the v-th voxel of whichever subject it is, and zeros stand for voxels that a subject lacks.
        """
        signal, mask, _ = self.first.checked(data, dimensions=2)
        return functional.pad(standardised(signal, mask), (0, self.first.largest - signal.shape[1]))


class _TimeBlock(nn.Module):
    """Two dilated convolutions over time beside a shortcut (Bai et al., 2018), looking both ways."""

    def __init__(self, units: int, dilation: int) -> None:
        super().__init__()
        self.each = nn.Sequential()
        for _ in range(2):
            self.each.append(nn.GroupNorm(8, units))
            self.each.append(nn.GELU())
            self.each.append(nn.Conv1d(units, units, KERNEL, dilation=dilation, padding=dilation * (KERNEL // 2)))

    def forward(self, states: Tensor) -> Tensor:
        return states + self.each(states)


class _Residual(nn.Module):
    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.each = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, width), nn.GELU(), nn.Dropout(dropout), nn.Linear(width, width)
        )

    def forward(self, states: Tensor) -> Tensor:
        return states + self.each(states)


def robust(signal: Tensor) -> Tensor:
    """Channels of epochs (B, C, T) minus their median, divided by their interquartile range, within -20..20.

    A channel without spread is only centred. Quantiles are the nearest lower samples.
    """
    ordered = signal.sort(dim=2).values
    last = signal.shape[2] - 1
    low, middle, high = (ordered[..., round(last * share), None] for share in (0.25, 0.5, 0.75))
    spread = high - low
    return ((signal - middle) / torch.where(spread > 0, spread, 1)).clamp(-CLAMP, CLAMP)
