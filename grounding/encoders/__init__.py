"""One module a modality: raw batch in, features out. Each is a plain `nn.Module` with a `.width`."""

from grounding.encoders.data import Data, Features, Padded
from grounding.encoders.frozen import Frozen
from grounding.encoders.image import ImageEncoder
from grounding.encoders.neural import NeuralEncoder, VoxelEncoder
from grounding.encoders.point_transformer import PointTransformer
from grounding.encoders.points import PointEncoder
from grounding.encoders.text import BagOfWords
from grounding.encoders.torchvision_encoder import TorchvisionEncoder
from grounding.encoders.trajectory import TrajectoryEncoder
from grounding.encoders.trajectory_transformer import TrajectoryTransformer

__all__ = [
    "BagOfWords",
    "Data",
    "Features",
    "Frozen",
    "ImageEncoder",
    "NeuralEncoder",
    "Padded",
    "PointEncoder",
    "PointTransformer",
    "TorchvisionEncoder",
    "TrajectoryEncoder",
    "TrajectoryTransformer",
    "VoxelEncoder",
]
