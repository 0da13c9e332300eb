"""The retrieval policy: told in words and shown a scene, it finds a demonstrated motion and fits it to what it sees."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from grounding.errors import InputError
from grounding.library import Entry, Library
from grounding.library.samples import DESTINATION
from grounding.trajectories.parts import part_cloud, part_frame, visible_parts
from grounding.trajectories.transfer import transfer

QUERIES = ("text", "points", "image")


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

    Which segment is meant and which demonstration fits are decided together. For every segment seen, the library is
    searched with the words, the picture and the segment's cloud; a segment counts by its best demonstration and by how
    well its own cloud agrees with the words. The motion is then carried from the demonstration's part to the segment.

    With fewer modalities in ``query`` the policy is a baseline: it uses only those to choose the demonstration, and
    without words takes the segment most like the demonstration's own part. With an empty ``query`` the demonstration
    is drawn at random with ``seed`` and the place where the observation's robot stands.

    Args:
        library: demonstrations embedded in a space that encodes text, points and image.
        query: which of "text", "points" and "image" are used.
        seed: of the random choice.

    Example:
        >>> policy = RetrievalPolicy(Library.open("runs/demo/library", space))
        >>> plan = policy.plan(observation)
    """

    def __init__(self, library: Library, query: Sequence[str] = QUERIES, seed: int = 0) -> None:
        unknown = set(query) - set(QUERIES)
        if unknown:
            raise InputError(f"query: {sorted(unknown)} found; expected some of {', '.join(QUERIES)}")
        self.library = library
        self.query = tuple(query)
        self.seed = seed
        vectors = library.vectors("points")
        ids = np.array(library.ids())
        able = np.isfinite(vectors[:, 0])
        self._ids, self._parts = ids[able], vectors[able]
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
        if "text" in vectors and "points" in self.query:
            part, entry, score = self._together(seen, vectors)
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

    def _together(self, seen: list[_Seen], vectors: dict[str, np.ndarray]) -> tuple[_Seen, Entry, float]:
        best: tuple[float, _Seen, str] | None = None
        for one in seen:
            query = {**vectors, "points": one.vector}
            hit = self.library.search(query, k=1, against=("points", "trajectory"))[0]
            score = hit.score + float(one.vector @ vectors["text"])
            if best is None or score > best[0]:
                best = (score, one, hit.id)
        assert best is not None
        return best[1], self.library.get(best[2]), best[0]

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
