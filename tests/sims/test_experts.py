import numpy as np
import pytest

import sims
from sims import experts, kinematics
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


# Within a real arm's joint limits these two experts fail more often than they may.
TO_MEND = {"Stack", "InsertPeg"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "task",
    [
        pytest.param(task, marks=[pytest.mark.xfail(reason="below nine in ten")] if task in TO_MEND else [])
        for task in sims.SINGLE_TASKS
    ],
)
def test_experts_succeed_on_nine_in_ten_seeds_of_every_split(make, task):
    found = [success for split in SPLITS for success in outcomes(make, task, split, range(1000, 1004))]
    assert sum(found) >= 0.9 * len(found)
