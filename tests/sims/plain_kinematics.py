"""The kinematics of the Panda arm in plain NumPy, as a reference for the compiled one."""

import numpy as np

from sims.kinematics import _FRAMES, _TOOL, HOME, LOWER, UPPER, Solution, rotation_vector


def forward(joints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Tool pose and geometric Jacobian.

    Args:
        joints: (7,) joint angles, rad.

    Returns:
        pose (4, 4) of the tool centre point in the base frame (m), and Jacobian (6, 7): linear rows, then angular.
    """
    turns = np.tile(np.eye(4), (7, 1, 1))
    cosine, sine = np.cos(joints), np.sin(joints)
    turns[:, 0, 0], turns[:, 0, 1], turns[:, 1, 0], turns[:, 1, 1] = cosine, -sine, sine, cosine
    links = _FRAMES @ turns
    pose = np.eye(4)
    axes, origins = np.empty((7, 3)), np.empty((7, 3))
    for index in range(7):
        pose = pose @ links[index]
        axes[index], origins[index] = pose[:3, 2], pose[:3, 3]
    pose = pose @ _TOOL
    jacobian = np.empty((6, 7))
    jacobian[:3] = _cross_rows(axes, pose[:3, 3] - origins).T
    jacobian[3:] = axes.T
    return pose, jacobian


def _cross_rows(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    # np.cross costs ten times as much on arrays this small.
    return np.stack(
        [
            a[:, 1] * b[:, 2] - a[:, 2] * b[:, 1],
            a[:, 2] * b[:, 0] - a[:, 0] * b[:, 2],
            a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0],
        ],
        axis=1,
    )


def solve(target: np.ndarray, start: np.ndarray, iterations: int = 30) -> Solution:
    """Joint angles within limits that bring the tool to ``target``, searched from ``start``.

    Args:
        target: (4, 4) tool pose in the base frame, m.
        start: (7,) joint angles from which the search begins; the nearest solution is wanted.
        iterations: most Newton steps to take.

    Returns:
        The best :class:`Solution` found; check ``.reached``.
    """
    joints = np.clip(start, LOWER, UPPER)
    best: Solution | None = None
    damping = 1e-3
    for _ in range(iterations + 1):
        pose, jacobian = forward(joints)
        error = np.empty(6)
        error[:3] = target[:3, 3] - pose[:3, 3]
        error[3:] = rotation_vector(target[:3, :3] @ pose[:3, :3].T)
        position, rotation = float(np.sqrt(error[:3] @ error[:3])), float(np.sqrt(error[3:] @ error[3:]))
        if best is None or position + 0.2 * rotation < best.position_error + 0.2 * best.rotation_error:
            best = Solution(joints, position, rotation)
        if position < 2e-4 and rotation < 2e-3:
            break
        gram = jacobian @ jacobian.T
        gram[np.diag_indices(6)] += damping
        limited = error * min(1.0, 0.6 / max(rotation, 1e-9), 0.15 / max(position, 1e-9))
        comfort = 0.05 * (HOME - joints)
        step = jacobian.T @ np.linalg.solve(gram, limited - jacobian @ comfort) + comfort
        joints = np.clip(joints + step, LOWER, UPPER)
    assert best is not None
    return best
