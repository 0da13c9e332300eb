"""Point clouds that people already have: .ply, .pcd, .xyz, .npy and .npz files."""

import os
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from grounding.errors import DataError

PLY_TYPES = {
    **{"char": "i1", "uchar": "u1", "short": "i2", "ushort": "u2", "int": "i4", "uint": "u4", "float": "f4"},
    **{"int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2", "int32": "i4", "uint32": "u4", "float32": "f4"},
    **{"double": "f8", "float64": "f8"},
}
PCD_TYPES = {"F": "f", "I": "i", "U": "u"}


@dataclass(frozen=True, eq=False)
class PointCloud:
    """A point cloud; what the file does not hold is None."""

    points: np.ndarray
    """float32 (N, 3), metres."""
    colors: np.ndarray | None
    """uint8 (N, 3)."""
    segments: np.ndarray | None
    """int32 (N,), the segment of each point."""


class _UnreadableError(Exception):
    """What is wrong with a file, without its name."""


def read_cloud(path: str | os.PathLike[str]) -> PointCloud:
    """Read a point cloud by the ending of its name; coordinates are taken to be metres.

    .ply    ascii or binary; red green blue; "segment" or "label"
    .pcd    ascii or binary (not compressed); packed rgb or rgba; "segment" or "label"
    .xyz    text, x y z or x y z r g b a line
    .npy    (N, 3) or (N, 6)
    .npz    points (N, 3) and, if known, colors (N, 3) and segments (N,)

    Colours are 0 to 255, or floating point from 0 to 1. Raises DataError naming the file when it is missing, empty,
    truncated, of another kind or has NaN.
    """
    path = Path(path)
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise DataError(f"{path}: unknown kind of point cloud {path.suffix!r}; expected one of {', '.join(READERS)}")
    if not path.is_file():
        raise DataError(f"{path}: no such file; expected a point cloud; check the path")
    try:
        return _checked(*reader(path))
    except UNREADABLE as error:
        raise DataError(
            f"{path}: cannot be used as a point cloud: {error}; expected an intact {path.suffix} file with at least "
            "one point and finite x y z"
        ) from error


UNREADABLE = (
    *(_UnreadableError, ValueError, LookupError, TypeError, OSError, EOFError),
    *(zipfile.BadZipFile, zlib.error),
)
Columns = tuple[np.ndarray, np.ndarray | None, np.ndarray | None]


def _checked(points: np.ndarray, colors: np.ndarray | None, segments: np.ndarray | None) -> PointCloud:
    if points.ndim != 2 or points.shape[1] != 3 or not np.issubdtype(points.dtype, np.number):
        raise _UnreadableError(f"points of shape {points.shape} and type {points.dtype}, not numbers of shape (N, 3)")
    if len(points) == 0:
        raise _UnreadableError("it has no points")
    bad = ~np.isfinite(points).all(axis=1)
    if bad.any():
        raise _UnreadableError(f"{int(bad.sum())} of {len(points)} points are NaN or infinite (leave them out)")
    if colors is not None:
        colors = _bytes(colors)
        if colors.shape != points.shape:
            raise _UnreadableError(f"colors of shape {colors.shape} for {len(points)} points")
    if segments is not None:
        if segments.shape != (len(points),) or not np.isfinite(segments).all():
            raise _UnreadableError(f"segments of shape {segments.shape} for {len(points)} points, or not finite")
        segments = segments.astype(np.int32)
    return PointCloud(points.astype(np.float32), colors, segments)


def _bytes(colors: np.ndarray) -> np.ndarray:
    if colors.dtype == np.uint8:
        return colors
    if not np.isfinite(colors).all() or colors.min(initial=0) < 0 or colors.max(initial=0) > 255:
        raise _UnreadableError("colours are not within 0 and 255 (or 0 and 1)")
    unit = np.issubdtype(colors.dtype, np.floating) and colors.max(initial=0) <= 1
    return np.round(colors * 255 if unit else colors).astype(np.uint8)


def _read_ply(path: Path) -> Columns:
    content = path.read_bytes()
    head, mark, body = content.partition(b"end_header")
    if not content.startswith(b"ply") or not mark:
        raise _UnreadableError("no PLY header")
    kind, count, fields = _ply_header(head.decode("ascii", errors="replace").splitlines())
    # The header ends with the line break of its last line, one or two characters.
    body = body[2:] if body.startswith(b"\r\n") else body[1:]
    if kind == "ascii":
        return _columns(_text_rows(body, count, fields))
    order = {"binary_little_endian": "<", "binary_big_endian": ">"}.get(kind)
    if order is None:
        raise _UnreadableError(f"unknown PLY format {kind!r}")
    return _columns(_binary_rows(body, count, [(name, order + code) for name, code in fields]))


