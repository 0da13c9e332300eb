import numpy as np
import pytest

import sims
from sims import experts, kinematics
from sims.robot import TORQUES
from sims.splits import SPLITS
from sims.tasks.task import Waypoint, pointing_down, pose
from sims.world import CONTROL_RATE
from tests.sims.acting import follow


def test_quaternion_and_matrix_are_inverse(generator):
    for _ in range(50):
        vector = generator.normal(size=3)
        vector *= generator.uniform(0, np.pi) / np.linalg.norm(vector)
        rotation = experts.rotation_matrix(vector)
        quaternion = experts.quaternion(rotation)
        assert quaternion[3] >= 0 and np.linalg.norm(quaternion) == pytest.approx(1)
        back = experts.pose_matrix(np.concatenate([[1, 2, 3], 2.5 * quaternion]))
        np.testing.assert_allclose(back[:3, :3], rotation, atol=1e-12)
        np.testing.assert_array_equal(back[:3, 3], [1, 2, 3])
    np.testing.assert_array_equal(experts.quaternion(np.eye(3)), [0, 0, 0, 1])


def test_a_trajectory_passes_its_waypoints_no_faster_than_allowed():
    start = pose(np.array([0.3, 0, 0.5]), pointing_down(0.0))
    first = Waypoint(pose(np.array([0.5, 0.2, 0.3]), pointing_down(0.4)), 1.0)
    second = Waypoint(pose(np.array([0.5, 0.2, 0.3]), pointing_down(2.4)), 0.0, wait=0.5)
    rows = experts.trajectory(start, [first, second])
    assert rows.dtype == np.float32 and rows.shape[1] == 8 and (rows[:, 6] >= 0).all()
    np.testing.assert_allclose(np.linalg.norm(rows[:, 3:7], axis=1), 1, atol=1e-6)
    path = np.vstack([start[:3, 3], rows[:, :3]])
    assert np.linalg.norm(np.diff(path, axis=0), axis=1).max() <= experts.SPEED / CONTROL_RATE + 1e-6
    turns = [experts.pose_matrix(row)[:3, :3] for row in rows]
    angles = [np.linalg.norm(kinematics.rotation_vector(b @ a.T)) for a, b in zip(turns[:-1], turns[1:], strict=True)]
    assert max(angles) <= experts.TURN_RATE / CONTROL_RATE + 1e-5
    reached = int(np.argmax(np.linalg.norm(rows[:, :3] - first.pose[:3, 3], axis=1) < 1e-6))
    # The fingers move once a waypoint is met, and then there is a wait.
    assert (rows[: reached + 1, 7] == 1).all() and (rows[-10:, 7] == 0).all()
    np.testing.assert_array_equal(rows[-10:], np.repeat(rows[-1:], 10, axis=0))
    np.testing.assert_allclose(experts.pose_matrix(rows[-1]), second.pose, atol=1e-6)


def test_a_line_that_needs_fast_joints_is_taken_slowly():
    """A straight line from far out to close by folds the arm faster than its motors can."""
    home = kinematics.HOME
    start, _ = kinematics.forward(home)
    far = pose(np.array([0.55, 0.35, 0.51]), pointing_down(0.7))
    near = pose(np.array([0.25, 0.29, 0.12]), pointing_down(-1.0))
    lines = [Waypoint(far, 1.0), Waypoint(near, 1.0)]

    def speeds(rows):
        joints, found = home, []
        for row in rows:
            reached = kinematics.solve(experts.pose_matrix(row), joints).joints
            found.append(np.abs(reached - joints) * CONTROL_RATE / kinematics.SPEEDS)
            joints = reached
        return np.array(found)

    plain, slowed = experts.trajectory(start, lines), experts.trajectory(start, lines, home)
    assert speeds(plain).max() > 1.0
    assert speeds(slowed).max() < experts.JOINT_SHARE * 1.1 and len(plain) < len(slowed) < 2 * len(plain)
    np.testing.assert_array_equal(slowed[-1], plain[-1])
    # What is slow enough is left as it was.
    easy = [Waypoint(pose(np.array([0.5, 0.1, 0.4]), start[:3, :3]), 1.0)]
    assert experts.trajectory(start, easy, home).tobytes() == experts.trajectory(start, easy).tobytes()


