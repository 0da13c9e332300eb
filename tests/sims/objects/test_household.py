import numpy as np
import pytest

from sims.objects.blocks import draw_item
from sims.objects.household import HOUSEHOLD, STANDING, draw_household


@pytest.mark.parametrize("noun", HOUSEHOLD)
@pytest.mark.parametrize("size", ["small", "large"])
def test_a_thing_is_as_large_as_said_stands_still_and_fits_the_hand(world, generator, noun, size):
    item = draw_household(generator, noun, "red", size)
    body = world.add(item.links(), (0.5, 0, item.height / 2 + 0.001))
    spots = np.mgrid[-0.1:0.1:41j, -0.1:0.1:41j].reshape(2, -1).T + (0.5, 0)
    down = world.bullet.rayTestBatch([(*spot, 0.3) for spot in spots], [(*spot, -0.01) for spot in spots])
    hits = np.array([hit[3] for hit in down if hit[0] == body])
    assert hits[:, 2].max() == pytest.approx(item.height, abs=0.004)
    assert np.hypot(*(hits[:, :2] - (0.5, 0)).T).max() < item.reach + 0.012
    for turned in item.grips:
        # Where the fingers come from either side, the thing is in between and narrower than the open hand.
        across = 0.1 * np.array([-np.sin(turned), np.cos(turned), 0])
        middle = np.array([0.5, 0, item.grip])
        one, other = world.bullet.rayTestBatch([(middle + across).tolist(), (middle - across).tolist()], [middle] * 2)
        assert one[0] == other[0] == body
        assert np.linalg.norm(np.subtract(one[3], other[3])) < 0.072
    world.step(240)
    assert np.linalg.norm(world.position(body) - (0.5, 0, item.height / 2)) < 0.006 and world.speed(body) < 0.01


def test_a_household_thing_is_named_by_its_noun(generator):
    item = draw_item(generator, "mug", "cube")
    assert item.category == item.kind == "mug" and set(item.attributes) == {"size", "color"}
    assert item.key == f"mug/{item.size} {item.color} mug"
    with pytest.raises(ValueError, match="unknown household thing 'fork': expected one of mug"):
        draw_item(generator, "fork", "cube")


@pytest.mark.parametrize("noun", STANDING)
def test_things_with_a_flat_top_bear_one_another(world, generator, noun):
    below, above = (draw_household(generator, noun, "blue", "large") for _ in range(2))
    world.add(below.links(), (0.5, 0, below.height / 2))
    body = world.add(above.links(), (0.5, 0, below.height + above.height / 2 + 0.001))
    world.step(240)
    assert world.position(body)[2] == pytest.approx(below.height + above.height / 2, abs=0.004)
