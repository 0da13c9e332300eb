import numpy as np
import pytest

from sims.objects.switch import SWITCHES, SwitchBoard, draw_switch, draw_switches
from sims.splits import SPLITS

KINDS = (*SWITCHES.kinds, *SWITCHES.novel_kinds)
SORTS = [*(("toggle", kind) for kind in KINDS), *(("rocker", kind) for kind in SWITCHES.kinds)]


def stand(world, switches) -> tuple[SwitchBoard, int]:
    board = SwitchBoard(tuple(switches), "black", 0.14, 0.06, 0.08)
    return board, world.add(board.links(), (0.5, 0, 0), fixed=True)


@pytest.mark.parametrize(("category", "kind"), SORTS)
def test_a_switch_stays_as_it_is_put_and_falls_to_either_side_of_the_middle(world, generator, category, kind):
    board, body = stand(world, [draw_switch(generator, category, kind) for _ in range(4)])
    for index, on in enumerate((True, False, True, False)):
        board.set(world, body, index, on)
    for index, lean in ((2, -0.3), (3, 0.3)):
        world.bullet.resetJointState(body, board.hinge_link(index), lean * board.switches[index].tilt)
    world.step(360)
    found = [board.leaning(world, body, index) for index in range(4)]
    np.testing.assert_allclose(found, [1, -1, -1, 1], atol=0.03)


@pytest.mark.parametrize(("category", "kind"), SORTS)
@pytest.mark.parametrize("on", [False, True])
def test_the_end_of_a_switch_is_where_it_is_said_to_be(world, generator, category, kind, on):
    board, body = stand(world, [draw_switch(generator, category, kind) for _ in range(2)])
    for index in (0, 1):
        board.set(world, body, index, on)
    world.step(24)
    end = board.end(0, on) + (0.5, 0, 0)
    # Upright levers are struck a little below their end, from above and towards the axle.
    inward = (board.axle(0) + (0.5, 0, 0) - end) * (0.15 if category == "toggle" else 0)
    (struck,) = world.bullet.rayTestBatch(
        [(end + inward + (0, 0, 0.2)).tolist()], [(end + inward - (0, 0, 0.05)).tolist()]
    )
    assert struck[:2] == (body, board.lever_link(0))
    assert struck[3][2] == pytest.approx(end[2], abs=0.006)
    assert np.sign(board.end(0, True)[0] - board.end(0, False)[0]) == (1 if category == "toggle" else -1)


def test_links_are_numbered_as_said(world, generator):
    board, body = stand(world, [draw_switch(generator, "toggle", "flat") for _ in range(3)])
    names = [world.bullet.getJointInfo(body, link)[12].decode() for link in range(world.bullet.getNumJoints(body))]
    assert [names[board.hinge_link(index)] for index in range(3)] == ["hinge0", "hinge1", "hinge2"]
    assert [names[board.lever_link(index)] for index in range(3)] == ["lever0", "lever1", "lever2"]


@pytest.mark.parametrize("split", SPLITS)
def test_switches_of_a_board_differ_in_colour(split):
    switches = draw_switches(np.random.default_rng(0), split, 3)
    assert len({switch.color for switch in switches}) == 3
    assert all(SWITCHES.split_of(switch) == split for switch in switches)


@pytest.mark.parametrize("category", ["toggle", "rocker"])
def test_an_unknown_kind_is_named(generator, category):
    with pytest.raises(ValueError, match=r"unknown kind of \w+ 'star'"):
        draw_switch(generator, category, "star").shapes()
