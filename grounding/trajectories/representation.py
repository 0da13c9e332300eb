"""What a trajectory is: float32 (T, 8), one row a time step at a stated rate, in a stated frame.

Columns: x y z (m), qx qy qz qw (unit, w >= 0), gripper (0 closed .. 1 open). Computed in float64, returned in float32.
A pose is the first seven columns. A rigid transform is a 4 x 4 matrix that maps coordinates of one frame to another.
"""

import math

import numpy as np
from numpy.typing import ArrayLike

from grounding.errors import InputError
from grounding.trajectories import rotations

# How many metres of path a radian of rotation counts for: the ratio of the two scales of DTW-MT, 0.0075 m and 3.75
# degrees (Sung et al., ISRR 2015), so that turning a knob on the spot has length too.
METRES_PER_RADIAN = 0.0075 / math.radians(3.75)

QUATERNION_TOLERANCE = 0.01
GRIPPER_TOLERANCE = 0.001


def validate(trajectory: ArrayLike, name: str = "trajectory") -> np.ndarray:
    """Return `trajectory` as float32 (T, 8) with unit quaternions, w >= 0, and the gripper within 0 and 1.

    Raises InputError naming `name`, what was found and what was expected, for a wrong shape, NaN, infinity, a
    quaternion whose length is not 1 within 1 % or a gripper outside 0 and 1.
    """
    try:
        array = np.asarray(trajectory, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name}: not an array of numbers ({error}); expected float32 (T, 8)") from error
    if array.ndim != 2 or array.shape[1] != 8 or len(array) == 0:
        raise InputError(
            f"{name}: shape {array.shape}; expected (T, 8) with T >= 1: x y z (m), qx qy qz qw, gripper; "
            "reorder or reshape the rows"
        )
    finite = np.isfinite(array).all(axis=1)
    if not finite.all():
        raise InputError(
            f"{name}: NaN or infinity in {int((~finite).sum())} of {len(array)} rows, first in row "
            f"{int(finite.argmin())}; expected finite numbers; drop or repair those rows"
        )
    lengths = np.linalg.norm(array[:, 3:7], axis=1)
    worst = int(np.abs(lengths - 1).argmax())
    if abs(lengths[worst] - 1) > QUATERNION_TOLERANCE:
        raise InputError(
            f"{name}: the quaternion of row {worst} has length {lengths[worst]:.4f}; expected 1, as qx qy qz qw"
        )
    low, high = array[:, 7].min(), array[:, 7].max()
    if low < -GRIPPER_TOLERANCE or high > 1 + GRIPPER_TOLERANCE:
        raise InputError(f"{name}: the gripper runs from {low:.3f} to {high:.3f}; expected 0 (closed) to 1 (open)")
    return _assemble(array[:, :3], array[:, 3:7], np.clip(array[:, 7], 0.0, 1.0))


def matrix_from_pose(pose: ArrayLike) -> np.ndarray:
    """Return the 4 x 4 transforms (..., 4, 4) float64 of poses (..., 7); further columns are ignored."""
    pose = np.asarray(pose, dtype=np.float64)
    matrix = np.zeros((*pose.shape[:-1], 4, 4))
    matrix[..., :3, :3] = rotations.matrix_from_quaternion(pose[..., 3:7])
    matrix[..., :3, 3] = pose[..., :3]
    matrix[..., 3, 3] = 1.0
    return matrix


def pose_from_matrix(matrix: ArrayLike) -> np.ndarray:
    """Return the poses (..., 7) float64 of rigid transforms (..., 4, 4)."""
    matrix = np.asarray(matrix, dtype=np.float64)
    return np.concatenate([matrix[..., :3, 3], rotations.quaternion_from_matrix(matrix[..., :3, :3])], axis=-1)


