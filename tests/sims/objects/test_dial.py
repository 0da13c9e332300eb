import numpy as np
import pytest

from sims.objects.dial import DIALS, KNOBS, RANGE, draw_dial, knob_width

SORTS = [*(("dial", kind) for kind in KNOBS), *(("valve", kind) for kind in DIALS.kinds)]


@pytest.mark.parametrize(("category", "kind"), SORTS)
def test_the_knob_is_where_it_is_said_to_be_and_fits_a_hand(world, generator, category, kind):
    dial = draw_dial(generator, category, kind)
    body = world.add(dial.links(), (0.5, 0, 0), fixed=True)
    top = dial.knob_position() + (0.5, 0, 0)
    (struck,) = world.bullet.rayTestBatch([(top + (0, 0, 0.3)).tolist()], [(top - (0, 0, 0.05)).tolist()])
    assert struck[:2] == (body, 0) and struck[3][2] == pytest.approx(top[2], abs=0.0015)
    grasp = top - (0, 0, 0.011)
    sides = world.bullet.rayTestBatch([(grasp + (0, s, 0)).tolist() for s in (-0.2, 0.2)], [grasp.tolist()] * 2)
    across = abs(sides[0][3][1] - sides[1][3][1])
    # The fingers open to 8 cm.
    assert all(side[:2] == (body, 0) for side in sides) and 0.01 < across < 0.072
    assert across == pytest.approx(dial.grip_width, abs=0.002)


def test_a_handwheel_is_out_of_the_fingers_way(world, generator):
    dial = draw_dial(generator, "valve", "lever")
    body = world.add(dial.links(), (0.5, 0, 0), fixed=True)
    rim = dial.knob_position() + (0.5, 0.046, 0)
    (struck,) = world.bullet.rayTestBatch([(rim + (0, 0, 0.1)).tolist()], [(rim - (0, 0, 0.2)).tolist()])
    assert struck[:2] == (body, 0)
    # The tips of the fingers are 18 mm below the top of a knob that is gripped.
    assert struck[3][2] < rim[2] - 0.018 - 0.010


@pytest.mark.parametrize("category", ["dial", "valve"])
@pytest.mark.parametrize("sign", [-1, 1])
def test_the_knob_turns_both_ways_to_its_stop(world, generator, category, sign):
    dial = draw_dial(generator, category, "lever")
    body = world.add(dial.links(), (0.5, 0, 0), fixed=True)
    bullet = world.bullet
    bullet.setJointMotorControl2(body, 0, bullet.VELOCITY_CONTROL, targetVelocity=sign * 4.0, force=0.5)
    world.step(360)
    assert world.joint((body, 0)) == pytest.approx(sign * RANGE, abs=0.03)


def test_an_unknown_kind_is_named(generator):
    with pytest.raises(ValueError, match="unknown kind of knob 'star': expected one of lever, ridge"):
        draw_dial(generator, "dial", "star").links()


def test_the_width_of_a_hexagon_is_across_its_flats():
    assert knob_width("hexagon", 0.02) == pytest.approx(0.02 * np.sqrt(3))