def _ply_header(lines: list[str]) -> tuple[str, int, list[tuple[str, str]]]:
    kind, count, fields, element = "", -1, [], ""
    for words in (line.split() for line in lines):
        if words[:1] == ["format"]:
            kind = words[1]
        elif words[:1] == ["element"]:
            if words[1] != "vertex" and count < 0:
                raise _UnreadableError(f"element {words[1]!r} comes before the vertices")
            element = words[1]
            count = int(words[2]) if element == "vertex" else count
        elif words[:1] == ["property"] and element == "vertex":
            if words[1] not in PLY_TYPES:
                raise _UnreadableError(f"vertex property {' '.join(words[1:])!r} is not one number")
            fields.append((words[2], PLY_TYPES[words[1]]))
    if count < 0 or not fields:
        raise _UnreadableError("no vertices in the PLY header")
    return kind, count, fields


def _read_pcd(path: Path) -> Columns:
    content = path.read_bytes()
    header: dict[str, list[str]] = {}
    position = 0
    while "DATA" not in header:
        end = content.find(b"\n", position)
        if end < 0 or end > 10_000:
            raise _UnreadableError("no PCD header")
        words = content[position:end].decode("ascii", errors="replace").split()
        if words and not words[0].startswith("#"):
            header[words[0].upper()] = words[1:]
        position = end + 1
    counts = [int(value) for value in header.get("COUNT", ["1"] * len(header["FIELDS"]))]
    if set(counts) != {1}:
        raise _UnreadableError("fields with more than one number")
    fields = [
        (name, PCD_TYPES[kind] + size)
        for name, kind, size in zip(header["FIELDS"], header["TYPE"], header["SIZE"], strict=True)
    ]
    count, kind = int(header["POINTS"][0]), header["DATA"][0]
    if kind == "ascii":
        return _columns(_text_rows(content[position:], count, fields))
    if kind == "binary":
        return _columns(_binary_rows(content[position:], count, [(name, "<" + code) for name, code in fields]))
    raise _UnreadableError(f"PCD data {kind!r} is not supported, save it as binary")


def _text_rows(body: bytes, count: int, fields: list[tuple[str, str]]) -> dict[str, np.ndarray]:
    words = body.split(maxsplit=count * len(fields))[: count * len(fields)]
    if len(words) < count * len(fields):
        raise _UnreadableError(f"{len(words)} numbers where the header promises {count} points of {len(fields)}")
    table = np.array(words, dtype=np.float64).reshape(count, len(fields))
    return {name: table[:, place].astype(code) for place, (name, code) in enumerate(fields)}


def _binary_rows(body: bytes, count: int, fields: list[tuple[str, str]]) -> dict[str, np.ndarray]:
    kind = np.dtype([(f"{place}", code) for place, (_, code) in enumerate(fields)])
    if len(body) < count * kind.itemsize:
        raise _UnreadableError(f"{len(body)} bytes where the header promises {count} points of {kind.itemsize} bytes")
    table = np.frombuffer(body, dtype=kind, count=count)
    return {name: table[f"{place}"] for place, (name, _) in enumerate(fields)}


def _columns(fields: dict[str, np.ndarray]) -> Columns:
    """Points, colours and segments from the named fields of a PLY or PCD file."""
    points = np.stack([fields[axis] for axis in ("x", "y", "z")], axis=1)
    colors = None
    packed = fields.get("rgb", fields.get("rgba"))
    if packed is not None and packed.dtype.itemsize == 4:
        value = np.ascontiguousarray(packed).view(np.dtype("u4").newbyteorder(packed.dtype.byteorder))
        colors = np.stack([(value >> shift & 255) for shift in (16, 8, 0)], axis=1).astype(np.uint8)
    elif {"red", "green", "blue"} <= fields.keys():
        colors = np.stack([fields[name] for name in ("red", "green", "blue")], axis=1)
    return points, colors, fields.get("segment", fields.get("label"))


def _read_xyz(path: Path) -> Columns:
    text = path.read_text(encoding="utf-8", errors="replace")
    rows = [line.split() for line in text.replace(",", " ").splitlines() if line.strip() and not line.startswith("#")]
    return _split(np.array(rows, dtype=np.float64).reshape(len(rows), -1) if rows else np.empty((0, 3)))


def _read_npy(path: Path) -> Columns:
    return _split(np.load(path, allow_pickle=False))


def _split(table: np.ndarray) -> Columns:
    if table.ndim != 2 or table.shape[1] not in (3, 6):
        raise _UnreadableError(f"an array of shape {table.shape}, not (N, 3) or (N, 6)")
    return table[:, :3], table[:, 3:] if table.shape[1] == 6 else None, None


def _read_npz(path: Path) -> Columns:
    with np.load(path, allow_pickle=False) as archive:
        if "points" not in archive:
            raise _UnreadableError(f"no array 'points', only {archive.files}")
        return archive["points"], archive.get("colors"), archive.get("segments")


READERS: dict[str, Callable[[Path], Columns]] = {
    ".ply": _read_ply,
    ".pcd": _read_pcd,
    ".xyz": _read_xyz,
    ".npy": _read_npy,
    ".npz": _read_npz,
}
