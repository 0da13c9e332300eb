import numpy as np
import pytest

from sims.objects.joints import hold_by_spring
from sims.objects.panel import BUTTONS, Panel, draw_button, draw_buttons
from sims.splits import SPLITS

KINDS = (*BUTTONS.kinds, *BUTTONS.novel_kinds)
SORTS = [*(("button", kind) for kind in KINDS), *(("key", kind) for kind in BUTTONS.kinds)]


def build(generator: np.random.Generator, category: str, kind: str, count: int = 3) -> Panel:
    return Panel(tuple(draw_button(generator, category, kind) for _ in range(count)), "black", 0.12, 0.06, 0.075)


@pytest.mark.parametrize(("category", "kind"), SORTS)
def test_tops_of_buttons_are_where_they_are_said_to_be(world, generator, category, kind):
    panel = build(generator, category, kind)
    body = world.add(panel.links(), (0.5, 0, 0), fixed=True)
    for index in range(3):
        top = panel.button_position(index) + (0.5, 0, 0)
        (struck,) = world.bullet.rayTestBatch([(top + (0, 0, 0.3)).tolist()], [(top - (0, 0, 0.05)).tolist()])
        assert struck[:2] == (body, index)
        assert struck[3][2] == pytest.approx(top[2], abs=0.0015)


@pytest.mark.parametrize(("category", "kind"), SORTS)
def test_buttons_go_down_by_their_travel_and_spring_back(world, generator, category, kind):
    panel = build(generator, category, kind, count=2)
    body = world.add(panel.links(), (0.5, 0, 0), fixed=True)
    top = panel.button_position(0) + (0.5, 0, 0)

    def height() -> float:
        (struck,) = world.bullet.rayTestBatch([(top + (0, 0, 0.3)).tolist()], [(top - (0, 0, 0.05)).tolist()])
        return float(struck[3][2])

    before = height()
    world.bullet.setJointMotorControl2(body, 0, world.bullet.VELOCITY_CONTROL, targetVelocity=0.5, force=5)
    hold_by_spring(world, (body, 1), panel.spring(1))
    world.step(120)
    assert world.joint((body, 0)) == pytest.approx(panel.stroke(0), rel=0.12)
    assert before - height() == pytest.approx(panel.buttons[0].travel, abs=0.003)
    assert abs(world.joint((body, 1))) < 0.05 * panel.stroke(1)
    hold_by_spring(world, (body, 0), panel.spring(0))
    world.step(240)
    assert abs(world.joint((body, 0))) < 0.05 * panel.stroke(0)


def test_buttons_do_not_overlap_nor_go_down_into_their_panel(generator):
    for kind in KINDS:
        drawn = [draw_button(generator, "button", kind) for _ in range(100)]
        assert max(2 * 1.25 * button.radius for button in drawn) < 0.068
        assert all(button.travel < button.height for button in drawn)


@pytest.mark.parametrize("split", SPLITS)
def test_buttons_of_a_panel_differ_in_colour(split):
    for seed in range(10):
        buttons = draw_buttons(np.random.default_rng(seed), split, 3)
        assert len({button.color for button in buttons}) == 3
        assert all(BUTTONS.split_of(button) == split for button in buttons)


def test_an_unknown_kind_is_named(generator):
    with pytest.raises(ValueError, match="unknown kind of cap 'star'"):
        draw_button(generator, "button", "star").shapes()
