"""From one object to another: a demonstrated motion cut into stages, each kept in the frame of its own part.

A motion that takes something and puts it somewhere acts on two parts, and where one lies says nothing of the other. So
each stage is kept relative to the part it acts on, and what lies between is travelled in a straight line (in the manner
of MimicGen, Mandlekar et al. 2023).
"""

from collections.abc import Sequence

import numpy as np

from grounding.errors import InputError
from grounding.trajectories import rotations
from grounding.trajectories.representation import densify, inverse, transform

APPROACH = 0.09
DEPART = 0.16
SPEED = 0.40
TURN_RATE = 1.8
_HALF_TURN = np.array([0.0, 0.0, 1.0, 0.0])


def stages(trajectory: np.ndarray, frames: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Cuts a demonstrated motion into one stage a part.

    A stage begins with the last approach from 9 cm away. All but the last one end 16 cm away from their part again.

    Args:
        trajectory: (T, 8) world frame.
        frames: the (4, 4) world frame of each part, in the order in which they are acted on.

    Returns:
        One float32 (T_k, 8) a part, in the frame of that part.

    Raises:
        InputError: no parts.
    """
    if not len(frames):
        raise InputError("stages: no part frames given; expected one for each part that the motion acts on")
    path = np.asarray(trajectory)
    cuts: list[np.ndarray] = []
    begin = 0
    for index, frame in enumerate(frames):
        last = index == len(frames) - 1
        distance = np.linalg.norm(path[begin:, :3] - frame[:3, 3], axis=1)
        contact = int(np.argmin(distance))
        far = np.flatnonzero(distance[:contact] >= APPROACH)
        start = int(far[-1]) if len(far) else 0
        left = np.flatnonzero(distance[contact:] >= DEPART)
        end = len(distance) if last or not len(left) else contact + int(left[0]) + 1
        cuts.append(transform(path[begin + start : begin + end], inverse(frame)))
        begin += end if not last else 0
        begin = min(begin, len(path) - 1)
    return cuts


def transfer(parts: Sequence[np.ndarray], frames: Sequence[np.ndarray], start: np.ndarray, rate: float) -> np.ndarray:
    """The motion for new parts: each stage carried to its new frame, joined by straight lines from ``start`` on.

    The hand looks the same turned by half a turn about its own axis; the way round that keeps it nearer to where it
    started is taken, so that joints stay clear of their limits.

    Args:
        parts: stages (T_k, 8), each in the frame of its part, as :func:`stages` returns them.
        frames: the (4, 4) world frame of each new part.
        start: (8,) pose and gripper of the hand now, world.
        rate: rows per second (Hz).

    Returns:
        float32 (T, 8) world frame, beginning after ``start``.

    Raises:
        InputError: as many stages as frames are needed.
    """
    if len(parts) != len(frames) or not parts:
        raise InputError(f"transfer: {len(parts)} stages for {len(frames)} parts; expected one stage for each part")
    pieces: list[np.ndarray] = []
    here = np.asarray(start, np.float64)
    for stage, frame in zip(parts, frames, strict=True):
        moved = _nearer_way_round(transform(stage, frame), np.asarray(start))
        way = np.stack([np.append(here[:7], moved[0, 7]), moved[0]])
        pieces.append(densify(way, rate, SPEED, TURN_RATE, dwell=1 / rate)[1:])
        pieces.append(moved[1:])
        here = moved[-1].astype(np.float64)
    return np.concatenate(pieces).astype(np.float32)


def _nearer_way_round(path: np.ndarray, start: np.ndarray) -> np.ndarray:
    turned = path.copy()
    turned[:, 3:7] = rotations.normalise(rotations.multiply(path[:, 3:7], _HALF_TURN))
    farthest = [float(np.max(rotations.rotation_distance(one[:, 3:7], start[None, 3:7]))) for one in (path, turned)]
    return path if farthest[0] <= farthest[1] else turned
