"""The retrieval policy: told in words and shown a scene, it finds a demonstrated motion and fits it to what it sees."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from grounding.errors import InputError
from grounding.library import Entry, Library
from grounding.library.samples import DESTINATION
from grounding.trajectories.parts import part_cloud, part_frame, visible_parts
from grounding.trajectories.transfer import transfer

if TYPE_CHECKING:
    from grounding.space import SharedSpace

SHORTLIST = 20
_QUERIES = (("text", "points"), ("text",), ("points",), ("image",), ())


@dataclass(frozen=True)
class Plan:
    """A motion to carry out, float32 (T, 8) in the world, and where it came from.

    ``retrieved`` and ``task`` are those of the demonstration, ``part`` is the segment chosen to act on, ``score`` says
    how well the demonstration fits the query.
    """

    trajectory: np.ndarray
    retrieved: str | None = None
    task: str | None = None
    part: int | None = None
    score: float = 0.0


@dataclass(frozen=True)
class _Seen:
    """A segment of the scene: its frame (4, 4) and its vector (dim,)."""

    segment: int
    frame: np.ndarray
    vector: np.ndarray


class RetrievalPolicy:
    """From an observation to a motion, by search in the shared space.

    Which segment is meant and which demonstration fits are decided together. For every segment seen, the library's
    motions are searched with the words and the segment's cloud; a segment counts by its best motion and by how well
    its own cloud agrees with the words. The motion is then carried from the demonstration's part to the segment.

    With a single modality in ``query`` the policy is a baseline: that one alone chooses the demonstration, and the
    segment most like the demonstration's own part is acted on. With none, the demonstration is drawn at random, with
    ``seed`` and the cloud observed as the source of chance.

    Args:
        library: demonstrations embedded in a space that encodes text, points and image.
        query: "text" and "points" together, or one of "text", "points", "image" alone, or nothing.
        seed: of the random choice.

    Example:
        >>> policy = RetrievalPolicy(Library.open("runs/demo/library", space))
        >>> plan = policy.plan(observation)
    """

    def __init__(self, library: Library, query: Sequence[str] = ("text", "points"), seed: int = 0) -> None:
        if tuple(query) not in _QUERIES:
            raise InputError(f"query: {tuple(query)} found; expected one of {', '.join(map(str, _QUERIES))}")
        self.library = library
        self.query = tuple(query)
        self.seed = seed
        vectors = library.vectors("points")
        ids = np.array(library.ids())
        able = np.isfinite(vectors[:, 0])
        self._ids, self._parts = ids[able], vectors[able]
        self._rows = {str(identifier): row for row, identifier in enumerate(self._ids)}
        if not len(self._ids):
            raise InputError(f"{library.path}: no demonstration has a cloud, so none can be carried out; index others")

    def plan(self, observation: Mapping[str, Any]) -> Plan:
        """Finds and fits a motion.

        Args:
            observation: instruction (str), points (N, 3), colors (N, 3), segments (N,), image (C, H, W, 3) and
                proprioception (15,), as the environments of ``sims`` give them.

        Raises:
            InputError: an instruction of no words, a cloud with NaN, or nothing to act on in it.
        """
        words = str(observation["instruction"])
        if not any(character.isalnum() for character in words):
            raise InputError(f"instruction: {words!r} found; expected words that say what to do")
        seen = self._look(observation)
        vectors = self._encode_query(observation, words)
        if len(self.query) == 2:
            part, entry, score = self._together(seen, vectors["text"])
        else:
            part, entry, score = self._demonstration_first(seen, vectors, observation)
        frames = [part.frame]
        if DESTINATION in entry.extras:
            frames.append(self._destination(seen, part, entry.extras[DESTINATION]).frame)
        parts = [entry.extras[f"stage {index}"] for index in range(len(frames))]
        hand = np.asarray(observation["proprioception"], np.float64)[7:15]
        start = np.append(hand[:7], np.clip(hand[7], 0, 1))
        motion = transfer(parts, frames, start, entry.rate)
        return Plan(motion, entry.id, entry.task, part.segment, score)

    def _look(self, observation: Mapping[str, Any]) -> list[_Seen]:
        points, segments = np.asarray(observation["points"]), np.asarray(observation["segments"])
        labels = visible_parts(segments)
        if not labels:
            raise InputError("the point cloud shows no segment with enough points to act on; look at the cameras")
        frames = [part_frame(points, segments, label) for label in labels]
        clouds = [
            part_cloud(points, np.asarray(observation["colors"]), segments, label, frame)
            for label, frame in zip(labels, frames, strict=True)
        ]
        vectors = self.library.space.encode(points=np.stack(clouds))["points"]
        return [_Seen(*one) for one in zip(labels, frames, vectors, strict=True)]

    def _encode_query(self, observation: Mapping[str, Any], words: str) -> dict[str, np.ndarray]:
        data: dict[str, Any] = {}
        if "text" in self.query:
            data["text"] = [words]
        if "image" in self.query:
            data["image"] = np.asarray(observation["image"])[:1]
        return {name: found[0] for name, found in self.library.space.encode(**data).items()} if data else {}

    def _together(self, seen: list[_Seen], words: np.ndarray) -> tuple[_Seen, Entry, float]:
        """The segment and the motion that agree best with the words and with each other.

        The words come first: only the motions that they fit best are considered, since a cloud cannot tell which way a
        knob is to be turned. Among these and all segments, three agreements are added: words and segment, words and
        motion, segment and demonstrated part. A cosine times the learned scale of its pair estimates, up to a constant,
        how much likelier (as a logarithm) the two occur together than apart (van den Oord et al. 2018). Two clouds are
        no trained pair and have no scale of their own: their cosine counts as much as one of cloud and motion.
        """
        hits = self.library.search({"text": words}, k=SHORTLIST, against=("trajectory",))
        rows = [self._rows[hit.id] for hit in hits]
        clouds = np.stack([one.vector for one in seen])
        scores = (
            self._scale("text", "points") * (clouds @ words)[:, None]
            + self._scale("text", "trajectory") * np.array([hit.score for hit in hits])
            + self._scale("points", "trajectory") * (clouds @ self._parts[rows].T)
        )
        segment, hit = np.unravel_index(int(np.argmax(scores)), scores.shape)
        return seen[segment], self.library.get(hits[hit].id), float(scores[segment, hit])

    def _scale(self, a: str, b: str) -> float:
        return float(cast("SharedSpace", self.library.space).scale(a, b).detach())

    def _demonstration_first(
        self, seen: list[_Seen], vectors: dict[str, np.ndarray], observation: Mapping[str, Any]
    ) -> tuple[_Seen, Entry, float]:
        likeness = np.stack([one.vector for one in seen]) @ self._parts.T
        if "points" in self.query:
            scores = likeness.max(axis=0)
        elif vectors:
            (name,) = vectors
            against = ("trajectory",) if name == "text" else (name,)
            hits = self.library.search(vectors, k=len(self.library), against=against)
            order = {hit.id: hit.score for hit in hits}
            scores = np.array([order.get(identifier, -np.inf) for identifier in self._ids])
        else:
            entropy = np.asarray(observation["points"], np.float32).tobytes()[:64]
            scores = np.random.default_rng([self.seed, *entropy]).random(len(self._ids))
        chosen = int(np.argmax(scores))
        part = seen[int(np.argmax(likeness[:, chosen]))]
        return part, self.library.get(str(self._ids[chosen])), float(scores[chosen])

    def _destination(self, seen: list[_Seen], part: _Seen, wanted: np.ndarray) -> _Seen:
        others = [one for one in seen if one.segment != part.segment] or [part]
        return max(others, key=lambda one: float(one.vector @ wanted))