def inverse(matrix: ArrayLike) -> np.ndarray:
    """Return the inverses (..., 4, 4) float64 of rigid transforms (..., 4, 4)."""
    matrix = np.asarray(matrix, dtype=np.float64)
    result = np.zeros_like(matrix)
    transposed = np.swapaxes(matrix[..., :3, :3], -1, -2)
    result[..., :3, :3] = transposed
    result[..., :3, 3] = -np.einsum("...ij,...j->...i", transposed, matrix[..., :3, 3])
    result[..., 3, 3] = 1.0
    return result


def transform(trajectory: ArrayLike, matrix: ArrayLike) -> np.ndarray:
    """Return the trajectory (T, 8) expressed through the rigid transform `matrix` (4, 4).

    With `frame` the pose of a part in the world as a matrix, `transform(world, inverse(frame))` goes into the frame of
    the part and `transform(part, frame)` comes back. Raises InputError when `matrix` is not rigid.
    """
    trajectory, matrix = np.asarray(trajectory, dtype=np.float64), np.asarray(matrix, dtype=np.float64)
    if matrix.shape != (4, 4) or not np.isfinite(matrix).all() or not _is_rigid(matrix):
        raise InputError(
            f"matrix of shape {matrix.shape} is not a rigid transform; expected (4, 4) with an orthonormal rotation, "
            "determinant 1 and last row 0 0 0 1"
        )
    positions = trajectory[:, :3] @ matrix[:3, :3].T + matrix[:3, 3]
    quaternions = rotations.multiply(rotations.quaternion_from_matrix(matrix[:3, :3]), trajectory[:, 3:7])
    return _assemble(positions, quaternions, trajectory[:, 7])


def path_length(trajectory: ArrayLike) -> float:
    """Return the length in metres of the path of the positions of a trajectory (T, 8); rotation does not count."""
    positions = np.asarray(trajectory, dtype=np.float64)[:, :3]
    return float(np.linalg.norm(np.diff(positions, axis=0), axis=1).sum())


def resample(trajectory: ArrayLike, count: int) -> np.ndarray:
    """Return `count` rows evenly spaced along the path, float32 (count, 8); first and last row are kept.

    Along the path means by metres plus radians times METRES_PER_RADIAN, so pauses vanish; a trajectory that never
    moves is spaced by time. Quaternions by slerp; the gripper is that of the nearest row, so none is half open.
    Raises InputError when `count` < 1.
    """
    trajectory = np.asarray(trajectory, dtype=np.float64)
    if count < 1:
        raise InputError(f"count is {count}; expected at least 1 row")
    moved = np.linalg.norm(np.diff(trajectory[:, :3], axis=0), axis=1)
    turned = rotations.rotation_distance(trajectory[:-1, 3:7], trajectory[1:, 3:7])
    along = np.concatenate([[0.0], np.cumsum(moved + METRES_PER_RADIAN * turned)])
    if along[-1] == 0:
        along = np.arange(len(trajectory), dtype=np.float64)
    result = _interpolate(trajectory, along, np.linspace(0.0, along[-1], count))
    if count > 1:
        result[-1, 7] = trajectory[-1, 7]
    return result


def change_rate(trajectory: ArrayLike, rate: float, new_rate: float) -> np.ndarray:
    """Return the trajectory sampled at `new_rate` instead of `rate` (Hz), float32 (T', 8); the duration is kept.

    The last row is kept, so the duration is rounded to a whole number of new steps. Quaternions by slerp, the gripper
    is that of the nearest row. Raises InputError when a rate is not positive.
    """
    trajectory = np.asarray(trajectory, dtype=np.float64)
    if not (rate > 0 and new_rate > 0 and math.isfinite(rate) and math.isfinite(new_rate)):
        raise InputError(f"rates are {rate!r} and {new_rate!r}; expected positive numbers of rows per second")
    count = max(round((len(trajectory) - 1) * new_rate / rate), min(len(trajectory) - 1, 1)) + 1
    times = np.arange(len(trajectory), dtype=np.float64)
    return _interpolate(trajectory, times, np.linspace(0.0, times[-1], count))


