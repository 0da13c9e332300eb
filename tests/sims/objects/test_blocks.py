import numpy as np
import pytest

from sims.objects.blocks import BLOCKS, Bin, draw_bin, draw_item
from sims.objects.shapes import Link, Shape

KINDS = (*BLOCKS.kinds, *BLOCKS.novel_kinds)


@pytest.mark.parametrize("kind", KINDS)
def test_a_block_stands_as_high_as_said_and_fits_between_fingers(world, generator, kind):
    for _ in range(4):
        block = draw_item(generator, "block", kind)
        body = world.add(block.links(), (0.5, 0, block.height / 2))
        center = np.array([0.5, 0, block.height / 2])
        starts = [center + (0, 0, 0.2), center - (0, 0.2, 0), center + (0, 0.2, 0)]
        above, left, right = world.bullet.rayTestBatch([start.tolist() for start in starts], [center.tolist()] * 3)
        assert above[0] == left[0] == right[0] == body
        assert above[3][2] == pytest.approx(block.height, abs=0.0015)
        assert right[3][1] - left[3][1] < 0.075
        low, high = world.bullet.getAABB(body)
        reach = max(np.abs(np.subtract(bound, center)[:2]).max() for bound in (low, high))
        assert reach < block.reach + 0.01
        world.clear()


@pytest.mark.parametrize("kind", KINDS)
def test_a_block_stays_where_it_is_put(world, generator, kind):
    block = draw_item(generator, "block", kind)
    body = world.add(block.links(), (0.5, 0, block.height / 2 + 0.001), 0.4)
    world.step(240)
    assert np.linalg.norm(world.position(body)[:2] - (0.5, 0)) < 0.005 and world.speed(body) < 0.01


def test_names_say_what_a_block_is(generator):
    for _ in range(40):
        block = draw_item(generator, "block", "brick")
        assert block.name == f"{block.size} {block.color} brick" and block.key == f"block/{block.name}"
        assert (block.width > 0.04) == (block.size == "large") and block.length == 2 * block.width
    with pytest.raises(ValueError, match="unknown kind of block 'ring'"):
        draw_item(generator, "block", "ring")


def test_a_bin_holds_what_falls_into_it(world, generator):
    box: Bin = draw_bin(generator)
    world.add(box.links(), (0.5, 0, 0), fixed=True)
    ball = world.add([Link("ball", [Shape("sphere", (0.02,) * 3)], (1, 0, 0))], (0.54, 0.02, box.height + 0.05))
    world.step(480)
    x, y, z = world.position(ball) - (0.5, 0, 0)
    assert abs(x) < box.length / 2 and abs(y) < box.width / 2 and z == pytest.approx(0.028, abs=0.004)