def test_noise_strays_in_free_space_and_comes_back():
    start = pose(np.array([0.3, 0, 0.5]), pointing_down(0.0))
    down = pose(np.array([0.6, 0.2, 0.2]), pointing_down(0.4))
    waypoints = [Waypoint(down, 0.0, wait=0.3), Waypoint(start, 0.0)]
    plain = experts.trajectory(start, waypoints)
    noisy, again, other = (
        experts.trajectory(start, waypoints, noise=0.02, generator=np.random.default_rng(seed)) for seed in (0, 0, 1)
    )
    assert noisy.tobytes() == again.tobytes() != other.tobytes()
    met = int(np.argmin(np.linalg.norm(noisy[:, :3] - down[:3, 3], axis=1)))
    line = (down[:3, 3] - start[:3, 3]) / np.linalg.norm(down[:3, 3] - start[:3, 3])
    away = noisy[:, :3] - start[:3, 3]
    aside = np.linalg.norm(away - np.outer(away @ line, line), axis=1)
    assert 0.01 < aside[:met].max() < 0.08
    # Calm where it arrives, and with something in the hand.
    assert aside[met - 3 :].max() < 1e-5
    assert np.linalg.norm(np.diff(noisy[:, :3], axis=0), axis=1).max() <= 1.01 * experts.SPEED / CONTROL_RATE
    np.testing.assert_array_equal(noisy[-1], plain[-1])


@pytest.mark.parametrize("task", ["OpenDrawer", "PlaceInBin"])
def test_experts_recover_from_noise(make, task):
    env = make(task, obs=())
    for seed in range(3):
        env.reset(seed=seed)
        plain = env.expert_trajectory()
        noisy = env.expert_trajectory(noise=0.03, generator=np.random.default_rng(seed))
        assert noisy.tobytes() != plain.tobytes() and follow(env, noisy)["success"]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"noise": -0.1}, "noise is -0.1: expected a standard deviation in metres, 0 or more"),
        ({"noise": float("nan")}, "noise is nan"),
        ({"noise": 0.1}, "noise needs a generator"),
    ],
)
def test_bad_noise_is_named(settings, said):
    start = pose(np.array([0.3, 0, 0.5]), pointing_down(0.0))
    with pytest.raises(ValueError, match=said):
        experts.trajectory(start, [Waypoint(start, 1.0)], **settings)


@pytest.mark.parametrize("task", ["OpenDrawer", "Stack", "SetKnob"])
def test_experts_stay_within_what_the_arm_can_do(make, task):
    env = make(task, obs=())
    env.reset(seed=0)
    bullet, strayed = env.world.bullet, 0.0
    for action in env.expert_trajectory():
        before = env.robot.target
        done = env.step(action)[2]
        assert (np.abs(env.robot.target - before) * CONTROL_RATE <= kinematics.SPEEDS + 1e-9).all()
        states = bullet.getJointStates(env.robot.body, range(7))
        assert (np.abs([state[1] for state in states]) <= 1.1 * kinematics.SPEEDS).all()
        assert (np.abs([state[3] for state in states]) <= np.array(TORQUES) + 1e-6).all()
        strayed = max(strayed, float(np.linalg.norm(env.robot.tool_pose()[:3, 3] - action[:3])))
        if done:
            break
    assert strayed < 0.03


def outcomes(make, task, split, seeds):
    """Whether the expert succeeded, seed by seed."""
    env = make(task, split=split, obs=())
    found = []
    for seed in seeds:
        env.reset(seed=seed)
        info = follow(env, env.expert_trajectory())
        found.append(info["success"])
        if info["success"]:
            assert info["terminated"] and info["failure"] == ""
            assert 0.9 * info["shortest_path"] < info["path_length"] < 3 * info["shortest_path"]
    return found


@pytest.mark.slow
@pytest.mark.parametrize("task", sims.SINGLE_TASKS)
def test_experts_succeed_on_nine_in_ten_seeds_of_every_split(make, task):
    found = [success for split in SPLITS for success in outcomes(make, task, split, range(1000, 1004))]
    assert sum(found) >= 0.9 * len(found)
