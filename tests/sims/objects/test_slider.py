import numpy as np
import pytest

from sims.objects.joints import hold_by_friction
from sims.objects.slider import SLIDER_FRICTION, SLIDERS, SliderBoard, draw_slider, draw_sliders
from sims.splits import SPLITS

KINDS = (*SLIDERS.kinds, *SLIDERS.novel_kinds)
SORTS = [*(("fader", kind) for kind in KINDS), *(("bead", kind) for kind in SLIDERS.kinds)]


@pytest.mark.parametrize(("category", "kind"), SORTS)
def test_a_slider_is_where_it_is_said_to_be_and_fits_a_hand(world, generator, category, kind):
    board = SliderBoard(tuple(draw_slider(generator, category, kind) for _ in range(3)), "gray", 0.07, 0.07, 0.09)
    body = world.add(board.links(), (0.5, 0, 0), fixed=True)
    for index, joint in enumerate((0.0, 0.04, board.travel)):
        part = (body, board.slider_link(index))
        world.bullet.resetJointState(*part, joint)
        hold_by_friction(world, part, SLIDER_FRICTION)
    world.step(24)
    for index, joint in enumerate((0.0, 0.04, board.travel)):
        top = board.position(index, joint) + (0.5, 0, 0)
        (struck,) = world.bullet.rayTestBatch([(top + (0, 0, 0.3)).tolist()], [(top - (0, 0, 0.05)).tolist()])
        assert struck[:2] == (body, board.slider_link(index))
        assert struck[3][2] == pytest.approx(top[2], abs=0.0015)
        grasp = top - (0, 0, 0.011)
        near = [(grasp + (0, s * board.spacing / 2, 0)).tolist() for s in (-1, 1)]
        sides = world.bullet.rayTestBatch(near, [grasp.tolist()] * 2)
        across = abs(sides[0][3][1] - sides[1][3][1])
        assert all(side[:2] == (body, board.slider_link(index)) for side in sides)
        # A ball is a little narrower where the fingers are than in its middle.
        assert across == pytest.approx(board.sliders[index].grip_width, rel=0.25)


def test_a_slider_stays_until_it_is_pushed_and_stops_at_its_ends(world, generator):
    board = SliderBoard(tuple(draw_slider(generator, "fader", "block") for _ in range(2)), "gray", 0.07, 0.07, 0.09)
    body = world.add(board.links(), (0.5, 0, 0), fixed=True)
    bullet, pushed, left = world.bullet, (body, board.slider_link(0)), (body, board.slider_link(1))
    for part in (pushed, left):
        bullet.resetJointState(*part, 0.04)
        hold_by_friction(world, part, SLIDER_FRICTION)
    bullet.setJointMotorControl2(*pushed, bullet.VELOCITY_CONTROL, targetVelocity=0.2, force=3)
    world.step(240)
    assert world.joint(pushed) == pytest.approx(board.travel, abs=0.002)
    assert world.joint(left) == pytest.approx(0.04, abs=1e-4)


@pytest.mark.parametrize("split", SPLITS)
def test_sliders_of_a_board_differ_in_colour(split):
    sliders = draw_sliders(np.random.default_rng(0), split, 3)
    assert len({slider.color for slider in sliders}) == 3
    assert all(SLIDERS.split_of(slider) == split for slider in sliders)


def test_an_unknown_kind_is_named(generator):
    with pytest.raises(ValueError, match="unknown kind of slider 'star'"):
        draw_slider(generator, "fader", "star").shapes()
