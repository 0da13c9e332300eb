import numpy as np
import pytest

from sims import kinematics
from sims.experts import rotation_matrix
from sims.kinematics import HOME, LOWER, UPPER
from tests.sims import plain_kinematics


def reachable(generator: np.random.Generator, count: int) -> list[np.ndarray]:
    return [kinematics.forward(generator.uniform(LOWER, UPPER))[0] for _ in range(count)]


def test_the_jacobian_is_the_derivative(generator):
    joints = generator.uniform(LOWER, UPPER)
    pose, jacobian = kinematics.forward(joints)
    step = 1e-6
    for index in range(7):
        moved, _ = kinematics.forward(joints + step * np.eye(7)[index])
        linear = (moved[:3, 3] - pose[:3, 3]) / step
        angular = kinematics.rotation_vector(moved[:3, :3] @ pose[:3, :3].T) / step
        np.testing.assert_allclose(jacobian[:, index], [*linear, *angular], atol=1e-5)


@pytest.mark.parametrize("angle", [0.0, 1e-8, 1e-3, 1.0, np.pi - 1e-4, np.pi - 1e-8, np.pi])
def test_rotation_vector_inverts_rodrigues_up_to_half_a_turn(generator, angle):
    for _ in range(20):
        axis = generator.normal(size=3)
        rotation = rotation_matrix(angle * axis / np.linalg.norm(axis))
        found = kinematics.rotation_vector(rotation)
        assert np.linalg.norm(found) == pytest.approx(angle, abs=1e-7)
        np.testing.assert_allclose(rotation_matrix(found), rotation, atol=1e-7)


def test_nineteen_in_twenty_reachable_poses_are_met_within_limits(generator):
    met = 0
    for target in reachable(generator, 500):
        solution = kinematics.solve_with_restarts(target, HOME, generator)
        assert (solution.joints >= LOWER).all() and (solution.joints <= UPPER).all()
        pose, _ = kinematics.forward(solution.joints)
        position = np.linalg.norm(pose[:3, 3] - target[:3, 3])
        rotation = np.linalg.norm(kinematics.rotation_vector(target[:3, :3] @ pose[:3, :3].T))
        assert (position, rotation) == pytest.approx((solution.position_error, solution.rotation_error), abs=1e-9)
        assert solution.reached == (position <= 0.005 and rotation <= np.deg2rad(3))
        met += solution.reached
    assert met >= 475


def test_a_path_is_followed_without_jumps(generator):
    for _ in range(20):
        ends = HOME + generator.uniform(-0.3, 0.3, (2, 7))
        joints, largest = ends[0], 0.0
        for fraction in np.linspace(0, 1, 40):
            target, _ = kinematics.forward(ends[0] + fraction * (ends[1] - ends[0]))
            solution = kinematics.solve(target, joints)
            assert solution.reached
            largest, joints = max(largest, np.abs(solution.joints - joints).max()), solution.joints
        assert largest < 0.3


def test_what_is_out_of_reach_is_said_to_be(generator):
    target = np.eye(4)
    target[:3, 3] = 2.0, 0.0, 0.3
    for solution in (
        kinematics.solve(target, HOME),
        kinematics.solve_with_restarts(target, HOME, generator, restarts=2),
    ):
        assert not solution.reached and solution.position_error > 1.0
        assert (solution.joints >= LOWER).all() and (solution.joints <= UPPER).all()


def test_the_search_is_deterministic_and_starts_within_limits(generator):
    target = reachable(generator, 1)[0]
    outside = np.full(7, 10.0)
    first, again = (kinematics.solve(target, outside) for _ in range(2))
    np.testing.assert_array_equal(first.joints, again.joints)
    assert (first.joints <= UPPER).all()


def test_the_compiled_search_is_that_in_plain_numpy(generator):
    for _ in range(40):
        start = generator.uniform(LOWER, UPPER)
        for compiled, plain in zip(kinematics.forward(start), plain_kinematics.forward(start), strict=True):
            np.testing.assert_allclose(compiled, plain, atol=1e-12)
        target, _ = kinematics.forward(np.clip(start + generator.normal(0, 0.2, 7), LOWER, UPPER))
        compiled, plain = kinematics.solve(target, start), plain_kinematics.solve(target, start)
        np.testing.assert_allclose(compiled.joints, plain.joints, atol=1e-9)
        assert compiled.reached == plain.reached