def densify(
    waypoints: ArrayLike, rate: float, speed: float = 0.25, turn_rate: float = 1.5, dwell: float = 0.4
) -> np.ndarray:
    """Return a trajectory of straight lines through `waypoints` (K, 8), float32 (T, 8) at `rate` (Hz).

    No step is longer than `speed` (m/s) or turns by more than `turn_rate` (rad/s) allows. The gripper keeps its state
    while moving; where a waypoint's gripper differs it changes on arrival and the pose is held for `dwell` seconds. A
    waypoint equal to the one before is held for one step. Raises InputError for unusable waypoints or rates.
    """
    path = validate(waypoints, "waypoints").astype(np.float64)
    for name, value in (("rate", rate), ("speed", speed), ("turn_rate", turn_rate)):
        if not (math.isfinite(value) and value > 0):
            raise InputError(f"{name} is {value!r}; expected a positive number")
    if not (math.isfinite(dwell) and dwell >= 0):
        raise InputError(f"dwell is {dwell!r}; expected seconds, 0 or more")
    hold = max(1, math.ceil(dwell * rate))
    pieces = [path[:1]]
    for start, end in zip(path[:-1], path[1:], strict=True):
        distance = float(np.linalg.norm(end[:3] - start[:3]))
        angle = float(rotations.rotation_distance(start[3:7], end[3:7]))
        # The small number keeps a duration that is a whole number of steps from being rounded up by one.
        steps = math.ceil(max(distance / speed, angle / turn_rate) * rate - 1e-6)
        changes = abs(end[7] - start[7]) > GRIPPER_TOLERANCE
        if steps > 0 or not changes:
            fraction = np.arange(1, steps + 1) / steps if steps > 0 else np.ones(1)
            pieces.append(_segment(start, end, fraction))
        if changes:
            pieces.append(np.repeat(end[None], hold, axis=0))
    dense = np.concatenate(pieces)
    return _assemble(dense[:, :3], dense[:, 3:7], dense[:, 7])


def _segment(start: np.ndarray, end: np.ndarray, fraction: np.ndarray) -> np.ndarray:
    positions = start[:3] + fraction[:, None] * (end[:3] - start[:3])
    quaternions = rotations.slerp(start[3:7], end[3:7], fraction)
    return np.concatenate([positions, quaternions, np.full((len(fraction), 1), start[7])], axis=1)


def _interpolate(trajectory: np.ndarray, at: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Interpolate the rows at the increasing positions `at` (T,) to the positions `wanted` (N,)."""
    if len(trajectory) == 1:
        return np.repeat(trajectory.astype(np.float32), len(wanted), axis=0)
    after = np.clip(np.searchsorted(at, wanted, side="left"), 1, len(at) - 1)
    before = after - 1
    width = at[after] - at[before]
    fraction = np.clip((wanted - at[before]) / np.where(width > 0, width, 1.0), 0.0, 1.0)
    positions = trajectory[before, :3] + fraction[:, None] * (trajectory[after, :3] - trajectory[before, :3])
    quaternions = rotations.slerp(trajectory[before, 3:7], trajectory[after, 3:7], fraction)
    nearest = np.where(fraction < 0.5, before, after)
    return _assemble(positions, quaternions, trajectory[nearest, 7])


def _assemble(positions: np.ndarray, quaternions: np.ndarray, gripper: np.ndarray) -> np.ndarray:
    columns = [positions, rotations.normalise(quaternions), gripper[:, None]]
    return np.concatenate(columns, axis=1).astype(np.float32)


def _is_rigid(matrix: np.ndarray) -> bool:
    rotation = matrix[:3, :3]
    orthonormal = np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-4) and np.linalg.det(rotation) > 0
    return bool(orthonormal and np.allclose(matrix[3], [0, 0, 0, 1], atol=1e-6))
