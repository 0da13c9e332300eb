import numpy as np
import pytest

from sims.rendering.meshes import box, cylinder, mesh_file, sphere
from sims.robot_model import panda_file

CLOSED = {"box": box(), "cylinder": cylinder(24), "coarse ball": sphere(1), "fine ball": sphere(3)}


def volume(mesh):
    a, b, c = (mesh.vertices[mesh.triangles[:, corner]] for corner in range(3))
    return np.einsum("ti,ti->", a, np.cross(b, c)) / 6


@pytest.mark.parametrize("mesh", CLOSED.values(), ids=CLOSED)
def test_surfaces_are_closed_and_face_outwards(mesh):
    edges = np.concatenate([mesh.triangles[:, [0, 1]], mesh.triangles[:, [1, 2]], mesh.triangles[:, [2, 0]]])
    assert sorted(map(tuple, edges.tolist())) == sorted(map(tuple, edges[:, ::-1].tolist()))
    a, b, c = (mesh.vertices[mesh.triangles[:, corner]] for corner in range(3))
    assert (np.einsum("ti,ti->t", np.cross(b - a, c - a), a + b + c) > 0).all()
    assert np.linalg.norm(mesh.normals, axis=2) == pytest.approx(1)


def test_volumes_are_those_of_the_bodies():
    assert volume(box()) == pytest.approx(1)
    assert volume(cylinder(24)) == pytest.approx(np.pi, rel=0.02) and volume(cylinder(24)) < np.pi
    assert volume(sphere(3)) == pytest.approx(4 / 3 * np.pi, rel=0.02)


def test_round_sides_have_smooth_normals_and_edges_sharp_ones():
    assert (np.ptp(box().normals, axis=1) == 0).all()
    ball = sphere(2)
    assert ball.normals == pytest.approx(ball.vertices[ball.triangles])
    column = cylinder(32)
    side = np.abs(column.normals[..., 2]).max(axis=1) < 0.5
    radial = column.vertices[column.triangles[side]] * (1, 1, 0)
    # Of the two triangles of a wall one counts twice at each corner: the mean leans by up to 4 degrees.
    assert (np.einsum("tci,tci->tc", column.normals[side], radial) > np.cos(np.deg2rad(5))).all()
    assert np.abs(column.normals[~side][..., 2]) == pytest.approx(1)


def test_files_are_read_and_open_surfaces_get_both_sides(tmp_path):
    wavefront = tmp_path / "square.obj"
    wavefront.write_text("v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nvn 0 0 1\nf 1//1 2//1 3//1 -1//1\n")
    mesh = mesh_file(str(wavefront))
    assert len(mesh.vertices) == 4 and len(mesh.triangles) == 4
    assert sorted(mesh.normals[:, 0, 2].tolist()) == [-1, -1, 1, 1]
    corners = np.array([[0, 0, 0], [0, 1, 0], [1, 0, 0]], "<f4")
    binary = tmp_path / "one.stl"
    binary.write_bytes(bytes(80) + (1).to_bytes(4, "little") + bytes(12) + corners.tobytes() + bytes(2))
    text = tmp_path / "text.stl"
    rows = "\n".join(f"vertex {x} {y} {z}" for x, y, z in corners)
    text.write_text(f"solid a\nfacet normal 0 0 -1\nouter loop\n{rows}\nendloop\nendfacet\nendsolid a\n")
    for path in (binary, text):
        found = mesh_file(str(path))
        assert sorted(found.vertices.tolist()) == sorted(corners.tolist()) and len(found.triangles) == 2


def test_the_robot_is_drawn_with_few_faces():
    folder = panda_file()
    files = {line.split('"')[1] for line in folder.read_text().splitlines() if "mesh filename" in line}
    assert sum(len(mesh_file(file).triangles) for file in files) < 6000


def test_files_that_cannot_be_drawn_are_named(tmp_path):
    for name, text, message in (
        ("hand.dae", "", r"cannot draw the mesh .*hand.dae: expected a .obj or .stl"),
        ("empty.obj", "v 0 0 0\n", r"empty.obj holds no triangle"),
    ):
        path = tmp_path / name
        path.write_text(text)
        with pytest.raises(ValueError, match=message):
            mesh_file(str(path))
