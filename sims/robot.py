"""The Panda arm: pose targets in, joint motors out."""

import numpy as np

from sims import kinematics
from sims.robot_model import panda_file
from sims.world import CONTROL_RATE, World

ARM = tuple(range(7))
FINGERS = (9, 10)
TOOL = 11
FINGER_TRAVEL = 0.04
TORQUES = (87.0, 87.0, 87.0, 87.0, 12.0, 12.0, 12.0)
"""N m: the most that each joint's motor gives, by the data sheet."""
_FINGER_FORCE = 60.0
MOST_FORCE = 100.0
"""N: a Panda stops by itself at contact forces of this size (its factory setting for collisions)."""
_AT_LIMIT = 0.005
_MOST_TURN = kinematics.SPEEDS / CONTROL_RATE


class Panda:
    """A Franka Panda fixed at the origin, its tool centre point between the finger tips.

    The tool's z axis points out of the hand, its y axis is the direction in which the fingers open.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        bullet = world.bullet
        self.body = bullet.loadURDF(str(panda_file()), useFixedBase=True)
        for link in (*ARM, 8):
            bullet.changeVisualShape(self.body, link, rgbaColor=(0.88, 0.89, 0.91, 1))
        for link in FINGERS:
            bullet.changeDynamics(self.body, link, lateralFriction=1.5)
            bullet.changeVisualShape(self.body, link, rgbaColor=(0.25, 0.26, 0.3, 1))
        for joint, angle in zip(ARM, kinematics.HOME, strict=True):
            bullet.resetJointState(self.body, joint, angle)
        for joint in FINGERS:
            bullet.resetJointState(self.body, joint, FINGER_TRAVEL)
        self._tie_fingers()
        self.target = kinematics.HOME.copy()
        self._limit_speeds()
        self._drive(1.0)

    def command(self, pose: np.ndarray, gripper: float) -> bool:
        """Sets the motors to bring the tool to ``pose`` (4, 4) and the fingers to ``gripper`` (0 closed ... 1 open).

        Returns whether a posture within joint limits meets the pose; if not, the nearest one found is aimed at. Only
        postures that the arm can glide into are searched: restarts from afar would meet more poses, but swing the
        arm (and what it holds) by 13 cm on the way.
        """
        solution = kinematics.solve(pose, self.target)
        self.move_joints(solution.joints, gripper)
        return solution.reached

    def move_joints(self, joints: np.ndarray, gripper: float) -> None:
        """Sets the motors to turn the joints to (7,) angles, rad, as far as their speeds allow in a control step.

        Where one of them would have to turn faster all turn less, so that the arm does not leave its way.
        """
        turn = np.clip(joints, kinematics.LOWER, kinematics.UPPER) - self.target
        self.target = self.target + turn / max(1.0, float((np.abs(turn) / _MOST_TURN).max()))
        self._drive(gripper)

    def _drive(self, gripper: float) -> None:
        bullet = self.world.bullet
        bullet.setJointMotorControlArray(
            self.body,
            ARM,
            bullet.POSITION_CONTROL,
            targetPositions=self.target,
            forces=TORQUES,
            positionGains=(0.25,) * 7,
        )
        bullet.setJointMotorControlArray(
            self.body,
            FINGERS,
            bullet.POSITION_CONTROL,
            targetPositions=(FINGER_TRAVEL * gripper,) * 2,
            forces=(_FINGER_FORCE,) * 2,
            positionGains=(0.2,) * 2,
        )

    def _limit_speeds(self) -> None:
        """Bounds the motors' speeds, which stay bounded when they are given other targets."""
        bullet = self.world.bullet
        for joint, speed in zip(ARM, kinematics.SPEEDS.tolist(), strict=True):
            bullet.setJointMotorControl2(self.body, joint, bullet.POSITION_CONTROL, force=0.0, maxVelocity=speed)

    def _tie_fingers(self) -> None:
        """Lets the fingers move as one, as the hand's single drive does; else what they hold drifts between them."""
        bullet = self.world.bullet
        gear = bullet.createConstraint(
            self.body, FINGERS[0], self.body, FINGERS[1], bullet.JOINT_GEAR, (1, 0, 0), (0, 0, 0), (0, 0, 0)
        )
        bullet.changeConstraint(gear, gearRatio=-1, erp=0.1, maxForce=_FINGER_FORCE)

    def joints(self) -> np.ndarray:
        """(7,) measured joint angles, rad."""
        return np.array([state[0] for state in self.world.bullet.getJointStates(self.body, ARM)])

    def opening(self) -> float:
        """Measured finger opening, 0 closed ... 1 open."""
        states = self.world.bullet.getJointStates(self.body, FINGERS)
        return float(np.clip(np.mean([state[0] for state in states]) / FINGER_TRAVEL, 0.0, 1.0))

    def tool_pose(self) -> np.ndarray:
        """(4, 4) measured tool pose in the world, m."""
        return kinematics.forward(self.joints())[0]

    def touches(self, body: int) -> bool:
        """Whether any link of the robot is in contact with ``body``."""
        return len(self.world.bullet.getContactPoints(self.body, body)) > 0

    def contact_force(self) -> float:
        """Sum of the normal forces (N) on all links, of those on the two fingers only what does not cancel out.

        Fingers that squeeze a thing press it on purpose, and against one another.
        """
        total, on_fingers = 0.0, np.zeros(3)
        for contact in self.world.bullet.getContactPoints(self.body):
            if contact[3] in FINGERS:
                on_fingers += contact[9] * np.array(contact[7])
            elif contact[2] != self.body:
                total += contact[9]
        return total + float(np.linalg.norm(on_fingers))


def at_joint_limit(joints: np.ndarray) -> bool:
    """Whether one of the arm's joints (7,), rad, stands within 0.005 rad of a limit."""
    return bool(((joints < kinematics.LOWER + _AT_LIMIT) | (joints > kinematics.UPPER - _AT_LIMIT)).any())
