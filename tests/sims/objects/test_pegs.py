import dataclasses

import numpy as np
import pytest

from sims.objects.pegs import PEGS, draw_peg, floor_height, holder, socket, turns
from sims.objects.shapes import Link

KINDS = (*PEGS.kinds, *PEGS.novel_kinds)
DEPTH = 0.036


def drop(world, peg, opening, turned=0.0):
    """Lets a peg fall into its holder; returns how high its foot then is above the floor of the socket."""
    shapes = holder(peg.category, peg.kind, opening, DEPTH)
    world.add([Link("socket", shapes, (1, 1, 1))], (0.5, 0, 0), fixed=True)
    floor = floor_height(peg.category)
    body = world.add(peg.links(), (0.5, 0, floor + DEPTH + peg.height / 2 - 0.004), turned)
    world.step(240)
    return world.position(body)[2] - peg.height / 2 - floor


@pytest.mark.parametrize("category", ["peg", "candle"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_peg_goes_into_its_hole_to_the_floor(world, generator, category, kind):
    peg = draw_peg(generator, category, kind)
    assert drop(world, peg, peg.width + 0.002) == pytest.approx(0, abs=0.003)


@pytest.mark.parametrize("kind", KINDS)
def test_a_peg_wider_than_the_hole_stays_out(world, generator, kind):
    peg = draw_peg(generator, "peg", kind)
    assert drop(world, dataclasses.replace(peg, width=peg.width + 0.004), peg.width + 0.002) > 0.02


def test_a_square_peg_goes_in_straight_only(world, generator):
    peg = draw_peg(generator, "peg", "square")
    assert drop(world, peg, peg.width + 0.002, turned=np.pi / 4) > 0.02
    assert turns("square") == pytest.approx((0, np.pi / 2, np.pi, 1.5 * np.pi))


def test_a_key_says_category_kind_colour_and_size(generator):
    peg = draw_peg(generator, "candle", "square")
    assert peg.key == f"candle/square/{peg.color}/{peg.size}" and peg.name == f"{peg.color} candle"
    with pytest.raises(ValueError, match="unknown kind of peg 'oval': expected one of round, square, hexagonal"):
        socket("oval", 0.03, 0, 0.03)
