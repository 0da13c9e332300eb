"""``grounding index``: demonstrations into a searchable library."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from grounding.library import Library


@dataclass(frozen=True)
class Index:
    """Embed demonstrations and store them in the run's library. What is stored already is left as it is."""

    run: Path = Path("runs/demo")
    """Folder of a trained run; the library goes into its folder library."""
    data: Path | None = None
    """Folder of the data set; that of the training if not given."""


def run(settings: Index) -> None:
    """Adds what the library does not hold yet."""
    from grounding.cli.train import Train
    from grounding.datasets.lerobot import read
    from grounding.errors import DataError
    from grounding.library import Library
    from grounding.library.samples import entries
    from grounding.library.store import FILE_NAME
    from grounding.settings import read_settings
    from grounding.space import SharedSpace
    from grounding.space.checkpoint import stored

    training = read_settings(Train, settings.run / "config.toml")
    demonstrations = read(settings.data or training.data)
    space = SharedSpace.load(settings.run)
    step = stored(settings.run / "space.safetensors").get("step")
    if step != training.steps:
        raise DataError(
            f"{settings.run}: training stopped at step {step} of {training.steps}; run `grounding train` again, "
            "it resumes"
        )
    folder = settings.run / "library"
    library = Library.open(folder, space) if (folder / FILE_NAME).exists() else Library.create(folder, space)
    present = set(library.ids())
    added = library.add(entries([one for one in demonstrations if one.id not in present], space))
    print(f"library: {len(library)} demonstrations in {folder} ({added} new)")


def load_library(run: Path) -> "Library":
    """The library of a run, opened with its space."""
    from grounding.library import Library
    from grounding.space import SharedSpace

    return Library.open(run / "library", SharedSpace.load(run))
