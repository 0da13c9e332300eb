"""One demonstration: what was asked, what was seen and how the robot moved."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from grounding.errors import DataError

# float32 poses that went through a simulator, a file and back stay well inside this.
QUATERNION_TOLERANCE = 1e-3


@dataclass(frozen=True, eq=False)
class Demonstration:
    """What was asked (several wordings), what was observed and the motion that answered it.

    A modality that was not observed is None; then `parts` is empty too when it is the cloud that is missing.
    Demonstrations with equal `meaning` are positives of each other.
    """

    id: str
    """Unique name, such as "OpenDrawer-train-000012"."""
    task: str
    split: str
    seed: int
    meaning: str
    """Canonical form of what was asked, such as "OpenDrawer top"."""
    instructions: tuple[str, ...]
    """Wordings of the same request."""
    trajectory: np.ndarray
    """float32 (T, 8), world frame: x y z (m), qx qy qz qw (unit, w >= 0), gripper (0 closed .. 1 open)."""
    rate: float
    """Rows of the trajectory per second (Hz)."""
    success: bool
    image: np.ndarray | None
    """uint8 (C, H, W, 3), one picture a camera."""
    points: np.ndarray | None
    """float32 (N, 3), world frame, metres."""
    colors: np.ndarray | None
    """uint8 (N, 3)."""
    segments: np.ndarray | None
    """int32 (N,), the unlabelled segment of each point, >= 1."""
    parts: tuple[int, ...]
    """The segments acted on, in the order in which they are acted on."""
    meanings: dict[int, str]
    """Segment -> meaning of the instruction that would have named it, the target included; for training only."""

    def validate(self) -> None:
        """Raise DataError naming the demonstration and the field when anything contradicts the descriptions above."""
        self._check_words()
        self._check_trajectory()
        self._check_image()
        self._check_cloud()

    def _fail(self, found: str, expected: str) -> None:
        raise DataError(
            f"demonstration {self.id!r}: {found}; expected {expected}; collect it again or repair its source"
        )

    def _check_words(self) -> None:
        for name in ("id", "task", "split", "meaning"):
            value = getattr(self, name)
            if not isinstance(value, str) or not value.strip():
                self._fail(f"{name} is {value!r}", "a text with words in it")
        if not self.instructions or any(not isinstance(text, str) or not text.strip() for text in self.instructions):
            self._fail(f"instructions are {self.instructions!r}", "at least one instruction, none of them empty")
        if not np.isfinite(self.rate) or self.rate <= 0:
            self._fail(f"rate is {self.rate!r}", "a positive number of rows per second")

    def _check_array(self, name: str, dtype: Any, shape: tuple[int | None, ...]) -> np.ndarray:
        """Return the field as an array after checking its dtype and shape (None: any length of at least 1)."""
        array = getattr(self, name)
        expected = f"{np.dtype(dtype).name} of shape ({', '.join('any' if n is None else str(n) for n in shape)})"
        if not isinstance(array, np.ndarray):
            self._fail(f"{name} is {type(array).__name__}", expected)
        fits = array.ndim == len(shape) and all(
            (found > 0 if wanted is None else found == wanted) for found, wanted in zip(array.shape, shape, strict=True)
        )
        if array.dtype != dtype or not fits:
            self._fail(f"{name} is {array.dtype} of shape {array.shape}", expected)
        return array

    def _check_trajectory(self) -> None:
        trajectory = self._check_array("trajectory", np.float32, (None, 8))
        if not np.isfinite(trajectory).all():
            row = int(np.argmin(np.isfinite(trajectory).all(axis=1)))
            self._fail(f"trajectory has NaN or infinity in row {row}", "finite numbers")
        norms = np.linalg.norm(trajectory[:, 3:7].astype(np.float64), axis=1)
        if np.abs(norms - 1).max() > QUATERNION_TOLERANCE:
            self._fail(f"trajectory has a quaternion of length {norms[np.abs(norms - 1).argmax()]:.4f}", "length 1")
        if trajectory[:, 6].min() < -QUATERNION_TOLERANCE:
            self._fail(f"trajectory has a quaternion with w = {trajectory[:, 6].min():.4f}", "w >= 0")
        gripper = trajectory[:, 7]
        if gripper.min() < -QUATERNION_TOLERANCE or gripper.max() > 1 + QUATERNION_TOLERANCE:
            self._fail(f"gripper runs from {gripper.min():.3f} to {gripper.max():.3f}", "0 (closed) to 1 (open)")

    def _check_image(self) -> None:
        if self.image is not None:
            self._check_array("image", np.uint8, (None, None, None, 3))

    def _check_cloud(self) -> None:
        if self.points is None:
            if self.colors is not None or self.segments is not None or self.parts:
                self._fail("colors, segments or parts are given without points", "all of them or none")
            return
        points = self._check_array("points", np.float32, (None, 3))
        self._check_array("colors", np.uint8, (len(points), 3))
        segments = self._check_array("segments", np.int32, (len(points),))
        if not np.isfinite(points).all():
            count = int((~np.isfinite(points).all(axis=1)).sum())
            self._fail(f"{count} of {len(points)} points have NaN or infinity", "finite coordinates")
        if segments.min() < 1:
            self._fail(f"segments has {int(segments.min())}", "segment numbers of at least 1")
        missing = [part for part in self.parts if not (segments == part).any()]
        if missing or not self.parts:
            self._fail(
                f"parts are {self.parts}, of which {missing} have no points", "at least one part, each in segments"
            )


def trajectory_of(positions: np.ndarray, quaternions: np.ndarray, opening: np.ndarray) -> np.ndarray:
    """A demonstration's trajectory, float32 (T, 8), from what another format holds.

    Args:
        positions: (T, 3), m.
        quaternions: (T, 4), x y z w, of either sign and about unit length.
        opening: (T,) of the gripper, 0 closed to 1 open; clipped to that.
    """
    lengths = np.linalg.norm(quaternions, axis=1, keepdims=True)
    # What has no length is left for `validate` to find.
    unit = quaternions / np.where(lengths > 0, lengths, 1)
    unit = np.where(unit[:, 3:] < 0, -unit, unit)
    return np.column_stack([positions, unit, np.clip(opening, 0, 1)]).astype(np.float32)
