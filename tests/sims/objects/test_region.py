import numpy as np
import pytest

from sims.objects.blocks import draw_item
from sims.objects.region import Region, draw_regions


@pytest.mark.parametrize(
    ("shape", "offset", "inside"),
    [
        ("disc", (0.04, 0.0), True),
        ("disc", (0.04, 0.04), False),
        ("square", (0.048, 0.0), True),
        ("square", (0.072, 0.0), False),
        ("square", (0.034, 0.034), True),
        ("square", (0.04, 0.04), False),
    ],
)
def test_what_a_region_holds(shape, offset, inside):
    region = Region("red", shape, (1, 0, 0), 0.05)
    # Turned by half a right angle, a square reaches furthest along x and y.
    assert region.holds(np.array(offset), np.pi / 4) is inside


def test_nothing_bumps_into_a_region(world, generator):
    block = draw_item(generator, "block", "cube")
    draw_regions(generator)[0].paint(world, (0.5, 0.0), 0.0)
    body = world.add(block.links(), (0.5, 0, block.height / 2))
    world.step(120)
    assert world.position(body)[2] == pytest.approx(block.height / 2, abs=0.0005)


def test_regions_share_a_colour_or_a_shape(generator):
    for _ in range(20):
        first, second, third = draw_regions(generator)
        assert first.color == second.color != third.color and first.shape == third.shape != second.shape
