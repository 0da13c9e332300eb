import numpy as np
import pytest

from sims.objects.hooks import RINGS, draw_hooks, draw_ring
from sims.objects.shapes import Link


@pytest.mark.parametrize("category", ["ring", "key"])
@pytest.mark.parametrize("kind", [*RINGS.kinds, *RINGS.novel_kinds])
def test_it_stands_upright_in_its_slot(world, generator, category, kind):
    ring = draw_ring(generator, category, kind)
    world.add([Link("slot", ring.slot(), (0, 0, 0))], (0.5, 0, 0), fixed=True)
    body = world.add(ring.links(), (0.5, 0, ring.rise + 0.001))
    world.step(240)
    position, quaternion = world.bullet.getBasePositionAndOrientation(body)
    assert position == pytest.approx((0.5, 0, ring.rise), abs=0.004)
    assert world.bullet.getMatrixFromQuaternion(quaternion)[8] > np.cos(np.deg2rad(8))


def test_the_arm_of_a_hook_goes_through_the_loop(world, generator):
    ring, hook = draw_ring(generator, "ring", "round"), draw_hooks(generator)[0]
    world.add(hook.links(), (0.5, 0, 0), fixed=True)
    drop = np.array([0, 0, ring.radius - 0.014])
    body = world.add(ring.links(), np.array([0.5, 0, 0]) + hook.middle - drop, np.pi / 2)
    world.step(480)
    x, y, z = world.position(body)
    assert 0.5 < x < 0.5 + hook.length and abs(y) < 0.01 and 0 < hook.height - z < ring.radius


def test_hooks_share_a_colour_or_a_height(generator):
    for _ in range(20):
        first, second, third = draw_hooks(generator)
        assert first.color == second.color != third.color and first.tall == third.tall != second.tall
        tall, short = (first, second) if first.tall == "tall" else (second, first)
        assert tall.height > short.height + 0.04


def test_an_unknown_kind_is_refused(generator):
    with pytest.raises(ValueError, match="unknown kind of ring 'oval': expected one of round, square, hexagonal"):
        draw_ring(generator, "ring", "oval").links()
