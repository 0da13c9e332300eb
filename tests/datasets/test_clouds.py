import struct

import numpy as np
import pytest

from grounding.datasets.clouds import read_cloud
from grounding.errors import DataError

POINTS = np.array([[0.5, -0.25, 1.0], [0.0, 2.0, -3.5], [4.0, 0.125, 0.0]], np.float32)
COLORS = np.array([[255, 0, 10], [1, 2, 3], [0, 128, 255]], np.uint8)
SEGMENTS = np.array([1, 2, 2], np.int32)


def ply(kind, points=POINTS, count=None):
    head = f"ply\nformat {kind} 1.0\ncomment made by hand\nelement vertex {len(points) if count is None else count}\n"
    head += "".join(f"property float {axis}\n" for axis in "xyz")
    head += "".join(f"property uchar {name}\n" for name in ("red", "green", "blue"))
    head += "property int segment\nelement face 1\nproperty list uchar int vertex_indices\nend_header\n"
    rows = list(zip(points, COLORS, SEGMENTS, strict=False))
    if kind == "ascii":
        text = "".join(" ".join(str(n) for n in [*xyz, *rgb, segment]) + "\n" for xyz, rgb, segment in rows)
        return (head + text + "3 0 1 2\n").encode()
    order = "<" if kind == "binary_little_endian" else ">"
    body = b"".join(struct.pack(order + "fffBBBi", *xyz, *rgb, segment) for xyz, rgb, segment in rows)
    return head.encode() + body + struct.pack(order + "Biii", 3, 0, 1, 2)


def pcd(kind, points=POINTS):
    packed = [int(r) << 16 | int(g) << 8 | int(b) for r, g, b in COLORS]
    head = "# .PCD v0.7\nVERSION 0.7\nFIELDS x y z rgb\nSIZE 4 4 4 4\n"
    head += f"TYPE F F F {'U' if kind == 'ascii' else 'F'}\nCOUNT 1 1 1 1\nWIDTH {len(points)}\nHEIGHT 1\n"
    head += f"VIEWPOINT 0 0 0 1 0 0 0\nPOINTS {len(points)}\nDATA {kind}\n"
    rows = list(zip(points, packed, strict=False))
    if kind == "ascii":
        return (head + "".join(f"{x} {y} {z} {rgb}\n" for (x, y, z), rgb in rows)).encode()
    return head.encode() + b"".join(struct.pack("<fffI", *xyz, rgb) for xyz, rgb in rows)


@pytest.mark.parametrize("kind", ["ascii", "binary_little_endian", "binary_big_endian"])
def test_ply(tmp_path, kind):
    (tmp_path / "a.ply").write_bytes(ply(kind))
    cloud = read_cloud(tmp_path / "a.ply")
    assert cloud.points.dtype == np.float32
    np.testing.assert_array_equal(cloud.points, POINTS)
    np.testing.assert_array_equal(cloud.colors, COLORS)
    np.testing.assert_array_equal(cloud.segments, SEGMENTS)


def test_ply_with_windows_line_ends_and_doubles(tmp_path):
    head = "ply\r\nformat binary_little_endian 1.0\r\nelement vertex 3\r\n"
    head += "".join(f"property double {axis}\r\n" for axis in "xyz") + "end_header\r\n"
    (tmp_path / "a.ply").write_bytes(head.encode() + POINTS.astype("<f8").tobytes())
    cloud = read_cloud(tmp_path / "a.ply")
    np.testing.assert_array_equal(cloud.points, POINTS)
    assert cloud.colors is None
    assert cloud.segments is None


@pytest.mark.parametrize("kind", ["ascii", "binary"])
def test_pcd(tmp_path, kind):
    (tmp_path / "a.PCD").write_bytes(pcd(kind))
    cloud = read_cloud(tmp_path / "a.PCD")
    np.testing.assert_array_equal(cloud.points, POINTS)
    np.testing.assert_array_equal(cloud.colors, COLORS)


