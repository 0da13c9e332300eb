"""The four-modality space of the package, by settings."""

from dataclasses import dataclass
from pathlib import Path

from grounding.encoders import Frozen, ImageEncoder, PointEncoder, TrajectoryEncoder
from grounding.space.model import SharedSpace
from grounding.text import SentenceEncoder


@dataclass(frozen=True)
class SpaceSettings:
    """Settings of a space of text, image, points and trajectory.

    Attributes:
        dim: length of the vectors.
        text: name or folder of the frozen sentence encoder.
        image_width: features of the image encoder.
        image_size: pixels a side to which pictures are resized.
        points_width: features of the point encoder.
        points_inputs: columns of a cloud: "xyz" and, in this order, any of "rgb", "normals", "part".
        trajectory_width: features of the trajectory encoder.
        anchor: train each modality with this one only; None trains every observed pair.
        dropout: of the heads.
    """

    dim: int = 128
    text: str = "sentence-transformers/all-MiniLM-L6-v2"
    image_width: int = 256
    image_size: int = 64
    points_width: int = 256
    points_inputs: tuple[str, ...] = ("xyz", "rgb", "part")
    trajectory_width: int = 128
    anchor: str | None = None
    dropout: float = 0.1


def build_space(settings: SpaceSettings, cache: Path | None = None, seed: int = 0) -> SharedSpace:
    """An untrained space; the first weights are drawn from `seed` and leave torch's own generator as it was.

    Args:
        settings: what to build.
        cache: folder for the features of the frozen sentence encoder.
        seed: of the first weights.

    Raises:
        WeightsError: the sentence encoder's weights are not found.
    """
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        space = SharedSpace(
            dim=settings.dim,
            anchor=settings.anchor,
            dropout=settings.dropout,
            text=Frozen(SentenceEncoder(settings.text), cache=cache),
            image=ImageEncoder(settings.image_width, settings.image_size),
            points=PointEncoder(settings.points_width, settings.points_inputs),
            trajectory=TrajectoryEncoder(settings.trajectory_width),
        )
    return space
