import numpy as np
import pytest

from sims.objects.marked_dial import MARKED_DIALS, RANGE, draw_marked_dial

KINDS = (*MARKED_DIALS.kinds, *MARKED_DIALS.novel_kinds)
SORTS = [*(("dial", kind) for kind in KINDS), *(("clock", kind) for kind in MARKED_DIALS.kinds)]


@pytest.mark.parametrize(("category", "kind"), SORTS)
def test_the_pointer_shows_the_mark_at_its_angle(world, generator, category, kind):
    dial = draw_marked_dial(generator, category, kind)
    body = world.add(dial.links(), (0.5, 0, 0), fixed=True)
    for index in range(len(dial.marks)):
        assert abs(dial.mark_angle(index)) < RANGE - np.deg2rad(12)
        world.bullet.resetJointState(body, 0, dial.mark_angle(index))
        knob = np.array(world.bullet.getLinkState(body, 0, computeForwardKinematics=1)[4])
        rotation = np.array(world.bullet.getMatrixFromQuaternion(world.bullet.getLinkState(body, 0)[5])).reshape(3, 3)
        mark = dial.mark_position(index) + (0.5, 0, 0)
        away = (mark - knob)[:2]
        np.testing.assert_allclose(away / np.linalg.norm(away), rotation[:2, 0], atol=1e-6)
        (struck,) = world.bullet.rayTestBatch([(mark + (0, 0, 0.2)).tolist()], [(mark - (0, 0, 0.01)).tolist()])
        assert struck[:2] == (body, dial.mark_link(index))


@pytest.mark.parametrize(("category", "kind"), SORTS)
def test_the_knob_is_where_it_is_said_to_be_and_fits_a_hand(world, generator, category, kind):
    dial = draw_marked_dial(generator, category, kind)
    body = world.add(dial.links(), (0.5, 0, 0), fixed=True)
    top = dial.knob_position() + (0.5, 0, 0)
    (struck,) = world.bullet.rayTestBatch([(top + (-0.002, 0, 0.3)).tolist()], [(top - (0.002, 0, 0.05)).tolist()])
    assert struck[0] == body and struck[1] in (0, 1) and struck[3][2] == pytest.approx(top[2], abs=0.003)
    grasp = top - (0, 0, 0.011)
    sides = world.bullet.rayTestBatch([(grasp + (0, s, 0)).tolist() for s in (-0.2, 0.2)], [grasp.tolist()] * 2)
    assert all(side[:2] == (body, 0) for side in sides)
    assert abs(sides[0][3][1] - sides[1][3][1]) == pytest.approx(dial.grip_width, abs=0.002)


def test_marks_differ_in_colour_and_stand_from_left_to_right(generator):
    counts = set()
    for _ in range(30):
        dial = draw_marked_dial(generator, "dial", "bar")
        counts.add(len(dial.marks))
        assert len(set(dial.marks)) == len(dial.marks)
        left = [dial.mark_position(index)[1] for index in range(len(dial.marks))]
        assert (np.diff(left) < -0.005).all()
        # Near one mark is never near another.
        assert (np.diff([dial.mark_angle(index) for index in range(len(dial.marks))]) < -2 * np.deg2rad(12)).all()
    assert counts == {3, 4, 5}


def test_an_unknown_kind_is_named(generator):
    with pytest.raises(ValueError, match="unknown kind of knob 'star'"):
        draw_marked_dial(generator, "dial", "star").links()
