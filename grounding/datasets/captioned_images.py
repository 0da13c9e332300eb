"""Photos with several captions each, in the layout of Flickr8k."""

import csv
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from grounding.datasets.images import read_image
from grounding.errors import DataError

EXPECTED = "expected a folder with images/, captions.csv (image,caption) and splits.json; restore it"


@dataclass(frozen=True)
class CaptionedImage:
    """A photo that stays on disk until it is asked for, and what people wrote about it."""

    file: Path
    captions: tuple[str, ...]

    def read(self) -> np.ndarray:
        """The photo, uint8 (H, W, 3). Raises DataError naming the file when it is damaged."""
        return read_image(self.file)


def read_captioned_images(folder: str | os.PathLike[str], split: str = "train") -> list[CaptionedImage]:
    """List the photos of one split with their captions, in the order of `splits.json`; no photo is opened.

    The layout is that of Flickr8k (Hodosh et al., 2013): `images/`, `captions.csv` with a row `image,caption` for
    every caption, and `splits.json`, an object from the name of a split to a list of files.

    Raises:
        DataError: a file is missing or does not follow this layout, there is no such split, or a photo of the split
            is missing or has no caption.

    Example:
        >>> photos = read_captioned_images("image/flickr8k", "dev")
        >>> len(photos), len(photos[0].captions), photos[0].read().shape
        (1000, 5, (144, 144, 3))
    """
    folder = Path(folder)
    files = _split(folder / "splits.json", split)
    captions = _captions(folder / "captions.csv")
    present = {path.name for path in (folder / "images").glob("*")}
    for problem, missing in (
        ("is not in images/", [file for file in files if file not in present]),
        ("has no caption in captions.csv", [file for file in files if file not in captions]),
    ):
        if missing:
            raise DataError(
                f"{folder}: {missing[0]!r} of split {split!r} {problem} ({len(missing)} of {len(files)}); {EXPECTED}"
            )
    return [CaptionedImage(folder / "images" / file, tuple(captions[file])) for file in files]


def _split(file: Path, split: str) -> list[str]:
    try:
        splits: Any = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{file}: cannot be read as JSON ({error}); {EXPECTED}") from error
    if not isinstance(splits, dict) or not isinstance(splits.get(split), list) or not splits[split]:
        known = sorted(splits) if isinstance(splits, dict) else type(splits).__name__
        raise DataError(f"{file}: no files of a split {split!r} found, only {known}; name one of these")
    return [str(name) for name in splits[split]]


def _captions(file: Path) -> dict[str, list[str]]:
    """Captions of every image that has some with words."""
    captions: dict[str, list[str]] = {}
    try:
        with file.open(encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream)
            if not {"image", "caption"} <= set(reader.fieldnames or ()):
                raise DataError(f"{file}: columns {reader.fieldnames} found, expected image and caption")
            for row in reader:
                if (row["caption"] or "").strip():
                    captions.setdefault(row["image"], []).append(row["caption"].strip())
    except (OSError, ValueError, csv.Error) as error:
        raise DataError(f"{file}: cannot be read as CSV ({error}); {EXPECTED}") from error
    return captions
