"""What PyBullet draws of a scene, as one list of triangles, and where each link of it is now."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from sims.rendering import meshes
from sims.rendering.meshes import Mesh

LINK_SHIFT = 24
"""PyBullet's segmentation code of a link is its body plus (link + 1) times two to this power."""


@dataclass(frozen=True)
class Geometry:
    """The triangles of a scene, each in the frame of the link it belongs to, in metres.

    Args:
        vertices: float32 (V, 3), grouped by link.
        starts: int32 (L + 1,): link l has the vertices from ``starts[l]`` up to ``starts[l + 1]``.
        triangles: int32 (T, 3), numbers of vertices.
        owners: int32 (T,): the link of each triangle.
        normals: float32 (T, 3, 3), at the corners of each triangle.
        planes: float32 (T, 4): unit normal n and offset d of each triangle, its outside being n.x > d.
        smooth: bool (T,): whether the normals at the corners differ.
        colors: float32 (T, 3), 0 ... 1.
        codes: int32 (L,): PyBullet's segmentation code of each link.
    """

    vertices: np.ndarray
    starts: np.ndarray
    triangles: np.ndarray
    owners: np.ndarray
    normals: np.ndarray
    planes: np.ndarray
    smooth: np.ndarray
    colors: np.ndarray
    codes: np.ndarray


class Scene:
    """A PyBullet scene as the rasteriser sees it: its triangles now, and its poses whenever they are asked for.

    Shapes, sizes and colours are those of the moment it was made; make another when bodies are added, removed or
    painted.

    Raises:
        ValueError: there is no visible body, or one has a visual shape of a kind that cannot be drawn.
    """

    def __init__(self, bullet: Any) -> None:
        self.bullet = bullet
        self._bodies = [bullet.getBodyUniqueId(index) for index in range(bullet.getNumBodies())]
        visuals = [visual for body in self._bodies for visual in bullet.getVisualShapeData(body)]
        visuals = sorted((visual for visual in visuals if visual[7][3] > 0), key=lambda visual: visual[:2])
        links = sorted({visual[:2] for visual in visuals})
        self._links = {body: [link for owner, link in links if owner == body] for body in self._bodies}
        self._inertial = {body: _inertial_frame(bullet, body) for body in self._bodies if -1 in self._links[body]}
        self.geometry = _geometry(visuals, links)

    def poses(self) -> np.ndarray:
        """float64 (L, 7): x y z (m) qx qy qz qw of every link in the world, in the order of ``geometry.codes``."""
        rows = []
        for body, links in self._links.items():
            jointed = links
            if links[:1] == [-1]:
                position, turn = self.bullet.getBasePositionAndOrientation(body)
                inertial = self._inertial[body]
                if inertial is not None:
                    position, turn = self.bullet.multiplyTransforms(position, turn, *inertial)
                rows.append(position + turn)
                jointed = links[1:]
            if jointed:
                states = self.bullet.getLinkStates(body, jointed, computeForwardKinematics=1)
                rows += [state[4] + state[5] for state in states]
        return np.array(rows, np.float64).reshape(-1, 7)


def _inertial_frame(bullet: Any, body: int) -> tuple[tuple, tuple] | None:
    """Pose of the root's frame in the frame of its centre of mass, which is the one PyBullet reports; None if equal."""
    position, turn = bullet.getDynamicsInfo(body, -1)[3:5]
    if max(map(abs, position)) < 1e-12 and abs(turn[3]) > 1 - 1e-12:
        return None
    return bullet.invertTransform(position, turn)


def _geometry(visuals: list[tuple], links: list[tuple[int, int]]) -> Geometry:
    if not visuals:
        raise ValueError("the scene shows no body: build one before looking at it")
    parts = [_mesh(visual) for visual in visuals]
    owner = np.array([links.index(visual[:2]) for visual in visuals], np.int32)
    sizes = np.array([len(mesh.vertices) for mesh, _ in parts])
    counts = np.array([len(mesh.triangles) for mesh, _ in parts])
    firsts = np.concatenate([[0], np.cumsum(sizes)])
    scales = np.array([scale for _, scale in parts])
    turns = rotations(np.array([visual[6] for visual in visuals]))
    places = np.array([visual[5] for visual in visuals])
    of_vertex, of_triangle = np.repeat(np.arange(len(parts)), sizes), np.repeat(np.arange(len(parts)), counts)
    vertices = np.concatenate([mesh.vertices for mesh, _ in parts]) * scales[of_vertex]
    vertices = np.einsum("vij,vj->vi", turns[of_vertex], vertices) + places[of_vertex]
    triangles = np.concatenate([mesh.triangles for mesh, _ in parts]) + firsts[of_triangle][:, None]
    # Scaling by unequal factors turns normals the other way than it turns edges.
    normals = np.concatenate([mesh.normals for mesh, _ in parts]) / scales[of_triangle][:, None]
    normals = np.einsum("tij,tcj->tci", turns[of_triangle], normals)
    normals /= np.linalg.norm(normals, axis=2, keepdims=True)
    a, b, c = (vertices[triangles[:, corner]] for corner in range(3))
    planes = np.cross(b - a, c - a)
    planes /= np.maximum(np.linalg.norm(planes, axis=1, keepdims=True), 1e-30)
    offsets = np.einsum("ti,ti->t", planes, a)
    colors = np.array([visual[7][:3] for visual in visuals], np.float32)
    return Geometry(
        vertices=vertices.astype(np.float32),
        starts=np.searchsorted(owner[of_vertex], np.arange(len(links) + 1)).astype(np.int32),
        triangles=triangles.astype(np.int32),
        owners=owner[of_triangle],
        normals=normals.astype(np.float32),
        planes=np.column_stack([planes, offsets]).astype(np.float32),
        smooth=np.ptp(normals, axis=1).max(axis=1, initial=0) > 1e-4,
        colors=colors[of_triangle],
        codes=np.array([body + ((link + 1) << LINK_SHIFT) for body, link in links], np.int32),
    )


def _mesh(visual: tuple) -> tuple[Mesh, np.ndarray]:
    """The mesh of one of PyBullet's visual shapes, and what to scale it by."""
    kind, size, file = visual[2], visual[3], visual[4].decode()
    match kind:
        case 3:
            return meshes.box(), np.array(size)
        case 4:
            length, radius = size[:2]
            return meshes.cylinder(24 if radius < 0.02 else 40), np.array([radius, radius, length])
        case 2:
            radius = size[0]
            # Finer balls cost more than they show: the surface is within 0.6 mm up to 6 cm of radius.
            return meshes.sphere(1 if radius < 0.012 else 2 if radius < 0.03 else 3), np.full(3, radius)
        case 5 if file:
            return meshes.mesh_file(file), np.array(size)
        case _:
            raise ValueError(
                f"cannot draw the visual shape of kind {kind} ({file or 'no file'}) of body {visual[0]}: "
                "expected a box, a cylinder, a sphere or a mesh file"
            )


def rotations(quaternions: np.ndarray) -> np.ndarray:
    """Rotation matrices (N, 3, 3) of unit quaternions (N, 4), x y z w."""
    x, y, z, w = np.asarray(quaternions, float).T
    turns = np.empty((len(x), 3, 3))
    turns[:, 0] = np.stack([1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)], axis=1)
    turns[:, 1] = np.stack([2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)], axis=1)
    turns[:, 2] = np.stack([2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)], axis=1)
    return turns
