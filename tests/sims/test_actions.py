import numpy as np
import pytest

from sims import actions, kinematics
from sims.experts import pose_matrix
from sims.kinematics import LOWER, UPPER, rotation_vector


@pytest.mark.parametrize(("mode", "count"), [("pose", 8), ("delta", 7), ("joint", 8)])
def test_actions_of_a_mode_are_those_of_its_space(make, mode, count):
    env = make("PressButton", obs=(), action=mode)
    env.reset(seed=0)
    assert env.action_space.shape == (count,) and env.action_space.dtype == np.float32
    env.action_space.seed(0)
    for _ in range(5):
        observation, *_ = env.step(env.action_space.sample())
        assert observation in env.observation_space


def test_a_step_of_one_moves_two_centimetres_and_turns_five_degrees(make):
    env = make("PressButton", obs=(), action="delta")
    for index, unit in ((0, actions.MOST_MOVE), (2, actions.MOST_MOVE), (5, actions.MOST_TURN)):
        env.reset(seed=0)
        before = env.robot.tool_pose()
        step, still = np.zeros(7), np.zeros(7)
        step[index] = 1.0
        for action in [step] * 4 + [still] * 12:
            *_, info = env.step(action)
        after = env.robot.tool_pose()
        moved = np.concatenate([after[:3, 3] - before[:3, 3], rotation_vector(after[:3, :3] @ before[:3, :3].T)])
        expected = np.zeros(6)
        expected[index] = 4 * unit
        np.testing.assert_allclose(moved, expected, atol=0.004)
        assert info["ik_failures"] == 0 and env.robot.opening() == pytest.approx(0.5, abs=0.05)


def test_small_steps_can_do_what_poses_do(make):
    """The expert's poses, told as differences, open the drawer too."""
    env = make("OpenDrawer", obs=(), action="delta")
    env.reset(seed=0)
    for target in env.expert_trajectory():
        goal, pose = kinematics.forward(env.robot.target)[0], pose_matrix(target)
        turn = rotation_vector(pose[:3, :3] @ goal[:3, :3].T) / actions.MOST_TURN
        *_, done, _, info = env.step([*(pose[:3, 3] - goal[:3, 3]) / actions.MOST_MOVE, *turn, 2 * target[7] - 1])
        if done:
            break
    assert info["success"]


def test_an_arm_that_is_held_up_is_not_pressed_ever_harder(make):
    env = make("PressButton", obs=(), action="delta")
    env.reset(seed=0)
    for _ in range(60):
        *_, info = env.step([0, 0, -1, 0, 0, 0, -1])
    aimed, _ = kinematics.forward(env.robot.target)
    assert np.linalg.norm(aimed[:3, 3] - env.robot.tool_pose()[:3, 3]) < 0.06
    for _ in range(8):
        env.step([0, 0, 1, 0, 0, 0, -1])
    assert env.robot.tool_pose()[2, 3] > 0.05


def test_joints_are_turned_to_where_they_are_told_within_limits(make, generator):
    env = make("PressButton", obs=(), action="joint")
    env.reset(seed=0)
    wanted = kinematics.HOME + generator.uniform(-0.2, 0.2, 7)
    for _ in range(20):
        *_, info = env.step([*wanted, 0.0])
    np.testing.assert_allclose(env.robot.joints(), wanted, atol=0.01)
    assert env.robot.opening() < 0.05 and info["ik_failures"] == 0
    for _ in range(5):
        env.step([*UPPER + 5.0, 0.0])
    assert (env.robot.target <= UPPER).all() and (env.robot.target >= LOWER).all()


@pytest.mark.parametrize(
    ("mode", "action", "said"),
    [
        ("delta", np.zeros(8), r"action has shape \(8,\): expected \(7,\), dx dy dz rx ry rz gripper"),
        ("delta", np.full(7, np.nan), "expected finite numbers, dx dy dz"),
        ("joint", np.zeros(7), r"shape \(7,\): expected \(8,\), the angles of seven joints and gripper"),
        ("joint", np.full(8, np.inf), "expected finite numbers"),
    ],
)
def test_bad_actions_are_named_in_every_mode(make, mode, action, said):
    env = make("PressButton", obs=(), action=mode)
    env.reset(seed=0)
    before = env.robot.joints()
    with pytest.raises(ValueError, match=said):
        env.step(action)
    np.testing.assert_array_equal(env.robot.joints(), before)


def test_an_unknown_mode_is_named(make):
    with pytest.raises(ValueError, match="unknown action 'torque': expected one of pose, delta, joint"):
        make("PressButton", action="torque")
