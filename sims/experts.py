"""From a task's waypoints to a trajectory at the control rate."""

from collections.abc import Sequence

import numpy as np

from sims.kinematics import rotation_vector
from sims.tasks.task import Waypoint
from sims.world import CONTROL_RATE

SPEED = 0.40
TURN_RATE = 1.8


def trajectory(start: np.ndarray, waypoints: Sequence[Waypoint]) -> np.ndarray:
    """Straight lines from ``start`` (4, 4) through the waypoints at bounded speed.

    Returns:
        float32 (T, 8) tool targets at the control rate, world frame: x y z qx qy qz qw gripper.
    """
    rows: list[np.ndarray] = []
    gripper = waypoints[0].gripper
    for waypoint in waypoints:
        rows += _line(start, waypoint.pose, gripper)
        start, gripper = waypoint.pose, waypoint.gripper
        rows += [_row(start, gripper)] * round(waypoint.wait * CONTROL_RATE)
    # Micrometres are fine enough for a robot, and coarse enough to be the same on any processor.
    return np.round(rows, 6).astype(np.float32)


def _line(start: np.ndarray, end: np.ndarray, gripper: float) -> list[np.ndarray]:
    distance = float(np.linalg.norm(end[:3, 3] - start[:3, 3]))
    axis_angle = rotation_vector(end[:3, :3] @ start[:3, :3].T)
    seconds = max(distance / SPEED, float(np.linalg.norm(axis_angle)) / TURN_RATE)
    # The small number keeps a duration of whole steps from being rounded up by the last bit of another machine's sums.
    count = max(1, int(np.ceil(seconds * CONTROL_RATE - 1e-6)))
    rows = []
    for fraction in np.arange(1, count + 1) / count:
        pose = np.eye(4)
        pose[:3, 3] = start[:3, 3] + fraction * (end[:3, 3] - start[:3, 3])
        pose[:3, :3] = rotation_matrix(fraction * axis_angle) @ start[:3, :3]
        rows.append(_row(pose, gripper))
    return rows


def _row(pose: np.ndarray, gripper: float) -> np.ndarray:
    return np.concatenate([pose[:3, 3], quaternion(pose[:3, :3]), [gripper]])


def rotation_matrix(axis_angle: np.ndarray) -> np.ndarray:
    """(3, 3) rotation about an axis by its length in rad (Rodrigues' formula)."""
    angle = float(np.linalg.norm(axis_angle))
    if angle < 1e-12:
        return np.eye(3)
    x, y, z = axis_angle / angle
    skew = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * skew + (1 - np.cos(angle)) * skew @ skew


def quaternion(rotation: np.ndarray) -> np.ndarray:
    """(4,) unit quaternion x y z w with w >= 0 of a rotation matrix."""
    axis_angle = rotation_vector(rotation)
    angle = float(np.linalg.norm(axis_angle))
    if angle < 1e-12:
        return np.array([0.0, 0.0, 0.0, 1.0])
    # Half a turn rounds to a cosine just below zero.
    return np.append(np.sin(angle / 2) * axis_angle / angle, max(0.0, np.cos(angle / 2)))


def pose_matrix(row: np.ndarray) -> np.ndarray:
    """(4, 4) pose of x y z qx qy qz qw; the quaternion need not be of unit length."""
    x, y, z, w = np.asarray(row[3:7], np.float64) / np.linalg.norm(row[3:7])
    pose = np.eye(4)
    pose[:3, :3] = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    pose[:3, 3] = row[:3]
    return pose
