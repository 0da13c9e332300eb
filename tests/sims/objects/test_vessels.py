import numpy as np
import pytest

from sims.objects.vessels import BALL_RADIUS, BOWLS, CUPS, ball_positions, draw_bowl, draw_cup
from sims.splits import SPLITS, draw


@pytest.mark.parametrize("split", SPLITS)
def test_cups_fit_between_the_fingers_and_bowls_are_wider(split):
    generator = np.random.default_rng(0)
    for _ in range(30):
        cup, bowl = draw(draw_cup, CUPS, split, generator), draw(draw_bowl, BOWLS, split, generator)
        assert 0.04 < 2 * cup.mouth < 0.072 < 2 * bowl.mouth
        assert CUPS.split_of(cup) == BOWLS.split_of(bowl) == split


@pytest.mark.parametrize("kind", ["round", "square", "hexagonal", "flared"])
def test_balls_lie_apart_within_the_cup(kind):
    cup = draw_cup(np.random.default_rng(1), "cup", kind)
    places = ball_positions(cup, 20)
    apart = np.linalg.norm(places[:, None] - places[None], axis=2) + np.eye(20)
    assert apart.min() > 2 * BALL_RADIUS
    assert np.hypot(places[:, 0], places[:, 1]).max() + BALL_RADIUS < cup.room
    assert all(cup.holds(place) for place in places)


def test_a_wall_leans_from_foot_to_mouth(world):
    bowl = draw_bowl(np.random.default_rng(2), "bowl", "round")
    body = world.add(bowl.links(), (0.5, 0.0, 0.0), fixed=True)
    for height, radius in ((0.004, bowl.foot), (bowl.height - 0.004, bowl.mouth)):
        (hit,) = world.bullet.rayTestBatch([(1.0, 0.0, height)], [(0.5, 0.0, height)])
        assert hit[0] == body and hit[3][0] - 0.5 == pytest.approx(radius, abs=0.004)
