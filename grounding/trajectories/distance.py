"""DTW-MT: how unlike two manipulation trajectories are, from their poses and gripper states near the part acted on.

Source: Sung, Jin, Lenz and Saxena, "Robobarista: learning to manipulate novel objects via deep multimodal embedding",
2015 (arXiv 1504.03071). Both trajectories are given in the frame of the part that they act on. Two rows differ by

    (|t - t'| / ALPHA_T + angle(q, q') / ALPHA_R) * (1 + BETA * [gripper states differ]) * w(t) * w(t')

with w(t) = exp(-GAMMA * |t|): what happens far from the part hardly counts. These costs are summed along the monotone
alignment of all rows of both that makes the sum least, and the sum is divided by the number of pairs aligned. Of
alignments that cost the same, the shortest counts.
"""

import math
from collections.abc import Sequence

import numba
import numpy as np
from numpy.typing import ArrayLike

from grounding.errors import InputError
from grounding.trajectories import rotations
from grounding.trajectories.representation import validate

ALPHA_T = 0.0075
"""Metres that count for 1."""
ALPHA_R = math.radians(3.75)
"""Radians that count for 1."""
BETA = 1.0
"""A difference of gripper states counts for so much more of the pose's."""
GAMMA = 4.0
"""Rate, per metre, at which the weight of a row falls with its distance from the part."""

STEP, TURN = 0.01, math.radians(5.0)
_CLOSED, _OPEN = 0.25, 0.75
_BORDERS = ("standard", "published")


def dtw_mt(a: ArrayLike, b: ArrayLike, *, interpolated: bool = True, border: str = "standard") -> float:
    """The distance of two trajectories, at least 0, without unit; below 10 is called a success in the literature.

    A gripper below 0.25 is closed, above 0.75 open, and holds in between: three states.

    Args:
        a: float (T, 8) in the frame of the part acted on; see :mod:`grounding.trajectories.representation`.
        b: float (T', 8), likewise.
        interpolated: first fill in rows until none is farther than 1 cm or 5 degrees from the next, as published.
        border: "standard", or "published" for what the published tool computes: to the costs of the first row and the
            first column of the table of alignments it adds all entries before instead of the last one, which makes
            alignments dear in which one trajectory waits for the other at the start.

    Raises:
        InputError: no trajectories, or an unknown border.

    >>> here = [[0.0, 0, 0, 0, 0, 0, 1, 1]]
    >>> there = [[0.0, 0, 0.0075, 0, 0, 0, 1, 1]]
    >>> round(dtw_mt(here, there), 4)  # 1 for 7.5 mm, times exp(-4 * 0.0075)
    0.9704
    """
    return float(dtw_mt_matrix([a], [b], interpolated=interpolated, border=border)[0, 0])


def dtw_mt_matrix(
    rows: Sequence[ArrayLike],
    columns: Sequence[ArrayLike] | None = None,
    *,
    interpolated: bool = True,
    border: str = "standard",
) -> np.ndarray:
    """The distances of all pairs, float64 (len(rows), len(columns)).

    Args:
        rows: trajectories, each (T, 8) in the frame of its part.
        columns: further ones; the rows again if left out, of which each pair is then compared once.
        interpolated: as in :func:`dtw_mt`.
        border: as in :func:`dtw_mt`.

    Raises:
        InputError: something that is no trajectory, named by its number, or an unknown border.
    """
    if border not in _BORDERS:
        raise InputError(f"border: {border!r} found, expected one of {', '.join(_BORDERS)}")
    first = _packed(rows, interpolated, "row")
    second = first if columns is None else _packed(columns, interpolated, "column")
    return _all_pairs(*first, *second, columns is None, border == "published")


def interpolate(trajectory: ArrayLike, step: float = STEP, turn: float = TURN) -> np.ndarray:
    """The trajectory with rows filled in, evenly between each two, until none is farther from the next than allowed.

    Args:
        trajectory: float (T, 8).
        step: metres allowed between rows.
        turn: radians allowed between rows.

    Returns:
        float64 (T', 8) with T' >= T; all rows given are kept. Between two the gripper stays as in the first.

    Raises:
        InputError: no trajectory, or a step or turn that is not positive.
    """
    if not (step > 0 and turn > 0):
        raise InputError(f"step and turn are {step!r} and {turn!r}; expected positive metres and radians")
    path = validate(trajectory).astype(np.float64)
    path[:, 3:7] = rotations.normalise(path[:, 3:7])
    moved = np.linalg.norm(np.diff(path[:, :3], axis=0), axis=1)
    turned = rotations.rotation_distance(path[:-1, 3:7], path[1:, 3:7])
    # The small number keeps a way of whole steps from being cut once more by the last bit.
    pieces = np.maximum(1, np.ceil(np.maximum(moved / step, turned / turn) - 1e-6)).astype(int)
    before = np.append(np.repeat(np.arange(len(pieces)), pieces), len(path) - 1)
    after = np.minimum(before + 1, len(path) - 1)
    within = np.arange(len(before) - 1) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    fraction = np.append(within / np.repeat(pieces, pieces), 0.0)
    positions = path[before, :3] + fraction[:, None] * (path[after, :3] - path[before, :3])
    quaternions = rotations.slerp(path[before, 3:7], path[after, 3:7], fraction)
    return np.column_stack([positions, quaternions, path[before, 7]])


