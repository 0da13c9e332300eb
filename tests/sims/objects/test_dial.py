import pytest

from sims.objects.dial import KNOB_KINDS, NOVEL_KNOB_KINDS, RANGE, draw_dial

KINDS = (*KNOB_KINDS, *NOVEL_KNOB_KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_the_knob_is_where_it_is_said_to_be_and_fits_a_hand(world, generator, kind):
    dial = draw_dial(generator, kind)
    body = world.add(dial.links(), (0.5, 0, 0), fixed=True)
    top = dial.knob_position() + (0.5, 0, 0)
    (struck,) = world.bullet.rayTestBatch([(top + (0, 0, 0.3)).tolist()], [(top - (0, 0, 0.05)).tolist()])
    assert struck[:2] == (body, 0) and struck[3][2] == pytest.approx(top[2], abs=0.0015)
    grasp = top - (0, 0, 0.011)
    sides = world.bullet.rayTestBatch([(grasp + (0, s, 0)).tolist() for s in (-0.2, 0.2)], [grasp.tolist()] * 2)
    across = abs(sides[0][3][1] - sides[1][3][1])
    # The fingers open to 8 cm.
    assert all(side[:2] == (body, 0) for side in sides) and 0.01 < across < 0.072


@pytest.mark.parametrize("sign", [-1, 1])
def test_the_knob_turns_both_ways_to_its_stop(world, generator, sign):
    dial = draw_dial(generator, "lever")
    body = world.add(dial.links(), (0.5, 0, 0), fixed=True)
    bullet = world.bullet
    bullet.setJointMotorControl2(body, 0, bullet.VELOCITY_CONTROL, targetVelocity=sign * 4.0, force=0.5)
    world.step(360)
    assert world.joint((body, 0)) == pytest.approx(sign * RANGE, abs=0.03)


def test_an_unknown_kind_is_named(generator):
    with pytest.raises(ValueError, match="unknown kind of knob 'star'"):
        draw_dial(generator, "star").links()
