"""``grounding search``: find demonstrations by words, a point cloud, a picture, or any mix of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Search:
    """Search a run's demonstrations by words, a point cloud, a picture, or any mix of them."""

    text: Annotated[str | None, tyro.conf.Positional] = None
    """What to do, in words."""
    points: Path | None = None
    """Cloud of one object part: .ply, .pcd, .xyz, .npy or .npz, metres, z up."""
    image: Path | None = None
    """A picture of the scene."""
    where: str | None = None
    """SQL condition over id, task, meaning, instruction, split, seed and rate, such as "task = 'OpenDrawer'"."""
    k: int = 5
    """How many to show."""
    run: Path = Path("runs/demo")
    """Folder of the run."""


def run(settings: Search) -> None:
    """Prints the best demonstrations."""
    from rich.console import Console
    from rich.table import Table

    from grounding.cli.index import load_library
    from grounding.datasets.images import read_image
    from grounding.errors import InputError

    if settings.text is None and settings.points is None and settings.image is None:
        raise InputError("search: nothing to search for; give words, --points FILE or --image FILE")
    library = load_library(settings.run)
    hits = library.search(
        text=settings.text,
        points=None if settings.points is None else _cloud(settings.points),
        image=None if settings.image is None else read_image(settings.image),
        k=settings.k,
        where=settings.where,
    )
    table = Table("score", "demonstration", "task", "instruction")
    for hit in hits:
        table.add_row(f"{hit.score:.3f}", hit.id, hit.task, hit.instruction)
    Console().print(table)


def _cloud(path: Path) -> "np.ndarray":
    import numpy as np

    from grounding.datasets.clouds import read_cloud
    from grounding.trajectories.parts import part_cloud, part_frame

    cloud = read_cloud(path)
    # A cloud without colours counts as grey; one without segments is all part.
    colors = cloud.colors if cloud.colors is not None else np.full(cloud.points.shape, 128, np.uint8)
    segments = np.ones(len(cloud.points), np.int32)
    return part_cloud(cloud.points, colors, segments, 1, part_frame(cloud.points, segments, 1))
