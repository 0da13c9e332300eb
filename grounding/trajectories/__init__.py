"""What a trajectory is, in numbers: checks, frames, resampling, rotations; `distance` compares two (DTW-MT)."""

from grounding.trajectories.representation import (
    change_rate,
    densify,
    inverse,
    matrix_from_pose,
    path_length,
    pose_from_matrix,
    resample,
    transform,
    validate,
)
from grounding.trajectories.rotations import (
    quaternion_from_six,
    rotation_distance,
    six_from_quaternion,
    slerp,
)

__all__ = [
    "change_rate",
    "densify",
    "inverse",
    "matrix_from_pose",
    "path_length",
    "pose_from_matrix",
    "quaternion_from_six",
    "resample",
    "rotation_distance",
    "six_from_quaternion",
    "slerp",
    "transform",
    "validate",
]