def without_pauses(trajectory: ArrayLike, moved: float = 0.001, turned: float = math.radians(0.5)) -> np.ndarray:
    """The rows of a trajectory (T, 8) that differ from the last one kept by a millimetre, half a degree or the gripper.

    A motion at a control rate repeats its pose while fingers close; such rows would dilute :func:`dtw_mt`.
    """
    path = validate(trajectory)
    states = _states(path[:, 7])
    kept = [0]
    for row in range(1, len(path)):
        last = kept[-1]
        if (
            states[row] != states[last]
            or np.linalg.norm(path[row, :3] - path[last, :3]) >= moved
            or rotations.rotation_distance(path[row, 3:7], path[last, 3:7]) >= turned
        ):
            kept.append(row)
    return path[kept]


def _states(gripper: np.ndarray) -> np.ndarray:
    """0 closed, 1 holding, 2 open."""
    return (gripper > _CLOSED).astype(np.int64) + (gripper > _OPEN)


def _packed(
    trajectories: Sequence[ArrayLike], interpolated: bool, name: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """All rows one below the other, poses (N, 7), states (N,) and weights (N,), and where each trajectory begins."""
    paths = [validate(one, f"trajectory {name} {index}") for index, one in enumerate(trajectories)]
    whole = [interpolate(one) if interpolated else one.astype(np.float64) for one in paths]
    starts = np.concatenate([[0], np.cumsum([len(one) for one in whole])]).astype(np.int64)
    table = np.concatenate(whole) if whole else np.empty((0, 8))
    poses = np.column_stack([table[:, :3], rotations.normalise(table[:, 3:7])])
    weights = np.exp(-GAMMA * np.linalg.norm(table[:, :3], axis=1))
    return poses, _states(table[:, 7]), weights, starts


@numba.njit(nogil=True, cache=True)
def _all_pairs(poses, states, weights, starts, other_poses, other_states, other_weights, other_starts, same, published):
    found = np.zeros((len(starts) - 1, len(other_starts) - 1))
    for row in range(len(starts) - 1):
        mine = slice(starts[row], starts[row + 1])
        for column in range(row + 1 if same else 0, len(other_starts) - 1):
            others = slice(other_starts[column], other_starts[column + 1])
            found[row, column] = _distance(
                poses[mine],
                states[mine],
                weights[mine],
                other_poses[others],
                other_states[others],
                other_weights[others],
                published,
            )
            if same:
                found[column, row] = found[row, column]
    return found


@numba.njit(nogil=True, cache=True)
def _distance(poses, states, weights, other_poses, other_states, other_weights, published):
    """The least cost of an alignment by its length; `costs` and `lengths` hold the row of the table last filled."""
    width = len(other_poses)
    costs, lengths = np.empty(width), np.empty(width, np.int64)
    first_column, first_row = 0.0, 0.0
    for i in range(len(poses)):
        corner_cost, corner_length = 0.0, 0
        for j in range(width):
            here = _row_cost(poses[i], other_poses[j], states[i] != other_states[j]) * weights[i] * other_weights[j]
            if i == 0 and j == 0:
                cost, length = 0.0, 0
            elif i == 0:
                cost, length = (first_row if published else costs[j - 1]), lengths[j - 1]
            elif j == 0:
                cost, length = (first_column if published else costs[0]), lengths[0]
            else:
                cost, length = corner_cost, corner_length
                for candidate, steps in ((costs[j], lengths[j]), (costs[j - 1], lengths[j - 1])):
                    if candidate < cost or (candidate == cost and steps < length):
                        cost, length = candidate, steps
            corner_cost, corner_length = costs[j], lengths[j]
            costs[j], lengths[j] = cost + here, length + 1
            if i == 0:
                first_row += costs[j]
            if j == 0:
                first_column += costs[0]
    return costs[width - 1] / lengths[width - 1]


@numba.njit(nogil=True, cache=True, inline="always")
def _row_cost(pose, other, differs):
    distance = 0.0
    for axis in range(3):
        distance += (pose[axis] - other[axis]) ** 2
    near, far = 0.0, 0.0
    for axis in range(3, 7):
        near += (pose[axis] - other[axis]) ** 2
        far += (pose[axis] + other[axis]) ** 2
    # The chord between unit quaternions gives the angle to the last bit; the arc cosine of their product would not.
    angle = 4.0 * math.asin(min(1.0, 0.5 * math.sqrt(min(near, far))))
    return (math.sqrt(distance) / ALPHA_T + angle / ALPHA_R) * (1.0 + BETA if differs else 1.0)
