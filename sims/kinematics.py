"""Forward and inverse kinematics of the Panda arm, compiled.

PyBullet's own inverse kinematics ignores joint limits by default and stops far from the target; this solver is
damped least squares (Nakamura and Hanafusa 1986) with limits enforced at every iteration, a pull towards a
comfortable posture in the null space, random restarts where a jump of the arm does no harm, and an explicit report of
whether the target was met.
"""

from dataclasses import dataclass

import numba
import numpy as np

# Joint frames of panda.urdf: translation (m) and rotation about x (rad) before each joint turns about its own z axis.
_OFFSETS = np.array(
    [[0, 0, 0.333], [0, 0, 0], [0, -0.316, 0], [0.0825, 0, 0], [-0.0825, 0.384, 0], [0, 0, 0], [0.088, 0, 0]]
)
_TWISTS = np.array([0, -1, 1, 1, -1, 1, 1]) * np.pi / 2
_FLANGE_TO_TOOL = 0.107 + 0.105
LOWER = np.array([-2.8973, -1.7628, -2.8973, -3.0718, -2.8973, -0.0175, -2.8973])
UPPER = np.array([2.8973, 1.7628, 2.8973, -0.0698, 2.8973, 3.7525, 2.8973])
SPEEDS = np.array([2.175, 2.175, 2.175, 2.175, 2.61, 2.61, 2.61])
"""Rad/s: the fastest that each joint of a Panda turns, by the data sheet."""
HOME = np.array([0.0, -0.55, 0.0, -2.45, 0.0, 1.9, 0.785])

POSITION_TOLERANCE = 0.005
ROTATION_TOLERANCE = np.deg2rad(3.0)
_DAMPING = 1e-3


def _fixed_frames() -> np.ndarray:
    frames = np.tile(np.eye(4), (7, 1, 1))
    cosine, sine = np.cos(_TWISTS), np.sin(_TWISTS)
    frames[:, 1, 1], frames[:, 1, 2], frames[:, 2, 1], frames[:, 2, 2] = cosine, -sine, sine, cosine
    frames[:, :3, 3] = _OFFSETS
    return frames


def _tool_frame() -> np.ndarray:
    half = np.sqrt(0.5)
    frame = np.eye(4)
    frame[:2, :2] = [[half, half], [-half, half]]
    frame[2, 3] = _FLANGE_TO_TOOL
    return frame


_FRAMES = _fixed_frames()
_TOOL = _tool_frame()


