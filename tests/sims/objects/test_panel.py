import numpy as np
import pytest

from sims.objects.panel import CAP_KINDS, NOVEL_CAP_KINDS, Panel, draw_button

KINDS = (*CAP_KINDS, *NOVEL_CAP_KINDS)


def build(generator: np.random.Generator, kind: str, count: int = 3) -> Panel:
    return Panel(tuple(draw_button(generator, kind) for _ in range(count)), "black", 0.12, 0.06, 0.075)


@pytest.mark.parametrize("kind", KINDS)
def test_tops_of_buttons_are_where_they_are_said_to_be(world, generator, kind):
    panel = build(generator, kind)
    body = world.add(panel.links(), (0.5, 0, 0), fixed=True)
    for index in range(3):
        top = panel.button_position(index) + (0.5, 0, 0)
        (struck,) = world.bullet.rayTestBatch([(top + (0, 0, 0.3)).tolist()], [(top - (0, 0, 0.05)).tolist()])
        assert struck[:2] == (body, index)
        assert struck[3][2] == pytest.approx(top[2], abs=0.0015)


@pytest.mark.parametrize("kind", KINDS)
def test_buttons_go_down_by_their_travel(world, generator, kind):
    panel = build(generator, kind, count=2)
    body = world.add(panel.links(), (0.5, 0, 0), fixed=True)
    world.bullet.setJointMotorControl2(body, 0, world.bullet.VELOCITY_CONTROL, targetVelocity=0.2, force=5)
    world.bullet.setJointMotorControl2(body, 1, world.bullet.POSITION_CONTROL, targetPosition=0, force=4)
    world.step(120)
    assert world.joint((body, 0)) == pytest.approx(panel.buttons[0].travel, abs=0.002)
    assert abs(world.joint((body, 1))) < 0.001
    assert all(button.travel < button.height for button in panel.buttons)


def test_buttons_do_not_overlap(generator):
    for kind in KINDS:
        widest = max(2 * 1.25 * draw_button(generator, kind).radius for _ in range(100))
        assert widest < 0.068


def test_an_unknown_kind_is_named(generator):
    with pytest.raises(ValueError, match="unknown kind of cap 'star'"):
        draw_button(generator, "star").shapes()
