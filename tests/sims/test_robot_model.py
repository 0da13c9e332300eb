import re
from pathlib import Path

import numpy as np
import pybullet_data
import pytest
from scipy.spatial import ConvexHull

from sims.robot_model import TOLERANCE, panda_file

FOLDER = Path(pybullet_data.getDataPath()) / "franka_panda"
STOCK = FOLDER / "panda.urdf"


def files(urdf: Path, kind: str) -> list[Path]:
    """The meshes that a URDF names for "visual" or "collision", link by link; every file must exist."""
    blocks = re.findall(rf"<{kind}>.*?</{kind}>", urdf.read_text(), re.DOTALL)
    names = [re.search(r'filename="([^"]+)"', block)[1] for block in blocks]
    return [Path(name.replace("package:/", str(FOLDER))) for name in names]


def numbers(mesh: Path, kind: str) -> np.ndarray:
    lines = [line.split() for line in mesh.read_text().splitlines()]
    return np.array([line[1:4] for line in lines if line[:1] == [kind]])


def faces(urdf: Path, kind: str) -> int:
    return sum(
        len(line.split()) - 3
        for mesh in files(urdf, kind)
        for line in mesh.read_text().splitlines()
        if line[:2] == "f "
    )


def test_the_robot_is_drawn_as_it_touches_with_few_faces():
    assert faces(STOCK, "visual") > 90_000 and faces(STOCK, "collision") > 3_000
    assert files(panda_file(), "visual") == files(panda_file(), "collision")
    assert faces(panda_file(), "visual") < 1_500


@pytest.mark.parametrize(
    ("ours", "stock"),
    list(zip(files(panda_file(), "collision"), files(STOCK, "collision"), strict=True)),
    ids=lambda path: path.stem,
)
def test_the_robot_touches_with_the_hulls_of_the_stock_one(ours, stock):
    corners, points = numbers(ours, "v").astype(float), numbers(stock, "v").astype(float)
    hull, whole = ConvexHull(corners), ConvexHull(points)
    outside = (points @ hull.equations[:, :3].T + hull.equations[:, 3]).max()
    assert outside <= (1e-6 if ours.stem in ("hand", "finger") else TOLERANCE + 1e-6)
    assert (corners @ whole.equations[:, :3].T + whole.equations[:, 3]).max() < 1e-6
    np.testing.assert_allclose([corners.min(0), corners.max(0)], [points.min(0), points.max(0)], atol=1e-6)
    # Every face is counterclockwise from outside: together they hold the hull's volume.
    a, b, c = corners[numbers(ours, "f").astype(int) - 1].transpose(1, 0, 2)
    assert np.einsum("fi,fi->", a, np.cross(b, c)) / 6 == pytest.approx(hull.volume, rel=1e-6)


def test_the_robot_moves_as_the_stock_one(world):
    bullet = world.bullet
    ours, theirs = (bullet.loadURDF(str(path), useFixedBase=True) for path in (panda_file(), STOCK))
    assert bullet.getNumJoints(ours) == bullet.getNumJoints(theirs)
    for joint in range(bullet.getNumJoints(ours)):
        assert bullet.getJointInfo(ours, joint)[1:] == bullet.getJointInfo(theirs, joint)[1:]
        np.testing.assert_allclose(
            np.hstack(bullet.getDynamicsInfo(ours, joint)[:5]),
            np.hstack(bullet.getDynamicsInfo(theirs, joint)[:5]),
            rtol=1e-6,
        )
