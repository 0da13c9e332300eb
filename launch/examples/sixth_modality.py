"""Touch joins a trained space of five modalities. All data are made up on the spot; it takes about a minute."""

from numpy.random import default_rng
from torch import nn

from grounding import SentenceEncoder, SharedSpace
from grounding.encoders import Frozen, ImageEncoder, NeuralEncoder, PointEncoder, TrajectoryEncoder
from grounding.space import FitSettings, evaluate, fit

THINGS = [f"a {color} {shape}" for color in "red blue gold white".split() for shape in "cup box bell key".split()]
SHAPES = {"points": (128, 3), "image": (64, 64, 3), "trajectory": (40, 8), "neural": (16, 100), "touch": (50, 3)}


class TouchEncoder(nn.Sequential):
    """All that a new modality needs: forces at a fingertip (B, 50, 3), in newtons, to features (B, width)."""

    width = 64

    def __init__(self) -> None:
        super().__init__(nn.Flatten(), nn.Linear(150, 128), nn.GELU(), nn.Linear(128, self.width))


def sample(number: int, *names: str) -> dict[str, object]:
    """One of sixteen things in words and, with noise, in the modalities named."""
    thing, noise = number % len(THINGS), default_rng(number)
    made: dict[str, object] = {"id": THINGS[thing], "text": THINGS[thing]}
    for name in names:
        signal = default_rng([thing, *name.encode()]).normal(size=SHAPES[name]) + noise.normal(0, 0.5, SHAPES[name])
        made[name] = (128 + 50 * signal).clip(0, 255).astype("uint8") if name == "image" else signal
    return made


towers = {"points": PointEncoder(inputs=("xyz",), reach=1.0), "trajectory": TrajectoryEncoder(reach=1.0)}
space = SharedSpace(text=Frozen(SentenceEncoder()), image=ImageEncoder(), neural=NeuralEncoder(channels=16), **towers)
fit(space, {"a": [sample(n, *list(SHAPES)[:4]) for n in range(128)]}, run="runs/five", settings=FitSettings(steps=40))
settings = FitSettings(steps=40, locked=space.names)  # the vectors of the five stay as they are
space.add(touch=TouchEncoder())
fit(space, {"b": [sample(n, "touch") for n in range(1000, 1128)]}, run="runs/six", settings=settings)
print(evaluate(space, [sample(n, *SHAPES) for n in range(5000, 5064)]))
