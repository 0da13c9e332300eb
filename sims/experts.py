"""From a task's waypoints to a trajectory at the control rate."""

from collections.abc import Callable, Sequence

import numpy as np

from sims import kinematics
from sims.kinematics import rotation_vector
from sims.tasks.task import Waypoint
from sims.world import CONTROL_RATE

SPEED = 0.40
"""M/s: the fastest that an expert moves the tool."""
TURN_RATE = 1.8
"""Rad/s: the fastest that an expert turns the tool."""
JOINT_SHARE = 0.875
"""Of the joints' own speeds an expert uses no more than this; the rest is for catching up with the targets."""
_LONG_ENOUGH = 0.08
_OPEN = 0.5
_CALM = 0.3


def trajectory(
    start: np.ndarray,
    waypoints: Sequence[Waypoint],
    joints: np.ndarray | None = None,
    noise: float = 0.0,
    generator: np.random.Generator | None = None,
) -> np.ndarray:
    """Straight lines from ``start`` (4, 4) through the waypoints at bounded speed.

    With ``noise`` the tool strays from its line and comes back to it, as demonstrations should that are to teach how
    to recover (after DART: Laskey et al. 2017, which disturbs the robot rather than its path). It strays on the first
    line and on later ones along which the hand is open, if they are 8 cm long or more; never on the last three tenths
    of a line, so that things are met as calmly as without.

    Args:
        start: where the tool is, world, m.
        waypoints: where it is to go.
        joints: (7,) the arm's posture at the start, rad; with it a line that would need a joint to turn faster than
            seven eighths of what it can is taken more slowly there.
        noise: standard deviation (m) along each axis of the detours at their widest, upwards in place of downwards.
        generator: draws the detours.

    Returns:
        float32 (T, 8) tool targets at the control rate, world frame: x y z qx qy qz qw gripper.

    Raises:
        ValueError: ``noise`` is negative or not finite, or there is noise without a generator.
    """
    if not 0 <= noise < np.inf:
        raise ValueError(f"noise is {noise}: expected a standard deviation in metres, 0 or more")
    if noise and generator is None:
        raise ValueError("noise needs a generator: pass numpy.random.default_rng(seed)")
    rows: list[np.ndarray] = []
    gripper = waypoints[0].gripper
    for number, waypoint in enumerate(waypoints):
        line = _line(start, waypoint.pose)
        if generator is not None and noise and (number == 0 or gripper > _OPEN):
            line = _with_detour(line, noise, generator)
        poses = [line(fraction) for fraction in _steps(start, waypoint.pose)]
        if joints is not None or noise:
            poses, joints = _slowed(line, start, poses, joints)
        rows += [_row(pose, gripper) for pose in poses]
        start, gripper = waypoint.pose, waypoint.gripper
        rows += [_row(start, gripper)] * round(waypoint.wait * CONTROL_RATE)
    # Micrometres are fine enough for a robot, and coarse enough to be the same on any processor.
    return np.round(rows, 6).astype(np.float32)


Line = Callable[[float], np.ndarray]
"""A way of the tool: its pose (4, 4) where a fraction, 0 to 1, of the way is done."""


def _line(start: np.ndarray, end: np.ndarray) -> Line:
    axis_angle = rotation_vector(end[:3, :3] @ start[:3, :3].T)

    def pose(fraction: float) -> np.ndarray:
        found = np.eye(4)
        found[:3, 3] = start[:3, 3] + fraction * (end[:3, 3] - start[:3, 3])
        found[:3, :3] = rotation_matrix(fraction * axis_angle) @ start[:3, :3]
        return found

    return pose


def _steps(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """The fraction of a line that is done at the end of each control step."""
    distance = float(np.linalg.norm(end[:3, 3] - start[:3, 3]))
    angle = float(np.linalg.norm(rotation_vector(end[:3, :3] @ start[:3, :3].T)))
    # The small number keeps a duration of whole steps from being rounded up by the last bit of another machine's sums.
    count = max(1, int(np.ceil(max(distance / SPEED, angle / TURN_RATE) * CONTROL_RATE - 1e-6)))
    return np.arange(1, count + 1) / count


def _with_detour(line: Line, noise: float, generator: np.random.Generator) -> Line:
    """The line with a smooth bulge, widest at a place that is drawn, and none at its start and in its last part."""
    aside = noise * np.clip(generator.normal(size=3), -2, 2)
    aside[2] = abs(aside[2])
    widest = generator.uniform(0.3, 0.7) * (1 - _CALM)
    if np.linalg.norm(line(1.0)[:3, 3] - line(0.0)[:3, 3]) < _LONG_ENOUGH:
        return line

    def pose(fraction: float) -> np.ndarray:
        found = line(fraction)
        share = np.interp(fraction, (0, widest, 1 - _CALM, 1), (0, 1, 0, 0))
        found[:3, 3] += aside * share**2 * (3 - 2 * share)
        return found

    return pose


def _slowed(
    line: Line, start: np.ndarray, poses: list[np.ndarray], joints: np.ndarray | None
) -> tuple[list[np.ndarray], np.ndarray | None]:
    """The poses of a line further apart in time where tool or joints would be too fast, and the posture at its end."""
    durations = []
    for before, after in zip([start, *poses[:-1]], poses, strict=True):
        needed = float(np.linalg.norm(after[:3, 3] - before[:3, 3])) / SPEED
        if joints is not None:
            reached = kinematics.solve(after, joints).joints
            needed = max(needed, float((np.abs(reached - joints) / (JOINT_SHARE * kinematics.SPEEDS)).max()))
            joints = reached
        durations.append(max(1.0, needed * CONTROL_RATE - 1e-6))
    if max(durations) == 1.0:
        return poses, joints
    done = np.concatenate([[0.0], np.cumsum(durations)])
    count = int(np.ceil(done[-1] - 1e-6))
    fractions = np.interp(done[-1] * np.arange(1, count + 1) / count, done, np.arange(len(done)) / len(poses))
    return [line(fraction) for fraction in fractions], joints


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
