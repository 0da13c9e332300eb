"""``grounding train``: one shared space from a data set of demonstrations."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from grounding.space import SharedSpace


@dataclass(frozen=True)
class Train:
    """Train one embedding space for words, pictures, point clouds and trajectories.

    Run again after an interruption, it goes on from the last checkpoint to the same weights. A GPU is used where there
    is one, and several processes where launch/torchrun.sh starts them.
    """

    data: Path = Path("runs/demo/demonstrations")
    """Folder of a data set of demonstrations."""
    run: Path = Path("runs/demo")
    """Folder of the run: config.toml, space.safetensors, trainer.pt, metrics.jsonl."""
    steps: int = 300
    """Optimizer steps."""
    batch: int = 96
    """Demonstrations a step."""
    extra: int = 96
    """Clouds of other things, a step."""
    dim: int = 128
    """Length of the vectors."""
    learning_rate: float = 2e-3
    """Highest learning rate."""
    wordless_pairs: float = 0.2
    """Weight of the pairs of modalities without text beside those with it."""
    text: str = "sentence-transformers/all-MiniLM-L6-v2"
    """Name or folder of the sentence encoder."""
    seed: int = 0
    """Of first weights and of every draw."""


def run(settings: Train) -> None:
    """Trains, or resumes, or finds the run finished."""
    from grounding.datasets.lerobot import read
    from grounding.errors import InputError
    from grounding.library.samples import samples
    from grounding.settings import write_settings
    from grounding.space import FitSettings, fit
    from grounding.space.distributed import processes, rank

    if settings.seed < 0:
        raise InputError(f"seed: {settings.seed} found, expected a number of at least 0")
    demonstrations = read(settings.data)
    with processes():
        space = space_of(settings)
        config = settings.run / "config.toml"
        begun = (settings.run / "trainer.pt").exists()
        if not begun and rank() == 0:
            write_settings(settings, config)
        fitting = FitSettings(
            steps=settings.steps,
            batch=settings.batch,
            extra=settings.extra,
            learning_rate=settings.learning_rate,
            seed=settings.seed,
            pair_weights={name: settings.wordless_pairs for name in space.log_scales if "text" not in name.split("-")},
        )
        training = fit(space, {"demonstrations": samples(demonstrations)}, run=settings.run, settings=fitting)
        if rank() > 0:
            return
        if begun:
            # Not before: the settings of a run that refuses to go on with these ones must stay.
            write_settings(settings, config)
    print(f"space: {training.steps} steps in {training.seconds:.0f} s, weights in {settings.run / 'space.safetensors'}")


def space_of(settings: Train) -> "SharedSpace":
    """The untrained space of these settings."""
    import torch

    from grounding.space import SpaceSettings, build_space

    space = build_space(
        SpaceSettings(dim=settings.dim, text=settings.text), cache=settings.run / "features", seed=settings.seed
    )
    return space.to("cuda" if torch.cuda.is_available() else "cpu")
