import numpy as np
import pytest

from sims.objects.appliance import APPLIANCES, STYLES, draw_appliance

SORTS = [
    *((category, kind) for category in APPLIANCES.categories for kind in STYLES),
    *((category, kind) for category in APPLIANCES.novel_categories for kind in APPLIANCES.kinds),
]


@pytest.mark.parametrize(("category", "kind"), SORTS)
def test_parts_are_where_they_are_said_to_be(world, generator, category, kind):
    appliance = draw_appliance(generator, category, kind)
    body = world.add(appliance.links(), (0.7, 0, 0), fixed=True)
    knobs, buttons = len(appliance.knob_colors), len(appliance.buttons)
    tops = [
        *((appliance.knob_link(index), appliance.knob_top(index)) for index in range(knobs)),
        *((appliance.button_link(index), appliance.button_top(index)) for index in range(buttons)),
    ]
    for link, top in tops:
        place = top + (0.7, 0, 0)
        (struck,) = world.bullet.rayTestBatch([(place + (0, 0, 0.3)).tolist()], [(place - (0, 0, 0.02)).tolist()])
        assert struck[:2] == (body, link) and struck[3][2] == pytest.approx(place[2], abs=0.0015)
    handle = appliance.handle_top() + (0.7, 0, 0)
    (struck,) = world.bullet.rayTestBatch([(handle + (0, 0, 0.02)).tolist()], [(handle - (0, 0, 0.02)).tolist()])
    assert struck[:2] == (body, appliance.drawer_link + 1) and struck[3][2] == pytest.approx(handle[2], abs=0.0015)
    grasp = handle - (0, 0, 0.006)
    sides = world.bullet.rayTestBatch([(grasp + (0, s, 0)).tolist() for s in (-0.1, 0.1)], [grasp.tolist()] * 2)
    across = abs(sides[0][3][1] - sides[1][3][1])
    assert all(side[1] == appliance.drawer_link + 1 for side in sides)
    # A ball or a disc is narrower near its top.
    assert 0.6 * appliance.handle_width < across < appliance.handle_width + 0.002
    assert world.bullet.getJointInfo(body, appliance.drawer_link)[12] == b"drawer"
    # Rows run from left to right.
    assert (np.diff([appliance.knob_top(index)[1] for index in range(knobs)]) < 0).all()


@pytest.mark.parametrize("category", ["stove", "washer", "radio"])
def test_the_drawer_comes_out_in_front(world, generator, category):
    appliance = draw_appliance(generator, category, "classic")
    body = world.add(appliance.links(), (0.7, 0, 0), fixed=True)
    before = world.bullet.getLinkState(body, appliance.drawer_link + 1)[0][0]
    bullet = world.bullet
    bullet.setJointMotorControl2(body, appliance.drawer_link, bullet.VELOCITY_CONTROL, targetVelocity=0.2, force=5)
    world.step(240)
    assert world.joint((body, appliance.drawer_link)) == pytest.approx(appliance.travel, abs=0.003)
    assert bullet.getLinkState(body, appliance.drawer_link + 1)[0][0] < before - 0.08


def test_knobs_are_either_all_alike_or_all_different(generator):
    found = set()
    for _ in range(40):
        appliance = draw_appliance(generator, "stove", "classic")
        assert len({button.color for button in appliance.buttons}) == len(appliance.buttons)
        found.add(len(set(appliance.knob_colors)))
        assert len(set(appliance.shades)) == len(set(appliance.knob_colors))
    assert found == {1, 4}


def test_an_unknown_style_is_named(generator):
    with pytest.raises(ValueError, match="unknown appliance 'stove' in style 'baroque': expected one of stove, washer"):
        draw_appliance(generator, "stove", "baroque")
