"""What a report shows, as plain data: episodes, retrieval figures, a map of the space, filmstrips and provenance."""

import dataclasses
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from grounding.errors import InputError
from grounding.policies.results import Episode, summarise
from grounding.reports.environment import machine, versions

if TYPE_CHECKING:
    from grounding.reports.chapter import Chapter

METHOD_NOTES: Mapping[str, str] = MappingProxyType(
    {
        "ours": "words and the clouds of all parts seen choose demonstration and part together",
        "expert": "scripted, knows the simulator's state: the ceiling",
        "random": "any demonstration of any task, on the part most like its own: the floor",
        "text": "words alone choose the demonstration; it acts on the part most like its own",
        "points": "clouds of parts alone choose demonstration and part",
        "image": "the picture alone chooses the demonstration; it acts on the part most like its own",
    }
)


@dataclasses.dataclass(frozen=True)
class Filmstrip:
    """One episode in pictures.

    `frames` are (H, W, 3) uint8 RGB arrays in order of time; `caption` says which method, task and split it was, the
    instruction and, after a failure, what went wrong.
    """

    frames: Sequence[np.ndarray]
    caption: str
    success: bool

    def __post_init__(self) -> None:
        for number, frame in enumerate(self.frames):
            if frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype != np.uint8:
                raise InputError(
                    f"filmstrip {self.caption!r}: frame {number} is {frame.dtype} {frame.shape}; "
                    "expected uint8 (H, W, 3) RGB"
                )


@dataclasses.dataclass(frozen=True)
class SpaceMap:
    """The shared space laid flat.

    `positions` is (n, 2) float; `tasks` and `modalities` name the task and the modality of each point; `caption` says
    how the projection was made and what to look for.
    """

    positions: np.ndarray
    tasks: Sequence[str]
    modalities: Sequence[str]
    caption: str

    def __post_init__(self) -> None:
        if self.positions.shape != (len(self.tasks), 2) or len(self.modalities) != len(self.tasks):
            raise InputError(
                f"space map: positions {self.positions.shape}, {len(self.tasks)} tasks, {len(self.modalities)} "
                "modalities; expected (n, 2), n and n"
            )


@dataclasses.dataclass(frozen=True)
class Report:
    """Everything that a report shows.

    Args:
        title: the heading.
        lead: what ran and what came of it, in plain sentences; paragraphs are separated by an empty line.
        episodes: all episodes of all methods.
        seconds: wall-clock seconds of the whole run.
        demonstrations: how many demonstrations the library holds.
        retrieval: what `grounding.space.Retrieval.as_dict` gives, `{"text->points": {"kind", "R@1", "R@1 low",
            "R@1 high", "chance R@1", ..., "mAP", ..., "median rank", "n", "gallery", "gap", ...}}`; rates and chances
            within 0..1.
        space_map: the map, if one was made.
        filmstrips: successes and failures in any order; they are shown apart.
        chapters: other analyses of the run, such as of brain recordings, behind everything else.
        settings: the run's settings; values may be nested mappings.
        seeds: the seed of each part of the run.
        simulated: the sentence that says what was simulated. Empty only when nothing was.
        methods: one line about each method.
        versions: version of each library that matters for the numbers.
        machine: processor, cores and operating system.
    """

    title: str
    lead: str
    episodes: Sequence[Episode]
    seconds: float
    demonstrations: int
    retrieval: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)
    space_map: SpaceMap | None = None
    filmstrips: Sequence[Filmstrip] = ()
    chapters: Sequence["Chapter"] = ()
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    seeds: Mapping[str, int] = dataclasses.field(default_factory=dict)
    simulated: str = "Simulated: robot, objects, cameras and demonstrations all come from PyBullet."
    methods: Mapping[str, str] = dataclasses.field(default_factory=lambda: METHOD_NOTES)
    versions: Mapping[str, str] = dataclasses.field(default_factory=versions)
    machine: Mapping[str, str | int] = dataclasses.field(default_factory=machine)

    def summary(self) -> dict[str, Any]:
        """The numbers as `summary.json` holds them: JSON types only, no NaN."""
        return plain(
            {
                "title": self.title,
                "simulated": self.simulated,
                "seconds": self.seconds,
                "demonstrations": self.demonstrations,
                **summarise(self.episodes),
                "retrieval": self.retrieval,
                "settings": self.settings,
                "seeds": self.seeds,
                "versions": self.versions,
                "machine": self.machine,
            }
        )


def plain(value: Any) -> Any:
    """The same value in JSON types: mappings, dataclasses, tuples, NumPy numbers and paths converted, NaN made None."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    return str(value)
