"""Procedural bodies: a handful of primitive shapes assembled into a URDF text.

Everything the robot meets is generated here from numbers, with one description for what is seen and what is touched,
so that a picture never disagrees with the physics.
"""

import atexit
import functools
import os
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

Vector = tuple[float, float, float]


@dataclass(frozen=True)
class Shape:
    """One convex primitive in its link's frame.

    ``kind`` is "box" (size = edge lengths), "cylinder" (size = radius, radius, height), "sphere" (size = radius three
    times) or "prismN" (regular N-sided column along z; size = circumradius, circumradius, height). Lengths in metres.
    """

    kind: str
    size: Vector
    position: Vector = (0.0, 0.0, 0.0)
    rotation: Vector = (0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Link:
    """One rigid link: its shapes, colour, mass (kg) and the joint that ties it to its parent.

    ``joint`` is "fixed", "prismatic" or "revolute"; ``limits`` in m or rad. The first link of a body is its root.
    """

    name: str
    shapes: Sequence[Shape]
    color: Vector
    mass: float = 0.1
    parent: str | None = None
    joint: str = "fixed"
    axis: Vector = (0.0, 0.0, 1.0)
    position: Vector = (0.0, 0.0, 0.0)
    limits: tuple[float, float] = (0.0, 0.0)
    friction: float = 0.8


def urdf(links: Sequence[Link]) -> str:
    """The URDF text of a body made of ``links``; the first one is the root."""
    parts = ['<robot name="body">']
    for link in links:
        parts.append(_link(link))
        if link.parent is not None:
            parts.append(_joint(link))
    parts.append("</robot>")
    return "\n".join(parts)


def is_round(link: Link) -> bool:
    """Whether a link could roll: whether a cylinder or a ball is part of it."""
    return any(shape.kind in ("cylinder", "sphere") for shape in link.shapes)


def _link(link: Link) -> str:
    red, green, blue = link.color
    material = f'<material name="{link.name}"><color rgba="{red} {green} {blue} 1"/></material>'
    lines = [f'<link name="{link.name}">']
    # Only round things roll, and to resist it doubles what a contact costs.
    rolling = '<rolling_friction value="0.002"/>' if is_round(link) else ""
    lines.append(f'<contact><lateral_friction value="{link.friction}"/>{rolling}</contact>')
    inertia = max(1e-5, 0.001 * link.mass)
    lines.append(
        f'<inertial><mass value="{link.mass}"/>'
        f'<inertia ixx="{inertia}" ixy="0" ixz="0" iyy="{inertia}" iyz="0" izz="{inertia}"/></inertial>'
    )
    for shape in link.shapes:
        placed = f'<origin xyz="{_numbers(shape.position)}" rpy="{_numbers(shape.rotation)}"/>{_geometry(shape)}'
        lines.append(f"<visual>{placed}{material}</visual><collision>{placed}</collision>")
    lines.append("</link>")
    return "\n".join(lines)


def _joint(link: Link) -> str:
    low, high = link.limits
    return (
        f'<joint name="{link.name}_joint" type="{link.joint}"><parent link="{link.parent}"/><child link="{link.name}"/>'
        f'<origin xyz="{_numbers(link.position)}"/><axis xyz="{_numbers(link.axis)}"/>'
        f'<limit lower="{low}" upper="{high}" effort="100" velocity="2"/></joint>'
    )


def _geometry(shape: Shape) -> str:
    x, y, z = shape.size
    match shape.kind:
        case "box":
            inner = f'<box size="{x} {y} {z}"/>'
        case "cylinder":
            inner = f'<cylinder radius="{x}" length="{z}"/>'
        case "sphere":
            inner = f'<sphere radius="{x}"/>'
        case kind if kind.startswith("prism"):
            inner = f'<mesh filename="{_prism_file(int(kind.removeprefix("prism")))}" scale="{x} {y} {z}"/>'
        case kind:
            raise ValueError(f"unknown kind of shape {kind!r}: expected box, cylinder, sphere or prismN")
    return f"<geometry>{inner}</geometry>"


def _numbers(values: Iterable[float]) -> str:
    return " ".join(f"{value:.6g}" for value in values)


@functools.cache
def scratch_folder() -> Path:
    """A folder for generated meshes and the robot's URDF file, removed when the process that made it ends."""
    folder, owner = Path(tempfile.mkdtemp(prefix="grounding-sims-")), os.getpid()

    def remove() -> None:
        # A forked process inherits this call and still needs the files when it is the first to end.
        if os.getpid() == owner:
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(remove)
    return folder


@functools.cache
def _prism_file(sides: int) -> Path:
    """A Wavefront mesh of a regular prism with circumradius 1 and height 1, centred at the origin."""
    angles = 2 * np.pi * np.arange(sides) / sides
    ring = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    lines: list[str] = []

    def face(corners: np.ndarray, normal: np.ndarray) -> None:
        first = sum(line.startswith("v ") for line in lines) + 1
        number = sum(line.startswith("vn ") for line in lines) + 1
        lines.extend("v " + _numbers(corner) for corner in corners)
        lines.append("vn " + _numbers(normal))
        for index in range(1, len(corners) - 1):
            triangle = (first, first + index, first + index + 1)
            lines.append("f " + " ".join(f"{vertex}//{number}" for vertex in triangle))

    for index in range(sides):
        a, b = ring[index], ring[(index + 1) % sides]
        corners = np.array([[*a, -0.5], [*b, -0.5], [*b, 0.5], [*a, 0.5]])
        face(corners, np.array([*(a + b) / np.linalg.norm(a + b), 0.0]))
    face(np.column_stack([ring, np.full(sides, 0.5)]), np.array([0.0, 0.0, 1.0]))
    face(np.column_stack([ring[::-1], np.full(sides, -0.5)]), np.array([0.0, 0.0, -1.0]))
    path = scratch_folder() / f"prism{sides}.obj"
    path.write_text("\n".join(lines) + "\n")
    return path
