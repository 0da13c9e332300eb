import numpy as np
import pytest
from scipy.spatial.transform import Rotation, Slerp

from grounding.trajectories import rotations


@pytest.fixture
def pairs(generator):
    return Rotation.random(200, rng=generator), Rotation.random(200, rng=generator)


def same_rotation(first, second, atol=1e-12):
    np.testing.assert_allclose(np.abs(np.sum(first * second, axis=-1)), 1, atol=atol)


def test_products_and_inverses_are_those_of_scipy(pairs):
    first, second = pairs
    same_rotation(rotations.multiply(first.as_quat(), second.as_quat()), (first * second).as_quat())
    same_rotation(rotations.conjugate(first.as_quat()), first.inv().as_quat())


def test_the_distance_is_the_angle_of_the_difference(pairs):
    first, second = pairs
    distance = rotations.rotation_distance(first.as_quat(), second.as_quat())
    np.testing.assert_allclose(distance, (first.inv() * second).magnitude(), atol=1e-9)
    np.testing.assert_allclose(rotations.rotation_distance(first.as_quat(), -first.as_quat()), 0, atol=1e-12)


def test_small_distances_are_exact():
    small = np.array([1e-7, 0, 0, 1])
    np.testing.assert_allclose(rotations.rotation_distance([0, 0, 0, 1], small), 2e-7, rtol=1e-6)


def test_matrices_are_those_of_scipy_and_come_back(pairs):
    first, _ = pairs
    matrix = rotations.matrix_from_quaternion(first.as_quat())
    np.testing.assert_allclose(matrix, first.as_matrix(), atol=1e-12)
    same_rotation(rotations.quaternion_from_matrix(matrix), first.as_quat())


@pytest.mark.parametrize("axis", [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [1, -1, 1]])
def test_half_turns_come_back_from_matrices(axis):
    half = Rotation.from_rotvec(np.pi * np.array(axis) / np.linalg.norm(axis))
    same_rotation(rotations.quaternion_from_matrix(half.as_matrix()), half.as_quat())


def test_slerp_is_that_of_scipy(pairs):
    first, second = pairs
    for one, other in zip(first[:20], second[:20], strict=True):
        reference = Slerp([0, 1], Rotation.concatenate([one, other]))([0, 0.25, 0.5, 0.9, 1]).as_quat()
        same_rotation(rotations.slerp(one.as_quat(), -other.as_quat(), [0, 0.25, 0.5, 0.9, 1]), reference, atol=1e-9)


def test_slerp_between_equal_and_nearly_equal_quaternions():
    identity = np.array([0.0, 0.0, 0.0, 1.0])
    np.testing.assert_array_equal(rotations.slerp(identity, identity, 0.3), identity)
    close = rotations.normalise([1e-10, 0, 0, 1])
    np.testing.assert_allclose(rotations.slerp(identity, close, 0.5), [5e-11, 0, 0, 1], atol=1e-16)


def test_results_are_unit_with_a_positive_scalar_part(pairs):
    first, second = pairs
    for result in (
        rotations.normalise(-3 * first.as_quat()),
        rotations.slerp(first.as_quat(), second.as_quat(), np.full(200, 0.4)),
        rotations.quaternion_from_matrix(second.as_matrix()),
    ):
        assert (result[:, 3] >= 0).all()
        np.testing.assert_allclose(np.linalg.norm(result, axis=1), 1, atol=1e-12)


def test_six_numbers_come_back_and_ignore_sign_and_scale(pairs):
    quaternion = pairs[0].as_quat()
    six = rotations.six_from_quaternion(quaternion)
    np.testing.assert_allclose(six, rotations.six_from_quaternion(-quaternion), atol=1e-12)
    same_rotation(rotations.quaternion_from_six(3 * six), quaternion)
