"""Triangle meshes of the shapes that PyBullet knows, with a normal at every corner."""

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np

CREASE = 40.0
"""Faces that meet at a smaller angle (degrees) than this are shaded as one round surface."""


@dataclass(frozen=True)
class Mesh:
    """A surface: vertices (V, 3) float64, triangles (T, 3) int32, counterclockwise from outside, normals (T, 3, 3).

    ``normals`` are of unit length, one for each corner of each triangle.
    """

    vertices: np.ndarray
    triangles: np.ndarray
    normals: np.ndarray


@functools.cache
def box() -> Mesh:
    """A cube of edge 1 around the origin."""
    corners = np.array([(x, y, z) for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)])
    quads = ((0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3))
    return with_normals(corners, np.array([half for a, b, c, d in quads for half in ((a, b, c), (a, c, d))]))


@functools.cache
def cylinder(sides: int) -> Mesh:
    """A column of radius 1 and height 1 along z, around the origin; its corners lie on the circle."""
    angles = 2 * np.pi * np.arange(sides) / sides
    ring = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    vertices = np.concatenate([np.column_stack([ring, np.full(sides, z)]) for z in (-0.5, 0.5)])
    low = np.arange(sides)
    following = (low + 1) % sides
    high = low + sides
    walls = [(low, following, following + sides), (low, following + sides, high)]
    fan = np.arange(1, sides - 1)
    zero = np.zeros_like(fan)
    lids = [(zero, fan + 1, fan), (zero + sides, fan + sides, fan + 1 + sides)]
    return with_normals(vertices, np.concatenate([np.stack(corners, axis=1) for corners in walls + lids]))


@functools.cache
def sphere(splits: int) -> Mesh:
    """A ball of radius 1: an icosahedron each of whose faces is split in four ``splits`` times."""
    golden = (1 + 5**0.5) / 2
    vertices = np.array([(0, a, b) for a in (-1, 1) for b in (-golden, golden)], float)
    vertices = np.concatenate([np.roll(vertices, turn, axis=1) for turn in range(3)])
    apart = np.linalg.norm(vertices[:, None] - vertices[None], axis=2)
    near = (apart > 0) & (apart < 2.1)
    corners = np.array(
        [(a, b, c) for a in range(12) for b in range(a + 1, 12) for c in range(b + 1, 12)
         if near[a, b] and near[b, c] and near[a, c]]
    )  # fmt: skip
    faces = vertices[corners]
    inward = np.einsum("ti,ti->t", faces[:, 0], np.cross(faces[:, 1], faces[:, 2])) < 0
    faces[inward] = faces[inward][:, ::-1]
    for _ in range(splits):
        a, b, c = faces[:, 0], faces[:, 1], faces[:, 2]
        ab, bc, ca = (a + b) / 2, (b + c) / 2, (c + a) / 2
        faces = np.concatenate(
            [np.stack(face, axis=1) for face in ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))]
        )
        faces /= np.linalg.norm(faces, axis=2, keepdims=True)
    faces /= np.linalg.norm(faces, axis=2, keepdims=True)
    vertices, triangles = _shared(faces.reshape(-1, 3))
    return Mesh(vertices, triangles, vertices[triangles])


@functools.cache
def mesh_file(path: str) -> Mesh:
    """The mesh of a Wavefront (.obj) or STL file; a surface that is not closed is given both sides.

    Raises:
        ValueError: the file is of another kind, or holds no triangle.
    """
    kind = Path(path).suffix.lower()
    if kind not in (".obj", ".stl"):
        raise ValueError(f"cannot draw the mesh {path}: expected a .obj or .stl file")
    corners = _wavefront(Path(path)) if kind == ".obj" else _stl(Path(path))
    if len(corners) == 0:
        raise ValueError(f"the mesh {path} holds no triangle: check the file")
    vertices, triangles = _shared(corners)
    area = np.linalg.norm(_crosses(vertices, triangles), axis=1)
    triangles = triangles[area > 0]
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    if not np.isin(edges @ (len(vertices), 1), edges @ (1, len(vertices))).all():
        triangles = np.concatenate([triangles, triangles[:, ::-1]])
    return with_normals(vertices, triangles)


def with_normals(vertices: np.ndarray, triangles: np.ndarray) -> Mesh:
    """A mesh whose corner normals are the mean of those faces around the vertex that turn less than the crease."""
    crosses = _crosses(vertices, triangles)
    faces = crosses / np.linalg.norm(crosses, axis=1, keepdims=True)
    around: list[list[int]] = [[] for _ in vertices]
    for face, corners in enumerate(triangles.tolist()):
        for vertex in corners:
            around[vertex].append(face)
    normals = np.empty((len(triangles), 3, 3))
    for face, corners in enumerate(triangles.tolist()):
        for corner, vertex in enumerate(corners):
            others = around[vertex]
            smooth = faces[others] @ faces[face] > np.cos(np.deg2rad(CREASE))
            normals[face, corner] = crosses[others][smooth].sum(axis=0)
    normals /= np.linalg.norm(normals, axis=2, keepdims=True)
    return Mesh(np.asarray(vertices, float), triangles.astype(np.int32), normals)


def _crosses(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    a, b, c = (vertices[triangles[:, corner]] for corner in range(3))
    return np.cross(b - a, c - a)


def _shared(corners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Vertices and triangles of corners (3 T, 3), those at the same place made one."""
    _, first, inverse = np.unique(np.round(corners, 7) + 0.0, axis=0, return_index=True, return_inverse=True)
    return corners[first], inverse.reshape(-1, 3).astype(np.int32)


def _wavefront(path: Path) -> np.ndarray:
    vertices: list[list[float]] = []
    corners: list[int] = []
    for line in path.read_text().splitlines():
        words = line.split()
        if words[:1] == ["v"]:
            vertices.append([float(word) for word in words[1:4]])
        elif words[:1] == ["f"]:
            numbers = [int(word.split("/")[0]) for word in words[1:]]
            # Negative numbers count back from the last vertex read so far.
            face = [number - 1 if number > 0 else len(vertices) + number for number in numbers]
            for index in range(1, len(face) - 1):
                corners += [face[0], face[index], face[index + 1]]
    return np.array(vertices).reshape(-1, 3)[corners]


def _stl(path: Path) -> np.ndarray:
    data = path.read_bytes()
    count = int.from_bytes(data[80:84], "little")
    if len(data) == 84 + 50 * count:
        rows = np.frombuffer(data, np.uint8, offset=84).reshape(count, 50)
        return np.ascontiguousarray(rows[:, 12:48]).view("<f4").reshape(-1, 3).astype(float)
    words = [line.split() for line in data.decode("ascii", "replace").splitlines()]
    return np.array([[float(word) for word in line[1:4]] for line in words if line[:1] == ["vertex"]]).reshape(-1, 3)
