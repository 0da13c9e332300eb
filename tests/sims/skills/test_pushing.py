import numpy as np
import pytest

from sims.objects.blocks import PUSHABLE, draw_item
from sims.skills.pushing import is_clear, plans, push

KINDS = (*PUSHABLE.kinds, *PUSHABLE.novel_kinds)


@pytest.mark.parametrize("kind", KINDS)
def test_strokes_run_against_flat_sides_and_end_at_the_goal(generator, kind):
    item = draw_item(generator, "block", kind)
    for _ in range(20):
        yaw, start, goal = generator.uniform(-3, 3), generator.uniform(0.3, 0.6, 2), generator.uniform(0.3, 0.6, 2)
        for strokes in plans(item, yaw, start, goal):
            # What is left out is shorter than 8 mm.
            assert np.linalg.norm(strokes[-1].end - goal) < 0.009
            for stroke in strokes:
                pushed = np.arctan2(*-stroke.direction[::-1]) - yaw
                facing = [abs((pushed - side + np.pi) % (2 * np.pi) - np.pi) for side, _ in item.sides]
                assert not item.sides or min(facing) == pytest.approx(0, abs=1e-6)


def test_a_thing_in_the_way_of_thing_or_hand_is_seen(generator):
    item = draw_item(generator, "block", "cylinder")
    (strokes,) = plans(item, 0.0, np.array([0.4, 0.0]), np.array([0.6, 0.0]))
    assert is_clear(item, strokes, [((0.5, 0.15), 0.03)])
    assert not is_clear(item, strokes, [((0.5, 0.06), 0.03)])
    assert not is_clear(item, strokes, [((0.34, 0.05), 0.03)])
    # Palm and wrist meet only what is taller than the thing pushed.
    assert not is_clear(item, strokes, [], taller=[((0.5, 0.12), 0.03)])


@pytest.mark.parametrize("kind", KINDS)
def test_fingers_stay_closed_low_and_behind_the_thing(generator, kind):
    item = draw_item(generator, "block", kind)
    (strokes, *_) = plans(item, 0.2, np.array([0.4, 0.0]), np.array([0.6, 0.0]))
    waypoints = push(item, strokes, 0.2)
    assert all(waypoint.gripper == 0.0 for waypoint in waypoints)
    low = min(waypoint.pose[2, 3] for waypoint in waypoints)
    assert 0.007 < low < item.height
    assert max(waypoint.pose[2, 3] for waypoint in waypoints) == pytest.approx(0.2)
