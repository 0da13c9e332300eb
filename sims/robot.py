"""The Panda arm: pose targets in, joint motors out."""

import numpy as np

from sims import kinematics
from sims.world import World, panda_file

ARM = tuple(range(7))
FINGERS = (9, 10)
TOOL = 11
FINGER_TRAVEL = 0.04
_ARM_FORCES = (87.0, 87.0, 87.0, 87.0, 50.0, 50.0, 50.0)
_FINGER_FORCE = 60.0
# Rad a control step (7 rad/s); a real Panda's joints turn at no more than 2.2 to 2.6 rad/s.
_MOST_TURN = 0.35


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
        self._target = kinematics.HOME.copy()
        self._drive(1.0)

    def command(self, pose: np.ndarray, gripper: float) -> bool:
        """Sets the motors to bring the tool to ``pose`` (4, 4) and the fingers to ``gripper`` (0 closed ... 1 open).

        Returns whether a posture within joint limits meets the pose; if not, the nearest one found is aimed at. Only
        postures that the arm can glide into are searched: restarts from afar would meet more poses, but swing the
        arm (and what it holds) by 13 cm on the way.
        """
        solution = kinematics.solve(pose, self._target)
        # A jump to another branch of the solution would swing the whole arm within one control step.
        self._target = self._target + np.clip(solution.joints - self._target, -_MOST_TURN, _MOST_TURN)
        self._drive(gripper)
        return solution.reached

    def _drive(self, gripper: float) -> None:
        bullet = self.world.bullet
        bullet.setJointMotorControlArray(
            self.body,
            ARM,
            bullet.POSITION_CONTROL,
            targetPositions=self._target,
            forces=_ARM_FORCES,
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
