"""One module a modality: raw batch in, features out. Each is a plain `nn.Module` with a `.width`."""

from grounding.encoders.data import Data, Features, Padded
from grounding.encoders.frozen import Frozen
from grounding.encoders.image import ImageEncoder
from grounding.encoders.points import PointEncoder
from grounding.encoders.trajectory import TrajectoryEncoder

__all__ = ["Data", "Features", "Frozen", "ImageEncoder", "Padded", "PointEncoder", "TrajectoryEncoder"]
