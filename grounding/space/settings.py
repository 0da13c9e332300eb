"""The four-modality space of the package, by settings."""

from dataclasses import asdict, dataclass
from pathlib import Path

from grounding.encoders import Frozen, ImageEncoder, PointEncoder, TrajectoryEncoder
from grounding.errors import DataError
from grounding.space.checkpoint import load_weights, stored
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
        points_channels: 3 (xyz), 6 (and rgb) or 7 (and the flag of the part meant).
        trajectory_width: features of the trajectory encoder.
        anchor: train each modality with this one only; None trains every observed pair.
        dropout: of the heads.
    """

    dim: int = 128
    text: str = "sentence-transformers/all-MiniLM-L6-v2"
    image_width: int = 256
    image_size: int = 64
    points_width: int = 256
    points_channels: int = 7
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
            points=PointEncoder(settings.points_width, settings.points_channels),
            trajectory=TrajectoryEncoder(settings.trajectory_width),
        )
    space.settings = asdict(settings)
    return space


def load_space(run: Path | str) -> SharedSpace:
    """The trained space of a run folder, ready to encode; the features of texts are cached beside it.

    Example:
        >>> space = load_space("runs/demo")
        >>> space.encode(text=["open the top drawer"])["text"].shape
        (1, 128)

    Raises:
        DataError: no weights there, damaged ones, or those of a space that was put together by hand.
        WeightsError: the sentence encoder's weights are not found, or are not those of the training.
    """
    file = Path(run) / "space.safetensors"
    if not file.is_file():
        raise DataError(f"{file}: no such file, expected the weights of a trained space; run `grounding train` first")
    record = stored(file)
    try:
        settings = SpaceSettings(**record["settings"])
    except (KeyError, TypeError) as error:
        raise DataError(
            f"{file}: does not say how to build its space; expected weights saved from `build_space`; build the space "
            "as for its training and use `load_weights`, or train anew"
        ) from error
    space = build_space(settings, cache=Path(run) / "features")
    load_weights(space, file)
    return space.eval()