def forward(joints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Tool pose and geometric Jacobian.

    Args:
        joints: (7,) joint angles, rad.

    Returns:
        pose (4, 4) of the tool centre point in the base frame (m), and Jacobian (6, 7): linear rows, then angular.
    """
    pose, jacobian = np.empty((4, 4)), np.empty((6, 7))
    _forward(np.asarray(joints, np.float64), pose, jacobian)
    return pose, jacobian


@numba.njit(nogil=True, cache=True)
def _times(a, b, out):
    """Product of two rigid transforms (4, 4), written to ``out``, which is neither of them."""
    for row in range(3):
        for column in range(4):
            total = a[row, 3] if column == 3 else 0.0
            for index in range(3):
                total += a[row, index] * b[index, column]
            out[row, column] = total


@numba.njit(nogil=True, cache=True)
def _forward(joints, pose, jacobian):
    pose[:] = np.eye(4)
    turned, moved = np.eye(4), np.eye(4)
    origins = np.empty((7, 3))
    for joint in range(7):
        _times(pose, _FRAMES[joint], moved)
        cosine, sine = np.cos(joints[joint]), np.sin(joints[joint])
        turned[0, 0], turned[0, 1], turned[1, 0], turned[1, 1] = cosine, -sine, sine, cosine
        _times(moved, turned, pose)
        for axis in range(3):
            jacobian[3 + axis, joint] = pose[axis, 2]
            origins[joint, axis] = pose[axis, 3]
    _times(pose, _TOOL, moved)
    pose[:] = moved
    for joint in range(7):
        x, y, z = jacobian[3, joint], jacobian[4, joint], jacobian[5, joint]
        dx, dy, dz = pose[0, 3] - origins[joint, 0], pose[1, 3] - origins[joint, 1], pose[2, 3] - origins[joint, 2]
        jacobian[0, joint] = y * dz - z * dy
        jacobian[1, joint] = z * dx - x * dz
        jacobian[2, joint] = x * dy - y * dx


def rotation_vector(rotation: np.ndarray) -> np.ndarray:
    """Axis times angle (rad) of a (3, 3) rotation matrix."""
    return _rotation_vector(np.ascontiguousarray(rotation, np.float64))


@numba.njit(nogil=True, cache=True)
def _rotation_vector(rotation):
    skew = np.array([rotation[2, 1] - rotation[1, 2], rotation[0, 2] - rotation[2, 0], rotation[1, 0] - rotation[0, 1]])
    trace = rotation[0, 0] + rotation[1, 1] + rotation[2, 2]
    sine, cosine = 0.5 * np.sqrt((skew * skew).sum()), 0.5 * (trace - 1.0)
    angle = np.arctan2(sine, cosine)
    if sine > 1e-6:
        return skew * (0.5 * angle / sine)
    if cosine > 0:
        return 0.5 * skew
    # Half a turn: the axis is the eigenvector of eigenvalue one.
    column = np.argmax(np.diag(rotation))
    axis = rotation[:, column] + np.eye(3)[column]
    return np.pi * axis / np.sqrt((axis * axis).sum())


@dataclass(frozen=True)
class Solution:
    """Joint angles found for a target pose, with what is left of the error."""

    joints: np.ndarray
    position_error: float
    rotation_error: float

    @property
    def reached(self) -> bool:
        """Whether the pose is met within 5 mm and 3 degrees."""
        return self.position_error <= POSITION_TOLERANCE and self.rotation_error <= ROTATION_TOLERANCE


def solve(target: np.ndarray, start: np.ndarray, iterations: int = 30) -> Solution:
    """Joint angles within limits that bring the tool to ``target``, searched from ``start``.

    Args:
        target: (4, 4) tool pose in the base frame, m.
        start: (7,) joint angles from which the search begins; the nearest solution is wanted.
        iterations: most Newton steps to take.

    Returns:
        The best :class:`Solution` found; check ``.reached``.
    """
    target, start = np.asarray(target, np.float64), np.asarray(start, np.float64)
    return Solution(*_solve(np.ascontiguousarray(target), start, iterations))


@numba.njit(nogil=True, cache=True)
def _solve(target, start, iterations):
    joints = np.minimum(np.maximum(start, LOWER), UPPER)
    best, best_position, best_rotation = joints, np.inf, np.inf
    pose, jacobian, error = np.empty((4, 4)), np.empty((6, 7)), np.empty(6)
    for _ in range(iterations + 1):
        _forward(joints, pose, jacobian)
        error[:3] = target[:3, 3] - pose[:3, 3]
        turned = np.zeros((3, 3))
        for row in range(3):
            for column in range(3):
                for index in range(3):
                    turned[row, column] += target[row, index] * pose[column, index]
        error[3:] = _rotation_vector(turned)
        position, rotation = np.sqrt((error[:3] ** 2).sum()), np.sqrt((error[3:] ** 2).sum())
        if position + 0.2 * rotation < best_position + 0.2 * best_rotation:
            best, best_position, best_rotation = joints, position, rotation
        if position < 2e-4 and rotation < 2e-3:
            break
        gram = _DAMPING * np.eye(6)
        for row in range(6):
            for column in range(6):
                for joint in range(7):
                    gram[row, column] += jacobian[row, joint] * jacobian[column, joint]
        limited = error * min(1.0, 0.6 / max(rotation, 1e-9), 0.15 / max(position, 1e-9))
        comfort = 0.05 * (HOME - joints)
        wanted = limited.copy()
        for row in range(6):
            for joint in range(7):
                wanted[row] -= jacobian[row, joint] * comfort[joint]
        solved = np.linalg.solve(gram, wanted)
        step = comfort.copy()
        for joint in range(7):
            for row in range(6):
                step[joint] += jacobian[row, joint] * solved[row]
        joints = np.minimum(np.maximum(joints + step, LOWER), UPPER)
    return best, best_position, best_rotation


def solve_with_restarts(
    target: np.ndarray, start: np.ndarray, generator: np.random.Generator, restarts: int = 10
) -> Solution:
    """As :func:`solve`, and where that misses, again from random postures; returns the best of all.

    This says whether a pose can be reached at all. It is not for following a path, since the posture found may lie a
    swing of the whole arm away from ``start``.
    """
    best = solve(target, start, iterations=60)
    for _ in range(restarts):
        if best.reached:
            break
        other = solve(target, generator.uniform(LOWER, UPPER), iterations=60)
        if other.position_error + 0.2 * other.rotation_error < best.position_error + 0.2 * best.rotation_error:
            best = other
    return best
