import numpy as np
import pytest

from sims import kinematics
from sims.objects.shapes import Link, Shape
from sims.robot import ARM, TOOL, Panda, at_joint_limit
from sims.tasks.task import pointing_down, pose


@pytest.fixture
def panda(world):
    return Panda(world)


def set_joints(panda: Panda, joints: np.ndarray) -> None:
    for joint, angle in zip(ARM, joints, strict=True):
        panda.world.bullet.resetJointState(panda.body, joint, angle)


def test_forward_kinematics_are_those_of_the_simulator(panda, generator):
    bullet = panda.world.bullet
    for _ in range(50):
        joints = generator.uniform(kinematics.LOWER, kinematics.UPPER)
        set_joints(panda, joints)
        expected, _ = kinematics.forward(joints)
        state = bullet.getLinkState(panda.body, TOOL, computeForwardKinematics=True)
        np.testing.assert_allclose(expected[:3, 3], state[4], atol=1e-6)
        np.testing.assert_allclose(expected[:3, :3].ravel(), bullet.getMatrixFromQuaternion(state[5]), atol=1e-6)
        np.testing.assert_allclose(panda.tool_pose(), expected, atol=1e-9)


def test_limits_lie_within_those_of_the_urdf(panda):
    for joint in ARM:
        low, high = panda.world.bullet.getJointInfo(panda.body, joint)[8:10]
        assert low <= kinematics.LOWER[joint] < kinematics.UPPER[joint] <= high
    assert (kinematics.LOWER < kinematics.HOME).all() and (kinematics.HOME < kinematics.UPPER).all()


def test_the_tool_is_between_the_finger_tips_which_open_along_y(panda):
    bullet = panda.world.bullet
    left, right = (np.array(bullet.getLinkState(panda.body, link)[4]) for link in (9, 10))
    across = (left - right) / np.linalg.norm(left - right)
    assert abs(across @ panda.tool_pose()[:3, 1]) == pytest.approx(1, abs=1e-6)
    towards = panda.tool_pose()[:3, 3] - (left + right) / 2
    assert towards @ panda.tool_pose()[:3, 2] == pytest.approx(np.linalg.norm(towards), abs=1e-6)


def test_the_arm_goes_where_it_is_told(panda):
    target = pose(np.array([0.5, 0.2, 0.3]), pointing_down(0.5))
    for _ in range(40):
        assert panda.command(target, 0.5)
        panda.world.step()
    found = panda.tool_pose()
    assert np.linalg.norm(found[:3, 3] - target[:3, 3]) < 0.002
    assert np.linalg.norm(kinematics.rotation_vector(found[:3, :3] @ target[:3, :3].T)) < np.deg2rad(1)
    assert panda.opening() == pytest.approx(0.5, abs=0.02)


def test_a_hand_that_holds_something_does_not_close(panda):
    block = panda.world.add([Link("block", [Shape("box", (0.04, 0.04, 0.04))], (1, 0, 0))], (0.5, 0.0, 0.021))
    assert not panda.touches(block)
    for height, gripper, steps in ((0.12, 1.0, 30), (0.02, 1.0, 20), (0.02, 0.0, 15), (0.20, 0.0, 30)):
        for _ in range(steps):
            panda.command(pose(np.array([0.5, 0.0, height]), pointing_down(0.0)), gripper)
            panda.world.step()
    assert panda.touches(block)
    assert 0.4 < panda.opening() < 0.6
    assert panda.world.position(block)[2] > 0.15


def test_no_joint_turns_faster_than_a_real_one(panda):
    """Told to be elsewhere at once, the arm goes there at its motors' speed and in a straight way of its joints."""
    wanted = kinematics.HOME + np.array([0.8, 0.3, -0.5, 0.6, 0.5, -0.4, 0.7])
    straight, fastest = wanted - kinematics.HOME, []
    for _ in range(14):
        panda.move_joints(wanted, 1.0)
        turned = panda.target - kinematics.HOME
        np.testing.assert_allclose(turned, straight * (turned @ straight) / (straight @ straight), atol=1e-9)
        for _ in range(12):
            panda.world.step(1)
            speeds = [state[1] for state in panda.world.bullet.getJointStates(panda.body, ARM)]
            fastest.append(float((np.abs(speeds) / kinematics.SPEEDS).max()))
    # The jerk of the start throws the light wrist a little; after it the motors hold every joint to its speed.
    assert max(fastest[:12]) < 1.2 and 0.9 < max(fastest[12:]) < 1.01
    np.testing.assert_allclose(panda.joints(), wanted, atol=0.01)


def test_what_presses_on_the_fingers_counts_but_not_their_own_squeeze(panda):
    block = panda.world.add([Link("block", [Shape("box", (0.04, 0.04, 0.04))], (1, 0, 0))], (0.5, 0.0, 0.021))
    for height, gripper, steps in ((0.12, 1.0, 30), (0.02, 1.0, 20), (0.02, 0.0, 15), (0.20, 0.0, 30)):
        for _ in range(steps):
            panda.command(pose(np.array([0.5, 0.0, height]), pointing_down(0.0)), gripper)
            panda.world.step()
    squeezed = sum(contact[9] for contact in panda.world.bullet.getContactPoints(panda.body, block))
    assert squeezed > 50 and panda.contact_force() < 0.2 * squeezed
    for _ in range(25):
        panda.command(pose(np.array([0.5, 0.25, -0.05]), pointing_down(0.0)), 0.0)
        panda.world.step()
    assert panda.contact_force() > 20


def test_a_joint_at_its_limit_is_told():
    assert not at_joint_limit(kinematics.HOME)
    for limit in (kinematics.LOWER, kinematics.UPPER):
        joints = kinematics.HOME.copy()
        joints[3] = limit[3]
        assert at_joint_limit(joints)
