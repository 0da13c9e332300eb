"""Folders of captioned point clouds: `points.npz` with arrays over all objects and `captions.json` beside it."""

import json
import os
import re
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from grounding.errors import DataError

LARGEST_RADIUS = 1.01  # of the unit sphere, with what half precision rounds
KINDS = {"f": "floats", "fi": "floats or integers", "u": "uint8", "U": "strings", "b": "booleans"}
EXPECTED = "expected a folder with points.npz and captions.json of the same objects; restore or convert it again"


@dataclass(frozen=True, eq=False)
class CaptionedCloud:
    """One object: points sampled on its surface, and what it is called."""

    name: str
    """Unique within its data set and category."""
    dataset: str
    """Name of the folder that it comes from."""
    category: str
    """What the data set groups its objects by: packs, kinds or sources."""
    captions: tuple[str, ...]
    """Texts about the object, at least one, cleaned by :func:`clean_caption`; a title comes before its description."""
    points: np.ndarray
    """float32 (N, 3), centred, within the unit sphere, in the axes of the data set."""
    normals: np.ndarray
    """float32 (N, 3), unit length."""
    colors: np.ndarray
    """float32 (N, 3), 0 to 1; a grey of no meaning where `colored` is False."""
    colored: bool
    """Whether the colours are the object's."""
    extent: np.ndarray
    """float32 (3,), sides of the bounding box in the original units, which differ between data sets."""


def read_captioned_clouds(folder: str | os.PathLike[str]) -> list[CaptionedCloud]:
    """Read all objects of a folder of captioned point clouds, in the order of the file.

    `points.npz` holds, over O objects of N points each: `points` float (O, N, 3) within the unit sphere, `normals`
    (O, N, 3) of any scale, `colors` uint8 (O, N, 3), `extent` float (O, 3), `names` and `category` strings (O,), and
    perhaps `has_color` bool (O,). `captions.json` is a list with an entry for every object in the same order:
    `{"name", "caption"}` or `{"name", "title", "description"}`.

    Raises:
        DataError: a file is missing, damaged or does not follow this layout; names the file and the array, entry or
            object that is wrong.

    Example:
        >>> clouds = read_captioned_clouds("pointcloud/kaykit_cc0")
        >>> clouds[0].captions, clouds[0].points.shape
        (('a base',), (2048, 3))
    """
    folder = Path(folder)
    arrays = _arrays(folder / "points.npz")
    names = [str(name) for name in arrays["names"]]
    captions = _captions(folder / "captions.json", names)
    return [
        CaptionedCloud(
            name=name,
            dataset=folder.resolve().name,
            category=str(arrays["category"][row]),
            captions=captions[row],
            points=arrays["points"][row],
            normals=arrays["normals"][row],
            colors=arrays["colors"][row],
            colored=bool(arrays["has_color"][row]),
            extent=arrays["extent"][row],
        )
        for row, name in enumerate(names)
    ]


def clean_caption(text: str) -> str:
    """A caption in plain words: no addresses, underscores or joinedWords, single spaces, "a" or "an" as it should be.

    Example:
        >>> clean_caption("a armchair_withoutBase  https://example.org/chair")
        'an armchair without Base'
    """
    text = re.sub(r"https?://\S+", " ", text).replace("_", " ").replace("`", " ")
    text = re.sub(r"\b([a-z]{2,})(?=[A-Z])", r"\1 ", text)
    text = re.sub(r"\b([Aa]) +(?=[aeio]|u(?!ni|s))", r"\1n ", text)
    text = re.sub(r"\b([Aa])n +(?=[b-df-gj-np-tv-z])", r"\1 ", text)
    return " ".join(text.split())


