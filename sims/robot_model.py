"""The Panda description of pybullet_data with lighter meshes, which make a scene five times as quick to build."""

import functools
import re
from pathlib import Path

import numpy as np

from sims.objects.shapes import scratch_folder

TOLERANCE = 0.002
"""M: how far the arm's lighter meshes lie inside the stock ones at most; those of hand and fingers are exact."""
_EXACT = ("hand", "finger")


@functools.cache
def panda_file() -> Path:
    """The URDF file of a Panda that looks as what it touches with: the hulls of pybullet_data's collision meshes.

    Bullet touches with the hull of a moving mesh in any case. All else is as in pybullet_data, and bounding boxes too,
    from which Bullet takes the inertia.
    """
    import pybullet_data

    folder = Path(pybullet_data.getDataPath()) / "franka_panda"
    text = (folder / "panda.urdf").read_text().replace("package://meshes/visual/", "package://meshes/collision/")

    def lighter(match: re.Match[str]) -> str:
        return f'filename="{_light_mesh(folder / match[1])}"'

    path = scratch_folder() / "panda.urdf"
    path.write_text(re.sub(r'filename="package://([^"]+)"', lighter, text))
    return path


@functools.cache
def _light_mesh(mesh: Path) -> Path:
    from scipy.spatial import ConvexHull

    lines = [line.split() for line in mesh.read_text().splitlines()]
    points = np.array([line[1:4] for line in lines if line[:1] == ["v"]], float)
    corners = points[ConvexHull(points).vertices]
    if mesh.stem not in _EXACT:
        corners = _fewer(corners)
    hull = ConvexHull(corners)
    faces = hull.simplices + 1
    normals = np.cross(*(corners[hull.simplices[:, corner]] - corners[hull.simplices[:, 0]] for corner in (1, 2)))
    inwards = (normals * hull.equations[:, :3]).sum(axis=1) < 0
    faces[inwards] = faces[inwards][:, ::-1]
    path = scratch_folder() / mesh.name
    rows = ["v " + " ".join(f"{value:.9g}" for value in corner) for corner in corners]
    path.write_text("\n".join(rows + ["f " + " ".join(map(str, face)) for face in faces]) + "\n")
    return path


def _fewer(corners: np.ndarray) -> np.ndarray:
    """Some of the corners (N, 3) of a convex body, so that none of the others is farther outside than allowed.

    From those that touch the bounding box on, the one farthest outside is added until none is too far.
    """
    from scipy.spatial import ConvexHull

    chosen = list(dict.fromkeys([*corners.argmin(axis=0).tolist(), *corners.argmax(axis=0).tolist()]))
    while True:
        planes = ConvexHull(corners[chosen]).equations
        outside = (corners @ planes[:, :3].T + planes[:, 3]).max(axis=1)
        if outside.max() <= TOLERANCE:
            return corners[chosen]
        chosen.append(int(outside.argmax()))