def test_xyz_with_and_without_colours(tmp_path):
    np.savetxt(tmp_path / "a.xyz", POINTS)
    assert read_cloud(tmp_path / "a.xyz").colors is None
    (tmp_path / "b.xyz").write_text("# x y z r g b\n0.5, -0.25, 1.0, 1.0, 0.0, 0.5\n")
    cloud = read_cloud(tmp_path / "b.xyz")
    np.testing.assert_array_equal(cloud.points, POINTS[:1])
    np.testing.assert_array_equal(cloud.colors, [[255, 0, 128]])


def test_npy_and_npz(tmp_path):
    np.save(tmp_path / "a.npy", POINTS.astype(np.float64))
    np.testing.assert_array_equal(read_cloud(tmp_path / "a.npy").points, POINTS)
    np.savez(tmp_path / "a.npz", points=POINTS, colors=COLORS, segments=SEGMENTS)
    cloud = read_cloud(tmp_path / "a.npz")
    np.testing.assert_array_equal(cloud.colors, COLORS)
    np.testing.assert_array_equal(cloud.segments, SEGMENTS)


def test_what_open3d_writes_is_read(tmp_path):
    open3d = pytest.importorskip("open3d", reason="open3d lacks a system library here", exc_type=ImportError)
    cloud = open3d.geometry.PointCloud(open3d.utility.Vector3dVector(POINTS))
    cloud.colors = open3d.utility.Vector3dVector(COLORS / 255)
    for name in ("a.ply", "a.pcd", "a.xyz"):
        assert open3d.io.write_point_cloud(str(tmp_path / name), cloud)
        np.testing.assert_allclose(read_cloud(tmp_path / name).points, POINTS, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.ply", b"", "no PLY header"),
        ("a.ply", ply("ascii", count=0).split(b"end_header")[0] + b"end_header\n", "no points"),
        ("a.ply", ply("binary_little_endian")[:-40], "bytes where the header promises 3 points"),
        ("a.ply", ply("ascii", count=99), "numbers where the header promises 99"),
        ("a.ply", ply("ascii").replace(b"0.125", b"nan"), "1 of 3 points are NaN"),
        ("a.ply", ply("ascii").replace(b"0.125", b"word"), "word"),
        ("a.ply", ply("ascii").replace(b"property float z\n", b""), "(z|numbers)"),
        ("a.pcd", b"# nothing\n", "no PCD header"),
        ("a.pcd", pcd("binary")[:-1], "bytes where"),
        ("a.pcd", pcd("binary").replace(b"DATA binary", b"DATA binary_compressed"), "save it as binary"),
        ("a.pcd", pcd("ascii").replace(b"-3.5", b"inf"), "1 of 3 points are NaN or infinite"),
        ("a.xyz", b"", "no points"),
        ("a.xyz", b"1 2 3\n4 5\n", "a.xyz"),
        ("a.xyz", b"1 2\n", r"shape \(1, 2\)"),
        ("a.npy", b"noise", "a.npy"),
        ("a.npz", b"PK\x03\x04noise", "a.npz"),
    ],
)
def test_bad_files_are_named_with_the_reason(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=words) as caught:
        read_cloud(tmp_path / name)
    assert str(tmp_path / name) in str(caught.value)


def test_bad_arrays_are_refused(tmp_path):
    for name, arrays, words in (
        ("a", {"points": np.zeros((4, 2))}, r"shape \(4, 2\)"),
        ("b", {"cloud": POINTS}, "no array 'points'"),
        ("c", {"points": POINTS, "colors": COLORS[:2]}, "colors of shape"),
        ("d", {"points": POINTS, "colors": COLORS * 2.5}, "colours are not within"),
        ("e", {"points": POINTS, "segments": SEGMENTS[:1]}, "segments of shape"),
        ("f", {"points": np.array([None])}, "f.npz"),
    ):
        np.savez(tmp_path / f"{name}.npz", **arrays)
        with pytest.raises(DataError, match=words):
            read_cloud(tmp_path / f"{name}.npz")


def test_a_missing_file_and_an_unknown_ending(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read_cloud(tmp_path / "a.ply")
    with pytest.raises(DataError, match="unknown kind of point cloud '.stl'"):
        read_cloud(tmp_path / "a.stl")
