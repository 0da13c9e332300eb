import numpy as np
import pytest

from grounding.errors import DataError


def test_a_complete_one_and_one_without_observations_are_valid(make):
    make().validate()
    make(image=None, points=None, colors=None, segments=None, parts=()).validate()


def test_a_numpy_scalar_rate_and_two_parts_are_valid(make):
    make(rate=np.float64(20), parts=(2, 4)).validate()


def spoiled(array, row, column, value):
    array = array.copy()
    array[row, column] = value
    return array


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("id", "", "id is ''"),
        ("task", "  ", "task is"),
        ("instructions", (), "instructions are"),
        ("instructions", ("open", " "), "instructions are"),
        ("rate", 0.0, "rate is 0.0"),
        ("rate", float("nan"), "rate is nan"),
        ("trajectory", np.zeros((0, 8), np.float32), r"float32 of shape \(0, 8\)"),
        ("trajectory", np.zeros((5, 7), np.float32), r"float32 of shape \(any, 8\)"),
        ("trajectory", [[0.0] * 8], "trajectory is list"),
        ("trajectory", np.zeros((5, 8), np.float32), "quaternion of length 0"),
        ("image", np.zeros((32, 32, 3), np.uint8), "image is uint8"),
        ("image", np.zeros((1, 32, 32, 3), np.float32), "image is float32"),
        ("points", np.zeros((0, 3), np.float32), "points is float32"),
        ("points", None, "without points"),
        ("colors", None, "colors is NoneType"),
        ("colors", np.zeros((3, 3), np.uint8), r"expected uint8 of shape \(200, 3\)"),
        ("segments", np.zeros(200, np.int32), "segments has 0"),
        ("segments", np.ones(200, np.int64), "segments is int64"),
        ("parts", (9,), r"of which \[9\] have no points"),
        ("parts", (), "parts are"),
    ],
)
def test_bad_fields_are_named(make, field, value, words):
    with pytest.raises(DataError, match=words) as caught:
        make(**{field: value}).validate()
    assert "OpenDrawer-train-000000" in str(caught.value) or field == "id"


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [(0, np.nan, "NaN or infinity in row 3"), (7, 1.5, "gripper runs"), (4, 9.0, "quaternion of length")],
)
def test_bad_rows_of_the_trajectory_are_named(make, column, value, words):
    with pytest.raises(DataError, match=words):
        make(trajectory=spoiled(make().trajectory, 3, column, value)).validate()


def test_a_negative_scalar_part_is_refused(make):
    trajectory = make().trajectory.copy()
    trajectory[:, 3:7] = [0, 0, 0, -1]
    with pytest.raises(DataError, match="w = -1"):
        make(trajectory=trajectory).validate()


def test_nan_in_the_cloud_is_counted(make):
    points = spoiled(make().points, [0, 5], 1, np.nan)
    with pytest.raises(DataError, match="2 of 200 points"):
        make(points=points).validate()
