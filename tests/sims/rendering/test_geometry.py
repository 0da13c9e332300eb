import numpy as np
import pytest

from sims.objects.shapes import Link, Shape
from sims.rendering.geometry import Scene, rotations
from sims.robot import Panda
from sims.world import World


def test_links_are_where_pybullet_has_them_and_carry_its_codes(world):
    robot = Panda(world)
    links = [
        Link("base", [Shape("box", (0.1, 0.1, 0.1))], (1, 0, 0)),
        Link("arm", [Shape("cylinder", (0.02, 0.02, 0.2), (0, 0, 0.1), (0.3, 0, 0))], (0, 1, 0), parent="base",
             joint="revolute", axis=(1, 0, 0), position=(0, 0, 0.1), limits=(-1, 1)),
    ]  # fmt: skip
    body = world.add(links, (0.5, 0.2, 0.3), yaw=0.5)
    world.bullet.resetJointState(body, 0, 0.4)
    scene = Scene(world.bullet)
    geometry, poses = scene.geometry, scene.poses()
    assert geometry.codes[-2:].tolist() == [body, body + (1 << 24)]
    assert poses.shape == (len(geometry.codes), 7)
    arm = world.bullet.getLinkState(body, 0)
    assert poses[-1] == pytest.approx([*arm[4], *arm[5]])
    # The root of the robot is reported at its centre of mass, 5 cm above its frame.
    first = np.flatnonzero(geometry.codes == robot.body)[0]
    assert poses[first] == pytest.approx([0, 0, 0, 0, 0, 0, 1], abs=1e-9)
    assert geometry.vertices[geometry.starts[first] : geometry.starts[first + 1], 2].min() == pytest.approx(0, abs=0.01)


def test_shapes_have_their_size_place_turn_and_color(world):
    shape = Shape("box", (0.1, 0.2, 0.3), (0.01, 0.02, 0.03), (0, 0, np.pi / 2))
    world.add([Link("box", [shape], (0.2, 0.4, 0.6))], (0.5, 0, 0.3))
    geometry = Scene(world.bullet).geometry
    vertices = geometry.vertices[geometry.starts[-2] :]
    assert vertices.min(axis=0) == pytest.approx([0.01 - 0.1, 0.02 - 0.05, 0.03 - 0.15], abs=1e-6)
    assert vertices.max(axis=0) == pytest.approx([0.01 + 0.1, 0.02 + 0.05, 0.03 + 0.15], abs=1e-6)
    mine = geometry.owners == len(geometry.codes) - 1
    assert mine.sum() == 12 and not geometry.smooth[mine].any()
    assert geometry.colors[mine] == pytest.approx(np.tile([0.2, 0.4, 0.6], (12, 1)), abs=1e-6)
    assert geometry.planes[mine, :3] == pytest.approx(geometry.normals[mine, 0], abs=1e-6)


def test_unequal_scales_keep_normals_upright(world):
    world.add([Link("column", [Shape("prism5", (0.02, 0.02, 0.4))], (1, 1, 1))], (0.5, 0, 0.3))
    geometry = Scene(world.bullet).geometry
    mine = geometry.owners == len(geometry.codes) - 1
    upright = np.abs(geometry.normals[mine, 0, 2])
    assert set(np.round(upright, 5)) == {0, 1}
    assert geometry.planes[mine, :3] == pytest.approx(geometry.normals[mine, 0], abs=1e-5)


def test_what_cannot_be_drawn_is_refused(world):
    visual = world.bullet.createVisualShape(world.bullet.GEOM_CAPSULE, radius=0.1, length=0.2)
    body = world.bullet.createMultiBody(0, -1, visual)
    with pytest.raises(ValueError, match=rf"cannot draw the visual shape of kind 7 .* of body {body}: expected a box"):
        Scene(world.bullet)
    empty = World()
    with pytest.raises(ValueError, match="the scene shows no body"):
        Scene(empty.bullet)
    empty.close()


def test_rotations_are_those_of_pybullet(world, generator):
    quaternions = generator.normal(size=(20, 4))
    quaternions /= np.linalg.norm(quaternions, axis=1, keepdims=True)
    expected = [world.bullet.getMatrixFromQuaternion(quaternion) for quaternion in quaternions.tolist()]
    assert rotations(quaternions).reshape(20, 9) == pytest.approx(np.array(expected))
