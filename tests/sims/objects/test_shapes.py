import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest

from sims.objects.shapes import Link, Shape, scratch_folder, urdf


def mesh(sides: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Corners (V, 3), triangles (F, 3) and the normal stated for each triangle (F, 3) of a prism's mesh."""
    text = urdf([Link("body", [Shape(f"prism{sides}", (1, 1, 1))], (1, 0, 0))])
    path = Path(ElementTree.fromstring(text).find(".//mesh").get("filename"))
    assert path.parent == scratch_folder()
    rows: dict[str, list[list[str]]] = {"v": [], "vn": [], "f": []}
    for line in path.read_text().splitlines():
        kind, *values = line.split()
        rows[kind].append(values)
    corners = np.array([[vertex.split("//") for vertex in face] for face in rows["f"]], int) - 1
    normals = np.array(rows["vn"], float)[corners[:, :, 1]]
    assert (normals == normals[:, :1]).all()
    return np.array(rows["v"], float), corners[:, :, 0], normals[:, 0]


@pytest.mark.parametrize("sides", [3, 6, 8])
def test_a_prism_is_closed_of_the_right_size_and_faces_outward(sides):
    corners, triangles, normals = mesh(sides)
    a, b, c = corners[triangles].transpose(1, 0, 2)
    area = np.cross(b - a, c - a) / 2
    outward = area / np.linalg.norm(area, axis=1, keepdims=True)
    np.testing.assert_allclose(outward, normals, atol=1e-4)
    assert ((a + b + c) / 3 * normals).sum(axis=1).min() > 0
    np.testing.assert_allclose(area.sum(axis=0), 0, atol=1e-5)
    volume = (a * np.cross(b, c)).sum() / 6
    assert volume == pytest.approx(sides / 2 * np.sin(2 * np.pi / sides), abs=1e-4)
    np.testing.assert_allclose(np.hypot(corners[:, 0], corners[:, 1]), 1, atol=1e-5)
    assert set(corners[:, 2]) == {-0.5, 0.5}


@pytest.mark.parametrize(
    ("shape", "low", "high"),
    [
        (Shape("box", (0.2, 0.1, 0.06)), (-0.1, -0.05, -0.03), (0.1, 0.05, 0.03)),
        (Shape("cylinder", (0.05, 0.05, 0.1)), (-0.05, -0.05, -0.05), (0.05, 0.05, 0.05)),
        (Shape("sphere", (0.05, 0.05, 0.05), (0, 0, 0.1)), (-0.05, -0.05, 0.05), (0.05, 0.05, 0.15)),
        (Shape("prism3", (0.1, 0.1, 0.2)), (-0.05, -0.0866, -0.1), (0.1, 0.0866, 0.1)),
        (Shape("box", (0.2, 0.1, 0.06), rotation=(0, 0, np.pi / 2)), (-0.05, -0.1, -0.03), (0.05, 0.1, 0.03)),
    ],
)
def test_what_is_touched_has_the_stated_size(world, shape, low, high):
    where = np.array([0.4, 0.1, 0.5])
    body = world.add([Link("body", [shape], (1, 0, 0))], where, fixed=True)
    for axis in range(3):
        for sign, expected in ((-1, low), (1, high)):
            # A ray along each axis through the middle of the shape, from outside.
            middle = where + (np.add(low, high) / 2 if shape.kind != "prism3" or axis != 1 else np.array([-0.05, 0, 0]))
            start = middle.copy()
            start[axis] += 0.3 * sign
            (struck,) = world.bullet.rayTestBatch([start.tolist()], [middle.tolist()])
            # Meshes carry Bullet's collision margin of a millimetre.
            assert struck[0] == body and struck[3][axis] - where[axis] == pytest.approx(expected[axis], abs=0.0015)


def test_what_is_seen_is_what_is_touched():
    links = [
        Link("base", [Shape("box", (0.1, 0.2, 0.3)), Shape("prism6", (0.1, 0.1, 0.2), (0, 0, 1))], (0.5, 0.25, 1)),
        Link(
            "arm", [Shape("sphere", (0.1,) * 3)], (0, 1, 0), mass=0.3, parent="base", joint="revolute",
            axis=(0, 1, 0), position=(1, 2, 3), limits=(-0.5, 0.75), friction=1.2,
        ),
    ]  # fmt: skip
    root = ElementTree.fromstring(urdf(links))
    for link in root.findall("link"):
        seen, touched = (
            [ElementTree.tostring(part) for shape in link.findall(kind) for part in shape if part.tag != "material"]
            for kind in ("visual", "collision")
        )
        assert seen == touched
    base, arm = root.findall("link")
    assert len(base.findall("visual")) == 2 and base.find(".//color").get("rgba") == "0.5 0.25 1 1"
    assert arm.find("inertial/mass").get("value") == "0.3"
    assert arm.find("contact/lateral_friction").get("value") == "1.2"
    (joint,) = root.findall("joint")
    assert (joint.get("type"), joint.find("parent").get("link"), joint.find("child").get("link")) == (
        "revolute", "base", "arm",
    )  # fmt: skip
    assert (joint.find("origin").get("xyz"), joint.find("axis").get("xyz")) == ("1 2 3", "0 1 0")
    assert (joint.find("limit").get("lower"), joint.find("limit").get("upper")) == ("-0.5", "0.75")


def test_an_unknown_kind_is_named():
    with pytest.raises(ValueError, match="unknown kind of shape 'cone': expected box, cylinder, sphere or prismN"):
        urdf([Link("body", [Shape("cone", (1, 1, 1))], (1, 0, 0))])