def _arrays(file: Path) -> dict[str, np.ndarray]:
    """The arrays of `points.npz`, checked and converted."""
    if not file.is_file():
        raise DataError(f"{file}: no such file; {EXPECTED}")
    try:
        with np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"{file}: cannot be read ({error}); {EXPECTED}") from error
    missing = sorted({"points", "normals", "colors", "extent", "names", "category"} - arrays.keys())
    if missing:
        raise DataError(f"{file}: no array {', '.join(missing)} among {sorted(arrays)}; {EXPECTED}")
    shape = arrays["points"].shape
    if len(shape) != 3 or shape[2] != 3 or 0 in shape:
        raise DataError(f"{file}: points of shape {shape}, expected (objects, points, 3)")
    arrays.setdefault("has_color", np.ones(shape[0], dtype=bool))
    layout = {
        **{"points": ("f", shape), "normals": ("fi", shape), "colors": ("u", shape), "extent": ("f", (shape[0], 3))},
        **{"names": ("U", shape[:1]), "category": ("U", shape[:1]), "has_color": ("b", shape[:1])},
    }
    for name, (kinds, expected) in layout.items():
        found = arrays[name]
        if found.shape != expected or found.dtype.kind not in kinds or (name == "colors" and found.dtype != np.uint8):
            raise DataError(
                f"{file}: {name} of shape {found.shape} and type {found.dtype}, expected {expected} of "
                f"{KINDS[kinds]}; {EXPECTED}"
            )
    converted = {name: arrays[name].astype(np.float32) for name in ("points", "normals", "colors", "extent")}
    _check_numbers(file, arrays["names"], converted)
    converted["normals"] /= np.linalg.norm(converted["normals"], axis=2, keepdims=True)
    converted["colors"] /= 255
    return arrays | converted


def _check_numbers(file: Path, names: np.ndarray, arrays: dict[str, np.ndarray]) -> None:
    def refuse(bad: np.ndarray, what: str) -> None:
        rows = np.flatnonzero(bad.reshape(len(bad), -1).any(axis=1))
        if len(rows):
            raise DataError(f"{file}: {len(rows)} objects, such as {str(names[rows[0]])!r}, {what}")

    for name, values in arrays.items():
        refuse(~np.isfinite(values), f"have {name} that are NaN or infinite, expected finite numbers; leave them out")
    radius = np.linalg.norm(arrays["points"], axis=2)
    refuse(radius > LARGEST_RADIUS, f"reach {radius.max():.3g} from the origin, expected points in the unit sphere")
    refuse((arrays["normals"] == 0).all(axis=2), "have normals of length 0, expected directions")
    refuse(arrays["extent"] < 0, "have a negative extent, expected lengths")


def _captions(file: Path, names: list[str]) -> list[tuple[str, ...]]:
    """Cleaned captions in the order of the names."""
    try:
        entries: Any = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{file}: cannot be read as JSON ({error}); {EXPECTED}") from error
    if not isinstance(entries, list) or len(entries) != len(names):
        found = f"{len(entries)} entries" if isinstance(entries, list) else type(entries).__name__
        raise DataError(f"{file}: {found} found, expected a list with one for each of the {len(names)} objects")
    captions = []
    for row, (entry, name) in enumerate(zip(entries, names, strict=True)):
        about = entry.get("name") if isinstance(entry, dict) else entry
        if not isinstance(entry, dict) or about != name:
            raise DataError(f"{file}: entry {row} is about {about!r}, but points.npz has {name!r} there; {EXPECTED}")
        texts = [entry[key] for key in ("caption", "title", "description") if entry.get(key) is not None]
        if not texts or not all(isinstance(text, str) for text in texts):
            raise DataError(f"{file}: entry {row} ({name!r}) has no text under 'caption', or 'title' and 'description'")
        captions.append(_distinct([clean_caption(text) for text in texts]))
        if not captions[-1]:
            raise DataError(f"{file}: entry {row} ({name!r}) has no words in {texts}; write what the object is")
    return captions


def _distinct(texts: list[str]) -> tuple[str, ...]:
    """Those with words, without repetitions that differ in letter case or a full stop only."""
    kept = {text.casefold().rstrip("."): text for text in reversed(texts) if re.search(r"\w", text)}
    return tuple(text for text in texts if text in kept.values())
