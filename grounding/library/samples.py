"""From demonstrations to what the shared space trains on and to what a library stores."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from grounding.datasets import Demonstration
from grounding.errors import DataError, InputError
from grounding.library.entries import Entry
from grounding.library.library import Space
from grounding.trajectories import inverse, transform
from grounding.trajectories.parts import part_cloud, part_frame, visible_parts
from grounding.trajectories.transfer import stages

DESTINATION = "destination vector"
_CHUNK = 128


def samples(demonstrations: Iterable[Demonstration]) -> list[dict[str, Any]]:
    """Samples for :func:`grounding.space.fit`.

    A demonstration gives one sample with all modalities that it has: its wordings, its pictures, the cloud of the part
    acted on and the motion in the frame of that part. Every other segment seen gives a sample of its own: its cloud,
    with the wordings of another demonstration that asked for the like of it if there is one.
    """
    demonstrations = list(demonstrations)
    wordings = {one.meaning: one.instructions for one in demonstrations}
    found: list[dict[str, Any]] = []
    for demonstration in demonstrations:
        sample: dict[str, Any] = {"id": demonstration.meaning, "text": demonstration.instructions}
        if demonstration.image is not None:
            sample["image"] = tuple(demonstration.image)
        if demonstration.points is not None:
            part = demonstration.parts[0]
            frame = frame_of(demonstration, part)
            sample["points"] = cloud_of(demonstration, part, frame)
            sample["trajectory"] = transform(demonstration.trajectory, inverse(frame))
            found += _bystanders(demonstration, wordings)
        found.append(sample)
    return found


def entries(demonstrations: Sequence[Demonstration], space: Space) -> Iterator[Entry]:
    """Library entries with the vectors of everything that was observed.

    A demonstration with a cloud can be carried out: its entry holds the motion in the frame of its first part, its
    stages ("stage 0", ...) each in the frame of its own part, and the vector of the part that it ended at if that is
    another one. One without a cloud keeps its motion in the world's frame and can be found but not carried out.
    """
    for start in range(0, len(demonstrations), _CHUNK):
        yield from _embedded(demonstrations[start : start + _CHUNK], space)


def frame_of(demonstration: Demonstration, part: int) -> np.ndarray:
    """The (4, 4) frame of one part of a demonstration; see :func:`grounding.trajectories.parts.part_frame`.

    Raises:
        DataError: the cloud cannot be used; the message names the demonstration.
    """
    assert demonstration.points is not None
    try:
        return part_frame(demonstration.points, _segments(demonstration), part)
    except InputError as error:
        raise DataError(f"demonstration {demonstration.id!r}: {error}; leave it out or collect it again") from error


def cloud_of(demonstration: Demonstration, part: int, frame: np.ndarray) -> np.ndarray:
    """float32 (512, 7) cloud of one part of a demonstration; see :func:`grounding.trajectories.parts.part_cloud`."""
    assert demonstration.points is not None and demonstration.colors is not None
    return part_cloud(demonstration.points, demonstration.colors, _segments(demonstration), part, frame)


def _segments(demonstration: Demonstration) -> np.ndarray:
    assert demonstration.segments is not None
    return demonstration.segments


def _bystanders(demonstration: Demonstration, wordings: Mapping[str, tuple[str, ...]]) -> list[dict[str, Any]]:
    found = []
    for segment in visible_parts(_segments(demonstration)):
        if segment != demonstration.parts[0]:
            frame = frame_of(demonstration, segment)
            meaning = demonstration.meanings.get(segment, f"{demonstration.id} segment {segment}")
            sample: dict[str, Any] = {"id": meaning, "points": cloud_of(demonstration, segment, frame)}
            if meaning in wordings:
                sample["text"] = wordings[meaning]
            found.append(sample)
    return found


def _embedded(demonstrations: Sequence[Demonstration], space: Space) -> Iterator[Entry]:
    frames = [[frame_of(one, part) for part in one.parts] if one.points is not None else [] for one in demonstrations]
    data: dict[str, dict[int, Any]] = {"text": {}, "image": {}, "points": {}, "trajectory": {}, DESTINATION: {}}
    for row, (one, placed) in enumerate(zip(demonstrations, frames, strict=True)):
        data["text"][row] = one.instructions[0]
        if one.image is not None:
            data["image"][row] = one.image[0]
        if placed:
            data["points"][row] = cloud_of(one, one.parts[0], placed[0])
            data["trajectory"][row] = transform(one.trajectory, inverse(placed[0]))
        if len(placed) > 1:
            data[DESTINATION][row] = cloud_of(one, one.parts[-1], placed[-1])
    vectors = {name: _encode(space, "points" if name == DESTINATION else name, rows) for name, rows in data.items()}
    for row, (one, placed) in enumerate(zip(demonstrations, frames, strict=True)):
        extras = (
            {f"stage {index}": stage for index, stage in enumerate(stages(one.trajectory, placed))} if placed else {}
        )
        if row in vectors[DESTINATION]:
            extras[DESTINATION] = vectors[DESTINATION][row]
        yield Entry(
            id=one.id,
            task=one.task,
            meaning=one.meaning,
            instruction=one.instructions[0],
            trajectory=data["trajectory"].get(row, one.trajectory),
            rate=one.rate,
            metadata={"split": one.split, "seed": one.seed, "frame": "part" if placed else "world"},
            vectors={name: found[row] for name, found in vectors.items() if name != DESTINATION and row in found},
            extras=extras,
        )


def _encode(space: Space, modality: str, rows: dict[int, Any]) -> dict[int, np.ndarray]:
    if not rows:
        return {}
    encoded = space.encode(**{modality: list(rows.values())})[modality]
    return dict(zip(rows, encoded, strict=True))
