import numpy as np
import pytest

from sims.objects.cabinet import CABINETS, draw_cabinet

KINDS = (*CABINETS.kinds, *CABINETS.novel_kinds)


@pytest.mark.parametrize("kind", KINDS)
def test_handles_are_where_they_are_said_to_be(world, generator, kind):
    cabinet = draw_cabinet(generator, "cabinet", kind)
    body = world.add(cabinet.links(), (0.5, 0, 0), fixed=True)
    bullet = world.bullet
    assert [bullet.getJointInfo(body, link)[12].decode() for link in range(4)] == [
        "drawer0", "handle0", "drawer1", "handle1",
    ]  # fmt: skip
    for index in range(2):
        place = np.array([0.5, 0, 0]) + cabinet.handle_position(index)
        (struck,) = bullet.rayTestBatch([(place + (0.2, 0, 0)).tolist()], [place.tolist()])
        assert struck[:2] == (body, 2 * index + 1)
        assert place[0] <= struck[3][0] < place[0] + 0.03


@pytest.mark.parametrize("kind", KINDS)
def test_drawers_slide_out_to_their_travel_and_no_further(world, generator, kind):
    cabinet = draw_cabinet(generator, "cabinet", kind)
    body = world.add(cabinet.links(), (0.5, 0, 0), fixed=True)
    for link in (0, 2):
        world.bullet.setJointMotorControl2(body, link, world.bullet.VELOCITY_CONTROL, targetVelocity=0.5, force=5)
    world.step(240)
    for link in (0, 2):
        assert world.joint((body, link)) == pytest.approx(cabinet.travel, abs=0.003)


def test_sizes_colours_and_kinds_vary_and_an_unknown_kind_is_named(generator):
    drawn = [draw_cabinet(generator, "cabinet", "bar") for _ in range(60)]
    assert len({one.key for one in drawn}) > 15 and len({one.width for one in drawn}) == 60
    for one in drawn:
        assert (one.width > 0.265) == (one.size_class == "wide")
        height = one.plinth + 2 * one.drawer_height + 0.03
        assert 0.2 < height < 0.4 and one.handle_position(1)[2] > one.handle_position(0)[2]
    with pytest.raises(ValueError, match="unknown kind of handle 'rope'"):
        draw_cabinet(generator, "cabinet", "rope").links()
