"""``grounding convert``: demonstrations from one format to another."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

if TYPE_CHECKING:
    from grounding.datasets import Demonstration


@dataclass(frozen=True)
class Convert:
    """Read demonstrations of LeRobot v3 (ours), robomimic, LIBERO or Minari and write them as LeRobot v3 or robomimic.

    What a name ends with says what it is: a file .hdf5 is robomimic's, a folder LeRobot's or Minari's.
    """

    source: Annotated[Path, tyro.conf.Positional]
    """Data set to read: a folder, or a file ending in .hdf5."""
    target: Annotated[Path, tyro.conf.Positional]
    """Where to write: a new folder, or a file ending in .hdf5."""
    rate: float = 20.0
    """Rows per second of a Minari data set, which does not tell."""


def run(settings: Convert) -> None:
    """Reads all and writes all."""
    from grounding.datasets import lerobot, robomimic
    from grounding.errors import InputError

    if settings.target.exists():
        raise InputError(f"{settings.target}: is there already; choose another name, or delete it first")
    demonstrations = _read(settings)
    if _is_hdf5(settings.target):
        robomimic.write(demonstrations, settings.target)
    else:
        lerobot.write(demonstrations, settings.target, fps=demonstrations[0].rate)
    print(f"demonstrations: {len(demonstrations)} in {settings.target}")


def _read(settings: Convert) -> list["Demonstration"]:
    from grounding.datasets import lerobot, minari, robomimic

    if _is_hdf5(settings.source):
        return robomimic.read(settings.source)
    if (settings.source / "metadata.json").is_file() or (settings.source / "data" / "metadata.json").is_file():
        return minari.read(settings.source, settings.rate)
    return lerobot.read(settings.source)


def _is_hdf5(path: Path) -> bool:
    return path.suffix in (".hdf5", ".h5")
