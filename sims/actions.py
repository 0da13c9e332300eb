"""The three ways to tell the arm what to do in a control step."""

import numpy as np
from gymnasium import spaces

from sims import experts, kinematics
from sims.robot import Panda
from sims.world import CONTROL_RATE

ACTIONS = ("pose", "delta", "joint")
MOST_MOVE = experts.SPEED / CONTROL_RATE
"""M: how far 1 in a "delta" moves the tool along an axis in a control step."""
MOST_TURN = experts.TURN_RATE / CONTROL_RATE
"""Rad: how far 1 in a "delta" turns the tool about an axis in a control step."""
_LEASH = 0.05
_POSE = ([-1, -1, -0.05, -1, -1, -1, -1, 0], [1.2, 1, 1.2, 1, 1, 1, 1, 1])
_NUMBERS = {
    "pose": "x y z qx qy qz qw gripper",
    "delta": "dx dy dz rx ry rz gripper",
    "joint": "the angles of seven joints and gripper",
}


def action_space(mode: str) -> spaces.Box:
    """The actions of a mode, float32:

    - "pose" (8,): target of the tool, x y z (m, world) qx qy qz qw gripper (0 closed ... 1 open); a quaternion of any
      length but 0.
    - "delta" (7,), each -1 ... 1: dx dy dz in steps of 2 cm and a rotation vector in steps of 0.09 rad, both in the
      world's axes and from where the tool is being driven now, then gripper (-1 closed ... 1 open).
    - "joint" (8,): the angles (rad) that seven joints are to have, then gripper (0 closed ... 1 open).

    What lies beyond its bounds is clipped to them, except a pose, which may be out of reach and is then told as an
    inverse kinematics failure.
    """
    match mode:
        case "pose":
            low, high = _POSE
        case "delta":
            low, high = [-1.0] * 7, [1.0] * 7
        case _:
            low, high = [*kinematics.LOWER, 0.0], [*kinematics.UPPER, 1.0]
    return spaces.Box(np.array(low, np.float32), np.array(high, np.float32))


def checked(action: np.ndarray, mode: str) -> np.ndarray:
    """The action as float64.

    Raises:
        ValueError: it has another shape, holds NaN or infinity, or a quaternion of no length.
    """
    values, count = np.asarray(action, np.float64), 7 if mode == "delta" else 8
    if values.shape != (count,):
        raise ValueError(f"action has shape {values.shape}: expected ({count},), {_NUMBERS[mode]}")
    if not np.isfinite(values).all():
        raise ValueError(f"action is {values.tolist()}: expected finite numbers, {_NUMBERS[mode]}")
    if mode == "pose" and np.linalg.norm(values[3:7]) < 1e-6:
        raise ValueError("action has a quaternion (numbers 4 to 7) of no length: give a rotation, such as 1 0 0 0")
    return values


def perform(robot: Panda, action: np.ndarray, mode: str) -> bool:
    """Sets the robot's motors as a checked action asks; whether a posture was found that does (always, for joints)."""
    match mode:
        case "pose":
            return robot.command(experts.pose_matrix(action), float(np.clip(action[7], 0, 1)))
        case "delta":
            step = np.clip(action, -1, 1)
            return robot.command(_moved(robot, step), float(step[6] + 1) / 2)
        case _:
            robot.move_joints(action[:7], float(np.clip(action[7], 0, 1)))
            return True


def _moved(robot: Panda, step: np.ndarray) -> np.ndarray:
    goal, _ = kinematics.forward(robot.target)
    place = goal[:3, 3] + MOST_MOVE * step[:3]
    # An arm that is held up would otherwise be told to press harder and harder.
    tool = robot.tool_pose()[:3, 3]
    ahead = place - tool
    goal[:3, 3] = tool + ahead * min(1.0, _LEASH / max(float(np.linalg.norm(ahead)), 1e-9))
    goal[:3, :3] = experts.rotation_matrix(MOST_TURN * step[3:6]) @ goal[:3, :3]
    return goal
